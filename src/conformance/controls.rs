//! Controls: lawful twins of the reference mock, which the suite must accept, each with the readings that it must name.
//!
//! ```yaml
//! - id: full_stop_missing
//!   what: The success text of the table, without a full stop.
//!   fixture: { readings: { X11: table } }     # every reading that is chosen must be told
//! - id: charset
//!   what: A charset in the spelling of another framework.
//!   fixture: { failures: [{ name: charset, do: { headers: { Content-Type: application/json;charset=UTF-8 } } }] }
//!   told: { "*.answer_type": with_charset }   # what must be told beyond that
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    conformance::{made, made::Made},
    contract,
    contract::{Kind, Operation},
    fixture,
    fixture::Spanned,
};

/// A lawful twin.
#[derive(Clone, Debug)]
pub struct Control {
    /// The id.
    pub id: String,
    /// What it does otherwise.
    pub what: String,
    /// The kinds of appliance it is a twin of.
    pub kinds: Vec<Kind>,
    /// How it is made.
    pub made: Made,
    /// For facts, by name or glob, what the profile must say beyond the readings that it was told to serve.
    pub told: BTreeMap<String, String>,
}

/// Returns the controls of `conformance/controls.yaml`.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn all() -> Result<Vec<Control>, fixture::Error> {
    read(
        "conformance/controls.yaml",
        include_str!("../../conformance/controls.yaml"),
    )
}

/// Reads controls; `file` is the name that errors show.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn read(file: &str, text: &str) -> Result<Vec<Control>, fixture::Error> {
    let written: Vec<Spanned<Written>> = fixture::read_as(file, text)?;
    let mut controls: Vec<Control> = Vec::new();
    for written in written {
        let at = written.place;
        let Written {
            id,
            what,
            kinds,
            fixture,
            quirk,
            on,
            told,
        } = written.value;
        let taken: Vec<&str> = controls.iter().map(|control| control.id.as_str()).collect();
        let (id, what) = (made::id(file, id, &taken)?, made::said(file, "what", what)?);
        for (fact, kind) in told
            .keys()
            .flat_map(|fact| kinds.iter().map(move |kind| (fact, *kind)))
        {
            if contract::of(kind).facts_meant(fact).is_empty() {
                return Err(made::error_at(
                    file,
                    at,
                    format!("no fact of a {kind} is meant by `{fact}`"),
                ));
            }
        }
        let made = Made::meant(file, at, &kinds, fixture, quirk, on)?;
        controls.push(Control {
            id,
            what,
            made,
            kinds,
            told,
        });
    }
    Ok(controls)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: Spanned<String>,
    what: Spanned<String>,
    #[serde(default = "both")]
    kinds: Vec<Kind>,
    fixture: Option<Spanned<Map<String, Value>>>,
    quirk: Option<Spanned<String>>,
    on: Option<Operation>,
    #[serde(default)]
    told: BTreeMap<String, String>,
}

fn both() -> Vec<Kind> {
    vec![Kind::Sensor, Kind::Console]
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_controls_hold_together() {
        assert!(all().unwrap_or_else(|error| panic!("{error}")).len() >= 15);
    }

    #[rstest]
    #[case::unknown_key(
        "- { id: a, what: b, quirk: chunked, tolds: {} }",
        "c.yaml:1:37",
        "did you mean `told`?"
    )]
    #[case::unknown_quirk(
        "- { id: a, what: b, quirk: chunkd }",
        "c.yaml:1:28",
        "unknown quirk `chunkd`"
    )]
    #[case::made_of_nothing("- { id: a, what: b }", "c.yaml:1:3", "either `fixture`, or `quirk`")]
    #[case::no_fact(
        "- { id: a, what: b, quirk: chunked, told: { nothing: x } }",
        "c.yaml:1:3",
        "no fact of a sensor is meant by `nothing`"
    )]
    #[case::no_reading(
        "- { id: a, what: b, fixture: { readings: { X11: tabl } } }",
        "c.yaml:1:30",
        "unknown reading `tabl`"
    )]
    #[case::twice(
        "- { id: a, what: b, quirk: chunked }\n- { id: a, what: b, quirk: chunked }",
        "c.yaml:2:9",
        "stands twice"
    )]
    fn errors_have_a_place(#[case] text: &str, #[case] place: &str, #[case] says: &str) {
        let error = read("c.yaml", text).unwrap_err().to_string();
        assert!(error.contains(place) && error.contains(says), "{error}");
    }
}
