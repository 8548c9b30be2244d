//! The program and the library against targets: what they ask, change, give back and refuse.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start processes, keep time and look at files"
)]
#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

#[allow(dead_code, reason = "each table uses its part of this")]
mod fake;
mod hostile_target;
#[path = "../support/json_schema.rs"]
mod json_schema;
mod one_cause;
#[path = "../support/process.rs"]
mod process;
mod recorded_profile;
#[allow(dead_code, reason = "rows are added as what they ask for is built")]
mod scenarios;
#[allow(dead_code, reason = "rows are added as what they ask for is built")]
mod tampering;
mod target;
