//! A client of anybody's, for the tests: each request over a connection of its own.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use bytes::Bytes;
use d4iot_double::{
    Double, Operation,
    client::{ClientError, Target, TargetOptions},
};
use http::{Request, Response};
use serde_json::json;

pub(crate) fn target(double: &Double) -> Target {
    // Over plain HTTP there is nobody to trust.
    let trust = Some(double.ca_pem().to_owned()).filter(|pem| !pem.is_empty());
    Target::new(
        double.url(),
        &TargetOptions {
            trust,
            fresh: true,
            ..TargetOptions::default()
        },
    )
    .unwrap()
}

pub(crate) async fn validate(
    target: &Target,
    username: &str,
    password: &str,
) -> Result<Response<Bytes>, ClientError> {
    ask(
        target,
        Operation::Validation,
        &json!({ "username": username, "password": password }),
    )
    .await
}

pub(crate) async fn set_password(
    target: &Target,
    username: &str,
    old: &str,
    new: &str,
) -> Result<Response<Bytes>, ClientError> {
    ask(
        target,
        Operation::SetPassword,
        &json!({ "username": username, "password": old, "new_password": new }),
    )
    .await
}

pub(crate) async fn ask(
    target: &Target,
    operation: Operation,
    body: &serde_json::Value,
) -> Result<Response<Bytes>, ClientError> {
    let path = format!("/api/external/authentication/{operation}");
    target.send(&post(&path, &body.to_string())).await
}

pub(crate) fn post(path: &str, body: &str) -> Request<Bytes> {
    Request::post(path)
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_owned()))
        .unwrap()
}

/// A client without a runtime, over plain HTTP: blocks the thread it is called on.
pub(crate) fn validate_blocking(double: &Double, username: &str, password: &str) -> String {
    let mut stream = TcpStream::connect(double.url().trim_start_matches("http://")).unwrap();
    let body = json!({ "username": username, "password": password }).to_string();
    let path = "/api/external/authentication/validation";
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
