//! The library as its users have it: doubles that are started, told to fail, waited for, and held to expectations.

mod checked;
mod client;
mod clock;
mod expectations;
mod failures;
mod isolation;
mod refusals;
mod runtimes;
