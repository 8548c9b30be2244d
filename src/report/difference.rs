//! What differs between two runs or two sets of snapshots: cases that differ alike are one entry.

use std::{cmp::Reverse, collections::BTreeMap};

use serde::Serialize;

use crate::{
    contract::grouped,
    report::{CaseResult, Conformance, Format, Regression, Summary, causes, json, template},
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
#[derive(Debug, Serialize)]
pub struct Difference {
    /// What is compared, for people: `snapshots`.
    pub noun: &'static str,
    /// The differences; those with the most cases are first.
    pub groups: Vec<DifferenceGroup>,
    /// How many cases differ.
    pub count: usize,
    /// How many are the same.
    pub same: usize,
}

/// Cases that differ alike.
#[derive(Debug, Serialize)]
pub struct DifferenceGroup {
    /// What differs, in one line.
    pub text: String,
    /// The cases, by name.
    pub cases: Vec<String>,
    /// The lines of the first case that differ.
    pub lines: String,
}

const TEMPLATES: template::Templates = &[
    (Format::Html, HTML),
    (Format::Markdown, MARKDOWN),
    (Format::Text, TEXT),
];
const HTML: &str = include_str!("templates/difference_html.jinja");
const MARKDOWN: &str = include_str!("templates/difference_markdown.jinja");
const TEXT: &str = include_str!("templates/difference_text.jinja");

impl Difference {
    /// Writes the difference, as text, HTML, JSON or Markdown; none for another format.
    pub fn write(&self, format: Format, every_case: bool) -> Option<Vec<u8>> {
        let text = if format == Format::Json {
            Some(json::pretty(self))
        } else {
            let mut page = serde_json::json!(self);
            page["every_case"] = every_case.into();
            template::write_with(TEMPLATES, format, page, false)
        };
        text.map(String::into_bytes)
    }
}

/// Compares two sets of cases, which are called by a noun in the plural.
pub fn compare_cases(noun: &'static str, a: &ComparedCases, b: &ComparedCases) -> Difference {
    let is_judged = |case: &ComparedCase| !case.verdict.starts_with(Conformance::NotJudged.name());
    let (mut same, mut differing, mut alone) = (0, Vec::new(), Vec::new());
    for (name, old) in a {
        let Some(new) = b.get(name) else { continue };
        if is_judged(old) != is_judged(new) {
            let run = if is_judged(old) { "A" } else { "B" };
            alone.push((format!("only judged in {run}"), (name, String::new())));
            continue;
        }
        let is_text_same = snapshot::same(&old.text, &new.text);
        if is_text_same && old.verdict == new.verdict {
            same += 1;
            continue;
        }
        let (mut texts, mut lines) = (Vec::new(), String::new());
        if !is_text_same {
            lines = snapshot::diff(&old.text, &new.text);
            texts.push(causes::change(&lines, "in A"));
        }
        if old.verdict != new.verdict {
            texts.push(format!("{} → {}", old.verdict, new.verdict));
        }
        differing.push((texts.join("; "), (name, lines)));
    }
    for (text, one, other) in [("only in A", a, b), ("only in B", b, a)] {
        let names = one.keys().filter(|name| !other.contains_key(*name));
        alone.extend(names.map(|name| (text.to_owned(), (name, String::new()))));
    }
    let count = differing.len() + alone.len();
    let mut groups = grouped(differing);
    groups.sort_by_key(|(_, cases)| Reverse(cases.len()));
    groups.extend(grouped(alone));
    let groups = groups.into_iter().map(|(text, cases)| DifferenceGroup {
        text,
        lines: cases[0].1.clone(),
        cases: cases.into_iter().map(|(name, _)| name.clone()).collect(),
    });
    Difference {
        noun,
        groups: groups.collect(),
        count,
        same,
    }
}

/// Compares two runs: verdicts, answers, and the readings followed. How long an exchange took does not count.
pub fn compare_reports(a: &Summary, b: &Summary) -> Difference {
    compare_cases("cases and readings", &cases_of(a), &cases_of(b))
}

/// Every case, and as a case every reading followed: `sensor/reading X11 validation.authenticated.body`.
fn cases_of(summary: &Summary) -> ComparedCases {
    let mut all = ComparedCases::new();
    for (index, target) in summary.targets.iter().enumerate() {
        let kind = target.kind;
        let before = summary.targets[..index].iter();
        // The targets of a list have names, and some may be gone from it. What is said behind a name is no part of it.
        let prefix = match before.filter(|other| other.kind == kind).count() {
            _ if summary.fleet.is_some() => {
                let name = target.target.split(" (").next();
                name.unwrap_or_default().to_owned()
            }
            0 => kind.to_string(),
            count => format!("{kind}-{}", count + 1),
        };
        let cases = target.cases.iter();
        all.extend(cases.map(|case| (format!("{prefix}/{}", case.id), of_case(case))));
        all.extend(target.profile.iter().map(|followed| {
            let name = format!("{prefix}/reading {}", followed.number_and_fact());
            let (verdict, text) = (followed.text(), String::new());
            (name, ComparedCase { verdict, text })
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
    use rstest::rstest;

    use super::*;
    use crate::report::{ListSummary, TargetSummary, sample};

    #[test]
    fn a_run_does_not_differ_from_itself_however_long_it_took() {
        let (a, mut b) = (sample::rich(), sample::rich());
        b.targets[0].cases[0].exchanges[0].micros += 1;
        let difference = compare_reports(&a, &b);
        assert_eq!((difference.count, difference.same), (0, 19));
    }

    fn changed() -> Difference {
        let (mut a, mut b) = (sample::rich(), sample::rich());
        a.targets[0].cases.remove(0);
        b.targets[0].cases.remove(1);
        b.targets[0].cases[2].conformance = Conformance::Undocumented;
        b.targets[0].cases[2].exchanges[0].body = sample::HOSTILE.into();
        b.targets[1].profile[0].readings = vec!["table".into()];
        compare_reports(&a, &b)
    }

    #[rstest]
    #[case::text("difference", Format::Text)]
    #[case::markdown("difference_markdown", Format::Markdown)]
    #[case::json("difference_json", Format::Json)]
    fn what_differs_is_reported_by_name(#[case] name: &str, #[case] format: Format) {
        let text = changed().write(format, false).unwrap();
        insta::assert_snapshot!(name, String::from_utf8(text).unwrap());
    }

    #[test]
    fn a_case_that_one_run_did_not_judge_comes_after_what_differs() {
        let (a, mut b) = (sample::rich(), sample::rich());
        for case in &mut b.targets[0].cases[..2] {
            case.conformance = Conformance::NotJudged;
            case.exchanges.clear();
        }
        b.targets[1].profile[0].readings = vec!["table".into()];

        let difference = compare_reports(&a, &b);

        let texts: Vec<&str> = difference.groups.iter().map(|group| &*group.text).collect();
        assert_eq!(texts.last(), Some(&"only judged in A"), "{texts:?}");
        assert!(texts.len() > 1, "{texts:?}");
    }

    #[test]
    fn targets_of_a_list_are_compared_by_their_names() {
        let list = |targets: &[TargetSummary]| {
            let names = targets.iter().map(|target| target.target.as_str());
            let fleet = ListSummary::new(names.collect(), None);
            Summary::of_fleet(fleet, targets.to_vec())
        };
        let mut targets = sample::rich().targets;
        targets[1].kind = targets[0].kind;
        let both = list(&targets);
        targets[1]
            .target
            .push_str(" (-k: any certificate was accepted)");
        let last = list(&targets[1..]);
        let difference = compare_reports(&both, &last);
        let [gone] = &difference.groups[..] else {
            panic!("{:?}", difference.groups);
        };
        let first = format!("{}/", targets[0].target);
        assert_eq!(gone.text, "only in A");
        assert!(gone.cases.iter().all(|name| name.starts_with(&first)));
    }

    #[test]
    fn a_page_holds_no_markup_of_a_target() {
        let page = changed().write(Format::Html, false).unwrap();
        let page = String::from_utf8(page).unwrap();
        assert!(
            !page.contains("<script>") && page.contains("&lt;script&gt;"),
            "{page}"
        );
    }

    #[test]
    fn cases_that_differ_alike_are_one_entry() {
        let of = |status: &str| -> ComparedCases {
            let case = |name: &str| {
                let (verdict, text) = (String::new(), format!("{status}\n{name}\n"));
                (name.to_owned(), ComparedCase { verdict, text })
            };
            ["a", "b", "c"].map(case).into()
        };
        let difference = compare_cases("cases", &of("200"), &of("201"));
        let [group] = &difference.groups[..] else {
            panic!("{difference:?}");
        };
        assert_eq!(group.text, "`201`, in A `200`");
        assert_eq!(group.cases, ["a", "b", "c"]);
    }
}
