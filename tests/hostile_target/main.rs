//! What the runner survives: targets that answer without end, with lies, with bombs, in drips, in half, or not at all.
//!
//! Each comes to a verdict in bounded time and memory, and nothing panics.

#![expect(
    clippy::disallowed_methods,
    reason = "programs are run, reports are read, and time is measured"
)]
#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod answers;
mod program;
mod runner;
mod server;
