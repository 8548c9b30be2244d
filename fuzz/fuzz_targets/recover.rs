//! Any bytes as the journal that `recover` reads: read or refused. Of what is read, every password at risk can be asked for; and what a
//! crash leaves of it, cut at any byte, can be read as well.
#![no_main]

#[path = "../../tests/it/fuzz/recover.rs"]
mod target;

libfuzzer_sys::fuzz_target!(|data: &[u8]| target::run(data));
