//! Any text as a file of cases: read or refused, and what is read can be held against both contracts.
use d4iot_double::{contract, contract::Kind, suite::case::Case};

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for case in serde_saphyr::from_str::<Vec<Case>>(text).unwrap_or_default() {
        for kind in Kind::ALL {
            let _ = case.covers(contract::of(*kind));
        }
    }
}
