//! Any secret in any bytes, as it is and however it is escaped: it is hidden where it stands raw.
#![no_main]

#[path = "../../tests/it/fuzz/redact.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
