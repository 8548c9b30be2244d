//! A day of the calendar.

use std::{fmt, str::FromStr, time::SystemTime};

use serde::{Deserialize, Deserializer, de};
use thiserror::Error;

use crate::contract::encoding::{MONTHS, timestamp};

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

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
