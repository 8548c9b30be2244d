//! Any bytes as a fixture, and as a file of failure modes: read or refused with a place, and what is read can be served.
#![no_main]

#[path = "../../tests/it/fuzz/fixture.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
