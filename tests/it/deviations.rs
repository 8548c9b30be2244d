//! What the suite must catch, and what it must let pass: an appliance behind a man in the middle who bends requests and answers.

mod behaviour;
mod connection;
mod forms;
mod meddler;
mod mixed;
mod silence;
