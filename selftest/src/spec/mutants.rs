//! Mutants: the reference mock with exactly one deviation, each with the case that must kill it and by which verdict.
//!
//! ```yaml
//! mutants:
//!   - id: any_password
//!     what: The present password is not looked at.
//!     quirk: any_password          # or `fixture:` with one key, one failure mode or one reading
//!     on: set_password             # one operation alone
//!     by: set_password.authentication_failed.wrong_password
//!     verdict: deviation           # or changed: only the snapshot sees it; or inconsistent, by `inconsistent.FACT`
//!     facts: [set_password.authentication_failed.*]
//! excluded:
//!   - { case: validation.repeated, because: … }
//!   - { fact: any.request_timeout.*, because: … }
//! ```

use std::fmt;

use d4iot_double::{
    contract,
    contract::{Glob, Kind, Operation},
    suite::cases,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    deviation::Deviation,
    spec,
    spec::{Spanned, SpecError},
};

/// The content of `mutants.yaml`.
#[derive(Clone, Debug)]
pub struct MutantFile {
    /// The mutants, in the order of the file.
    pub mutants: Vec<MutantSpec>,
    /// The cases and facts that need no mutant.
    pub excluded: Vec<Exclusion>,
}

/// An appliance with exactly one deviation.
#[derive(Clone, Debug)]
pub struct MutantSpec {
    /// The id.
    pub id: String,
    /// The kinds of appliance it is a mutant of.
    pub kinds: Vec<Kind>,
    /// Its difference from the reference mock.
    pub deviation: Deviation,
    /// The case that must kill it, or `inconsistent.` and a fact.
    pub by: String,
    /// The verdict that must kill it.
    pub verdict: KillVerdict,
    /// The facts it deviates in: names or globs.
    pub facts: Vec<String>,
    /// The line its block begins on.
    pub line: u64,
}

/// The verdict by which a mutant dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KillVerdict {
    /// Regression alone: the answer differs from the snapshot, and conformance accepts it.
    Changed,
    /// Conformance: no reading allows the answer.
    Deviation,
    /// No answer comes: the case is not judged, and does not pass.
    NotJudged,
    /// Conformance: each answer passes, but the answers contradict each other.
    Inconsistent,
}

impl fmt::Display for KillVerdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            KillVerdict::Changed => "changed",
            KillVerdict::Deviation => "deviation",
            KillVerdict::NotJudged => "not_judged",
            KillVerdict::Inconsistent => "inconsistent",
        })
    }
}

/// A case that need not kill a mutant, or a fact that needs none.
#[derive(Clone, Debug)]
pub struct Exclusion {
    /// Cases or facts.
    pub subject: ExclusionSubject,
    /// The name or glob, as written.
    pub name: String,
    glob: Glob,
}

/// The things that can be excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExclusionSubject {
    /// Cases.
    Case,
    /// Facts.
    Fact,
}

impl Exclusion {
    /// Returns whether it excludes the case or fact of that name.
    pub fn matches(&self, subject: ExclusionSubject, name: &str) -> bool {
        self.subject == subject && self.glob.is_match(name)
    }
}

/// Returns the mutants of `selftest/mutants.yaml`.
///
/// # Errors
/// The first fault of the file.
pub fn all() -> Result<MutantFile, SpecError> {
    read("selftest/mutants.yaml", include_str!("../../mutants.yaml"))
}

/// Reads mutants; `file` is the name that errors show.
///
/// # Errors
/// The first fault of the file.
pub fn read(file: &str, text: &str) -> Result<MutantFile, SpecError> {
    let raw: RawFile = spec::parse(file, text)?;
    let mut mutants: Vec<MutantSpec> = Vec::new();
    for raw in raw.mutants {
        let taken: Vec<&str> = mutants.iter().map(|mutant| mutant.id.as_str()).collect();
        let mutant = mutant(file, raw, &taken)?;
        mutants.push(mutant);
    }
    let excluded = raw
        .excluded
        .into_iter()
        .map(|raw| exclusion(file, raw))
        .collect::<Result<_, _>>()?;
    Ok(MutantFile { mutants, excluded })
}

fn mutant(file: &str, raw: Spanned<RawMutant>, taken: &[&str]) -> Result<MutantSpec, SpecError> {
    let (raw, block) = spec::split(raw);
    let id = spec::unique_id(file, raw.id, taken)?;
    spec::non_empty(file, "what", raw.what)?;
    for kind in &raw.kinds {
        if !can_kill(*kind, &raw.by.value, raw.verdict) {
            let noun = if raw.verdict == KillVerdict::Inconsistent {
                "contradiction"
            } else {
                "case"
            };
            let message = format!("a {kind} has no {noun} `{}`", raw.by.value);
            return Err(SpecError::at(file, &raw.by, message));
        }
        for fact in &raw.facts {
            if contract::of(*kind).facts_meant(&fact.value).is_empty() {
                let message = format!("no fact of a {kind} matches `{}`", fact.value);
                return Err(SpecError::at(file, fact, message));
            }
        }
    }
    let deviation = Deviation::read(file, &block, &raw.kinds, raw.fixture, raw.quirk, raw.on)?;
    if deviation.count() > 1 {
        return Err(SpecError::at(
            file,
            &block,
            "a mutant deviates in one way: one key, one failure mode, one reading",
        ));
    }
    Ok(MutantSpec {
        id,
        kinds: raw.kinds,
        deviation,
        by: raw.by.value,
        verdict: raw.verdict,
        facts: raw.facts.into_iter().map(|fact| fact.value).collect(),
        line: block.referenced.line(),
    })
}

/// Returns whether a kind has the killer: a case, or a contradiction whose readings can be mixed.
fn can_kill(kind: Kind, by: &str, verdict: KillVerdict) -> bool {
    match (verdict, by.strip_prefix("inconsistent.")) {
        (KillVerdict::Inconsistent, Some(fact)) => contract::of(kind)
            .facts()
            .iter()
            .any(|entry| entry.name == fact && entry.is_disputed()),
        (KillVerdict::Changed | KillVerdict::Deviation | KillVerdict::NotJudged, None) => {
            cases::all()
                .iter()
                .any(|located| located.case.id == by && located.case.kinds.contains(&kind))
        }
        _ => false,
    }
}

fn exclusion(file: &str, raw: Spanned<RawExclusion>) -> Result<Exclusion, SpecError> {
    let (raw, block) = spec::split(raw);
    let (subject, name) = match (raw.case, raw.fact) {
        (Some(case), None) => (ExclusionSubject::Case, case),
        (None, Some(fact)) => (ExclusionSubject::Fact, fact),
        _ => {
            return Err(SpecError::at(
                file,
                &block,
                "expected either `case` or `fact`",
            ));
        }
    };
    let glob = Glob::new(&name)
        .map_err(|wrong| SpecError::at(file, &block, format!("`{name}` is not a glob: {wrong}")))?;
    spec::non_empty(file, "because", raw.because)?;
    Ok(Exclusion {
        subject,
        name,
        glob,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    mutants: Vec<Spanned<RawMutant>>,
    #[serde(default)]
    excluded: Vec<Spanned<RawExclusion>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMutant {
    id: Spanned<String>,
    what: Spanned<String>,
    #[serde(default = "spec::both_kinds")]
    kinds: Vec<Kind>,
    fixture: Option<Spanned<Map<String, Value>>>,
    quirk: Option<Spanned<String>>,
    on: Option<Operation>,
    by: Spanned<String>,
    verdict: KillVerdict,
    facts: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExclusion {
    case: Option<String>,
    fact: Option<String>,
    because: Spanned<String>,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn the_file_of_mutants_is_valid() {
        let file = all().unwrap_or_else(|error| panic!("{error}"));
        assert!(file.mutants.len() >= 60);
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
        "unknown variant `dead`, expected one of"
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
        "unknown field `kind`, expected one of id, what, kinds"
    )]
    fn errors_have_a_place(#[case] rest: &str, #[case] place: &str, #[case] message: &str) {
        let error = read("m.yaml", &format!("mutants: [ {{ {START}, {rest} }} ]"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(place) && error.contains(message), "{error}");
    }

    #[test]
    fn an_exclusion_has_a_reason() {
        let error = read(
            "m.yaml",
            "mutants: []\nexcluded: [{ case: '*', because: ' ' }]",
        )
        .unwrap_err()
        .to_string();
        assert!(
            error.contains("m.yaml:2:34") && error.contains("`because` is empty"),
            "{error}"
        );
    }
}
