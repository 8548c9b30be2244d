//! JSON spread over lines, its tokens left as they were sent: numbers keep their spelling, duplicate names stay.

use super::escape;

/// Returns a JSON object or array with a line for each member, indented by two blanks; none where the bytes are something else.
pub(super) fn pretty(bytes: &[u8]) -> Option<String> {
    let json = str::from_utf8(bytes).ok()?;
    if !json.trim_ascii_start().starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str::<serde_json::Value>(json).ok()?;
    let (mut text, mut depth) = (String::new(), 0);
    let break_line = |text: &mut String, depth| *text += &format!("\n{}", "  ".repeat(depth));
    let mut characters = json.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                text.push('"');
                while let Some(character) = characters.next() {
                    escape::visible(&mut text, character);
                    match character {
                        '"' => break,
                        '\\' => text.extend(characters.next()),
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                text.push(character);
                while characters.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(end) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    text.push(end);
                } else {
                    depth += 1;
                    break_line(&mut text, depth);
                }
            }
            '}' | ']' => {
                depth -= 1;
                break_line(&mut text, depth);
                text.push(character);
            }
            ',' => {
                text.push(',');
                break_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            ' ' | '\t' | '\n' | '\r' => {}
            _ => text.push(character),
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
