//! Any text as the sensor's or the console's page, also as a later edition of it.
use d4iot_double::{
    contract,
    contract::{Kind, places, places::Pages},
};

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (sensor, console) = text.split_once("\u{0}").unwrap_or((text, text));
    let pages = Pages::following(sensor, console);
    for kind in Kind::ALL {
        let contract = contract::of(*kind);
        assert!(
            !places::hold(contract, &pages).is_empty(),
            "no text holds but the pages themselves"
        );
        let _ = places::lint(contract, pages.of(*kind));
    }
}
