//! Bytes as text that shows every one of them: blanks at the end, a byte order mark, CR LF, broken UTF-8.

/// Returns bytes as a JSON string, in its quotes.
///
/// Printable ASCII, Latin letters and `«»` are left as they are. Every other character is a JSON escape, because it might be invisible
/// or look like another; the set is fixed, so that no version of a library changes a snapshot. A byte that is not UTF-8 is `\xff`,
/// which JSON does not have.
pub(super) fn string(bytes: &[u8]) -> String {
    let mut text = String::from('"');
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if matches!(character, '"' | '\\') {
                text.push('\\');
            }
            visible(&mut text, character);
        }
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text + "\""
}

/// Returns a value of a head line: as it is where it can be read off the line, else as a JSON string.
pub(super) fn plain(value: &str) -> String {
    let is_plain = !value.is_empty()
        && value.trim() == value
        && !value.starts_with('"')
        && value.chars().all(is_clear);
    if is_plain {
        value.to_owned()
    } else {
        string(value.as_bytes())
    }
}

/// Appends a character, or its JSON escape where it could not be seen.
pub(super) fn visible(text: &mut String, character: char) {
    match character {
        _ if is_clear(character) => text.push(character),
        '\x08' => text.push_str("\\b"),
        '\t' => text.push_str("\\t"),
        '\n' => text.push_str("\\n"),
        '\x0c' => text.push_str("\\f"),
        '\r' => text.push_str("\\r"),
        _ => {
            let units = character.encode_utf16(&mut [0; 2]).to_vec();
            text.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
}

fn is_clear(character: char) -> bool {
    matches!(character, ' '..='~' | '«' | '»' | '\u{c0}'..='\u{17f}')
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain(b"{\"a\": 1}", r#""{\"a\": 1}""#)]
    #[case::ends_and_marks(b"\xef\xbb\xbfa \r\n", r#""\ufeffa \r\n""#)]
    #[case::no_utf8(b"a\xff\xc3(", r#""a\xff\xc3(""#)]
    #[case::written_escape(br"\xff", r#""\\xff""#)]
    #[case::cut_short("é".as_bytes().split_at(1).0, r#""\xc3""#)]
    #[case::latin_and_placeholder("Paß «user.password»".as_bytes(), "\"Paß «user.password»\"")]
    #[case::look_alike("\u{430}\u{a0}\u{301}\u{2028}".as_bytes(), r#""\u0430\u00a0\u0301\u2028""#)]
    #[case::pair("\u{1f600}".as_bytes(), r#""\ud83d\ude00""#)]
    #[case::control(b"\0\x08\x0c\x1b\x7f\t", r#""\u0000\b\f\u001b\u007f\t""#)]
    #[case::nothing(b"", r#""""#)]
    fn every_byte_is_seen(#[case] bytes: &[u8], #[case] expected: &str) {
        assert_eq!(string(bytes), expected);
    }

    #[test]
    fn what_is_valid_utf8_reads_back_as_json() {
        let text: String = (0..0x3000)
            .chain(0x1f5f0..0x1f610)
            .filter_map(char::from_u32)
            .collect();
        assert_eq!(
            serde_json::from_str::<String>(&string(text.as_bytes())).unwrap(),
            text
        );
    }

    #[rstest]
    #[case::word("POST", "POST")]
    #[case::value("application/json; charset=utf-8", "application/json; charset=utf-8")]
    #[case::empty("", r#""""#)]
    #[case::ends(" a", r#"" a""#)]
    #[case::quoted("\"a\"", r#""\"a\"""#)]
    #[case::dots("…", r#""\u2026""#)]
    fn a_value_is_quoted_where_it_must_be(#[case] value: &str, #[case] expected: &str) {
        assert_eq!(plain(value), expected);
    }
}
