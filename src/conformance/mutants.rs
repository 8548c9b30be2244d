//! Mutants: the reference mock with exactly one deviation, each with the case that must kill it and by which verdict.
//!
//! ```yaml
//! mutants:
//!   - id: any_password
//!     what: The present password is not looked at.
//!     quirk: any_password          # or `fixture:` with one key, one mode or one reading
//!     on: set_password             # one operation alone
//!     by: set_password.authentication_failed.wrong_password
//!     verdict: deviation           # or changed: only the snapshot sees it; or inconsistent, by `inconsistent.FACT`
//!     facts: [set_password.authentication_failed.*]
//! spared:
//!   - { case: validation.repeated, because: … }
//!   - { fact: any.request_timeout.*, because: … }
//! ```

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    conformance::{made, made::Made, suite},
    contract,
    contract::{Glob, Kind, Operation, closed_set},
    fixture,
    fixture::Spanned,
};

/// What is to be proved.
#[derive(Clone, Debug)]
pub struct Mutants {
    /// The mutants, in the order of the file.
    pub mutants: Vec<Mutant>,
    /// What needs no mutant, with the reason.
    pub spared: Vec<Spared>,
}

/// An appliance with exactly one deviation.
#[derive(Clone, Debug)]
pub struct Mutant {
    /// The id.
    pub id: String,
    /// What it does otherwise.
    pub what: String,
    /// The kinds of appliance it is a mutant of.
    pub kinds: Vec<Kind>,
    /// How it is made.
    pub made: Made,
    /// The case that must kill it, or `inconsistent.` and a fact.
    pub by: String,
    /// How.
    pub verdict: Verdict,
    /// The facts it deviates in: names or globs.
    pub facts: Vec<String>,
    /// The line its block begins on.
    pub line: u64,
}

closed_set! {
    /// By which verdict a mutant dies.
    Verdict, "verdict" {
        /// By regression alone: the answer is not the snapshot's, and conformance has nothing to say.
        Changed = "changed",
        /// By conformance: no reading allows it.
        Deviation = "deviation",
        /// By conformance: each answer passes, and they do not go together.
        Inconsistent = "inconsistent",
    }
}

/// A case that need not kill a mutant, or a fact that needs none.
#[derive(Clone, Debug)]
pub struct Spared {
    /// What is spared.
    pub what: What,
    /// Its name or glob, as written.
    pub name: String,
    /// Why.
    pub because: String,
    glob: Glob,
}

/// What can be spared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Cases.
    Case,
    /// Facts.
    Fact,
}

impl Spared {
    /// Tells whether it means a case or a fact of that name.
    pub fn means(&self, what: What, name: &str) -> bool {
        self.what == what && self.glob.is_match(name)
    }
}

/// Returns the mutants of `conformance/mutants.yaml`.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn all() -> Result<Mutants, fixture::Error> {
    read(
        "conformance/mutants.yaml",
        include_str!("../../conformance/mutants.yaml"),
    )
}

/// Reads mutants; `file` is the name that errors show.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn read(file: &str, text: &str) -> Result<Mutants, fixture::Error> {
    let written: Written = fixture::read_as(file, text)?;
    let mut mutants: Vec<Mutant> = Vec::new();
    for written in written.mutants {
        let taken: Vec<&str> = mutants.iter().map(|mutant| mutant.id.as_str()).collect();
        let mutant = mutant(file, written, &taken)?;
        mutants.push(mutant);
    }
    let spared = written
        .spared
        .into_iter()
        .map(|written| spared(file, written))
        .collect::<Result<_, _>>()?;
    Ok(Mutants { mutants, spared })
}

fn mutant(
    file: &str,
    written: Spanned<WrittenMutant>,
    taken: &[&str],
) -> Result<Mutant, fixture::Error> {
    let at = written.place;
    let WrittenMutant {
        id,
        what,
        kinds,
        fixture,
        quirk,
        on,
        by,
        verdict,
        facts,
    } = written.value;
    let (id, what) = (made::id(file, id, taken)?, made::said(file, "what", what)?);
    for kind in &kinds {
        if !kills(*kind, &by.value, verdict) {
            let noun = if verdict == Verdict::Inconsistent {
                "contradiction"
            } else {
                "case"
            };
            return Err(made::error_at(
                file,
                by.place,
                format!("a {kind} has no {noun} `{}`", by.value),
            ));
        }
        for fact in &facts {
            if contract::of(*kind).facts_meant(&fact.value).is_empty() {
                return Err(made::error_at(
                    file,
                    fact.place,
                    format!("no fact of a {kind} is meant by `{}`", fact.value),
                ));
            }
        }
    }
    let made = Made::meant(file, at, &kinds, fixture, quirk, on)?;
    if made.count() > 1 {
        return Err(made::error_at(
            file,
            at,
            "a mutant deviates in one way: one key, one failure mode, one reading".to_owned(),
        ));
    }
    let facts = facts.into_iter().map(|fact| fact.value).collect();
    Ok(Mutant {
        id,
        what,
        kinds,
        made,
        by: by.value,
        verdict,
        facts,
        line: at.line,
    })
}

/// Whether a kind has what is to kill: a case, or a contradiction that can be mixed.
fn kills(kind: Kind, by: &str, verdict: Verdict) -> bool {
    match (verdict, by.strip_prefix("inconsistent.")) {
        (Verdict::Inconsistent, Some(fact)) => contract::of(kind)
            .facts()
            .iter()
            .any(|entry| entry.name == fact && entry.is_disputed()),
        (Verdict::Changed | Verdict::Deviation, None) => suite::all()
            .iter()
            .any(|located| located.case.id == by && located.case.kinds.contains(&kind)),
        _ => false,
    }
}

fn spared(file: &str, written: Spanned<WrittenSpared>) -> Result<Spared, fixture::Error> {
    let at = written.place;
    let WrittenSpared {
        case,
        fact,
        because,
    } = written.value;
    let (what, name) = match (case, fact) {
        (Some(case), None) => (What::Case, case),
        (None, Some(fact)) => (What::Fact, fact),
        _ => {
            return Err(made::error_at(
                file,
                at,
                "expected either `case` or `fact`".to_owned(),
            ));
        }
    };
    let glob = Glob::new(&name)
        .map_err(|wrong| made::error_at(file, at, format!("`{name}` is no glob: {wrong}")))?;
    Ok(Spared {
        what,
        glob,
        name,
        because: made::said(file, "because", because)?,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    mutants: Vec<Spanned<WrittenMutant>>,
    #[serde(default)]
    spared: Vec<Spanned<WrittenSpared>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenMutant {
    id: Spanned<String>,
    what: Spanned<String>,
    #[serde(default = "both")]
    kinds: Vec<Kind>,
    fixture: Option<Spanned<Map<String, Value>>>,
    quirk: Option<Spanned<String>>,
    on: Option<Operation>,
    by: Spanned<String>,
    verdict: Verdict,
    facts: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSpared {
    case: Option<String>,
    fact: Option<String>,
    because: Spanned<String>,
}

fn both() -> Vec<Kind> {
    vec![Kind::Sensor, Kind::Console]
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_mutants_hold_together() {
        assert!(
            all()
                .unwrap_or_else(|error| panic!("{error}"))
                .mutants
                .len()
                >= 60
        );
    }

    const START: &str = "id: a, what: b, facts: [validation.path]";

    #[rstest]
    #[case::unknown_case(
        "quirk: capitals, by: validation.nothing, verdict: deviation",
        "m.yaml:1:77",
        "a sensor has no case `validation.nothing`"
    )]
    #[case::unknown_verdict(
        "quirk: capitals, by: validation.repeated, verdict: dead",
        "m.yaml:1:107",
        "unknown verdict `dead`, expected one of changed"
    )]
    #[case::no_contradiction(
        "quirk: capitals, by: inconsistent.validation.path, verdict: inconsistent",
        "m.yaml:1:77",
        "has no contradiction `inconsistent.validation.path`"
    )]
    #[case::two_ways(
        "fixture: { readings: { X11: table, X14: table } }, by: validation.repeated, verdict: changed",
        "m.yaml:1:12",
        "a mutant deviates in one way"
    )]
    #[case::both_ways(
        "quirk: capitals, fixture: { policy: product_8 }, by: validation.repeated, verdict: changed",
        "m.yaml:1:12",
        "expected either `fixture`"
    )]
    #[case::unknown_key(
        "quirk: capitals, by: validation.repeated, verdict: changed, kind: sensor",
        "m.yaml:1:116",
        "did you mean `kinds`?"
    )]
    fn errors_have_a_place(#[case] rest: &str, #[case] place: &str, #[case] says: &str) {
        let error = read("m.yaml", &format!("mutants: [ {{ {START}, {rest} }} ]"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(place) && error.contains(says), "{error}");
    }

    #[test]
    fn what_is_spared_has_a_reason() {
        let error = read(
            "m.yaml",
            "mutants: []\nspared: [{ case: '*', because: ' ' }]",
        )
        .unwrap_err()
        .to_string();
        assert!(
            error.contains("m.yaml:2:32") && error.contains("`because` is empty"),
            "{error}"
        );
    }
}
