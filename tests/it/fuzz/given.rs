//! Any text as the other files that a command is given: known differences, reading profiles. Read or refused with a place.
use d4iot_double::{contract::Kind, fixture::Diagnostic, report::profile, suite::KnownDifferences};

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let known = KnownDifferences::read("fuzz.yaml", text, "2026-11-26".parse().expect("a date"));
    if let Ok(known) = &known {
        let _ = Kind::ALL
            .iter()
            .map(|kind| known.excuse_inconsistency(*kind, "inconsistent.X11"))
            .collect::<Vec<_>>();
    }
    let profiles = profile::read("fuzz.yaml", text);
    for profile in profiles.iter().flatten() {
        assert!(
            profile
                .served()
                .all(|(fact, reading)| !fact.is_empty() && !reading.is_empty())
        );
    }
    has_its_place(known.err());
    has_its_place(profiles.err());
}

fn has_its_place(error: Option<Diagnostic>) {
    let text = error.map(|error| error.to_string());
    assert!(
        text.as_ref().is_none_or(|text| text.contains("fuzz.yaml:")),
        "{text:?}"
    );
}
