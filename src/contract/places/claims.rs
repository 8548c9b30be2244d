//! Whether every line of a page is accounted for: claimed by a fact or a quote, or excused, and not both.

use std::collections::{BTreeMap, BTreeSet};

use crate::contract::{
    Contract, Place,
    fact::Ground,
    places::{Finding, Page, edition::Now, words},
};

/// Returns the lines nobody accounts for, and the excuses that went stale.
pub(super) fn findings(contract: &Contract, page: &Page<'_>) -> Vec<Finding> {
    let finding = |line: u32, subject: &str, expected: &str, found: String| Finding {
        document: contract.kind,
        line,
        subject: subject.into(),
        expected: expected.into(),
        found,
        moved: false,
    };
    let claims = claims(contract, page);
    let mut excused = BTreeSet::new();
    let mut findings = Vec::new();
    for excuse in &contract.ignored {
        let subject = format!("excuse ({})", excuse.because);
        for number in own_lines(contract, &excuse.lines) {
            match page.now(number) {
                Now::Gone => findings.push(finding(
                    number,
                    &subject,
                    "such a line",
                    "a page without it".into(),
                )),
                // The words that were excused are others now, and may state a rule.
                Now::Changed(line) if !page.is_free(line) => {
                    findings.push(finding(
                        line,
                        &subject,
                        "the words transcribed",
                        page.line(line).map_or_else(String::new, words::shown),
                    ));
                    excused.insert(line);
                }
                Now::Changed(line) | Now::Kept(line) => {
                    findings.extend(claims.get(&line).map(|claimer| {
                        finding(line, &subject, "no claim", format!("that of {claimer}"))
                    }));
                    excused.insert(line);
                }
            }
        }
    }
    let unclaimed = page.numbered().filter(|(number, _)| {
        !page.is_free(*number) && !claims.contains_key(number) && !excused.contains(number)
    });
    findings.extend(unclaimed.map(|(number, line)| {
        finding(
            number,
            "line",
            "a fact, a quote or an excuse",
            words::shown(line),
        )
    }));
    findings
}

/// Returns the lines of the law's own page that a fact or a quote speaks of, each with the first that does.
fn claims(contract: &Contract, page: &Page<'_>) -> BTreeMap<u32, String> {
    let mut claims = BTreeMap::new();
    let mut claim = |places: &[Place], claimer: String| {
        for line in own_lines(contract, places).filter_map(|number| page.now(number).line()) {
            claims.entry(line).or_insert_with(|| claimer.clone());
        }
    };
    for fact in contract.facts() {
        for reading in &fact.readings {
            if let Ground::Documented { at, .. } = reading.ground {
                claim(at, format!("{} ({})", fact.name, reading.name));
            }
        }
    }
    for (name, quote) in &contract.quotes {
        claim(&quote.at, format!("quote {name}"));
    }
    claims
}

fn own_lines(contract: &Contract, places: &[Place]) -> impl Iterator<Item = u32> {
    places
        .iter()
        .filter(|place| place.document.unwrap_or(contract.kind) == contract.kind)
        .flat_map(|place| place.first..=place.last)
}
