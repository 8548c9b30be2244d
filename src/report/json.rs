//! The report for programs: the [`Summary`] as JSON, and the schema that says its form.

use schemars::generate::SchemaSettings;

use crate::report::{Summary, sanitize};

/// Writes a run as JSON, every type as serde has it. Invisible characters are `\u` escapes: nothing is lost, and it is safe to print.
pub(super) fn write(summary: &Summary) -> Vec<u8> {
    pretty(summary)
}

/// Returns the JSON Schema (draft 2020-12) of the report, as it stands in `conformance/report.schema.json`.
pub fn schema() -> Vec<u8> {
    pretty(
        &SchemaSettings::draft2020_12()
            .for_serialize()
            .into_generator()
            .into_root_schema_for::<Summary>(),
    )
}

/// Writes a value as JSON for files and terminals: what acts on a screen is an escape.
pub(super) fn pretty(value: &impl serde::Serialize) -> Vec<u8> {
    let text = serde_json::to_string_pretty(value)
        .expect("strings, numbers, lists and maps of string keys are JSON");
    let mut shown = String::with_capacity(text.len() + 1);
    let mut before = ' ';
    for character in text.chars() {
        // Outside strings JSON has no such character but the line feed, so the escape always lands in a string. `##[` would be a command to some build servers.
        if (sanitize::acts(character) && character != '\n') || (character == '#' && before == '#') {
            shown.extend(
                character
                    .encode_utf16(&mut [0; 2])
                    .iter()
                    .map(|unit| format!("\\u{unit:04x}")),
            );
        } else {
            shown.push(character);
        }
        before = character;
    }
    shown.push('\n');
    shown.into_bytes()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{json_schema::violations, report::sample};

    const FILE: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/conformance/report.schema.json"
    );

    #[test]
    fn the_schema_in_the_project_is_the_one_of_the_types() {
        let written = include_str!("../../conformance/report.schema.json");
        let schema = String::from_utf8(schema()).unwrap();
        assert!(
            written == schema,
            "{FILE} is stale; write it anew: cargo test --lib the_schema_is_written_anew -- --ignored"
        );
    }

    #[test]
    #[ignore = "writes into the project; run it after a change of the report's types"]
    #[expect(clippy::disallowed_methods, reason = "this is how the file is made")]
    fn the_schema_is_written_anew() {
        std::fs::write(FILE, schema()).unwrap();
    }

    #[test]
    fn a_report_is_what_the_schema_says() {
        let schema: Value = serde_json::from_slice(&schema()).unwrap();
        for summary in [sample::rich(), sample::plain()] {
            let report: Value = serde_json::from_slice(&write(&summary)).unwrap();
            assert_eq!(violations(&schema, &report), [""; 0]);
        }
    }

    #[test]
    fn the_schema_refuses_an_unknown_verdict_and_a_missing_list() {
        let schema: Value = serde_json::from_slice(&schema()).unwrap();
        let mut report: Value = serde_json::from_slice(&write(&sample::rich())).unwrap();
        report["targets"][0]["cases"][0]["conformance"] = "fine".into();
        assert_ne!(violations(&schema, &report), [""; 0]);
        let report = serde_json::json!({ "version": 1, "tool": "d4iot-double 0.1.0" });
        assert_ne!(violations(&schema, &report), [""; 0]);
    }

    #[test]
    fn json_keeps_every_byte_a_target_sent() {
        let report: Value = serde_json::from_slice(&write(&sample::rich())).unwrap();
        let bodies: Vec<&str> = report["targets"][0]["cases"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|case| case["exchanges"].as_array().unwrap())
            .filter_map(|exchange| exchange["body"].as_str())
            .collect();
        assert!(bodies.contains(&sample::HOSTILE));
    }

    #[test]
    fn json_is_safe_to_print() {
        let text = String::from_utf8(write(&sample::rich())).unwrap();
        assert_eq!(
            text.chars()
                .find(|character| sanitize::acts(*character) && *character != '\n'),
            None
        );
        insta::assert_snapshot!("json_rich", text);
    }
}
