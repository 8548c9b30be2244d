//! Known failures: scenarios that a client is known not to survive, and why. Such a failure fails no sweep; an entry that has expired,
//! that no scenario has, or that none fails by any longer does.
//!
//! ```yaml
//! - scenario: change/hanging@1     # a name or a glob, as the report shows it
//!   verdict: hung                  # or a mark that fails: certificate_accepted, other_user_changed
//!   reason: the vendor's client has no time-out, ticket 4711
//!   until: 2027-03-31              # the last day it is valid; optional
//! ```

use serde::Deserialize;

use super::{At, ScenarioResult, SweepReport, Verdict, glob};
use crate::{
    contract::{Glob, closed_set},
    fixture,
    fixture::{Diagnostic, Spanned},
    suite::{Date, known},
};

/// A file of known failures, and the day it is read on.
#[derive(Debug, Default)]
pub(crate) struct KnownScenarios {
    file: String,
    entries: Vec<(RawKnown, Glob)>,
    today: Date,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKnown {
    scenario: Spanned<String>,
    verdict: Cause,
    reason: Spanned<String>,
    until: Option<Date>,
}

closed_set! {
    /// What fails a scenario: a verdict or a mark, by its name.
    Cause, "verdict" {
        CertificateAccepted = "certificate_accepted",
        Crashed = "crashed",
        FalseSuccess = "false_success",
        Hung = "hung",
        Lost = "lost",
        OtherUserChanged = "other_user_changed",
    }
}

impl KnownScenarios {
    /// Reads a file; `file` is the name that errors show.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub(crate) fn read(file: &str, text: &str, today: Date) -> Result<KnownScenarios, Diagnostic> {
        let raw: Vec<RawKnown> = fixture::read_as(file, text)?;
        let entry = |raw: RawKnown| {
            known::check_reason(file, &raw.reason)?;
            let name = &raw.scenario;
            let glob = glob("scenario", &name.value)
                .map_err(|error| Diagnostic::new(name.place, error.to_string()).in_file(file))?;
            Ok((raw, glob))
        };
        Ok(KnownScenarios {
            file: file.to_owned(),
            entries: raw.into_iter().map(entry).collect::<Result<_, _>>()?,
            today,
        })
    }

    /// Excuses the known failures of a report, and adds what is wrong with the entries themselves. `is_whole` says that no scenario was
    /// left out by choice.
    pub(crate) fn apply(&self, report: &mut SweepReport, is_whole: bool) {
        let valid = self.entries.iter();
        let valid = valid.filter(|(known, _)| !known::is_over(known.until.as_ref(), &self.today));
        let valid: Vec<&(RawKnown, Glob)> = valid.collect();
        for scenario in report.scenarios.iter_mut().filter(|one| one.failed) {
            let mut reasons = Vec::new();
            let is_known = scenario.causes().all(|cause| {
                let mut entries = valid.iter();
                let entry = entries.find(|(known, glob)| {
                    known.verdict.name() == cause && is_meant(known, glob, scenario)
                });
                reasons.extend(entry.map(|(known, _)| known.reason.value.clone()));
                entry.is_some()
            });
            scenario.known = is_known.then(|| reasons.join("; "));
        }
        let problems = self.entries.iter().filter_map(|(known, glob)| {
            let problem = self.problem(known, glob, report, is_whole)?;
            let name = &known.scenario;
            Some(known::entry_problem(&self.file, name, "failure", &problem))
        });
        let problems: Vec<String> = problems.collect();
        report.trouble.extend(problems);
        for scenario in &mut report.scenarios {
            scenario.failed &= scenario.known.is_none();
        }
    }

    /// Returns what is wrong with an entry. What was not run, or not reached, speaks neither for it nor against it.
    fn problem(
        &self,
        known: &RawKnown,
        glob: &Glob,
        report: &SweepReport,
        is_whole: bool,
    ) -> Option<String> {
        if known::is_over(known.until.as_ref(), &self.today) {
            return known.until.as_ref().map(known::expired);
        }
        let name = &known.scenario.value;
        let is_one = report.scenarios.iter().any(|one| one.name == *name);
        if !is_whole && !is_one {
            return None;
        }
        let meant = report.scenarios.iter();
        let mut meant = meant.filter(|one| is_meant(known, glob, one)).peekable();
        if meant.peek().is_none() {
            let problem = "matches no scenario\n  hint: the report names them all";
            return could_be_run(name, report).then(|| problem.to_owned());
        }
        let cause = known.verdict.name();
        let is_gone = meant.all(|one| {
            one.verdict != Verdict::NotReached && !one.causes().any(|other| other == cause)
        });
        let problem = format!("with verdict `{cause}` did not occur\n  hint: remove it");
        is_gone.then_some(problem)
    }
}

/// Whether a scenario of this name or glob would have been run: its task was, and failures happened where it says.
fn could_be_run(name: &str, report: &SweepReport) -> bool {
    let (task, rest) = name.split_once('/').unwrap_or((name, ""));
    let mut run = report.calls.keys();
    let is_run = Glob::new(task).is_ok_and(|glob| run.any(|task| glob.is_match(task.name())));
    let is_open = rest.contains('=') || rest.contains(['*', '?', '[', '{']);
    is_run
        && !rest.contains(',')
        && (is_open || report.at != At::First && rest.ends_with("..") == (report.at == At::Always))
}

fn is_meant(known: &RawKnown, glob: &Glob, scenario: &ScenarioResult) -> bool {
    scenario.name == known.scenario.value || glob.is_match(&scenario.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::{Mark, MarkName};

    #[test]
    fn every_cause_of_a_failure_can_be_known() {
        let verdicts = Verdict::ALL.iter().filter(|verdict| verdict.is_failure());
        let marks = MarkName::ALL.iter().map(|name| Mark::new(*name, ""));
        let marks = marks.filter(Mark::is_failure).map(|mark| mark.name.name());
        let mut causes: Vec<&str> = verdicts.map(|one| one.name()).chain(marks).collect();
        causes.sort_unstable();
        assert_eq!(causes, Cause::NAMES);
    }
}
