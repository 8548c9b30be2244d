//! JSON spread over lines, its tokens left as they were sent: numbers keep their spelling, duplicate names stay.

use super::escape;
use crate::redact::token_length;

/// Returns a JSON object or array with a line for each member, indented by two blanks; none where the bytes are something else.
pub(super) fn pretty(bytes: &[u8]) -> Option<String> {
    let json = str::from_utf8(bytes).ok()?;
    if !json.trim_ascii_start().starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str::<serde_json::Value>(json).ok()?;
    let (mut text, mut depth, mut rest) = (String::new(), 0, json.trim_ascii());
    let break_line = |text: &mut String, depth| *text += &format!("\n{}", "  ".repeat(depth));
    while let Some(first) = rest.chars().next() {
        let (token, after) = rest.split_at(token_length(rest));
        rest = after.trim_ascii_start();
        match first {
            '"' => token.chars().for_each(|it| escape::visible(&mut text, it)),
            '{' | '[' if !rest.starts_with(['}', ']']) => {
                text.push(first);
                depth += 1;
                break_line(&mut text, depth);
            }
            '{' | '[' => {
                text.push_str(&format!("{first}{}", &rest[..1]));
                rest = rest[1..].trim_ascii_start();
            }
            '}' | ']' => {
                depth -= 1;
                break_line(&mut text, depth);
                text.push(first);
            }
            ',' => {
                text.push(',');
                break_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            _ => text.push_str(token),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::empty("{ }", "{}")]
    #[case::nested(
        r#"{"a":[1,{"b":{}}],"c":[ ]}"#,
        "{\n  \"a\": [\n    1,\n    {\n      \"b\": {}\n    }\n  ],\n  \"c\": []\n}"
    )]
    #[case::tokens_stay(
        r#"{"a":1.50,"a":1e2,"b":"\u00e9\\\"x: ,{"}"#,
        "{\n  \"a\": 1.50,\n  \"a\": 1e2,\n  \"b\": \"\\u00e9\\\\\\\"x: ,{\"\n}"
    )]
    #[case::the_invisible_shows("[\"\u{feff}\"]", "[\n  \"\\ufeff\"\n]")]
    fn an_object_or_array_is_spread_over_lines(#[case] json: &str, #[case] expected: &str) {
        assert_eq!(pretty(json.as_bytes()).as_deref(), Some(expected));
    }

    #[rstest]
    #[case::word(b"\"ok\"")]
    #[case::broken(b"{\"a\":")]
    #[case::two(b"{}{}")]
    #[case::html(b"<html>")]
    #[case::no_utf8(b"[\"\xff\"]")]
    fn anything_else_is_not(#[case] bytes: &[u8]) {
        assert_eq!(pretty(bytes), None);
    }

    #[test]
    fn depth_is_bounded() {
        assert_eq!(pretty("[".repeat(4000).as_bytes()), None);
        assert_eq!(
            pretty(format!("{}{}", "[".repeat(4000), "]".repeat(4000)).as_bytes()),
            None
        );
    }
}
