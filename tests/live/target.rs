//! `check TARGET`, `plan TARGET` and `recover` as a user runs them, at a mock that may misbehave: whatever happens, every password is given back.

mod changes;
mod every;
mod front;
mod hostile;
mod interrupted;
mod killed;
mod plan;
mod reached;
mod refused;
pub(crate) mod stage;
mod wrong;
