//! Known failures: scenarios that a client is known not to survive, and why. Such a failure fails no sweep; an entry that no failure
//! matches any longer does.
//!
//! ```yaml
//! - scenario: change/hanging@1     # a name or a glob, as the report shows it
//!   verdict: hung                  # or the mark that fails: certificate_accepted
//!   reason: the vendor's client has no time-out, ticket 4711
//! ```

use serde::Deserialize;

use super::{MarkName, SweepReport, Verdict, glob};
use crate::{
    contract::{ClosedSet, Glob, UnknownName},
    fixture,
    fixture::{Diagnostic, Spanned},
};

/// A file of known failures.
#[derive(Debug, Default)]
pub(crate) struct KnownScenarios {
    file: String,
    entries: Vec<(Spanned<String>, Glob, RawKnown)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKnown {
    scenario: Spanned<String>,
    verdict: KnownCause,
    reason: String,
}

/// What fails a scenario: a verdict or a mark, by its name.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct KnownCause(String);

impl TryFrom<String> for KnownCause {
    type Error = UnknownName;

    fn try_from(name: String) -> Result<KnownCause, UnknownName> {
        match MarkName::named(&name) {
            Some(_) => Ok(KnownCause(name)),
            None => name.parse::<Verdict>().map(|_| KnownCause(name)),
        }
    }
}

impl KnownScenarios {
    /// Reads a file; `file` is the name that errors show.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub(crate) fn read(file: &str, text: &str) -> Result<KnownScenarios, Diagnostic> {
        let raw: Vec<RawKnown> = fixture::read_as(file, text)?;
        let entry = |raw: RawKnown| {
            let name = raw.scenario.clone();
            let glob = glob("scenario", &name.value).map_err(|error| Diagnostic {
                file: file.to_owned(),
                line: name.place.line,
                column: name.place.column,
                message: error.to_string(),
                hint: None,
            })?;
            Ok((name, glob, raw))
        };
        Ok(KnownScenarios {
            file: file.to_owned(),
            entries: raw.into_iter().map(entry).collect::<Result<_, _>>()?,
        })
    }

    /// Excuses the known failures of a report, and adds what is wrong with the entries themselves.
    pub(crate) fn apply(&self, report: &mut SweepReport) {
        for (name, glob, known) in &self.entries {
            let mut is_used = false;
            for scenario in report.scenarios.iter_mut().filter(|one| one.failed) {
                let is_named = scenario.name == name.value || glob.is_match(&scenario.name);
                let marks = scenario.marks.iter().filter(|mark| mark.is_failure());
                let mut causes: Vec<&str> = marks.map(|mark| mark.name.name()).collect();
                causes.extend(
                    scenario
                        .verdict
                        .is_failure()
                        .then(|| scenario.verdict.name()),
                );
                if is_named && causes.iter().all(|cause| *cause == known.verdict.0) {
                    scenario.known = Some(known.reason.clone());
                    is_used = true;
                }
            }
            if !is_used {
                let (file, place) = (&self.file, name.place);
                report.trouble.push(format!(
                    "{file}:{}:{}: known failure `{}` with verdict `{}` did not occur\n  hint: remove it",
                    place.line, place.column, name.value, known.verdict.0
                ));
            }
        }
        for scenario in &mut report.scenarios {
            scenario.failed &= scenario.known.is_none();
        }
    }
}
