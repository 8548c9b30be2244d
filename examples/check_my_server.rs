//! The conformance suite against a server of your own.
//!
//! `cargo run --example check_my_server`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]
#![expect(clippy::disallowed_methods, reason = "a server starts its own tasks")]

use std::{convert::Infallible, error::Error};

use bytes::Bytes;
use d4iot_double::{Kind, check};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(serve(listener));

    let checked = check(url, Kind::Sensor)
        .user("test", "Test12345!")
        .case("validation.{authenticated,credentials_rejected.*}")
        .run()
        .await?;

    println!("{checked}");
    assert!(checked.passed());
    // The server omits the full stop, as one of the documented readings does.
    assert_eq!(
        checked.reading("validation.authenticated.body"),
        Some("table")
    );
    Ok(())
}

/// Your server: a validation that knows one user.
async fn serve(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
        tokio::spawn(connection);
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes());
    let body: Value = serde_json::from_slice(&body.unwrap_or_default()).unwrap_or_default();
    let (status, answer) = if head.uri.path() != "/api/external/authentication/validation" {
        (404, json!({}))
    } else if body["username"] == "test" && body["password"] == "Test12345!" {
        (200, json!({"msg": "Authentication succeeded"}))
    } else {
        let text = "Credentials validation failed";
        (401, json!({"error": {"userDisplayErrorMessage": text}}))
    };
    let mut response = Response::new(Full::from(answer.to_string()));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert(
        "content-type",
        http::HeaderValue::from_static("application/json"),
    );
    Ok(response)
}
