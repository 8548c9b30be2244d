//! The library as its users have it: doubles that are started, told to fail, waited for, and held to expectations.

#![expect(
    clippy::disallowed_methods,
    reason = "clients run beside the tests, and a start is measured"
)]
#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod checked;
mod client;
mod clock;
mod expectations;
mod failures;
mod isolation;
mod refusals;
mod runtimes;
