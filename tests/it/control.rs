//! The control API over real sockets: each resource, each refusal, many tests at once against one process.

mod appliances;
mod control_server;
mod created;
mod document;
mod guard;
mod journal;
mod late;
mod lawful;
mod outage;
mod parallel;
mod refusals;
mod resources;
mod traffic;
