//! Many appliances and many connections at once, for longer. `.ci/run` runs this tier; `cargo test` leaves it out.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start processes, keep time and look at files"
)]
#![expect(clippy::print_stderr, reason = "figures can be read with --nocapture")]
#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

#[path = "../it/control/control_server.rs"]
mod control_server;
mod control_storm;
#[path = "../it/control/document.rs"]
mod document;
#[path = "../support/json_schema.rs"]
#[expect(
    dead_code,
    reason = "answers are held against parts of a document alone"
)]
mod json_schema;
mod probes;
#[path = "../support/process.rs"]
mod process;
mod soak;
