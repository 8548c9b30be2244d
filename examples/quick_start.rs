//! A first test: a sensor, a failure, your client, and what must have happened.
//!
//! `cargo run --example quick_start`

mod common;

use d4iot_double::{Double, Failure, Operation};

#[tokio::main] // in a test: #[tokio::test]
pub(crate) async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sensor = Double::sensor().user("test", "Test12345!").start().await?;
    // The first answer is lost after the password was changed.
    sensor.fail(
        Operation::SetPassword,
        Failure::reset_after_commit().times(1),
    );
    // Checked when `sensor` is dropped.
    sensor.expect(Operation::SetPassword).times(2).no_findings();

    rotate(sensor.url(), sensor.ca_pem()).await?;

    assert!(sensor.password_is("test", "Test54321!"));
    Ok(())
}

/// The client under test: retries once if no answer comes.
async fn rotate(url: &str, ca_pem: &str) -> Result<(), Box<dyn std::error::Error>> {
    let client = common::client(ca_pem)?;
    let url = format!("{url}/api/external/authentication/set_password");
    let body = serde_json::json!({"username": "test", "password": "Test12345!", "new_password": "Test54321!"});
    if common::post(&client, url.clone(), &body)
        .send()
        .await
        .is_err()
    {
        common::post(&client, url, &body).send().await?;
    }
    Ok(())
}
