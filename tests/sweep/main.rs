//! `sweep`: clients with a known fate, what a command may do, and the reports.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start processes, keep time and look at files"
)]
#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod clients;
mod command;
#[path = "../support/json_schema.rs"]
mod json_schema;
mod library;
mod matrix;
mod output;
mod reports;
mod selection;
mod windows;
