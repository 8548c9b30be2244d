//! Any text as the other files that a command is given: known differences, reading profiles. Read or refused with a place.
#![no_main]

#[path = "../../tests/it/fuzz/given.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
