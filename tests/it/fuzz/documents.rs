//! Any text as the sensor's or the console's page.
use d4iot_double::{
    contract,
    contract::{
        Kind, page,
        page::{compare, lint, renumber::Moves},
    },
};

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let said = page::read(text);
    let lines = u32::try_from(text.lines().count()).unwrap();
    for kind in Kind::ALL {
        let recorded = page::recorded(contract::of(*kind));
        let comparison = compare::compare(&recorded, &said);
        assert_eq!(
            comparison.pairs.len() + comparison.gone.len(),
            recorded.len()
        );
        let _ = compare::changes(*kind, &recorded, &said);
        let moves = Moves::new(*kind, &recorded, &said);
        let _ = moves.renew(Some(*kind), text, "");
    }
    for statement in &said {
        assert!(0 < statement.first && statement.first <= statement.last);
        assert!(statement.last <= lines, "{statement:?}");
    }
    let _ = lint::faults(&said);
}
