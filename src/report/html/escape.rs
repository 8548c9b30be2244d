//! Text made safe for a page: what acts is an escape, what HTML would read is an entity.

use crate::report::visible;

/// Returns a text as one line, safe in an element and between double quotes.
pub(in crate::report) fn text(text: &str) -> String {
    entities(&visible::line(text))
}

/// Returns a text whose lines stay lines, safe in an element. What is far too long for a page is cut, with a note.
pub(in crate::report) fn lines(text: &str) -> String {
    let end = text.char_indices().nth(LONGEST).map(|(end, _)| end);
    let shown: Vec<String> = visible::lines(&text[..end.unwrap_or(text.len())]).collect();
    let rest = end.map(|end| format!("… ({} more characters)", text[end..].chars().count())).unwrap_or_default();
    entities(&shown.join("\n")) + &rest
}

/// Returns bytes in base64 (RFC 4648 section 4), as a policy names a hash.
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0_usize, |word, index| word << 8 | usize::from(chunk.get(index).copied().unwrap_or(0)));
        for index in 0..4 {
            let letter = LETTERS[word >> (18 - 6 * index) & 63];
            encoded.push(if index > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    encoded
}

fn entities(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            character => escaped.push(character),
        }
    }
    escaped
}

/// How many characters of one text a page shows.
const LONGEST: usize = 10_000;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing("", "")]
    #[case::one("f", "Zg==")]
    #[case::two("fo", "Zm8=")]
    #[case::three("foo", "Zm9v")]
    #[case::many("foobar", "Zm9vYmFy")]
    fn base64_is_that_of_the_rfc(#[case] bytes: &str, #[case] expected: &str) {
        assert_eq!(base64(bytes.as_bytes()), expected);
    }

    #[test]
    fn nothing_is_left_that_a_page_would_read() {
        assert_eq!(text("<a href=\"x\" b='y'>&\n\u{1b}"), "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;\\n\\u{1b}");
        assert_eq!(lines("a\r\n<b>\n"), "a\\r\n&lt;b&gt;");
        assert_eq!(lines(&"x".repeat(LONGEST + 2)), format!("{}… (2 more characters)", "x".repeat(LONGEST)));
    }
}
