//! The suite: every case file, read once from the text inside the binary, in the order of the list below.
//!
//! A new case is a new block in one of these files; a new file is a line in `FILES` as well, and a test says so.

use std::{collections::BTreeSet, sync::LazyLock};

use serde_saphyr::Spanned;

use crate::{
    contract::Contract,
    suite::{
        Case,
        allowed::{Judgement, ReadingChoice},
    },
};

/// One case with the place it stands at.
#[derive(Debug)]
pub struct CaseWithLocation {
    /// The case.
    pub case: Case,
    /// The file, `conformance/cases/order.yaml`.
    pub file: &'static str,
    /// The line its block begins on, counted from 1.
    pub line: u32,
}

/// Returns every case, in the order of the files and of the blocks in them.
///
/// # Panics
/// Never in a released binary: the text is compiled in, and a test reads it.
pub fn all() -> &'static [CaseWithLocation] {
    static ALL: LazyLock<Vec<CaseWithLocation>> =
        LazyLock::new(|| FILES.iter().flat_map(read).collect());
    &ALL
}

impl Case {
    /// Returns the full names of the facts the case covers on a kind: those it lists, and those of its expected answers. Where a fact
    /// about a condition decides, only its default reading counts.
    pub fn covers(&self, contract: &Contract) -> BTreeSet<String> {
        self.facts_of(contract, Judgement::Open)
    }

    /// Returns which of the documented facts the case judges on a kind.
    pub fn judges(&self, contract: &Contract, documented: &BTreeSet<String>) -> BTreeSet<String> {
        let mut judged = self.facts_of(contract, Judgement::Documented);
        judged.retain(|fact| documented.contains(fact));
        judged
    }

    /// Returns the facts of the answers that are judged so or more strictly, and those it lists if there is such an answer.
    fn facts_of(&self, contract: &Contract, judgement: Judgement) -> BTreeSet<String> {
        let mut facts = BTreeSet::new();
        for step in &self.steps {
            for response in step.allowed(contract).unwrap_or_default() {
                let is_default = |it: &ReadingChoice| it.rank == 0 || !it.fact.contains(".on_");
                if response.judgement > judgement || !response.choices.iter().all(is_default) {
                    continue;
                }
                facts.extend(response.choices.into_iter().map(|choice| choice.fact));
                let outcome = response.outcome;
                let operation = outcome.at(step.ask);
                let Some((place, spec)) = contract.response_spec(operation, outcome) else {
                    continue;
                };
                let envelope = spec.envelope.as_ref().map(|_| "envelope");
                let internal = spec.internal.as_ref().map(|_| "internal");
                let points = ["status", "body"].into_iter();
                let points = points.chain(envelope).chain(internal);
                facts.extend(points.map(|point| format!("{place}.{outcome}.{point}")));
                facts.insert(format!("{place}.answer_type"));
            }
        }
        if judgement == Judgement::Open || !facts.is_empty() {
            let listed = self.facts.iter();
            facts.extend(listed.flat_map(|pattern| contract.facts_meant(pattern)));
        }
        facts
    }
}

fn read((file, text): &(&'static str, &str)) -> Vec<CaseWithLocation> {
    let cases: Vec<Spanned<Case>> =
        serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let located = |case: Spanned<Case>| CaseWithLocation {
        line: u32::try_from(case.referenced.line()).unwrap_or(u32::MAX),
        case: case.value,
        file,
    };
    cases.into_iter().map(located).collect()
}

/// The path and the text of each case file.
macro_rules! files {
    ($($name:literal)+) => {
        &[$((
            concat!("conformance/cases/", $name, ".yaml"),
            include_str!(concat!("../../conformance/cases/", $name, ".yaml")),
        )),+]
    };
}

/// Every case file: first what the documents say, then what they leave unsaid, then what follows from it.
const FILES: &[(&str, &str)] = files!(
    "validation" "set_password" "set_password_by_admin"
    "paths_documented" "paths_other"
    "quotes_sensor_examples" "quotes_sensor_commands" "quotes_console_examples" "quotes_console_commands"
    "fields_missing" "fields_empty" "fields_null" "fields_number" "fields_other_types" "fields_names"
    "tokens" "roles" "roles_wrong_password" "states" "lockout" "lockout_rows" "methods"
    "bodies" "bodies_size" "content_types" "content_types_spelt" "http" "order"
    "characters" "characters_kept" "characters_echoed" "near_misses"
    "sequences_changed_by_user" "sequences_changed_by_admin" "sequences_refused_user" "sequences_refused_admin"
);

#[cfg(test)]
mod tests;
