//! A rotation job with a bug that a failure reveals, and its repair.
//!
//! The appliance changes the password, then the connection is lost before the answer. The first job retries with the old
//! password, is rejected, and keeps the old password in its vault. The repaired job asks `validation` which password is valid.
//!
//! `cargo run --example rotation`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod common;

use std::error::Error;

use d4iot_double::{Double, Failure, Operation};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const OLD: &str = "Old-1234!";
const NEW: &str = "New-5678!";

#[tokio::main]
pub(crate) async fn main() -> Result<()> {
    for (failure, repaired, keeps_up) in [
        (Failure::reset_before_commit(), false, true),
        (Failure::reset_before_commit(), true, true),
        (Failure::reset_after_commit(), false, false),
        (Failure::reset_after_commit(), true, true),
    ] {
        let sensor = Double::sensor().user("robot", OLD).start().await?;
        let name = sensor.fail(Operation::SetPassword, failure.times(1));
        let mut job = Job {
            client: common::client(sensor.ca_pem())?,
            url: sensor.url().to_owned(),
            vault: OLD.to_owned(),
        };

        let result = if repaired {
            job.rotate().await
        } else {
            job.rotate_with_bug().await
        };

        println!("{name}, repaired: {repaired}: {result:?}");
        assert_eq!(result.is_ok(), keeps_up);
        assert_eq!(sensor.password_is("robot", &job.vault), keeps_up);
    }
    Ok(())
}

/// A rotation job, with the password that it believes to be valid.
struct Job {
    client: reqwest::Client,
    url: String,
    vault: String,
}

impl Job {
    /// The bug: after any error, retry with the old password.
    async fn rotate_with_bug(&mut self) -> Result<()> {
        for _ in 0..2 {
            if self.set_password().await.is_ok_and(|changed| changed) {
                self.vault = NEW.to_owned();
                return Ok(());
            }
        }
        Err("the password was not changed".into())
    }

    /// The repair: without an answer, ask the appliance which password is valid.
    async fn rotate(&mut self) -> Result<()> {
        for _ in 0..2 {
            if let Ok(false) = self.set_password().await {
                return Err("the appliance rejected the change".into());
            }
            if self.is_valid(NEW).await? {
                self.vault = NEW.to_owned();
                return Ok(());
            }
        }
        Err("the password was not changed".into())
    }

    async fn set_password(&self) -> Result<bool> {
        let body = json!({"username": "robot", "password": self.vault, "new_password": NEW});
        self.send("set_password", &body).await
    }

    async fn is_valid(&self, password: &str) -> Result<bool> {
        let body = json!({"username": "robot", "password": password});
        self.send("validation", &body).await
    }

    /// Returns whether the operation succeeded: a success has `msg`, a failure `error`.
    async fn send(&self, operation: &str, body: &Value) -> Result<bool> {
        let url = format!("{}/api/external/authentication/{operation}", self.url);
        let response = common::post(&self.client, url, body).send().await?;
        let answer: Value = serde_json::from_slice(&response.bytes().await?)?;
        Ok(answer.get("msg").is_some())
    }
}
