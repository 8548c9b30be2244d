//! The command line: one command each.

pub mod fixture;
