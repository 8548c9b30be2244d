//! Hexadecimal digits, percent-encoding and moments as text, for the whole crate.

use std::{fmt::Write, time::SystemTime};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use time::OffsetDateTime;

/// Writes bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads hexadecimal digits of either case, an even number of them.
pub(crate) fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16)?).ok();
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
    rest.is_empty()
        .then(|| pairs.iter().map(byte).collect())
        .flatten()
}

/// Percent-encodes all but the unreserved characters (RFC 3986 section 2.3).
pub(crate) fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Reads percent-encoded text.
pub(crate) fn percent_decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

/// Writes a moment as RFC 3339 has it, in UTC: `1994-11-06T08:49:37Z`.
pub(crate) fn timestamp(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time);
    let (hour, minute, second) = time.to_hms();
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", time.date())
}

/// Writes a moment to the millisecond: `1994-11-06T08:49:37.250Z`.
pub(crate) fn timestamp_millis(time: SystemTime) -> String {
    let millis = OffsetDateTime::from(time).millisecond();
    timestamp(time).replace('Z', &format!(".{millis:03}Z"))
}

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_is_read_as_it_is_written() {
        assert_eq!(hex(b"\x00\x7f\xff"), "007fff");
        assert_eq!(from_hex("007fFF"), Some(b"\x00\x7f\xff".to_vec()));
        assert_eq!(
            (from_hex("0"), from_hex("0g"), from_hex("é")),
            (None, None, None)
        );
    }

    #[test]
    fn reserved_characters_are_percent_encoded() {
        let (text, encoded) = ("a-._~ /é%", "a-._~%20%2F%C3%A9%25");
        assert_eq!(percent_encode(text), encoded);
        assert_eq!(percent_decode(encoded), text);
    }
}
