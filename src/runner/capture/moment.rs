//! Moments of RFC 3339, as captures write them.

/// Returns the milliseconds since 1970 of a moment such as `2026-01-31T09:30:00.123+02:00`. None of what is none.
pub(super) fn parse(text: &str) -> Option<f64> {
    let (date, time) = text.trim().split_once(['T', 't', ' '])?;
    let [year, month, day] = numbers(date, '-')?;
    let (time, offset) = match time.find(['Z', 'z', '+', '-']) {
        Some(place) => time.split_at(place),
        None => (time, "Z"),
    };
    let [hour, minute, second] = numbers(time, ':')?;
    let offset = match offset.as_bytes().first()? {
        b'+' => minutes(&offset[1..])?,
        b'-' => -minutes(&offset[1..])?,
        _ => 0.0,
    };
    let days = days(year, month, day);
    let seconds = (days * 24.0 + hour) * 3600.0 + (minute - offset) * 60.0 + second;
    seconds.is_finite().then_some(seconds * 1000.0)
}

/// Returns the days since 1970 of a day of the Gregorian calendar.
fn days(year: f64, month: f64, day: f64) -> f64 {
    // Years begin in March, so that a leap day is the last one.
    let year = if month <= 2.0 { year - 1.0 } else { year };
    let month = if month <= 2.0 {
        month + 9.0
    } else {
        month - 3.0
    };
    let leap_days = (year / 4.0).floor() - (year / 100.0).floor() + (year / 400.0).floor();
    year * 365.0 + leap_days + ((month * 153.0 + 2.0) / 5.0).floor() + day - 719_469.0
}

fn minutes(offset: &str) -> Option<f64> {
    let digits: String = offset.chars().filter(|digit| *digit != ':').collect();
    let (hours, minutes) = digits.split_at_checked(2)?;
    Some(hours.parse::<f64>().ok()? * 60.0 + minutes.parse().unwrap_or(0.0))
}

fn numbers(text: &str, between: char) -> Option<[f64; 3]> {
    let numbers: Option<Vec<f64>> = text.split(between).map(|part| part.parse().ok()).collect();
    numbers?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1970-01-01T00:00:00Z", Some(0.0))]
    #[case("1994-11-06T08:49:37.5Z", Some(784_111_777_500.0))]
    #[case("2024-02-29T12:00:00+02:00", Some(1_709_200_800_000.0))]
    #[case("2024-02-29T12:00:00-0030", Some(1_709_209_800_000.0))]
    #[case("yesterday", None)]
    #[case("2024-02T12:00:00Z", None)]
    #[case("", None)]
    fn a_moment_is_read(#[case] text: &str, #[case] expected: Option<f64>) {
        assert_eq!(parse(text), expected);
    }
}
