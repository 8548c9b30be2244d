//! A first test: a sensor of your own, a failure, your client, and what it did.
//!
//! `cargo run --example quick_start`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use d4iot_double::{
    Double, Failure, Operation, Outcome,
    client::{Target, TargetOptions},
};

#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn Error>> {
    let sensor = Double::sensor().user("test", "Test12345!").start().await?;
    sensor.fail(
        Operation::Validation,
        Failure::ready_made("html_instead_of_json").times(1),
    );
    sensor.expect(Operation::Validation).times(2).no_findings();

    let valid = is_valid(sensor.url(), sensor.ca_pem(), "test", "Test12345!").await?;

    assert!(valid, "the second answer was a good one");
    sensor
        .journal()
        .outcome(Outcome::Authenticated)
        .wait(1)
        .await?;
    for entry in sensor.journal().entries() {
        println!(
            "{} {}: {}",
            entry.request.method, entry.request.target, entry.reason
        );
    }
    Ok(())
}

/// The client under test: asks once more where the answer is no JSON.
async fn is_valid(
    url: &str,
    ca_pem: &str,
    username: &str,
    password: &str,
) -> Result<bool, Box<dyn Error>> {
    let target = Target::new(
        url,
        &TargetOptions {
            trust: Some(ca_pem.to_owned()),
            ..TargetOptions::default()
        },
    )?;
    let body = serde_json::json!({ "username": username, "password": password }).to_string();
    let request = http::Request::post("/api/external/authentication/validation")
        .header("content-type", "application/json")
        .body(body.into())?;
    for _ in 0..3 {
        let answer = target.send(&request).await?;
        if let Ok(answer) = serde_json::from_slice::<serde_json::Value>(answer.body()) {
            return Ok(answer.get("msg").is_some());
        }
    }
    Err("no JSON in three answers".into())
}
