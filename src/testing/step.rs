//! What is said of a double before it starts: each value is read as in a fixture that holds nothing else.

use std::time::Duration;

use serde_json::{Value, json};

use super::{failure, failure::Failure};
use crate::{
    appliance::{Directory, Policy, Scope},
    contract,
    contract::{Kind, Role},
    fixture,
    fixture::Fixture,
    redact::Secret,
};

/// One thing that was said of a double.
#[derive(Debug)]
pub(super) enum BuilderStep {
    Failure(Failure),
    Listen(String),
    Lockout(u32, Scope, Duration),
    Policy(String),
    Reading(String, String),
    Seed(u64),
    User(String, Secret, Role),
}

impl BuilderStep {
    /// Lets a fixture be so.
    ///
    /// # Errors
    /// The value means nothing.
    pub(super) fn apply(&self, fixture: &mut Fixture) -> Result<(), fixture::Error> {
        let kind = fixture.kind;
        match self {
            // Read when all others are.
            BuilderStep::Failure(_) => {}
            BuilderStep::Listen(address) => {
                fixture.listen = part(kind, "listen", json!(address))?.listen
            }
            BuilderStep::Lockout(after, scope, hold) => {
                let scope = match scope {
                    Scope::Account => "account",
                    Scope::Source => "source",
                };
                let written =
                    json!({ "after": after, "scope": scope, "for": failure::written(*hold) });
                fixture.state.lockout = part(kind, "lockout", written)?.state.lockout;
            }
            BuilderStep::Policy(name) => fixture.state.policy = named_policy(kind, name)?,
            BuilderStep::Reading(fact, name) => {
                // Held against the contract as in a fixture; then chosen on top of those before.
                part(kind, "readings", json!({ fact: name }))?;
                drop(fixture.readings.choose(contract::of(kind), fact, name));
            }
            BuilderStep::Seed(seed) => fixture.seed = Some(*seed),
            BuilderStep::User(username, password, role) => {
                let written = json!([{ "username": username, "password": password.expose(), "role": role.name() }]);
                let read = part(kind, "users", written)?;
                if !fixture.names_users {
                    fixture.state.directory = Directory::default();
                    fixture.names_users = true;
                }
                read.state
                    .directory
                    .users()
                    .for_each(|user| fixture.state.directory.put(user.clone()));
            }
        }
        Ok(())
    }
}

fn named_policy(kind: Kind, name: &str) -> Result<Policy, fixture::Error> {
    Ok(part(kind, "policy", json!(name))?.state.policy)
}

/// Reads a fixture that holds one key.
fn part(kind: Kind, key: &str, value: Value) -> Result<Fixture, fixture::Error> {
    fixture::read(
        "builder",
        &json!({ "appliance": kind.name(), key: value }).to_string(),
    )
}
