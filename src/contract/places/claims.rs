//! Whether every line of a page is accounted for: claimed by a fact or a quote, or excused, and not both.

use std::collections::BTreeMap;

use crate::contract::Contract;
use crate::contract::Place;
use crate::contract::fact::Ground;
use crate::contract::places::Finding;
use crate::contract::places::Page;
use crate::contract::places::words;

/// Returns the lines nobody accounts for, and the excuses that went stale.
pub(super) fn findings(contract: &Contract, page: &Page<'_>) -> Vec<Finding> {
    let claims = claims(contract);
    let excuses = excuses(contract);
    let finding = |line: u32, subject: &str, expected: &str, found: String| Finding {
        document: contract.kind,
        line,
        subject: subject.into(),
        expected: expected.into(),
        found,
    };
    let unclaimed = page
        .numbered()
        .filter(|(number, _)| !page.is_free(*number) && !claims.contains_key(number) && !excuses.contains_key(number))
        .map(|(number, line)| finding(number, "line", "a fact, a quote or an excuse", words::shown(line)));
    let stale = excuses.iter().filter_map(|(number, because)| {
        let subject = format!("excuse ({because})");
        match (page.line(*number), claims.get(number)) {
            (None, _) => Some(finding(*number, &subject, "such a line", format!("the page's end after line {}", page.len()))),
            (Some(_), Some(claimer)) => Some(finding(*number, &subject, "no claim", format!("that of {claimer}"))),
            (Some(_), None) => None,
        }
    });
    unclaimed.chain(stale).collect()
}

/// Returns the lines of the law's own page that a fact or a quote speaks of, each with the first that does.
fn claims(contract: &Contract) -> BTreeMap<u32, String> {
    let mut claims = BTreeMap::new();
    let mut claim = |places: &[Place], claimer: String| {
        for number in own_lines(contract, places) {
            claims.entry(number).or_insert_with(|| claimer.clone());
        }
    };
    for fact in contract.facts() {
        for reading in &fact.readings {
            if let Ground::Said { at, .. } = reading.ground {
                claim(at, format!("{} ({})", fact.name, reading.name));
            }
        }
    }
    for (name, quote) in &contract.quotes {
        claim(&quote.at, format!("quote {name}"));
    }
    claims
}

fn excuses(contract: &Contract) -> BTreeMap<u32, &str> {
    contract.excused.iter().flat_map(|excuse| own_lines(contract, &excuse.lines).map(|number| (number, excuse.because.as_str()))).collect()
}

fn own_lines(contract: &Contract, places: &[Place]) -> impl Iterator<Item = u32> {
    places.iter().filter(|place| place.document.unwrap_or(contract.kind) == contract.kind).flat_map(|place| place.first..=place.last)
}
