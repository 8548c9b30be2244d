//! Any text as a contract: read or refused.
#![no_main]

#[path = "../../tests/it/fuzz/contract.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
