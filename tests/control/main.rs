//! The control API over real sockets: each resource, each refusal, many tests at once against one process.

#![expect(
    clippy::disallowed_methods,
    reason = "clients run beside the test, and time is measured"
)]
#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod desk;
mod guard;
mod journal;
mod late;
mod one;
mod parallel;
mod refusals;
mod traffic;
