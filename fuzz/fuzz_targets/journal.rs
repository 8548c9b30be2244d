//! Requests at both appliances, with a password put wherever the input says: what the journal shows of them has no trace of it, in any
//! spelling that the canary's search knows.
#![no_main]

#[path = "../../tests/it/fuzz/journal.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
