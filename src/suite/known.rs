//! Known differences: what a target is known to do otherwise, why, and until when. Such a difference fails no run; an entry that matches
//! nothing does.
//!
//! ```yaml
//! - case: validation.authenticated        # an id, a glob, or `inconsistent.FACT`
//!   reason: firmware 22.3, vendor ticket 4711
//!   until: 2027-03-31                      # the last day it is valid; optional
//!   kind: sensor                           # optional
//! ```

use std::{fmt, str::FromStr, time::SystemTime};

use serde::{Deserialize, Deserializer, de};
use thiserror::Error;

use crate::{
    contract,
    contract::{Glob, Kind},
    fixture,
    fixture::Spanned,
    report::{Conformance, Summary, TargetSummary},
    suite::cases,
};

/// A file of known differences, and the day it is read on.
#[derive(Clone, Debug, Default)]
pub struct KnownDifferences {
    entries: Vec<KnownDifference>,
    today: Date,
}

/// A day, `2027-03-31`: the order of the texts is that of the days.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(String);

/// A text is not a day.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a day, expected YYYY-MM-DD of the calendar")]
pub struct InvalidDate(String);

#[derive(Clone, Debug)]
struct KnownDifference {
    raw: RawEntry,
    glob: Glob,
    file: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    case: Spanned<String>,
    reason: Spanned<String>,
    until: Option<Date>,
    kind: Option<Kind>,
}

impl KnownDifferences {
    /// Reads a file of known differences; `file` is the name that errors and problems show.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn read(
        file: &str,
        text: &str,
        today: Date,
    ) -> Result<KnownDifferences, fixture::Diagnostic> {
        let raw: Vec<Spanned<RawEntry>> = fixture::read_as(file, text)?;
        let entries = raw
            .into_iter()
            .map(|entry| KnownDifference::new(file, entry.value));
        let entries = entries.collect::<Result<_, _>>()?;
        Ok(KnownDifferences { entries, today })
    }

    /// Returns why a difference of this case is known, if it is.
    pub fn reason(&self, kind: Kind, case: &str) -> Option<&str> {
        let is_meant =
            |entry: &&KnownDifference| entry.is_match(kind, case) && !self.is_over(entry);
        let entry = self.entries.iter().find(is_meant)?;
        Some(&entry.raw.reason.value)
    }

    /// Returns what is wrong with the entries themselves, after a run: expired, matching nothing, or no longer differing.
    /// What was left out of a run or could not be judged speaks neither for nor against an entry.
    pub fn problems(&self, summary: &Summary) -> Vec<String> {
        let problem = |entry: &KnownDifference| {
            let problem = self.problem(entry, summary)?;
            let (file, case) = (&entry.file, &entry.raw.case);
            let (line, column) = (case.place.line, case.place.column);
            let case = &case.value;
            Some(format!(
                "{file}:{line}:{column}: known difference `{case}` {problem}"
            ))
        };
        self.entries.iter().filter_map(problem).collect()
    }

    fn problem(&self, entry: &KnownDifference, summary: &Summary) -> Option<String> {
        if let Some(until) = entry.raw.until.as_ref().filter(|_| self.is_over(entry)) {
            return Some(format!(
                "has expired on {until}\n  hint: see whether it still differs, and set another day or remove it"
            ));
        }
        if Kind::ALL.iter().all(|kind| entry.ids(*kind).is_empty()) {
            let problem = "matches no case\n  hint: `d4iot-double plan` lists the cases";
            return Some(problem.to_owned());
        }
        let kind = entry.raw.kind;
        let targets = summary.targets.iter();
        let mut targets = targets.filter(|target| kind.is_none_or(|kind| kind == target.kind));
        let agrees =
            |target: &TargetSummary| entry.ids(target.kind).iter().all(|id| agrees(target, id));
        let is_stale = targets.clone().next().is_some() && targets.all(agrees);
        is_stale.then(|| "differs no longer\n  hint: remove it".to_owned())
    }

    fn is_over(&self, entry: &KnownDifference) -> bool {
        let until = entry.raw.until.as_ref();
        until.is_some_and(|until| *until < self.today)
    }
}

impl KnownDifference {
    fn new(file: &str, raw: RawEntry) -> Result<KnownDifference, fixture::Diagnostic> {
        let wrong = |at: &Spanned<String>, message| fixture::Diagnostic {
            file: file.to_owned(),
            line: at.place.line,
            column: at.place.column,
            message,
            hint: None,
        };
        let RawEntry { case, reason, .. } = &raw;
        let glob = Glob::new(&case.value)
            .map_err(|reason| wrong(case, format!("`{}` is not a glob: {reason}", case.value)))?;
        if reason.value.trim().is_empty() {
            let message = "the reason is empty, expected words that a later reader understands";
            return Err(wrong(reason, message.to_owned()));
        }
        let file = file.to_owned();
        Ok(KnownDifference { raw, glob, file })
    }

    fn is_match(&self, kind: Kind, case: &str) -> bool {
        self.raw.kind.is_none_or(|own| own == kind) && self.glob.is_match(case)
    }

    /// Returns the id of every case and every possible inconsistency of a kind that is meant. A star alone means cases.
    fn ids(&self, kind: Kind) -> Vec<String> {
        let mut ids = Vec::new();
        if self.raw.case.value.starts_with(INCONSISTENT) {
            let facts = contract::of(kind).facts().into_iter();
            let disputed = facts.filter(|fact| fact.is_disputed());
            ids.extend(disputed.map(|fact| format!("{INCONSISTENT}{}", fact.name)));
        }
        let cases = cases::all().iter().map(|located| &located.case);
        let cases = cases.filter(|case| case.kinds.contains(&kind));
        ids.extend(cases.map(|case| case.id.clone()));
        ids.retain(|id| self.is_match(kind, id));
        ids
    }
}

/// Tells whether a target was seen to agree where an entry says that it differs.
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

impl Date {
    /// Returns the day of a moment, in UTC.
    pub fn of(time: SystemTime) -> Date {
        // `Sun, 06 Nov 1994 08:49:37 GMT`
        let text = httpdate::fmt_http_date(time);
        let month = MONTHS.iter().position(|month| *month == &text[8..11]);
        let (day, month, year) = (&text[5..7], month.unwrap_or_default() + 1, &text[12..16]);
        Date(format!("{year}-{month:02}-{day}"))
    }
}

impl FromStr for Date {
    type Err = InvalidDate;

    fn from_str(text: &str) -> Result<Date, InvalidDate> {
        let invalid = || InvalidDate(text.to_owned());
        let [year, month, day] = text.split('-').collect::<Vec<_>>()[..] else {
            return Err(invalid());
        };
        let index = month.parse::<usize>().map_err(|_| invalid())?;
        let name = MONTHS.get(index.wrapping_sub(1)).ok_or_else(invalid)?;
        // The day exists if it is one day of the week.
        let days = WEEKDAYS
            .iter()
            .map(|weekday| format!("{weekday}, {day} {name} {year} 00:00:00 GMT"));
        let mut moments = days.filter_map(|day| httpdate::parse_http_date(&day).ok());
        let date = moments.next().map(Date::of);
        date.filter(|date| date.0 == text).ok_or_else(invalid)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The prefix of the id of an inconsistency; the rest is the fact.
const INCONSISTENT: &str = "inconsistent.";
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

#[cfg(test)]
mod tests;
