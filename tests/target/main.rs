//! `check TARGET`, `plan TARGET` and `recover` as a user runs them, at a mock that may misbehave: whatever happens, every password is given back.

#![expect(
    clippy::disallowed_methods,
    reason = "processes, files and servers are what is tested"
)]
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod changes;
mod every;
mod front;
mod hostile;
mod killed;
mod plan;
mod reached;
mod refused;
mod stage;
mod wrong;
