//! What a sweep found, and the formats it is written in.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::{
    At, ScenarioResult, Task, Verdict,
    matrix::{Matrix, matrices},
};
use crate::{contract::Kind, report, report::Format};

/// What a sweep found. [`SweepReport::write`] writes it in the formats of `check`'s reports.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SweepReport {
    /// The version of this form, 1.
    pub version: u32,
    /// The tool and its version.
    pub tool: String,
    /// The appliance's kind.
    pub kind: Kind,
    /// At which calls failure modes happened.
    pub at: At,
    /// The seed of everything random.
    pub seed: u64,
    /// How many clients ran side by side.
    pub jobs: usize,
    /// How often the client was run.
    pub client_runs: usize,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// The calls of the client in its clean run, for each task: the operation, or `none`.
    pub calls: BTreeMap<Task, Vec<&'static str>>,
    /// How many scenarios have each verdict.
    pub counts: BTreeMap<Verdict, usize>,
    /// Known failures that did not occur, that no scenario has, or that have expired. Any fails the run.
    pub trouble: Vec<String>,
    /// The command that runs one scenario again: what stands before and after its name.
    pub repeat: Option<[String; 2]>,
    /// Every scenario.
    pub scenarios: Vec<ScenarioResult>,
    /// The failure modes that cannot happen to this client.
    pub left_out: Vec<LeftOut>,
}

/// A failure mode that cannot happen to this client.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// The task.
    pub task: Task,
    /// The failure mode.
    pub mode: String,
    /// Why it cannot.
    pub reason: String,
}

/// What the templates show.
#[derive(Serialize)]
struct SweepPage<'a> {
    #[serde(flatten)]
    report: &'a SweepReport,
    matrices: Vec<Matrix>,
    /// The verdicts that occur, with their counts, those that fail first.
    verdicts: Vec<(Verdict, usize)>,
    failures: Vec<FailureGroup<'a>>,
    /// The marks of scenarios that pass, each with their names.
    marks: BTreeMap<&'a str, Vec<&'a str>>,
    failed: usize,
    passed: bool,
}

/// Failures of one mode that end alike: one is told, the others are named.
#[derive(Serialize)]
struct FailureGroup<'a> {
    first: &'a ScenarioResult,
    /// The command that runs it again.
    again: Option<String>,
    /// The end of what the client printed.
    output: String,
    others: Vec<&'a str>,
}

impl SweepReport {
    /// Returns the verdict of the scenario of this name.
    pub fn verdict(&self, scenario: &str) -> Option<Verdict> {
        let mut scenarios = self.scenarios.iter();
        let found = scenarios.find(|one| one.name == scenario)?;
        Some(found.verdict)
    }

    /// Returns how many scenarios have a verdict: in all others the failure never happened.
    pub fn judged(&self) -> usize {
        let not_reached = self.counts.get(&Verdict::NotReached);
        self.scenarios.len() - not_reached.copied().unwrap_or_default()
    }

    /// Whether a scenario fails that is not known.
    pub(crate) fn has_failed(&self) -> bool {
        self.scenarios.iter().any(|scenario| scenario.failed)
    }

    /// Whether every failure left a password that the client knows, and at least one happened.
    pub fn passed(&self) -> bool {
        !self.has_failed() && self.trouble.is_empty() && self.judged() > 0
    }

    /// Panics with the report unless it passed.
    ///
    /// # Panics
    /// A scenario failed, or none happened.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.passed(), "{self}");
    }

    /// Writes the report: text, html, json, junit or markdown; none for the other formats.
    pub fn write(&self, format: Format) -> Option<Vec<u8>> {
        let text = match format {
            Format::Json => report::json::pretty(self),
            _ => report::write_with(TEMPLATES, format, self.page(), false)?,
        };
        Some(text.into_bytes())
    }

    /// Returns what was sent and answered in each scenario, a line for each request.
    #[cfg(feature = "cli")]
    pub(crate) fn journal(&self) -> String {
        report::write_with(JOURNAL, Format::Text, self, false).unwrap_or_default()
    }

    fn failures(&self) -> Vec<FailureGroup<'_>> {
        let mut groups: Vec<FailureGroup<'_>> = Vec::new();
        for scenario in self.scenarios.iter().filter(|one| one.failed) {
            let key = |one: &ScenarioResult| {
                let marks = one.marks.iter().map(|mark| mark.text.clone());
                let marks: Vec<String> = marks.collect();
                (one.task, one.mode.clone(), one.what.clone(), marks)
            };
            let mut known = groups.iter_mut();
            let group =
                known.find(|group| scenario.mode.is_some() && key(group.first) == key(scenario));
            match group {
                Some(group) => group.others.push(&scenario.name),
                None => groups.push(FailureGroup {
                    first: scenario,
                    again: self.repeat.as_ref().map(|[before, after]| {
                        let name = shlex::try_quote(&scenario.name).unwrap_or_default();
                        format!("{before} {name} {after}")
                    }),
                    output: scenario.output(),
                    others: Vec::new(),
                }),
            }
        }
        groups
    }

    fn page(&self) -> SweepPage<'_> {
        let mut verdicts: Vec<_> = self.counts.clone().into_iter().collect();
        let mut marks: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for scenario in self.scenarios.iter().filter(|one| !one.failed) {
            for mark in &scenario.marks {
                marks.entry(&mark.text).or_default().push(&scenario.name);
            }
        }
        verdicts.sort_by_key(|(verdict, _)| !verdict.is_failure());
        SweepPage {
            report: self,
            matrices: matrices(self),
            verdicts,
            failures: self.failures(),
            marks,
            failed: self.scenarios.iter().filter(|one| one.failed).count(),
            passed: self.passed(),
        }
    }
}

/// The report as text.
impl fmt::Display for SweepReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = report::write_with(TEMPLATES, Format::Text, self.page(), false);
        out.write_str(&text.unwrap_or_default())
    }
}

#[cfg(feature = "cli")]
const JOURNAL: report::Templates = &[(Format::Text, include_str!("templates/journal.jinja"))];
const TEMPLATES: report::Templates = &[
    (Format::Html, include_str!("templates/html.jinja")),
    (Format::Junit, include_str!("templates/junit.jinja")),
    (Format::Markdown, include_str!("templates/markdown.jinja")),
    (Format::Text, include_str!("templates/text.jinja")),
];
