//! The header, in the YAML that insta writes: a field a line, its value plain or in double quotes.
//!
//! A YAML library would read more, and less: some refuse the control characters that insta leaves plain.

/// The fields of a header, as far as they have been read.
#[derive(Default)]
pub(super) struct Fields {
    /// The test that wrote it.
    pub(super) source: Option<String>,
    /// What the case is about.
    pub(super) description: Option<String>,
    /// The file the case stands in.
    pub(super) input_file: Option<String>,
    /// The line of the assertion, which only pending files have and nobody keeps.
    assertion_line: Option<String>,
}

impl Fields {
    /// Takes in one line. What is wrong with it comes back in words.
    pub(super) fn take(&mut self, line: &str) -> Result<(), String> {
        // What does not even look like a field is not repeated: where the closing line is missing, it might be a body's.
        let field = line.split_once(": ").filter(|(name, _)| {
            name.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        });
        let (name, value) =
            field.ok_or_else(|| format!("expected `FIELD: VALUE`, FIELD being one of {NAMES}"))?;
        let (field, value) = match name {
            "assertion_line" => (
                &mut self.assertion_line,
                value.parse::<u64>().ok().map(|line| line.to_string()),
            ),
            "description" => (&mut self.description, unquoted(value)),
            "input_file" => (&mut self.input_file, unquoted(value)),
            "source" => (&mut self.source, unquoted(value)),
            _ => return Err(format!("unknown field `{name}`, expected one of {NAMES}")),
        };
        let value = value
            .ok_or_else(|| format!("the value of `{name}` is not spelled as insta spells it"))?;
        match field.replace(value) {
            Some(_) => Err(format!("`{name}` stands here for the second time")),
            None => Ok(()),
        }
    }
}

/// Returns what a value spells: none where [`scalar`] could not have spelled it.
fn unquoted(value: &str) -> Option<String> {
    match value.starts_with('"') {
        // What stands between insta's quotes is a JSON string.
        true => serde_json::from_str(value).ok(),
        false => Some(value.to_owned()).filter(|value| !needs_quotes(value)),
    }
}

/// Returns a string as insta's YAML writer spells it: plain where that is safe by its rules, else in double quotes.
///
/// The rules are those of insta 1.49's `need_quotes` and `escape_str`; a test holds the two against each other.
pub(super) fn scalar(text: &str) -> String {
    if needs_quotes(text) {
        quoted(text)
    } else {
        text.to_owned()
    }
}

fn needs_quotes(text: &str) -> bool {
    text.is_empty()
        || text.starts_with(' ')
        || text.ends_with(' ')
        || text.starts_with(['&', '*', '?', '|', '-', '<', '>', '=', '!', '%', '@', '.'])
        || text.starts_with("0x")
        || text.contains(is_special)
        || WORDS.contains(&text)
        || text.parse::<f64>().is_ok()
}

/// Tells a character that forces quotes wherever it stands.
fn is_special(character: char) -> bool {
    matches!(
        character,
        ':' | '{' | '}' | '[' | ']' | ',' | '#' | '`' | '"' | '\'' | '\\'
    ) || matches!(character, '\0'..='\x06' | '\t' | '\n' | '\r' | '\x0e'..='\x1a' | '\x1c'..='\x1f')
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\x08' => quoted.push_str("\\b"),
            '\x0c' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\0'..='\x1f' | '\x7f' => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// The fields that our snapshots have.
const NAMES: &str = "source, assertion_line, description, input_file";

/// Words that YAML would read as a truth value or as nothing.
const WORDS: [&str; 22] = [
    "yes", "Yes", "YES", "no", "No", "NO", "True", "TRUE", "true", "False", "FALSE", "false", "on",
    "On", "ON", "off", "Off", "OFF", "null", "Null", "NULL", "~",
];
