//! What the contract rests on stands in what it quotes of the pages, and the other way round.

use rstest::rstest;

use super::{
    compare::{shows, subjects},
    *,
};
use crate::contract::{self, Ground, Kind};

#[rstest]
#[case::console(Kind::Console)]
#[case::sensor(Kind::Sensor)]
fn a_documented_reading_stands_on_its_lines(#[case] kind: Kind) {
    let contract = contract::of(kind);
    for fact in contract.facts() {
        let operation: Option<Operation> = fact
            .name
            .split('.')
            .next()
            .and_then(|name| name.parse().ok());
        for reading in &fact.readings {
            let Ground::Documented { at, borrowed, .. } = reading.ground else {
                continue;
            };
            let name = format!("{} ({})", fact.name, reading.name);
            let deciding = if reading.quotes.is_empty() {
                reading.words
            } else {
                &reading.quotes
            };
            let mut cited = Vec::new();
            for place in at {
                let page = place.document.unwrap_or(kind);
                let recorded = recorded(contract::of(page));
                let here = recorded
                    .into_iter()
                    .filter(|it| it.first <= place.last && place.first <= it.last);
                let shown = here.filter(|it| deciding.iter().any(|words| shows(it, words)));
                let shown: Vec<_> = shown.map(|it| (page, it)).collect();
                assert!(
                    !shown.is_empty(),
                    "{name}: {} shows none of {deciding:?}",
                    place.cite(kind)
                );
                cited.extend(shown);
            }
            for words in reading.words.iter().chain(&reading.quotes) {
                assert!(
                    cited.iter().any(|(_, it)| shows(it, words)),
                    "{name}: no line shows {words}"
                );
            }
            // A documented value is shown for this operation on this page: else it is borrowed, and says so.
            let is_own =
                |(page, it): &(Kind, Statement)| *page == kind && it.operation == operation;
            if operation.is_some() {
                assert_eq!(cited.iter().all(is_own), !borrowed, "{name}");
            }
            let is_apt = |it: &Statement| match &fact.name {
                name if name.ends_with(".body") => matches!(it.form, Form::Item | Form::Response),
                name if name.ends_with(".token") => {
                    it.text.contains("access token") || it.text.contains("Authorization")
                }
                name if name.ends_with(".roles") => it.form == Form::Sentence,
                _ => true,
            };
            assert!(cited.iter().all(|(_, it)| is_apt(it)), "{name}");
        }
    }
}

#[rstest]
#[case::console(Kind::Console)]
#[case::sensor(Kind::Sensor)]
fn every_statement_of_an_operation_is_cited(#[case] kind: Kind) {
    for statement in recorded(contract::of(kind)) {
        assert!(
            statement.operation.is_none() || !subjects(kind, &statement, None).is_empty(),
            "{kind}:{} {}",
            statement.first,
            statement.text
        );
        assert!(!statement.is_frame());
    }
}
