//! Moments of RFC 3339, as captures write them.

use time::{
    OffsetDateTime, PrimitiveDateTime, UtcOffset,
    format_description::{BorrowedFormatItem, well_known::Iso8601},
    macros::format_description,
};

/// Returns the milliseconds since 1970 of a moment such as `2026-01-31T09:30:00.123+02:00`. None of what is none.
///
/// Captures also have a blank between day and time, an offset without colon or minutes, or none, which is read as UTC. Numbers have
/// all their digits, and there is no second 60.
pub(super) fn parse(text: &str) -> Option<f64> {
    let (date, time) = text.trim().split_once(['T', 't', ' '])?;
    let (time, offset) = time.split_at(time.find(['Z', 'z', '+', '-']).unwrap_or(time.len()));
    // More digits than nanoseconds would be rounded, also to a second 60.
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let fraction: String = fraction.chars().take(9).collect();
    let local = format!("{date}T{whole}.{fraction}");
    let local = PrimitiveDateTime::parse(&local, &Iso8601::DATE_TIME).ok()?;
    let offset = match offset {
        "" | "Z" | "z" => UtcOffset::UTC,
        other => UtcOffset::parse(&other.replace(':', ""), OFFSET).ok()?,
    };
    let since = local.assume_offset(offset) - OffsetDateTime::UNIX_EPOCH;
    Some(since.as_seconds_f64() * 1000.0)
}

const OFFSET: &[BorrowedFormatItem<'_>] =
    format_description!("[offset_hour sign:mandatory][optional [[offset_minute]]]");

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1970-01-01T00:00:00Z", Some(0.0))]
    #[case("1994-11-06T08:49:37.5Z", Some(784_111_777_500.0))]
    #[case("2024-02-29T12:00:00+02:00", Some(1_709_200_800_000.0))]
    #[case("2024-02-29T12:00:00-0030", Some(1_709_209_800_000.0))]
    #[case("1994-11-06T08:49:37.123456789012Z", Some(784_111_777_123.456_8))]
    #[case("1994-11-06T08:49:37.99999999999Z", Some(784_111_778_000.0))]
    #[case("2024-02-29 12:00:00", Some(1_709_208_000_000.0))]
    #[case("2024-02-29t12:00:00+02", Some(1_709_200_800_000.0))]
    #[case(" 2024-02-29T12:00:00z ", Some(1_709_208_000_000.0))]
    #[case("2024-02-30T12:00:00Z", None)]
    #[case("1970-01-01T00:00:00.5e300Z", None)]
    #[case("yesterday", None)]
    #[case("2024-02T12:00:00Z", None)]
    #[case("", None)]
    fn a_moment_is_read(#[case] text: &str, #[case] expected: Option<f64>) {
        assert_eq!(parse(text), expected);
    }
}
