//! Any text as a snapshot: read or refused; what is read can be written, and read again as the same.
use d4iot_double::snapshot;

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(read) = snapshot::parse(text) {
        let again = snapshot::parse(&read.text()).expect("what was written can be read");
        assert!(
            snapshot::same(&read.text(), &again.text()),
            "{:?} became {:?}",
            read.text(),
            again.text()
        );
        let _ = snapshot::diff(text, &read.text());
    }
}
