//! The binary as its users meet it: a process with arguments, an environment, a folder, two streams and an exit code.

#![expect(clippy::disallowed_methods, reason = "the tests look at the files")]
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod agreed;
mod canary;
mod desk;
mod diff;
mod help;
mod plan;
mod reports;
mod selection;
mod snapshots;
mod words;
