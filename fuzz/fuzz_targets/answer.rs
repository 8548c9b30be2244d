//! Any answer of a target: recognised or not, at every operation of both kinds.
#![no_main]

#[path = "../../tests/it/fuzz/answer.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
