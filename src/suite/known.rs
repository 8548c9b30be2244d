//! Known differences: what a target is known to do otherwise, by whom and why, and until when. Such a difference fails no run; an entry that means none does.
//!
//! ```yaml
//! - case: validation.authenticated        # an id, a glob, or `inconsistent.FACT`
//!   reason: firmware 22.3, vendor ticket 4711
//!   until: 2027-03-31                      # the last day it holds; optional
//!   kind: sensor                           # optional
//! ```

use std::fmt;

use serde::Deserialize;

use crate::{
    contract,
    contract::{Glob, Kind, UnknownName},
    fixture,
    fixture::{Position, Spanned},
    report::{Conformance, Summary, TargetSummary},
    suite::cases,
};

/// A file of known differences, and the day it is read on.
#[derive(Clone, Debug, Default)]
pub struct KnownDifferences {
    entries: Vec<Entry>,
    today: Date,
}

/// A day, ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: u64,
    month: u8,
    day: u8,
}

#[derive(Clone, Debug)]
struct Entry {
    case: String,
    glob: Glob,
    reason: String,
    until: Option<Date>,
    kind: Option<Kind>,
    place: String,
}

impl KnownDifferences {
    /// Reads a file of known differences; `file` is the name that errors and problems show.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn read(file: &str, text: &str, today: Date) -> Result<KnownDifferences, fixture::Error> {
        let written: Vec<Spanned<Written>> = fixture::read_as(file, text)?;
        let entries = written
            .into_iter()
            .map(|entry| Entry::meant(file, entry.value))
            .collect::<Result<_, _>>()?;
        Ok(KnownDifferences { entries, today })
    }

    /// Returns why a difference of this case is known, if it is.
    pub fn reason(&self, kind: Kind, case: &str) -> Option<&str> {
        self.entries
            .iter()
            .find(|entry| entry.means(kind, case) && !self.is_over(entry))
            .map(|entry| entry.reason.as_str())
    }

    /// Returns what is wrong with the entries themselves, after a run: expired, matching nothing, or no longer differing.
    /// What was left out of a run or could not be judged speaks neither for nor against an entry.
    pub fn problems(&self, summary: &Summary) -> Vec<String> {
        self.entries
            .iter()
            .filter_map(|entry| {
                Some(format!(
                    "{}: known difference `{}`{}",
                    entry.place,
                    entry.case,
                    self.trouble(entry, summary)?
                ))
            })
            .collect()
    }

    fn trouble(&self, entry: &Entry, summary: &Summary) -> Option<String> {
        if self.is_over(entry) {
            let until = entry
                .until
                .map(|until| until.to_string())
                .unwrap_or_default();
            return Some(format!(
                " has expired on {until}\n  hint: see whether it still differs, and set another day or remove it"
            ));
        }
        if !Kind::ALL
            .iter()
            .any(|kind| !entry.meant_of(*kind).is_empty())
        {
            return Some(
                " matches no case\n  hint: `d4iot-double plan` lists the cases".to_owned(),
            );
        }
        let targets = || {
            summary
                .targets
                .iter()
                .filter(|target| entry.kind.is_none_or(|kind| kind == target.kind))
        };
        let stale = targets().count() > 0
            && targets().all(|target| {
                entry
                    .meant_of(target.kind)
                    .iter()
                    .all(|id| agrees(target, id))
            });
        stale.then(|| " differs no longer\n  hint: remove it".to_owned())
    }

    fn is_over(&self, entry: &Entry) -> bool {
        entry.until.is_some_and(|until| until < self.today)
    }
}

fn error_at(file: &str, at: Position, message: String) -> fixture::Error {
    fixture::Error {
        file: file.to_owned(),
        line: at.line,
        column: at.column,
        message,
        hint: None,
    }
}

impl Entry {
    fn meant(file: &str, written: Written) -> Result<Entry, fixture::Error> {
        let Written {
            case,
            reason,
            until,
            kind,
        } = written;
        let glob = Glob::new(&case.value).map_err(|wrong| {
            error_at(
                file,
                case.place,
                format!("`{}` is no glob: {wrong}", case.value),
            )
        })?;
        if reason.value.trim().is_empty() {
            return Err(error_at(
                file,
                reason.place,
                "the reason is empty, expected words that a later reader understands".to_owned(),
            ));
        }
        let until = until
            .map(|until| {
                until
                    .value
                    .parse()
                    .map_err(|wrong| error_at(file, until.place, wrong))
            })
            .transpose()?;
        let kind = kind
            .map(|kind| {
                kind.value
                    .parse()
                    .map_err(|wrong: UnknownName| error_at(file, kind.place, wrong.to_string()))
            })
            .transpose()?;
        let place = format!("{file}:{}:{}", case.place.line, case.place.column);
        Ok(Entry {
            glob,
            case: case.value,
            reason: reason.value,
            until,
            kind,
            place,
        })
    }

    fn means(&self, kind: Kind, case: &str) -> bool {
        self.kind.is_none_or(|own| own == kind) && self.glob.is_match(case)
    }

    /// Every case and every possible inconsistency of a kind that is meant. A star alone means cases.
    fn meant_of(&self, kind: Kind) -> Vec<String> {
        let cases = cases::all()
            .iter()
            .filter(|located| located.case.kinds.contains(&kind))
            .map(|located| located.case.id.clone());
        let disputed = contract::of(kind)
            .facts()
            .into_iter()
            .filter(|fact| fact.is_disputed())
            .map(|fact| format!("{INCONSISTENT}{}", fact.name));
        cases
            .chain(disputed.filter(|_| self.case.starts_with(INCONSISTENT)))
            .filter(|id| self.means(kind, id))
            .collect()
    }
}

/// Whether a target was seen to agree where an entry says that it differs.
fn agrees(target: &TargetSummary, id: &str) -> bool {
    match id.strip_prefix(INCONSISTENT) {
        // Only a fact that was told of can be told to be consistent.
        Some(fact) => {
            target.profile.iter().any(|followed| followed.fact == fact)
                && !target.inconsistent.iter().any(|mixed| mixed.fact == fact)
        }
        None => target.cases.iter().any(|case| {
            case.id == id
                && case.known.is_none()
                && !case.failed
                && case.conformance != Conformance::NotJudged
        }),
    }
}

impl Date {
    /// Returns the day of so many days after the first of January 1970 (Howard Hinnant's `civil_from_days`, for days since then).
    pub fn of_days(days: u64) -> Date {
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        let small = |number: u64| u8::try_from(number).expect("months and days are small");
        Date {
            year,
            month: small(month),
            day: small(day),
        }
    }
}

impl std::str::FromStr for Date {
    type Err = String;

    fn from_str(text: &str) -> Result<Date, String> {
        let malformed = || format!("`{text}` is no day, expected YYYY-MM-DD");
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts[..] else {
            return Err(malformed());
        };
        if [year.len(), month.len(), day.len()] != [4, 2, 2]
            || !text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-')
        {
            return Err(malformed());
        }
        let number = |text: &str| text.parse::<u64>().map_err(|_| malformed());
        let (year, month, day) = (number(year)?, number(month)?, number(day)?);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            2 => 28 + u64::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        if !(1..=12).contains(&month) || !(1..=last).contains(&day) {
            return Err(format!("`{text}` is no day of the calendar"));
        }
        let small = |number: u64| u8::try_from(number).expect("months and days are small");
        Ok(Date {
            year,
            month: small(month),
            day: small(day),
        })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    case: Spanned<String>,
    reason: Spanned<String>,
    until: Option<Spanned<String>>,
    kind: Option<Spanned<String>>,
}

/// What the id of an inconsistency begins with; the rest is the fact.
const INCONSISTENT: &str = "inconsistent.";

#[cfg(test)]
mod tests;
