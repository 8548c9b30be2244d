//! A rotation job with a bug that a failure mode reveals, and its repair.
//!
//! The appliance changes the password, then the connection is lost before the answer. The first job takes that for "nothing happened":
//! it tries again with the old password, is refused, and gives up with the old password in its vault: nobody knows the new one.
//! The repaired job asks `validation` which password holds, before it writes or tries anything.
//!
//! `cargo run --example rotation`

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use bytes::Bytes;
use d4iot_double::{
    Double, Failure, Operation,
    client::{Target, TargetOptions},
};
use http::Request;
use serde_json::{Value, json};

#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn Error>> {
    for failure in [
        None,
        Some(Failure::reset_before_commit()),
        Some(Failure::reset_after_commit()),
    ] {
        let what = failure
            .as_ref()
            .map_or("no failure".to_owned(), |failure| format!("{failure}"));
        for (job, repaired) in [("the job with the bug", false), ("the repaired job", true)] {
            let sensor = Double::sensor().user("robot", OLD).start().await?;
            if let Some(failure) = failure.clone() {
                sensor.fail(Operation::SetPassword, failure.times(1));
            }
            let mut vault = Vault {
                password: OLD.to_owned(),
            };
            let client = Client::new(&sensor)?;
            let result = if repaired {
                client.rotate(&mut vault, NEW).await
            } else {
                client.rotate_blindly(&mut vault, NEW).await
            };
            let knows = sensor.password_is("robot", &vault.password);
            println!(
                "{what}: {job} ends {}, and {} the password",
                if result.is_ok() { "well" } else { "ill" },
                if knows { "knows" } else { "has lost" }
            );
            let lost = what == "reset_after_commit" && !repaired;
            assert_eq!(knows, !lost);
            assert_eq!(result.is_ok(), !lost);
        }
    }
    Ok(())
}

/// Where the job keeps what it believes to be the password.
struct Vault {
    password: String,
}

struct Client(Target);

impl Client {
    fn new(sensor: &Double) -> Result<Client, Box<dyn Error>> {
        // A connection of its own for each request: one that was reset is not asked again.
        let options = TargetOptions {
            trust: Some(sensor.ca_pem().to_owned()),
            fresh: true,
            ..TargetOptions::default()
        };
        Ok(Client(Target::new(sensor.url(), &options)?))
    }

    /// The bug: whatever goes wrong, try once more with the old password.
    async fn rotate_blindly(&self, vault: &mut Vault, new: &str) -> Result<(), Box<dyn Error>> {
        for _ in 0..2 {
            if let Ok(true) = self.set_password(&vault.password, new).await {
                vault.password = new.to_owned();
                return Ok(());
            }
        }
        Err("the password could not be changed".into())
    }

    /// The repair: without an answer either may have happened. Only the appliance knows which password holds.
    async fn rotate(&self, vault: &mut Vault, new: &str) -> Result<(), Box<dyn Error>> {
        for _ in 0..3 {
            if let Ok(changed) = self.set_password(&vault.password, new).await
                && !changed
            {
                return Err("the appliance refused the change".into());
            }
            if self.is_valid(new).await? {
                vault.password = new.to_owned();
                return Ok(());
            }
        }
        Err("the password could not be changed, and is the old one".into())
    }

    async fn set_password(&self, old: &str, new: &str) -> Result<bool, Box<dyn Error>> {
        self.ask(
            Operation::SetPassword,
            &json!({ "username": "robot", "password": old, "new_password": new }),
        )
        .await
    }

    async fn is_valid(&self, password: &str) -> Result<bool, Box<dyn Error>> {
        self.ask(
            Operation::Validation,
            &json!({ "username": "robot", "password": password }),
        )
        .await
    }

    /// Success carries `msg`, a failure `error` (sensor:212-213).
    async fn ask(&self, operation: Operation, body: &Value) -> Result<bool, Box<dyn Error>> {
        let path = format!("/api/external/authentication/{operation}");
        let request = Request::post(path)
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))?;
        let answer: Value = serde_json::from_slice(self.0.send(&request).await?.body())?;
        Ok(answer.get("msg").is_some())
    }
}

const OLD: &str = "Old-1234!";
const NEW: &str = "New-5678!";
