//! Controls: accepted variants of the reference mock, each with the readings that the profile must name.
//!
//! ```yaml
//! - id: full_stop_missing
//!   what: The success text of the table, without a full stop.
//!   fixture: { readings: { X11: table } }     # the profile must name every reading that is chosen
//! - id: charset
//!   what: A charset in the spelling of another framework.
//!   quirk: charset_spelt
//!   told: { "*.answer_type": with_charset }   # readings that the profile must name besides
//! ```

use std::collections::BTreeMap;

use d4iot_double::{
    contract,
    contract::{Kind, Operation},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    deviation::Deviation,
    spec,
    spec::{Spanned, SpecError},
};

/// An accepted variant.
#[derive(Clone, Debug)]
pub struct ControlSpec {
    /// The id.
    pub id: String,
    /// The kinds of appliance it is a variant of.
    pub kinds: Vec<Kind>,
    /// Its difference from the reference mock.
    pub deviation: Deviation,
    /// By fact or glob, the readings that the profile must name besides those that the fixture chooses.
    pub named: BTreeMap<String, String>,
}

/// Returns the controls of `selftest/controls.yaml`.
///
/// # Errors
/// The first fault of the file.
pub fn all() -> Result<Vec<ControlSpec>, SpecError> {
    read(
        "selftest/controls.yaml",
        include_str!("../../controls.yaml"),
    )
}

/// Reads controls; `file` is the name that errors show.
///
/// # Errors
/// The first fault of the file.
pub fn read(file: &str, text: &str) -> Result<Vec<ControlSpec>, SpecError> {
    let blocks: Vec<Spanned<RawControl>> = spec::parse(file, text)?;
    let mut controls: Vec<ControlSpec> = Vec::new();
    for raw in blocks {
        let (raw, block) = spec::split(raw);
        let taken: Vec<&str> = controls.iter().map(|control| control.id.as_str()).collect();
        let id = spec::unique_id(file, raw.id, &taken)?;
        spec::non_empty(file, "what", raw.what)?;
        for (fact, kind) in raw
            .told
            .keys()
            .flat_map(|fact| raw.kinds.iter().map(move |kind| (fact, *kind)))
        {
            if contract::of(kind).facts_meant(fact).is_empty() {
                let message = format!("no fact of a {kind} matches `{fact}`");
                return Err(SpecError::at(file, &block, message));
            }
        }
        controls.push(ControlSpec {
            id,
            deviation: Deviation::read(file, &block, &raw.kinds, raw.fixture, raw.quirk, raw.on)?,
            kinds: raw.kinds,
            named: raw.told,
        });
    }
    Ok(controls)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawControl {
    id: Spanned<String>,
    what: Spanned<String>,
    #[serde(default = "spec::both_kinds")]
    kinds: Vec<Kind>,
    fixture: Option<Spanned<Map<String, Value>>>,
    quirk: Option<Spanned<String>>,
    on: Option<Operation>,
    #[serde(default)]
    told: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_file_of_controls_is_valid() {
        assert!(all().unwrap_or_else(|error| panic!("{error}")).len() >= 15);
    }

    #[rstest]
    #[case::unknown_key(
        "- { id: a, what: b, quirk: chunked, tolds: {} }",
        "c.yaml:1:37",
        "unknown field `tolds`"
    )]
    #[case::unknown_quirk(
        "- { id: a, what: b, quirk: chunkd }",
        "c.yaml:1:28",
        "unknown quirk `chunkd`"
    )]
    #[case::no_deviation("- { id: a, what: b }", "c.yaml:1:3", "either `fixture`, or `quirk`")]
    #[case::no_fact(
        "- { id: a, what: b, quirk: chunked, told: { nothing: x } }",
        "c.yaml:1:3",
        "no fact of a sensor matches `nothing`"
    )]
    #[case::no_reading(
        "- { id: a, what: b, fixture: { readings: { X11: tabl } } }",
        "c.yaml:1:30",
        "unknown reading `tabl`"
    )]
    #[case::twice(
        "- { id: a, what: b, quirk: chunked }\n- { id: a, what: b, quirk: chunked }",
        "c.yaml:2:9",
        "occurs twice"
    )]
    fn errors_have_a_place(#[case] text: &str, #[case] place: &str, #[case] message: &str) {
        let error = read("c.yaml", text).unwrap_err().to_string();
        assert!(error.contains(place) && error.contains(message), "{error}");
    }
}
