//! What the suite must catch, and what it must let pass: an appliance behind a man in the middle who bends requests and answers.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

mod behaviour;
mod connection;
mod forms;
mod meddler;
mod mixed;
mod silence;
