//! Text made safe for a page: what acts is an escape, what HTML would read is an entity.

use crate::report::sanitize;

/// Returns a text as one line, safe in an element and between double quotes.
pub(in crate::report) fn text(text: &str) -> String {
    entities(&sanitize::line(text))
}

/// Returns a text whose lines stay lines, safe in an element. What is far too long for a page is cut, with a note.
pub(in crate::report) fn lines(text: &str) -> String {
    let end = text.char_indices().nth(LONGEST).map(|(end, _)| end);
    let shown: Vec<String> = sanitize::lines(&text[..end.unwrap_or(text.len())]).collect();
    let rest = end
        .map(|end| format!("… ({} more characters)", text[end..].chars().count()))
        .unwrap_or_default();
    entities(&shown.join("\n")) + &rest
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
    use super::*;

    #[test]
    fn nothing_is_left_that_a_page_would_read() {
        assert_eq!(
            text("<a href=\"x\" b='y'>&\n\u{1b}"),
            "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;\\n\\u{1b}"
        );
        assert_eq!(lines("a\r\n<b>\n"), "a\\r\n&lt;b&gt;");
        assert_eq!(
            lines(&"x".repeat(LONGEST + 2)),
            format!("{}… (2 more characters)", "x".repeat(LONGEST))
        );
    }
}
