//! What differs between two runs or two sets of snapshots, case by case.

use std::collections::BTreeMap;

use crate::{
    report::{CaseResult, Regression, Summary, sanitize},
    snapshot,
};

/// Cases by name, as they are compared: `sensor/validation.authenticated`.
pub type ComparedCases = BTreeMap<String, ComparedCase>;

/// What is compared with the same case elsewhere.
#[derive(Clone, Debug, Default)]
pub struct ComparedCase {
    /// Its verdicts; empty where there are none.
    pub verdict: String,
    /// Its exchanges as text.
    pub text: String,
}

/// What differs.
#[derive(Debug)]
pub struct Difference {
    /// The differences for people, ending with how many there are.
    pub text: String,
    /// How many cases differ.
    pub count: usize,
}

/// Compares two sets of cases.
pub fn compare_cases(a: &ComparedCases, b: &ComparedCases) -> Difference {
    let (mut text, mut count, mut same) = (String::new(), 0, 0);
    for (head, one, other) in [("only in A", a, b), ("only in B", b, a)] {
        for name in one.keys().filter(|name| !other.contains_key(*name)) {
            count += 1;
            text.push_str(&format!("{head}: {}\n", sanitize::line(name)));
        }
    }
    for (name, old) in a {
        let Some(new) = b.get(name) else { continue };
        let mut lines = String::new();
        if old.verdict != new.verdict {
            lines.push_str(&format!("{} → {}\n", old.verdict, new.verdict));
        }
        if !snapshot::same(&old.text, &new.text) {
            lines.push_str(&snapshot::diff(&old.text, &new.text));
        }
        if lines.is_empty() {
            same += 1;
            continue;
        }
        count += 1;
        text.push_str(&format!("changed: {}\n", sanitize::line(name)));
        // A line that begins with what a target sent, blanks or not, could be a command to a build server.
        sanitize::lines(&lines).for_each(|line| text.push_str(&format!("  | {line}\n")));
    }
    let differ = if count == 1 { "differs" } else { "differ" };
    text.push_str(&format!("{count} {differ}, {same} the same\n"));
    Difference { text, count }
}

/// Compares two runs: verdicts, answers, and the readings followed. How long an exchange took does not count.
pub fn compare_reports(a: &Summary, b: &Summary) -> Difference {
    compare_cases(&cases_of(a), &cases_of(b))
}

/// Every case, and as a case every reading followed: `sensor/reading X11 validation.authenticated.body`.
fn cases_of(summary: &Summary) -> ComparedCases {
    let mut all = ComparedCases::new();
    for (index, target) in summary.targets.iter().enumerate() {
        let kind = target.kind;
        let before = summary.targets[..index].iter();
        let prefix = match before.filter(|other| other.kind == kind).count() {
            0 => kind.to_string(),
            count => format!("{kind}-{}", count + 1),
        };
        let cases = target.cases.iter();
        all.extend(cases.map(|case| (format!("{prefix}/{}", case.id), of_case(case))));
        all.extend(target.profile.iter().map(|followed| {
            let name = format!("{prefix}/reading {}", followed.number_and_fact());
            let verdict = followed.text();
            (
                name,
                ComparedCase {
                    verdict,
                    text: String::new(),
                },
            )
        }));
    }
    all
}

fn of_case(case: &CaseResult) -> ComparedCase {
    // Two runs may have had different baselines, or none: only what fails a run is compared.
    let is_changed = case.regression == Some(Regression::Changed);
    let verdict = format!(
        "{}{}{}",
        case.conformance.name(),
        if is_changed { ", changed" } else { "" },
        if case.known.is_some() { ", known" } else { "" }
    );
    let exchanges = case.exchanges.iter().map(|exchange| {
        let status = exchange.status.map(|status| status.to_string());
        let status = status.unwrap_or("no answer".to_owned());
        let texts = [&exchange.content_type, &exchange.outcome, &exchange.trouble];
        let texts = texts.into_iter().flatten();
        let texts: String = texts.map(|text| format!(" {text}")).collect();
        format!("{status}{texts}\n{}\n", exchange.body)
    });
    ComparedCase {
        verdict,
        text: exchanges.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Conformance, sample};

    #[test]
    fn a_run_does_not_differ_from_itself_however_long_it_took() {
        let (a, mut b) = (sample::rich(), sample::rich());
        b.targets[0].cases[0].exchanges[0].micros += 1;
        let difference = compare_reports(&a, &b);
        assert_eq!(difference.count, 0);
        assert_eq!(difference.text, "0 differ, 19 the same\n");
    }

    #[test]
    fn what_differs_is_reported_by_name() {
        let (mut a, mut b) = (sample::rich(), sample::rich());
        a.targets[0].cases.remove(0);
        b.targets[0].cases.remove(1);
        b.targets[0].cases[2].conformance = Conformance::Undocumented;
        b.targets[0].cases[2].exchanges[0].body = sample::HOSTILE.into();
        b.targets[1].profile[0].readings = vec!["table".into()];
        insta::assert_snapshot!("difference", compare_reports(&a, &b).text);
    }
}
