//! The clients and readers that others use: curl, Python, Node, Java, a browser. `.ci/run` runs this tier; `cargo test` leaves it out.

#![expect(
    clippy::disallowed_methods,
    reason = "tests start processes, keep time and look at files"
)]
#![expect(clippy::print_stderr, reason = "figures can be read with --nocapture")]
#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod container;
mod exports;
mod helpers;
mod languages;
mod openapi;
#[path = "../support/process.rs"]
mod process;
mod rotation;
mod wiremock;
