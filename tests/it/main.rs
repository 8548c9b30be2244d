//! The fast tests: the library in this process, and the program as its users start it.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start processes, keep time and look at files"
)]
#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod canary;
mod chance;
mod check;
mod commands;
mod concurrency;
mod control;
mod control_process;
mod cost;
mod documents;
mod export;
mod failure_table;
mod failures_descriptors;
mod failures_wire;
mod faults;
mod fleets;
mod fuzz;
mod hostile;
mod journal;
#[path = "../support/json_schema.rs"]
mod json_schema;
mod judge;
mod library;
mod model;
#[path = "../support/own_process.rs"]
mod own_process;
#[path = "../support/process.rs"]
mod process;
mod readings;
mod redaction;
#[path = "../support/sample.rs"]
mod sample;
mod serve;
mod serve_failures;
mod server;
mod snapshot_folder;
mod snapshot_format;
mod state;
mod verdicts;
