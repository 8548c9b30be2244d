//! The reading profile as a file: which reading a target follows for each fact, so that a mock can impersonate it and a later run can expect it.
//!
//! ```yaml
//! - kind: sensor
//!   target: "https://10.0.0.5"
//!   readings:
//!     set_password.path: both                                 # X01
//!     validation.authenticated.body: table                    # X11
//!     validation.authenticated.status: [conventional, ok]     # X16; not told apart: any of them
//! ```

use std::{collections::BTreeMap, slice};

use serde::Deserialize;

use crate::{
    contract,
    contract::{Kind, Readings, UnknownName},
    fixture,
    fixture::Spanned,
};

/// The readings that an appliance follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What it is.
    pub kind: Kind,
    /// By the fact's full name, one reading; several where they were not told apart.
    pub readings: BTreeMap<String, Vec<String>>,
}

impl Profile {
    /// Returns what a mock serves to be like it: of several readings the first.
    pub fn served(&self) -> impl Iterator<Item = (&str, &str)> {
        let readings = self.readings.iter();
        readings.filter_map(|(fact, readings)| Some((&**fact, &**readings.first()?)))
    }
}

/// Reads a file of profiles; `file` is the name that errors show. A fact may also be a glob or a register number, as in `--reading`.
///
/// # Errors
/// The first thing that is wrong, with its place: no YAML, an unknown kind, fact or reading, two profiles of one kind.
pub fn read(file: &str, text: &str) -> Result<Vec<Profile>, fixture::Diagnostic> {
    let mut profiles: Vec<Profile> = Vec::new();
    for profile in fixture::read_as::<Vec<RawProfile>>(file, text)? {
        let name = &profile.kind;
        let unknown = |wrong: UnknownName| wrong_at(file, name, wrong);
        let kind: Kind = name.value.parse().map_err(unknown)?;
        if profiles.iter().any(|profile| profile.kind == kind) {
            let message = format!("two profiles of a {kind}, expected one");
            return Err(wrong_at(file, name, message));
        }
        let mut readings = BTreeMap::new();
        let mut written: Vec<_> = profile.readings.into_iter().collect();
        written.sort_by_key(|(fact, _)| fact.place);
        for (fact, names) in written {
            let mut meant: BTreeMap<String, Vec<String>> = BTreeMap::new();
            let several = match &names.value {
                ReadingNames::One(name) => slice::from_ref(name),
                ReadingNames::Several(names) => names,
            };
            for name in several {
                let name = &match name {
                    ReadingName::Number(code) => code.to_string(),
                    ReadingName::Text(name) => name.clone(),
                };
                let mut chosen = Readings::default();
                let choice = chosen.choose(contract::of(kind), &fact.value, name);
                choice.map_err(|wrong| match wrong.fact {
                    true => wrong_at(file, &fact, wrong),
                    false => wrong_at(file, &names, wrong),
                })?;
                for (fact, reading) in chosen.iter() {
                    let readings = meant.entry(fact.to_owned()).or_default();
                    readings.push(reading.to_owned());
                }
            }
            readings.extend(meant);
        }
        profiles.push(Profile { kind, readings });
    }
    Ok(profiles)
}

fn wrong_at<T>(file: &str, place: &Spanned<T>, message: impl ToString) -> fixture::Diagnostic {
    fixture::Diagnostic::new(place.place, message.to_string()).in_file(file)
}

/// A profile as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProfile {
    kind: Spanned<String>,
    #[serde(default, rename = "target")]
    _target: Option<String>,
    /// A later one replaces an earlier one, as in a fixture.
    readings: BTreeMap<Spanned<String>, Spanned<ReadingNames>>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a name or a list of names")]
enum ReadingNames {
    One(ReadingName),
    Several(Vec<ReadingName>),
}

/// A name, or the number of a status.
#[derive(Deserialize)]
#[serde(untagged)]
enum ReadingName {
    Number(u16),
    Text(String),
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::report::{Format, ReportStyle, Summary, sample, template};

    fn write(summary: &Summary) -> String {
        template::write(Format::Profile, summary, ReportStyle::default())
    }

    #[test]
    fn the_profile_of_a_run_names_what_was_followed() {
        insta::assert_snapshot!("profile_rich", write(&sample::rich()));
    }

    #[rstest]
    #[case::glob_first(
        "validation.*.status: 202, validation.authenticated.status: 201",
        "201"
    )]
    #[case::glob_last(
        "validation.authenticated.status: 201, validation.*.status: 202",
        "202"
    )]
    #[case::globs("validation.auth*.status: 201, '*.authenticated.status': 202", "202")]
    #[case::globs_the_other_way(
        "'*.authenticated.status': 202, validation.auth*.status: 201",
        "201"
    )]
    fn a_later_entry_replaces_an_earlier_one(#[case] readings: &str, #[case] expected: &str) {
        let text = format!("- kind: sensor\n  readings: {{ {readings} }}\n");
        let profiles = read("profile.yaml", &text).unwrap();
        assert_eq!(
            profiles[0].readings["validation.authenticated.status"],
            [expected]
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        let summary = sample::plain();
        let profiles =
            read("profile.yaml", &write(&summary)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(profiles.len(), summary.targets.len());
        for (profile, target) in profiles.iter().zip(&summary.targets) {
            let reported = target
                .profile
                .iter()
                .map(|followed| (followed.fact.clone(), followed.readings.clone()));
            assert_eq!(
                (profile.kind, &profile.readings),
                (target.kind, &reported.collect())
            );
        }
    }

    #[test]
    fn of_several_statuses_none_is_chosen() {
        let mut summary = sample::plain();
        let followed = &mut summary.targets[0].profile[0];
        followed.fact = "any.missing_field.status".into();
        followed.register = None;
        followed.readings.clear();
        followed.other = vec!["418".into(), "conventional".into()];
        let line = "    # any.missing_field.status:  # several were seen: 418, conventional\n";
        let text = write(&summary);
        assert!(text.contains(line), "{text}");
    }

    #[rstest]
    #[case::assumed("any.missing_field.body", r#"{"error": "no"}"#, true)]
    #[case::documented("validation.authenticated.body", r#"{"msg": "{username}"}"#, true)]
    #[case::text("validation.authenticated.body", "text:Yes", true)]
    #[case::no_body("validation.authenticated.body", "Yes", false)]
    #[case::content_type("validation.answer_type", "text/html; charset=x", true)]
    #[case::no_content_type("validation.answer_type", "html", false)]
    #[case::no_header("validation.answer_type", "text/\u{7}", false)]
    #[case::of_another_fact("validation.path", "text/html", false)]
    fn a_body_and_a_type_may_be_any(
        #[case] fact: &str,
        #[case] reading: &str,
        #[case] is_read: bool,
    ) {
        let reading = serde_json::Value::from(reading);
        let text = format!("- kind: sensor\n  readings:\n    {fact}: {reading}\n");
        assert_eq!(read("p", &text).is_ok(), is_read);
    }

    #[test]
    fn register_number_selects_its_facts_and_a_list_any_reading() {
        let text = "- kind: sensor\n  readings:\n    X11: table\n    set_password_by_admin.user_unknown.body: [table, example]\n";
        let profile = read("p", text)
            .unwrap_or_else(|error| panic!("{error}"))
            .remove(0);
        assert_eq!(profile.readings["validation.authenticated.body"], ["table"]);
        let served: Vec<(&str, &str)> = profile.served().collect();
        assert!(
            served.contains(&("set_password_by_admin.user_unknown.body", "table")),
            "{served:?}"
        );
    }

    #[rstest]
    #[case::no_list("kind: sensor", "p:1:1", "expected a list")]
    #[case::kind("- kind: senser\n  readings: {}", "p:1:9", "senser")]
    #[case::twice(
        "- { kind: sensor, readings: {} }\n- { kind: sensor, readings: {} }",
        "p:2:11",
        "two profiles of a sensor"
    )]
    #[case::fact(
        "- kind: sensor\n  readings:\n    validation.path: heading\n    nonsense: x",
        "p:4:5",
        "unknown fact `nonsense`"
    )]
    #[case::reading(
        "- kind: sensor\n  readings:\n    X11: tabel",
        "p:3:10",
        "unknown reading `tabel`, expected one of example, table"
    )]
    #[case::no_reading("- kind: sensor\n  readings:\n    X11: 7", "p:3:", "expected")]
    #[case::key(
        "- kind: sensor\n  reading: {}",
        "p:2:3",
        "unknown key `reading`, expected one of kind, target, readings"
    )]
    #[case::nothing("- kind: sensor", "p:1:3", "readings")]
    #[case::no_yaml("- kind: [", "p:", "")]
    fn an_error_names_its_place(#[case] text: &str, #[case] place: &str, #[case] says: &str) {
        let error = read("p", text).unwrap_err().to_string();
        assert!(
            error.contains(&format!("--> {place}")) && error.contains(says),
            "{error}"
        );
    }
}
