//! What an unmet expectation prints.
//!
//! `cargo run --example expectations`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod common;

use std::error::Error;

use d4iot_double::{Double, Operation, Outcome};
use serde_json::json;

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    println!("{}", unmet()?);
    Ok(())
}

/// Returns the text with which dropping the double would panic.
#[tokio::main]
pub(crate) async fn unmet() -> Result<String, Box<dyn Error>> {
    let sensor = Double::sensor().user("test", "Test12345!").start().await?;
    sensor
        .expect(Operation::SetPassword)
        .outcome(Outcome::PasswordReplaced)
        .with_user("test")
        .times(2);

    // The client under test sends a wrong password, and then uses the console's path.
    let client = common::client(sensor.ca_pem())?;
    let body = json!({"username": "test", "password": "wrong", "new_password": "Test54321!"});
    for path in [
        "/api/external/authentication/set_password",
        "/external/authentication/validation",
    ] {
        let url = format!("{}{path}", sensor.url());
        common::post(&client, url, &body).send().await?;
    }

    let unmet = sensor.verify().expect_err("the expectation is not met");
    Ok(unmet.to_string())
}
