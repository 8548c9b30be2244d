//! Known differences: what a target is known to do otherwise, why, and until when. Such a difference fails no run; any other does, and an
//! entry that matches nothing.
//!
//! ```yaml
//! - case: validation.authenticated        # an id, a glob, or `inconsistent.FACT`
//!   received: "`msg` is `Hello` instead of *"  # what the report prints after "received", or the answer's body: exact, or a glob
//!   reason: firmware 22.3, vendor ticket 4711
//!   until: 2027-03-31                      # the last day it is valid; optional
//!   kind: sensor                           # optional
//! - fact: set_password.authentication_failed.status   # in every case, or in those of `case`
//!   reading: "400"
//!   reason: vendor ticket 4712
//! ```

use serde::Deserialize;

use crate::{
    contract,
    contract::{FactEntry, Glob, Kind},
    fixture::{self, Diagnostic, Spanned},
    report::{CaseFinding, CaseResult, Conformance, Summary, TargetSummary},
    suite::{Case, Date, own_cases},
};

/// A file of known differences, and the day it is read on.
#[derive(Clone, Debug, Default)]
pub struct KnownDifferences {
    entries: Vec<KnownDifference>,
    today: Date,
}

#[derive(Clone, Debug)]
struct KnownDifference {
    raw: RawEntry,
    file: String,
    case: Glob,
    received: Received,
}

/// What an entry excuses.
#[derive(Clone, Debug)]
enum Received {
    /// A fact that is answered inconsistently.
    Inconsistency,
    /// What the report prints after "received", or the body of the answer.
    Text(ExpectedText),
    /// A reading of these facts, or what is none.
    Reading(Vec<String>, ExpectedText),
}

/// A text, exact or as a glob: what has brackets may be no glob.
#[derive(Clone, Debug)]
struct ExpectedText(String, Option<Glob>);

impl ExpectedText {
    fn new(text: &Spanned<String>) -> ExpectedText {
        let glob = Glob::new(&text.value).ok();
        ExpectedText(text.value.clone(), glob)
    }

    fn is_match(&self, text: &str) -> bool {
        self.0 == text || self.1.as_ref().is_some_and(|glob| glob.is_match(text))
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    case: Option<Spanned<String>>,
    received: Option<Spanned<String>>,
    fact: Option<Spanned<String>>,
    reading: Option<Spanned<String>>,
    reason: Spanned<String>,
    until: Option<Date>,
    kind: Option<Kind>,
}

impl KnownDifferences {
    /// Reads a file of known differences; `file` is the name that errors and problems show.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn read(file: &str, text: &str, today: Date) -> Result<KnownDifferences, Diagnostic> {
        let raw: Vec<Spanned<RawEntry>> = fixture::read_as(file, text)?;
        let entry = |entry| KnownDifference::new(file, entry);
        let entries = raw.into_iter().map(entry).collect::<Result<_, _>>()?;
        Ok(KnownDifferences { entries, today })
    }

    /// Returns the reason of the first valid entry about a case that excuses something.
    fn reason(
        &self,
        kind: Kind,
        case: &str,
        excuses: impl Fn(&KnownDifference) -> bool,
    ) -> Option<&str> {
        let valid = self.entries.iter().filter(|entry| !self.is_over(entry));
        let mut meant = valid.filter(|entry| entry.is_match(kind, case) && excuses(entry));
        meant.next().map(|entry| &*entry.raw.reason.value)
    }

    /// Returns why the differences of a case are known, if all of them are.
    pub fn excuse_all(&self, kind: Kind, result: &CaseResult) -> Option<&str> {
        let differences = result.reasons.iter().filter(|found| found.code.is_none());
        let mut reasons = differences.map(|finding| {
            let exchange = result.exchanges.get(finding.step.wrapping_sub(1));
            let body = exchange.map_or("", |exchange| &exchange.body);
            self.reason(kind, &result.id, |entry| entry.excuses(finding, body))
        });
        let first = reasons.next()??;
        reasons.all(|reason| reason.is_some()).then_some(first)
    }

    /// Returns why an inconsistency is known, if it is.
    pub fn excuse_inconsistency(&self, kind: Kind, id: &str) -> Option<&str> {
        self.reason(kind, id, KnownDifference::is_inconsistency)
    }

    /// Returns what is wrong with the entries themselves, after a run: expired, matching nothing, or no longer differing.
    /// What was left out of a run or could not be judged speaks neither for nor against an entry.
    pub fn problems(&self, summary: &Summary) -> Vec<String> {
        let problem = |entry: &KnownDifference| {
            let (problem, subject) = (self.problem(entry, summary)?, entry.raw.subject());
            Some(entry_problem(&entry.file, subject, "difference", &problem))
        };
        self.entries.iter().filter_map(problem).collect()
    }

    fn problem(&self, entry: &KnownDifference, summary: &Summary) -> Option<String> {
        if self.is_over(entry) {
            return entry.raw.until.as_ref().map(expired);
        }
        if Kind::ALL.iter().all(|kind| entry.ids(*kind).is_empty()) {
            let problem = "matches no case\n  hint: `d4iot-double plan` lists the cases";
            return Some(problem.to_owned());
        }
        let kind = entry.raw.kind;
        let mut targets: Vec<&TargetSummary> = summary.targets.iter().collect();
        targets.retain(|target| kind.is_none_or(|kind| kind == target.kind));
        let agrees = |target: &&TargetSummary| {
            let ids = entry.ids(target.kind);
            ids.iter().all(|id| agrees(target, id))
        };
        let is_stale = !targets.is_empty() && targets.iter().all(agrees);
        is_stale.then(|| "differs no longer\n  hint: remove it".to_owned())
    }

    fn is_over(&self, entry: &KnownDifference) -> bool {
        is_over(entry.raw.until.as_ref(), &self.today)
    }
}

impl KnownDifference {
    fn new(file: &str, entry: Spanned<RawEntry>) -> Result<KnownDifference, Diagnostic> {
        let (raw, place) = (entry.value, entry.place);
        let wrong = |at: Option<&Spanned<String>>, message: &str| {
            let place = at.map_or(place, |at| at.place);
            Diagnostic::new(place, message).in_file(file)
        };
        check_reason(file, &raw.reason)?;
        let pattern = raw.case.as_ref().map_or("*", |text| &text.value);
        let case = Glob::new(pattern).map_err(|reason| {
            let message = format!("`{pattern}` is not a glob: {reason}");
            wrong(raw.case.as_ref(), &message)
        })?;
        let received = match (&raw.case, &raw.received, &raw.fact, &raw.reading) {
            (Some(_), Some(text), None, None) => Received::Text(ExpectedText::new(text)),
            (Some(case), None, None, None) if case.value.starts_with(INCONSISTENT) => {
                Received::Inconsistency
            }
            (_, None, Some(fact), Some(reading)) => {
                let meant = Kind::ALL.iter();
                let meant = meant.flat_map(|kind| contract::of(*kind).facts_meant(&fact.value));
                let meant: Vec<String> = meant.collect();
                if meant.is_empty() {
                    let message = format!("unknown fact `{}`", fact.value);
                    return Err(wrong(Some(fact), &message).hint(FACTS));
                }
                Received::Reading(meant, ExpectedText::new(reading))
            }
            _ => {
                let at = raw.case.as_ref().or(raw.fact.as_ref());
                return Err(wrong(at, NOTHING_EXCUSED).hint(EXCUSE));
            }
        };
        Ok(KnownDifference {
            file: file.to_owned(),
            raw,
            case,
            received,
        })
    }

    fn is_match(&self, kind: Kind, case: &str) -> bool {
        self.raw.kind.is_none_or(|own| own == kind) && self.case.is_match(case)
    }

    fn is_inconsistency(&self) -> bool {
        matches!(self.received, Received::Inconsistency)
    }

    /// Returns whether a finding is the one meant.
    fn excuses(&self, finding: &CaseFinding, body: &str) -> bool {
        match &self.received {
            Received::Inconsistency => false,
            Received::Text(text) => text.is_match(&finding.received) || text.is_match(body),
            Received::Reading(facts, reading) => {
                let mut seen = finding.seen.iter();
                seen.any(|seen| facts.contains(&seen.fact) && reading.is_match(&seen.reading))
            }
        }
    }

    /// Returns the id of every case and every possible inconsistency of a kind that is meant. A star alone means cases.
    fn ids(&self, kind: Kind) -> Vec<String> {
        let mut ids = Vec::new();
        if self.is_inconsistency() {
            let facts = contract::of(kind).facts().into_iter();
            let facts = facts.filter(FactEntry::is_disputed);
            ids.extend(facts.map(|fact| format!("{INCONSISTENT}{}", fact.name)));
        }
        let covers = |case: &Case| match &self.received {
            Received::Reading(facts, _) => {
                let covered = case.covers(contract::of(kind));
                facts.iter().any(|fact| covered.contains(fact))
            }
            _ => true,
        };
        let cases = own_cases::every().map(|located| &located.case);
        let cases = cases.filter(|case| case.kinds.contains(&kind) && covers(case));
        ids.extend(cases.map(|case| case.id.clone()));
        ids.retain(|id| self.is_match(kind, id));
        ids
    }
}

impl RawEntry {
    /// What the entry is about, for messages.
    fn subject(&self) -> &Spanned<String> {
        let named = self.case.as_ref().or(self.fact.as_ref());
        named.unwrap_or(&self.reason)
    }
}

/// Checks that a reason says something.
pub(crate) fn check_reason(file: &str, reason: &Spanned<String>) -> Result<(), Diagnostic> {
    if reason.value.trim().is_empty() {
        let message = "the reason is empty, expected words that a later reader understands";
        return Err(Diagnostic::new(reason.place, message).in_file(file));
    }
    Ok(())
}

/// Returns what is wrong with an entry about `subject`, with its place; `what` is known there.
pub(crate) fn entry_problem(
    file: &str,
    subject: &Spanned<String>,
    what: &str,
    problem: &str,
) -> String {
    let (line, column) = (subject.place.line, subject.place.column);
    let subject = &subject.value;
    format!("{file}:{line}:{column}: known {what} `{subject}` {problem}")
}

/// Whether the last day of an entry is over.
pub(crate) fn is_over(until: Option<&Date>, today: &Date) -> bool {
    until.is_some_and(|until| until < today)
}

/// Returns what is wrong with an entry whose last day is over.
pub(crate) fn expired(until: &Date) -> String {
    format!(
        "has expired on {until}\n  hint: see whether it still differs, and set another day or remove it"
    )
}

/// Returns whether a target was seen to agree where an entry says that it differs.
fn agrees(target: &TargetSummary, id: &str) -> bool {
    match id.strip_prefix(INCONSISTENT) {
        // Only a fact that an answer showed can be consistent.
        Some(fact) => {
            target.profile.iter().any(|followed| followed.fact == fact)
                && !target.inconsistent.iter().any(|mixed| mixed.fact == fact)
        }
        None => target.cases.iter().any(|case| {
            let is_judged = case.conformance != Conformance::NotJudged;
            case.id == id && case.known.is_none() && !case.failed && is_judged
        }),
    }
}

/// The prefix of the id of an inconsistency; the rest is the fact.
const INCONSISTENT: &str = "inconsistent.";
const NOTHING_EXCUSED: &str = "the entry does not say which difference it excuses, expected `case` with `received`, or `fact` with `reading`";
const EXCUSE: &str = "`received` is what the report prints after \"received\", or the body of the answer: exact, or with `*`";
const FACTS: &str = "`d4iot-double explain` lists the disputed and assumed facts";

#[cfg(test)]
mod tests;
