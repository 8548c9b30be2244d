//! Failures grouped by cause: one difference of words, of status or of a member often fails many cases.

use std::{cmp::Reverse, collections::BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    contract::{distinct, grouped},
    report::{CaseFinding, CaseResult, Conformance, TargetSummary, numbered},
};

/// Failing cases with one cause.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Cause {
    /// What differs, in one line.
    pub text: String,
    /// The cases, as `kind/id`, in the order of the run; the first is the example.
    pub cases: Vec<String>,
}

/// Returns the causes of all failures, the one with the most cases first.
pub(super) fn of(targets: &[TargetSummary]) -> Vec<Cause> {
    let failures = targets.iter().flat_map(|target| {
        let cases = target.cases.iter().filter(|case| case.failed);
        let cases = cases.flat_map(|case| {
            let texts = of_case(case).into_iter();
            texts.map(|(text, place)| (text, place, case.id.clone()))
        });
        let unknown = target.inconsistent.iter().filter(|it| it.known.is_none());
        let unknown = unknown.map(|found| {
            let fact = numbered(found.register.as_deref(), &found.fact);
            let text = format!("{fact}: several readings at once: {}", found.description());
            (text, None, found.id())
        });
        let failures = cases.chain(unknown);
        failures.map(|(text, place, id)| (text, place, format!("{}/{id}", target.kind)))
    });
    let failures = failures.map(|failure| (normalized(&failure.0), failure));
    let causes = grouped(failures).into_iter().map(|(_, alike)| {
        let mut text = alike[0].0.clone();
        let places: BTreeSet<&str> = alike.iter().filter_map(|it| it.1.as_deref()).collect();
        if !places.is_empty() {
            let places = places.into_iter().collect::<Vec<_>>().join(", ");
            text.push_str(&format!(" ({places})"));
        }
        let mut cases: Vec<String> = alike.into_iter().map(|(.., name)| name).collect();
        cases.dedup();
        Cause { text, cases }
    });
    let mut causes: Vec<Cause> = causes.collect();
    causes.sort_by_key(|cause| Reverse(cause.cases.len()));
    causes
}

/// Returns why a case fails, with the places of the documentation that say otherwise. A finding that follows another is a consequence of it, unless its answer is worded wrongly as well.
fn of_case(case: &CaseResult) -> Vec<(String, Option<String>)> {
    match case.conformance {
        Conformance::Deviation => {}
        Conformance::Unstable => return vec![(UNSTABLE.to_owned(), None)],
        _ => return vec![(change(&case.difference, "in the snapshot"), None)],
    }
    let (mut texts, mut steps) = (Vec::new(), Vec::new());
    for finding in &case.reasons {
        let index = finding.step.checked_sub(1);
        let exchange = index.and_then(|index| case.exchanges.get(index));
        let is_unrecognised = exchange.is_some_and(|exchange| exchange.outcome.is_none());
        if texts.is_empty() || is_unrecognised && !steps.contains(&finding.step) {
            texts.push(of_finding(finding));
        }
        steps.push(finding.step);
    }
    if texts.is_empty() {
        texts.push(("no reason given".to_owned(), None));
    }
    texts
}

/// Returns what came, with the place of the documentation that says otherwise.
fn of_finding(finding: &CaseFinding) -> (String, Option<String>) {
    let received = finding.summary();
    if finding.readings.is_empty() && !finding.expected.is_empty() {
        return (format!("{received}; expected: {}", finding.expected), None);
    }
    let ground = finding.seen.as_ref().and_then(|seen| seen.ground.clone());
    (received.to_owned(), ground)
}

/// Returns which lines replace which, `before` being where the old ones stand.
pub(super) fn change(difference: &str, before: &str) -> String {
    let of_sign = |sign: char| {
        let lines = difference.lines().filter_map(move |line| {
            let line = line.strip_prefix(sign)?.trim().trim_end_matches(',');
            (!line.is_empty()).then_some(line)
        });
        let mut distinct = distinct(lines);
        // Below the bytes of a body stands the same as pretty JSON.
        if distinct.iter().any(|line| !line.starts_with("\"{")) {
            distinct.retain(|line| !line.starts_with("\"{"));
        }
        distinct.join("`, `")
    };
    let (old, new) = (of_sign('-'), of_sign('+'));
    match (old.is_empty(), new.is_empty()) {
        (true, true) => format!("not the same as {before}"),
        (true, false) => format!("`{new}`, {before} nothing"),
        (false, true) => format!("nothing, {before} `{old}`"),
        (false, false) => format!("`{new}`, {before} `{old}`"),
    }
}

/// Returns a text without what differs from case to case: the account, and words that look like an identifier.
fn normalized(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for (index, part) in text.split('«').enumerate() {
        match part.split_once('.').filter(|_| index > 0) {
            Some((_, rest)) => key.push_str(&format!("«{rest}")),
            None => key.push_str(part),
        }
    }
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '-';
    let words = key.split_inclusive(|character| !is_word(character));
    let is_id = |word: &str| {
        word.len() > MIN_ID && word.bytes().filter(u8::is_ascii_digit).count() * 4 > word.len()
    };
    let words = words.map(|word| if is_id(word) { "…" } else { word });
    words.collect()
}

const UNSTABLE: &str = "the same request is not answered alike each time";
/// How long a word with digits is that is taken for an identifier, in bytes.
const MIN_ID: usize = 8;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::{
        contract::Kind,
        report::{ExchangeResult, SeenReading, sample},
    };

    fn failing(id: &str, findings: &[(usize, &str)], outcomes: &[Option<&str>]) -> CaseResult {
        let seen = SeenReading {
            fact: "set_password.password_replaced.body".into(),
            reading: "Replaced".into(),
            ground: Some("sensor:134".into()),
        };
        let finding = |(step, received): &(usize, &str)| CaseFinding {
            seen: Some(seen.clone()).filter(|_| *received == WORDS),
            ..CaseFinding::new(*step, "", *received)
        };
        CaseResult {
            id: id.into(),
            conformance: Conformance::Deviation,
            failed: true,
            reasons: findings.iter().map(finding).collect(),
            exchanges: outcomes
                .iter()
                .map(|outcome| ExchangeResult {
                    outcome: outcome.map(str::to_owned),
                    ..ExchangeResult::default()
                })
                .collect(),
            ..CaseResult::default()
        }
    }

    fn causes(cases: Vec<CaseResult>) -> Vec<(String, usize)> {
        let mut summary = sample::plain();
        summary.targets.truncate(1);
        summary.targets[0].kind = Kind::Sensor;
        summary.targets[0].cases = cases;
        let causes = of(&summary.targets).into_iter();
        causes
            .map(|cause| (cause.text, cause.cases.len()))
            .collect()
    }

    const WORDS: &str = "`msg` is `Replaced`, expected `Done`";

    #[test]
    fn one_difference_is_one_cause_with_its_place() {
        let cases = ["a", "b", "c"].map(|id| failing(id, &[(1, WORDS)], &[None]));
        let expected = format!("{WORDS} (sensor:134)");
        assert_eq!(causes(cases.into()), [(expected, 3)]);
    }

    #[test]
    fn the_most_frequent_cause_is_first() {
        let cases = vec![
            failing("a", &[(1, "x")], &[None]),
            failing("b", &[(1, "y")], &[None]),
            failing("c", &[(1, "y")], &[None]),
        ];
        assert_eq!(causes(cases), [("y".into(), 2), ("x".into(), 1)]);
    }

    #[rstest]
    #[case::state_after_wrong_words(&[(1, "x"), (2, "the old password validates")], &[None, Some("a")], 1)]
    #[case::of_the_same_step(&[(1, "x"), (1, "y")], &[None], 1)]
    #[case::other_words_later(&[(1, "x"), (2, "y")], &[None, None], 2)]
    #[case::the_same_words_later(&[(1, "x"), (2, "x")], &[None, None], 1)]
    fn a_consequence_is_no_cause(
        #[case] findings: &[(usize, &str)],
        #[case] outcomes: &[Option<&str>],
        #[case] expected: usize,
    ) {
        let found = causes(vec![failing("a", findings, outcomes)]);
        assert_eq!(found.len(), expected, "{found:?}");
    }

    #[rstest]
    #[case::accounts("`User «user.username»`", "`User «admin.username»`", true)]
    #[case::identifiers("id `8f3b2c1a-77`", "id `1199aabb-20`", true)]
    #[case::statuses("status 400", "status 500", false)]
    #[case::words("`Password replaced`", "`Password changed`", false)]
    fn what_differs_from_case_to_case_is_ignored(
        #[case] one: &str,
        #[case] other: &str,
        #[case] is_same: bool,
    ) {
        assert_eq!(normalized(one) == normalized(other), is_same);
    }

    #[rstest]
    #[case::status("@@ -1,2 +1,2 @@\n-200\n+201\n", "`201`, in the snapshot `200`")]
    #[case::words(
        "-\"{\\\"msg\\\":\\\"A\\\"}\"\n+\"{\\\"msg\\\":\\\"B\\\"}\"\n {\n-  \"msg\": \"A\"\n+  \"msg\": \"B\"\n",
        "`\"msg\": \"B\"`, in the snapshot `\"msg\": \"A\"`"
    )]
    #[case::a_header_less("-date: …\n", "nothing, in the snapshot `date: …`")]
    fn a_change_shows_what_was_replaced(#[case] difference: &str, #[case] expected: &str) {
        assert_eq!(change(difference, "in the snapshot"), expected);
    }
}
