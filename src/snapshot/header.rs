//! The header, in the YAML that insta writes: a field a line, its value plain or in double quotes.
//!
//! A YAML library would read more, and less: some refuse the control characters that insta leaves plain.

use std::collections::BTreeMap;

use super::{FormatError, Header};

/// Reads the lines of a header. The `assertion_line` of insta's pending files is dropped, as insta drops it on accept.
pub(super) fn parse(lines: &[&str]) -> Result<Header, FormatError> {
    let mut fields = BTreeMap::new();
    // The opening line is line 1.
    for (line, text) in (2..).zip(lines) {
        let text = text.trim_end_matches(['\n', '\r']);
        let wrong = |reason: String| FormatError(format!("line {line}: {reason}"));
        // What does not even look like a field is not repeated: if the closing line is missing, it may be part of a body.
        let is_name = |name: &str| name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_'));
        let field = text.split_once(": ").filter(|(name, _)| is_name(name));
        let (name, value) = field.ok_or_else(|| {
            wrong(format!(
                "expected `FIELD: VALUE`, FIELD being one of {NAMES}"
            ))
        })?;
        let value = match name {
            "assertion_line" => value.parse().ok().map(|_: u64| String::new()),
            "description" | "input_file" | "source" => unquoted(value),
            _ => {
                return Err(wrong(format!(
                    "unknown field `{name}`, expected one of {NAMES}"
                )));
            }
        };
        let value = value.ok_or_else(|| {
            wrong(format!(
                "the value of `{name}` is not spelled as insta spells it"
            ))
        })?;
        if fields.insert(name, value).is_some() {
            return Err(wrong(format!("`{name}` occurs for the second time")));
        }
    }
    Ok(Header {
        source: fields.remove("source"),
        description: fields.remove("description").unwrap_or_default(),
        input_file: fields.remove("input_file").unwrap_or_default(),
    })
}

/// Returns a string as insta's YAML writer spells it: plain where that is safe by its rules, else in double quotes.
///
/// The rules are those of insta 1.49's `need_quotes` and `escape_str`; a test compares the two.
pub(super) fn scalar(text: &str) -> String {
    if needs_quotes(text) {
        serde_json::Value::from(text)
            .to_string()
            .replace('\x7f', "\\u007f")
    } else {
        text.to_owned()
    }
}

/// Returns what a value spells: none where [`scalar`] could not have spelled it.
fn unquoted(value: &str) -> Option<String> {
    if value.starts_with('"') {
        serde_json::from_str(value).ok()
    } else {
        (!needs_quotes(value)).then(|| value.to_owned())
    }
}

fn needs_quotes(text: &str) -> bool {
    text.is_empty()
        || text.starts_with([
            ' ', '&', '*', '?', '|', '-', '<', '>', '=', '!', '%', '@', '.',
        ])
        || text.ends_with(' ')
        || text.starts_with("0x")
        || text.contains(is_special)
        || WORDS.contains(&text.to_lowercase().as_str())
        || text.parse::<f64>().is_ok()
}

/// Tells a character that forces quotes wherever it occurs.
fn is_special(character: char) -> bool {
    ":{}[],#`\"'\\".contains(character)
        || matches!(character, '\0'..='\x06' | '\t' | '\n' | '\r' | '\x0e'..='\x1a' | '\x1c'..='\x1f')
}

/// The fields that our snapshots have.
const NAMES: &str = "source, assertion_line, description, input_file";
/// Words that YAML would read as a truth value or as nothing.
const WORDS: [&str; 8] = ["yes", "no", "true", "false", "on", "off", "null", "~"];
