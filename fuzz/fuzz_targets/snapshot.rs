//! Any text as a snapshot: read or refused; what is read can be written, and read again as the same.
#![no_main]

#[path = "../../tests/it/fuzz/snapshot.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
