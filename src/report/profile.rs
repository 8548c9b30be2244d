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

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, de, de::value::SeqAccessDeserializer};

use crate::{
    contract,
    contract::{Kind, Readings, UnknownName},
    fixture,
    fixture::Spanned,
    report::{Followed, Summary, TargetSummary, sanitize},
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
        self.readings
            .iter()
            .filter_map(|(fact, readings)| Some((fact.as_str(), readings.first()?.as_str())))
    }
}

/// Reads a file of profiles; `file` is the name that errors show. A fact may also be a glob or a register number, as in `--reading`.
///
/// # Errors
/// The first thing that is wrong, with its place: no YAML, an unknown kind, fact or reading, two profiles of one kind.
pub fn read(file: &str, text: &str) -> Result<Vec<Profile>, fixture::Error> {
    let written: Vec<Spanned<Written>> = fixture::read_as(file, text)?;
    let mut profiles: Vec<Profile> = Vec::new();
    for Spanned { value: written, .. } in written {
        let kind: Kind = written
            .kind
            .value
            .parse()
            .map_err(|wrong: UnknownName| wrong_at(file, &written.kind, wrong.to_string()))?;
        if profiles.iter().any(|profile| profile.kind == kind) {
            return Err(wrong_at(
                file,
                &written.kind,
                format!("two profiles of a {kind}, expected one"),
            ));
        }
        let mut readings = BTreeMap::new();
        for (fact, names) in written.readings.0 {
            let mut meant: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for name in &names.value.0 {
                let mut chosen = Readings::default();
                chosen
                    .choose(contract::of(kind), &fact.value, name)
                    .map_err(|wrong| match wrong.fact {
                        true => wrong_at(file, &fact, wrong.to_string()),
                        false => wrong_at(file, &names, wrong.to_string()),
                    })?;
                chosen.iter().for_each(|(fact, reading)| {
                    meant
                        .entry(fact.to_owned())
                        .or_default()
                        .push(reading.to_owned())
                });
            }
            readings.extend(meant);
        }
        profiles.push(Profile { kind, readings });
    }
    Ok(profiles)
}

/// Writes the profiles of all targets of a run.
pub(super) fn write(summary: &Summary) -> String {
    let head = format!(
        "# The readings that were followed, as {} saw them.\n# d4iot-double serve --readings FILE impersonates, d4iot-double check --readings FILE expects.\n",
        sanitize::line(&summary.tool)
    );
    summary
        .targets
        .iter()
        .fold(head, |text, target| text + &one(target))
}

fn one(target: &TargetSummary) -> String {
    let mut text = format!(
        "- kind: {}\n  target: {}\n",
        target.kind,
        quoted(&target.target)
    );
    let lines: Vec<String> = target.profile.iter().map(line).collect();
    text.push_str(
        if target
            .profile
            .iter()
            .all(|followed| followed.readings.is_empty())
        {
            "  readings: {}\n"
        } else {
            "  readings:\n"
        },
    );
    text.extend(lines);
    text
}

fn line(followed: &Followed) -> String {
    let Followed {
        fact,
        register,
        readings,
        other,
        ..
    } = followed;
    let mut notes: Vec<String> = register.iter().cloned().collect();
    let names: Vec<String> = readings.iter().map(|name| plain(name)).collect();
    let line = match names.as_slice() {
        [] => {
            notes.extend(
                other
                    .is_empty()
                    .then(|| "its answers follow several".to_owned()),
            );
            format!("    # {}:", sanitize::line(fact))
        }
        [one] => format!("    {}: {one}", plain(fact)),
        several => {
            notes.push("not told apart".to_owned());
            format!("    {}: [{}]", plain(fact), several.join(", "))
        }
    };
    notes.extend((!other.is_empty()).then(|| {
        format!(
            "seen, and no reading: {}",
            sanitize::short(&other.join(", "))
        )
    }));
    let note = if notes.is_empty() {
        String::new()
    } else {
        format!("  # {}", notes.join("; "))
    };
    format!("{line}{note}\n")
}

/// A name as it is, where YAML takes it for no more than that.
fn plain(name: &str) -> String {
    let is_plain = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.')
        });
    let is_word = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&name);
    if is_plain && !is_word {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// A text between double quotes: JSON's escapes are YAML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(sanitize::line(text)).to_string()
}

fn wrong_at<T>(file: &str, place: &Spanned<T>, message: String) -> fixture::Error {
    let (line, column) = (place.place.line, place.place.column);
    fixture::Error {
        file: sanitize::line(file),
        line,
        column,
        message: sanitize::line(&message),
        hint: None,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: Spanned<String>,
    #[serde(default, rename = "target")]
    _target: Option<String>,
    readings: Pairs,
}

/// Facts and readings in the order they are written in.
struct Pairs(Vec<(Spanned<String>, Spanned<Names>)>);

/// One name, or a list of them.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pairs, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> de::Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a map from facts to readings")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Names, D::Error> {
        deserializer.deserialize_any(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> de::Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name of a reading, or a list of names")
    }

    fn visit_str<E>(self, name: &str) -> Result<Names, E> {
        Ok(Names(vec![name.to_owned()]))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Names, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Names)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::report::sample;

    #[test]
    fn the_profile_of_a_run_names_what_was_followed() {
        insta::assert_snapshot!("profile_rich", write(&sample::rich()));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let summary = sample::plain();
        let profiles =
            read("profile.yaml", &write(&summary)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(profiles.len(), summary.targets.len());
        for (profile, target) in profiles.iter().zip(&summary.targets) {
            let told = target
                .profile
                .iter()
                .map(|followed| (followed.fact.clone(), followed.readings.clone()));
            assert_eq!(
                (profile.kind, &profile.readings),
                (target.kind, &told.collect())
            );
        }
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
