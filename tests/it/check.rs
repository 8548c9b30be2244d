//! The binary as its users meet it: a process with arguments, an environment, a folder, two streams and an exit code.

mod agreed;
mod canary;
mod diff;
mod help;
mod interrupted;
mod plan;
mod reports;
mod selection;
mod snapshots;
mod test_dir;
mod words;
