//! Any text as a file of cases: read or refused, and what is read can be held against both contracts.
#![no_main]

#[path = "../../tests/it/fuzz/case.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
