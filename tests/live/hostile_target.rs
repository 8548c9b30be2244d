//! What the runner survives: targets that answer without end, with lies, with bombs, in drips, in half, or not at all.
//!
//! Each comes to a verdict in bounded time and memory, and nothing panics.

mod answers;
mod program;
mod runner;
mod server;
