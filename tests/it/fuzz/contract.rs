//! Any text as a contract: read or refused.
use d4iot_double::contract::Contract;

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(contract) = Contract::read(text) {
        let _ = contract.facts();
    }
}
