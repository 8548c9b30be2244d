//! Any bytes as the journal that `recover` reads: read or refused. Of what is read, every password at risk can be asked for; and what a
//! crash leaves of it, cut at any byte, can be read as well.
use d4iot_double::{
    contract,
    contract::{Kind, Readings},
    runner::live::undo::JournalState,
    suite::Placeholder,
};

pub(crate) fn run(data: &[u8]) {
    let state = match JournalState::read(data) {
        Ok(state) => state,
        Err(error) => {
            let error = error.to_string();
            return assert!(
                error.starts_with("line ") || error.contains("not a journal"),
                "an error has its place: {error}"
            );
        }
    };
    // What a run wrote begins so. A few cuts, each elsewhere, as every one of them is a whole reading.
    let ours = if data.starts_with(br#"{"begun":{"#) {
        data.len()
    } else {
        0
    };
    for cut in (0..ours).step_by(1 + ours / 16).chain(ours.checked_sub(1)) {
        assert!(
            JournalState::read(&data[..cut]).is_ok(),
            "cut after {cut} bytes"
        );
    }
    let Some(state) = state else { return };
    for kind in Kind::ALL {
        let mut served = Readings::default();
        for (fact, reading) in &state.served {
            let _ = served.choose(contract::of(*kind), fact, reading);
        }
    }
    for template in state.at_risk.values().flatten() {
        let _ = Placeholder::fill(template, |placeholder| Ok(placeholder.to_string()));
    }
}
