//! What a sweep found, and the formats it is written in.

use std::{collections::BTreeMap, fmt, mem, time::Duration};

use serde::Serialize;

use super::{
    At, Mark, PasswordKind, Task, Verdict,
    matrix::{Matrix, matrices},
    scenario::{CleanCall, Scenario},
};
use crate::{contract::Kind, fixture::Fixture, journal::EntryView, report, report::Format};

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

/// What became of a scenario.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ScenarioResult {
    /// Its name, `change/commit_then_reset@1`.
    pub name: String,
    /// What the client was to do.
    pub task: Task,
    /// The failure mode, or two with a comma; none for a reading.
    pub mode: Option<String>,
    /// The fact and its reading, `FACT=NAME`; none for a failure mode.
    pub reading: Option<String>,
    /// The call that it happened at, from 1.
    pub call: Option<usize>,
    /// What became of the password.
    pub verdict: Verdict,
    /// Whether this fails the sweep.
    pub failed: bool,
    /// What fails it, or would if it were not known: its verdict, or the name of a mark.
    pub cause: Option<&'static str>,
    /// Why a failure is known and does not fail the sweep.
    pub known: Option<String>,
    /// Why, in a sentence.
    pub what: String,
    /// What a good client does, if that is known.
    pub advice: Option<String>,
    /// What else was seen.
    pub marks: Vec<Mark>,
    /// How long its runs took together.
    pub seconds: f64,
    /// The run with the failure, and the one after it where that decided.
    pub runs: Vec<ClientRun>,
}

/// A run of the client.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ClientRun {
    /// How it ended: `exit 1`.
    pub ended: String,
    /// Whether the client says that it did its task; none where it says nothing.
    pub claims_success: Option<bool>,
    /// Which password the appliance held then.
    pub holds: PasswordKind,
    /// How long it ran.
    pub seconds: f64,
    /// How many requests it sent.
    pub exchange_count: u64,
    /// The last of them, at most 200, as entries of the journal.
    pub exchanges: Vec<EntryView>,
    /// The end of what it printed on stdout, without passwords.
    pub stdout: String,
    /// The same of stderr.
    pub stderr: String,
    #[serde(skip)]
    pub(super) prints_password: bool,
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

impl ClientRun {
    pub(super) fn printed_password(&self) -> Option<Mark> {
        let text = "printed a password";
        let mark = || Mark::new(super::MarkName::PasswordPrinted, text);
        self.prints_password.then(mark)
    }

    /// Returns the last lines that it printed, each after a line feed.
    pub(super) fn last_lines(&self) -> String {
        let printed = [&self.stdout, &self.stderr];
        let lines = printed.iter().flat_map(|text| text.lines());
        let lines: Vec<&str> = lines.collect();
        let last = lines.iter().skip(lines.len().saturating_sub(LAST_LINES));
        let last = last.flat_map(|line| report::safe_lines(line));
        last.map(|line| format!("\n  | {line}")).collect()
    }
}

impl ScenarioResult {
    pub(super) fn new(
        scenario: &Scenario,
        verdict: Verdict,
        what: String,
        marks: Vec<Mark>,
        mut runs: Vec<ClientRun>,
    ) -> ScenarioResult {
        for run in &mut runs {
            let excess = run.exchanges.len().saturating_sub(MAX_EXCHANGES);
            run.exchanges.drain(..excess);
        }
        let modes: Vec<&str> = scenario.modes.iter().map(|mode| &*mode.name).collect();
        let reading = scenario.reading.as_ref();
        let mut result = ScenarioResult {
            name: scenario.name.clone(),
            task: scenario.task,
            mode: (!modes.is_empty()).then(|| modes.join(",")),
            reading: reading.map(|(fact, name)| format!("{fact}={name}")),
            call: scenario.call,
            verdict,
            failed: false,
            cause: None,
            known: None,
            what,
            advice: scenario.advice.clone(),
            marks,
            seconds: runs.iter().map(|run| run.seconds).sum(),
            runs,
        };
        result.judge();
        result
    }
}

impl ScenarioResult {
    /// Takes another result of the same scenario. Marks that fail stay.
    pub(super) fn replace(&mut self, other: ScenarioResult) {
        let old = mem::replace(self, other);
        let is_new = |mark: &Mark| self.marks.iter().all(|own| own.name != mark.name);
        let kept: Vec<Mark> = old
            .marks
            .into_iter()
            .filter(|mark| mark.is_failure() && is_new(mark))
            .collect();
        self.marks.extend(kept);
        self.judge();
    }

    /// Sets what fails it, by its verdict and marks.
    fn judge(&mut self) {
        let cause = self.causes().next();
        self.cause = cause;
        self.failed = self.cause.is_some();
        let mut marks = self.marks.iter().filter(|mark| mark.is_failure());
        if !self.verdict.is_failure()
            && let Some(mark) = marks.next()
        {
            self.what = format!("The client {}.", mark.text);
        }
    }

    /// Returns what fails it, or would if it were not known: the marks, and the verdict.
    pub(super) fn causes(&self) -> impl Iterator<Item = &'static str> {
        let marks = self.marks.iter().filter(|mark| mark.is_failure());
        let verdict = Some(self.verdict).filter(|verdict| verdict.is_failure());
        let verdict = verdict.map(Verdict::name);
        verdict
            .into_iter()
            .chain(marks.map(|mark| mark.name.name()))
    }
}

impl SweepReport {
    pub(super) fn new(fixture: &Fixture, at: At) -> SweepReport {
        SweepReport {
            version: 1,
            tool: concat!("d4iot-double ", env!("CARGO_PKG_VERSION")).to_owned(),
            kind: fixture.kind,
            at,
            seed: fixture.seed.unwrap_or_default(),
            jobs: 0,
            client_runs: 0,
            seconds: 0.0,
            calls: BTreeMap::new(),
            counts: BTreeMap::new(),
            trouble: Vec::new(),
            repeat: None,
            scenarios: Vec::new(),
            left_out: Vec::new(),
        }
    }

    pub(super) fn add_task(&mut self, task: Task, calls: &[CleanCall], left_out: Vec<LeftOut>) {
        let names = calls.iter();
        let names = names.map(|call| call.operation.map_or("none", |operation| operation.name()));
        self.calls.insert(task, names.collect());
        self.left_out.extend(left_out);
    }

    pub(super) fn finish(
        &mut self,
        scenarios: Vec<ScenarioResult>,
        jobs: usize,
        (client_runs, time): (usize, Duration),
    ) {
        for scenario in &scenarios {
            *self.counts.entry(scenario.verdict).or_default() += 1;
        }
        (self.jobs, self.client_runs) = (jobs, client_runs);
        self.seconds = time.as_secs_f64();
        self.scenarios = scenarios;
    }

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
            _ => report::write_with(TEMPLATES, format, self.page())?,
        };
        Some(text.into_bytes())
    }

    /// Returns what was sent and answered in each scenario, a line for each request.
    #[cfg(feature = "cli")]
    pub(crate) fn journal(&self) -> String {
        report::write_with(JOURNAL, Format::Text, self).unwrap_or_default()
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
                    output: scenario
                        .runs
                        .last()
                        .map(ClientRun::last_lines)
                        .unwrap_or_default(),
                    others: Vec::new(),
                }),
            }
        }
        groups
    }

    fn page(&self) -> SweepPage<'_> {
        let mut verdicts: Vec<_> = self
            .counts
            .iter()
            .map(|(name, count)| (*name, *count))
            .collect();
        verdicts.sort_by_key(|(verdict, _)| !verdict.is_failure());
        SweepPage {
            report: self,
            matrices: matrices(self),
            verdicts,
            failures: self.failures(),
            failed: self.scenarios.iter().filter(|one| one.failed).count(),
            passed: self.passed(),
        }
    }
}

/// The report as text.
impl fmt::Display for SweepReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = report::write_with(TEMPLATES, Format::Text, self.page());
        out.write_str(&text.unwrap_or_default())
    }
}

/// How many requests of a run a report has at most.
pub(super) const MAX_EXCHANGES: usize = 200;
#[cfg(feature = "cli")]
const JOURNAL: report::Templates = &[(Format::Text, include_str!("templates/journal.jinja"))];
const TEMPLATES: report::Templates = &[
    (Format::Html, include_str!("templates/html.jinja")),
    (Format::Junit, include_str!("templates/junit.jinja")),
    (Format::Markdown, include_str!("templates/markdown.jinja")),
    (Format::Text, include_str!("templates/text.jinja")),
];
/// How many lines of a client's output a message shows.
const LAST_LINES: usize = 8;
