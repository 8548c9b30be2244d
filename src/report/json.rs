//! The report for programs: the [`Summary`] as JSON, and the schema that says its form.

use schemars::generate::SchemaSettings;

use crate::report::{Summary, sanitize};

/// Returns the JSON Schema (draft 2020-12) of the report, as it is in `conformance/report.schema.json`.
pub fn schema() -> String {
    let generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    pretty(&generator.into_root_schema_for::<Summary>())
}

/// Writes a value as JSON for files and terminals: characters that act on a screen are `\u` escapes, so nothing is lost.
pub(super) fn pretty(value: &impl serde::Serialize) -> String {
    let text = serde_json::to_string_pretty(value)
        .expect("strings, numbers, lists and maps of string keys are JSON");
    let mut shown = String::with_capacity(text.len() + 1);
    let mut before = ' ';
    for character in text.chars() {
        // Outside strings JSON has no such character but the line feed, so the escape is always in a string. `##[` would be a command to some build servers.
        if (sanitize::acts(character) && character != '\n') || (character == '#' && before == '#') {
            let units = character
                .encode_utf16(&mut [0; 2])
                .iter()
                .map(|unit| format!("\\u{unit:04x}"))
                .collect::<String>();
            shown.push_str(&units);
        } else {
            shown.push(character);
        }
        before = character;
    }
    shown + "\n"
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
        let schema = schema();
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
        let schema: Value = serde_json::from_str(&schema()).unwrap();
        for summary in [sample::rich(), sample::plain()] {
            let report: Value = serde_json::from_str(&pretty(&summary)).unwrap();
            assert_eq!(violations(&schema, &report), [""; 0]);
        }
    }

    #[test]
    fn the_schema_refuses_an_unknown_verdict_and_a_missing_list() {
        let schema: Value = serde_json::from_str(&schema()).unwrap();
        let mut report: Value = serde_json::from_str(&pretty(&sample::rich())).unwrap();
        report["targets"][0]["cases"][0]["conformance"] = "fine".into();
        assert_ne!(violations(&schema, &report), [""; 0]);
        let report = serde_json::json!({ "version": 1, "tool": "d4iot-double 0.1.0" });
        assert_ne!(violations(&schema, &report), [""; 0]);
    }

    #[test]
    fn json_keeps_every_byte_a_target_sent() {
        let report: Value = serde_json::from_str(&pretty(&sample::rich())).unwrap();
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
        let text = pretty(&sample::rich());
        assert_eq!(
            text.chars()
                .find(|character| sanitize::acts(*character) && *character != '\n'),
            None
        );
        insta::assert_snapshot!("json_rich", text);
    }
}
