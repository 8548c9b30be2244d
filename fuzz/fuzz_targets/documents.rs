//! Any text as the sensor's or the console's page.
#![no_main]

#[path = "../../tests/it/fuzz/documents.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
