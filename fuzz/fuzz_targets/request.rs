//! Requests at both appliances, one after the other: each is answered in JSON, with a status of the contract, and none panics.
#![no_main]

#[path = "../../tests/it/fuzz/request.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
