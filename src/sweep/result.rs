//! What became of a scenario, and each run of the client in it.

use std::mem;

use serde::Serialize;

use super::{
    Mark, MarkName, PasswordKind, Task, Verdict, scenario::Scenario, verdict::Observation,
};
use crate::{journal::EntryView, report};

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
    #[serde(skip)]
    pub(super) seen: Observation,
}

impl ClientRun {
    pub(super) fn printed_password(&self) -> Option<Mark> {
        let mark = || Mark::new(MarkName::PasswordPrinted, "printed a password");
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

    /// Takes another result of the same scenario. Marks that fail stay.
    pub(super) fn replace(&mut self, other: ScenarioResult) {
        let old = mem::replace(self, other);
        let is_new = |mark: &Mark| self.marks.iter().all(|own| own.name != mark.name);
        let mut kept = old.marks;
        kept.retain(|mark| mark.is_failure() && is_new(mark));
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

    /// Returns the last lines that the client printed in each run.
    pub(super) fn output(&self) -> String {
        let printed: Vec<String> = self.runs.iter().map(ClientRun::last_lines).collect();
        match &printed[..] {
            [first, second] if first != second && !second.is_empty() => {
                format!("{first}\n  next run:{second}")
            }
            printed => printed.first().cloned().unwrap_or_default(),
        }
    }

    /// Returns what fails it, or would if it were not known: the marks, and the verdict.
    pub(super) fn causes(&self) -> impl Iterator<Item = &'static str> {
        let marks = self.marks.iter().filter(|mark| mark.is_failure());
        let verdict = Some(self.verdict).filter(|verdict| verdict.is_failure());
        let marks = marks.map(|mark| mark.name.name());
        verdict.map(Verdict::name).into_iter().chain(marks)
    }
}

/// How many requests of a run a report has at most.
pub(super) const MAX_EXCHANGES: usize = 200;
/// How many lines of a client's output a message shows.
const LAST_LINES: usize = 8;
