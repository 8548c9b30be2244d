//! The program and the library against targets: what they ask, change, give back and refuse.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start processes, keep time and look at files"
)]
#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod deviations;
mod fake;
mod hostile_target;
#[path = "../support/json_schema.rs"]
mod json_schema;
mod one_cause;
#[path = "../support/process.rs"]
mod process;
mod recorded_profile;
#[path = "../support/sample.rs"]
mod sample;
mod scenarios;
mod tampering;
mod target;
