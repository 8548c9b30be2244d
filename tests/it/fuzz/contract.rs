//! Any text as a contract: read or refused, also behind what both kinds share.
use d4iot_double::contract::Contract;

/// What a kind's file is read behind.
const SHARED: &str = include_str!("../../../conformance/contract/any.yaml");

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for text in [text, &format!("{SHARED}{text}")] {
        if let Ok(contract) = Contract::read(text) {
            let _ = contract.facts();
        }
    }
}
