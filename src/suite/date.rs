//! A day of the calendar.

use std::{fmt, str::FromStr, time::SystemTime};

use serde::{Deserialize, Deserializer, de};
use thiserror::Error;
use time::{OffsetDateTime, macros::format_description};

/// A day, `2027-03-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(time::Date);

/// A text is not a day.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a day, expected YYYY-MM-DD of the calendar")]
pub struct InvalidDate(String);

impl Date {
    /// Returns the day of a moment, in UTC.
    pub fn of(time: SystemTime) -> Date {
        Date(OffsetDateTime::from(time).date())
    }
}

impl FromStr for Date {
    type Err = InvalidDate;

    fn from_str(text: &str) -> Result<Date, InvalidDate> {
        let date = time::Date::parse(text, format_description!("[year]-[month]-[day]"));
        // A sign before the year is read too.
        let has_sign = text.starts_with(['+', '-']);
        let date = date.ok().filter(|_| !has_sign);
        date.map(Date).ok_or_else(|| InvalidDate(text.to_owned()))
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
        self.0.fmt(out)
    }
}

impl Default for Date {
    /// The first day there is.
    fn default() -> Date {
        Date(time::Date::MIN)
    }
}
