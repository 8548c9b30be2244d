//! A delay of an hour and a lock-out, without waiting.
//!
//! `cargo run --example frozen_clock`

#![expect(
    clippy::disallowed_methods,
    reason = "the request waits while the clock moves"
)]

mod common;

use std::{error::Error, time::Duration};

use d4iot_double::{Double, Failure, Operation, Outcome, Progress, Scope};
use serde_json::json;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn Error>> {
    let sensor = Double::sensor()
        .user("test", "Test12345!")
        .lockout(2, Scope::Source, HOUR)
        .frozen()
        .start()
        .await?;
    let client = common::client(sensor.ca_pem())?;
    let url = format!("{}/api/external/authentication/validation", sensor.url());
    let validate = |password: &str| {
        let body = json!({"username": "test", "password": password});
        common::post(&client, url.clone(), &body).send()
    };

    // A delayed answer comes when the clock is advanced.
    sensor.fail(Operation::Validation, Failure::slow(HOUR).times(1));
    let answer = tokio::spawn(validate("Test12345!"));
    sensor.journal().state(Progress::Open).wait(1).await?;
    sensor.clock().advance(HOUR);
    assert_eq!(answer.await??.status(), 200);

    // A lock-out ends when the clock is advanced.
    validate("wrong").await?;
    validate("wrong").await?;
    validate("Test12345!").await?;
    assert_eq!(sensor.journal().outcome(Outcome::LockedOut).count(), 1);
    sensor.clock().advance(HOUR);
    assert_eq!(validate("Test12345!").await?.status(), 200);
    Ok(())
}
