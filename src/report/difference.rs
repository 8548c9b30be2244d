//! What differs between two runs or two sets of snapshots, case by case.

use std::collections::BTreeMap;

use crate::{
    report::{CaseResult, Regression, Summary, sanitize},
    snapshot,
};

/// What is held against the same case elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedCase {
    /// Its verdicts; empty where there are none.
    pub verdict: String,
    /// Its exchanges as text.
    pub text: String,
}

/// What differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Names that only the first has.
    pub only_a: Vec<String>,
    /// Names that only the second has.
    pub only_b: Vec<String>,
    /// What both have and tell otherwise: the name, and the lines that differ.
    pub changed: Vec<(String, String)>,
    /// How many tell the same.
    pub same: usize,
}

/// Holds two sets of snapshots against each other.
pub fn compare_cases(
    a: &BTreeMap<String, ComparedCase>,
    b: &BTreeMap<String, ComparedCase>,
) -> Difference {
    let only = |one: &BTreeMap<String, ComparedCase>, other: &BTreeMap<String, ComparedCase>| {
        one.keys()
            .filter(|name| !other.contains_key(*name))
            .cloned()
            .collect()
    };
    let mut difference = Difference {
        only_a: only(a, b),
        only_b: only(b, a),
        ..Difference::default()
    };
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
            difference.same += 1;
        } else {
            difference.changed.push((name.clone(), lines));
        }
    }
    difference
}

/// Holds two runs against each other: verdicts, answers, and the readings followed. How long an exchange took does not count.
pub fn compare_reports(a: &Summary, b: &Summary) -> Difference {
    compare_cases(&told(a), &told(b))
}

/// Every case and every reading followed, by name: `sensor/validation.authenticated`, `sensor/reading X11 validation.authenticated.body`.
fn told(summary: &Summary) -> BTreeMap<String, ComparedCase> {
    let mut told = BTreeMap::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for target in &summary.targets {
        let count = seen.entry(target.kind.name()).or_default();
        *count += 1;
        let prefix = if *count == 1 {
            target.kind.to_string()
        } else {
            format!("{}-{count}", target.kind)
        };
        told.extend(
            target
                .cases
                .iter()
                .map(|case| (format!("{prefix}/{}", case.id), of_case(case))),
        );
        told.extend(target.profile.iter().map(|followed| {
            let number = followed
                .register
                .as_deref()
                .map(|number| format!("{number} "))
                .unwrap_or_default();
            let readings = followed
                .readings
                .iter()
                .chain(&followed.other)
                .map(String::as_str)
                .collect::<Vec<_>>();
            let verdict = if readings.is_empty() {
                "mixed".to_owned()
            } else {
                readings.join(" or ")
            };
            (
                format!("{prefix}/reading {number}{}", followed.fact),
                ComparedCase {
                    verdict,
                    text: String::new(),
                },
            )
        }));
    }
    told
}

fn of_case(case: &CaseResult) -> ComparedCase {
    let mut verdict = case.conformance.name().to_owned();
    // Two runs may have had different baselines, or none: only what fails a run is compared.
    verdict.push_str(if case.regression == Some(Regression::Changed) {
        ", changed"
    } else {
        ""
    });
    verdict.push_str(if case.known.is_some() { ", known" } else { "" });
    let exchanges = case.exchanges.iter().map(|exchange| {
        let status = exchange
            .status
            .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let words = [
            Some(status.as_str()),
            exchange.content_type.as_deref(),
            exchange.outcome.as_deref(),
            exchange.trouble.as_deref(),
        ];
        format!(
            "{}\n{}\n",
            words.into_iter().flatten().collect::<Vec<_>>().join(" "),
            exchange.body
        )
    });
    ComparedCase {
        verdict,
        text: exchanges.collect(),
    }
}

impl Difference {
    /// Tells whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.only_a.is_empty() && self.only_b.is_empty() && self.changed.is_empty()
    }

    /// Tells it for people, ending with how many differ.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (head, names) in [("only in A", &self.only_a), ("only in B", &self.only_b)] {
            names
                .iter()
                .for_each(|name| text.push_str(&format!("{head}: {}\n", sanitize::line(name))));
        }
        for (name, lines) in &self.changed {
            text.push_str(&format!("changed: {}\n", sanitize::line(name)));
            // A line that begins with what a target sent, blanks or not, could be a command to a build server.
            sanitize::lines(lines).for_each(|line| text.push_str(&format!("  | {line}\n")));
        }
        let count = self.only_a.len() + self.only_b.len() + self.changed.len();
        let differ = if count == 1 { "differs" } else { "differ" };
        text + &format!("{count} {differ}, {} the same\n", self.same)
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
        assert!(difference.is_empty(), "{difference:?}");
        assert!(difference.same > 10);
    }

    #[test]
    fn what_differs_is_told_by_name() {
        let (mut a, mut b) = (sample::rich(), sample::rich());
        a.targets[0].cases.remove(0);
        b.targets[0].cases.remove(1);
        b.targets[0].cases[2].conformance = Conformance::Undocumented;
        b.targets[0].cases[2].exchanges[0].body = sample::HOSTILE.into();
        b.targets[1].profile[0].readings = vec!["table".into()];
        insta::assert_snapshot!("difference", compare_reports(&a, &b).text());
    }
}
