//! What the suite must catch, and what it must let pass: an appliance that bends requests and answers, asked in this process.

mod behaviour;
mod connection;
mod forms;
mod mixed;
mod runs;
mod silence;
