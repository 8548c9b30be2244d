//! Runs a client in a failure, and says what became of the password.
//!
//! `cargo run --example sweep`

mod common;

use std::error::Error;

use d4iot_double::{Attempt, Kind, Verdict, sweep};
use serde_json::json;

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let report = sweep(Kind::Sensor)
        .failures("{commit_then_reset,rebooting}")
        .run(|attempt| rotate(attempt).map_err(|error| error.to_string()))?;

    // A test of a client that is right calls `report.assert_passed()`.
    let verdict = report.verdict("change/commit_then_reset@1");
    assert_eq!(verdict, Some(Verdict::Lost), "{report}");
    Ok(())
}

/// The client under test: sends the change and looks at the status.
fn rotate(attempt: &Attempt) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let client = common::client(attempt.ca_pem())?;
    let url = format!("{}/api/external/authentication/set_password", attempt.url());
    let body = json!({
        "username": attempt.username(),
        "password": attempt.password(),
        "new_password": attempt.new_password(),
    });
    let answer = runtime.block_on(common::post(&client, url, &body).send())?;
    answer.error_for_status()?;
    Ok(())
}
