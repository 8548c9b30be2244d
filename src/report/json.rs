//! The report for programs: the `Summary` as JSON. Its schema is `conformance/report.schema.json`; tests compare the two.

use crate::report::sanitize;

/// Writes a value as JSON for files and terminals: characters that act on a screen are `\u` escapes, so nothing is lost.
pub(crate) fn pretty(value: &impl serde::Serialize) -> String {
    let text = serde_json::to_string_pretty(value)
        .expect("strings, numbers, lists and maps of string keys are JSON");
    let mut shown = String::with_capacity(text.len() + 1);
    let mut before = ' ';
    for character in text.chars() {
        // Outside strings JSON has no such character but the line feed, so the escape is always in a string. `##[` would be a command to some build servers.
        if (sanitize::acts(character) && character != '\n') || (character == '#' && before == '#') {
            let mut units = [0; 2];
            let units = character.encode_utf16(&mut units).iter();
            shown.extend(units.map(|unit| format!("\\u{unit:04x}")));
        } else {
            shown.push(character);
        }
        before = character;
    }
    shown + "\n"
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        contract::Kind,
        json_schema::violations,
        report::{Conformance, ReasonCode, Regression, sample},
    };

    fn schema() -> Value {
        serde_json::from_str(include_str!("../../conformance/report.schema.json")).unwrap()
    }

    #[test]
    fn reports_follow_the_schema_and_have_no_other_keys() {
        let mut schema = schema();
        close(&mut schema);
        for summary in [sample::rich(), sample::plain()] {
            let report: Value = serde_json::from_str(&pretty(&summary)).unwrap();
            assert_eq!(violations(&schema, &report), [""; 0]);
        }
    }

    #[test]
    fn the_schema_lists_every_kind_and_verdict() {
        let schema = schema();
        let verdicts = |name: &str| -> Vec<Value> {
            let rules = schema["$defs"][name]["oneOf"].as_array().unwrap();
            rules.iter().map(|rule| rule["const"].clone()).collect()
        };
        let conformance = [
            Conformance::Deviation,
            Conformance::Documented,
            Conformance::NotJudged,
            Conformance::Undocumented,
            Conformance::Unstable,
            Conformance::Variant,
        ];
        let regression = [Regression::Changed, Regression::New, Regression::Same];

        assert_eq!(json!(Kind::NAMES), schema["$defs"]["Kind"]["enum"]);
        assert_eq!(json!(conformance), json!(verdicts("Conformance")));
        assert_eq!(json!(regression), json!(verdicts("Regression")));
        assert_eq!(json!(ReasonCode::ALL), json!(verdicts("ReasonCode")));
    }

    /// Allows the listed keys alone.
    fn close(schema: &mut Value) {
        let Some(keywords) = schema.as_object_mut() else {
            return;
        };
        if keywords.contains_key("properties") {
            keywords.insert("additionalProperties".to_owned(), false.into());
        }
        keywords.values_mut().for_each(close);
    }

    #[test]
    fn the_schema_refuses_an_unknown_verdict_and_a_missing_list() {
        let schema = schema();
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
