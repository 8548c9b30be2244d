//! Any bytes on a connection to a served sensor: it ends, nothing panics, and the next client is answered.
#![no_main]

#[path = "../../tests/it/fuzz/wire.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
