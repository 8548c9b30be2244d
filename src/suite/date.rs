//! A day of the calendar.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Deserializer, de};
use thiserror::Error;

use crate::contract::encoding::{parse_timestamp, timestamp};

/// A day, `2027-03-31`: the order of the texts is that of the days.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date(String);

/// A text is not a day.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is not a day, expected YYYY-MM-DD of the calendar")]
pub struct InvalidDate(String);

impl Date {
    /// Returns the day of a moment, in UTC.
    pub fn of(time: SystemTime) -> Date {
        Date(timestamp(time)[.."1994-11-06".len()].to_owned())
    }
}

impl FromStr for Date {
    type Err = InvalidDate;

    fn from_str(text: &str) -> Result<Date, InvalidDate> {
        let invalid = || InvalidDate(text.to_owned());
        if text.len() != "2027-03-31".len() {
            return Err(invalid());
        }
        let millis = parse_timestamp(&format!("{text}T00:00:00Z")).ok_or_else(invalid)?;
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(millis as u64);
        Some(Date::of(time))
            .filter(|date| date.0 == text)
            .ok_or_else(invalid)
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
