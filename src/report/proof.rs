//! What `prove` found, and the forms it is told in: the matrix of cases and mutants, the score of each fact, what is not as it should be.
//!
//! ```text
//! Proof ── text  for people: mutants and controls, facts, the matrix
//!       ── json  everything
//!       ── html  the matrix on one page, without a script
//! ```

pub mod html;
pub mod json;
pub mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::contract::Kind;

/// What `prove` found.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Proof {
    /// The version of this form, 1.
    pub version: u32,
    /// The tool and its version.
    pub tool: String,
    /// What is not as it should be: none where everything is proved.
    pub problems: Vec<String>,
    /// The reference mocks, which must be clean.
    pub references: Vec<Reference>,
    /// The mutants, which must die as declared.
    pub mutants: Vec<MutantResult>,
    /// The controls, which must be accepted.
    pub controls: Vec<ControlResult>,
    /// For every fact of each kind, which mutants deviate in it and are noticed.
    pub facts: Vec<FactScore>,
    /// For every case of each kind, which mutants it kills: the rows of the matrix.
    pub cases: Vec<CaseScore>,
}

/// A reference mock.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Reference {
    /// Its kind.
    pub kind: Kind,
    /// How many cases were run.
    pub cases: usize,
    /// What is wrong with it; nothing should be.
    pub wrong: Vec<String>,
}

/// A mutant and how it died.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct MutantResult {
    /// Its id.
    pub id: String,
    /// What it does otherwise.
    pub what: String,
    /// The case that must kill it, or `inconsistent.` and a fact.
    pub by: String,
    /// By which verdict: `deviation`, `inconsistent`, or `changed`.
    pub verdict: String,
    /// One trial for each kind of appliance.
    pub trials: Vec<Trial>,
}

/// A mutant of one kind, asked by the whole suite.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Trial {
    /// The kind.
    pub kind: Kind,
    /// Why it did not die as declared; none where it did.
    pub survived: Option<String>,
    /// Whether so many cases notice it that this says nothing of any one of them.
    pub sweeping: bool,
    /// Every case that notices it: a column of the matrix.
    pub kills: BTreeMap<String, Mark>,
}

/// How a case notices a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The answer is not the snapshot's; conformance has nothing to say.
    Changed,
    /// No reading allows the answer.
    Deviation,
}

/// A control and whether it was accepted.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct ControlResult {
    /// Its id.
    pub id: String,
    /// What it does otherwise.
    pub what: String,
    /// For each kind what is wrong; nothing should be.
    pub wrong: BTreeMap<Kind, Vec<String>>,
    /// For each kind the readings that were told as they are served.
    pub told: BTreeMap<Kind, Vec<String>>,
}

/// What the mutants say of a fact.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct FactScore {
    /// The kind of appliance.
    pub kind: Kind,
    /// The fact's full name.
    pub fact: String,
    /// Its register number, if it has one.
    pub register: Option<String>,
    /// How many cases cover it.
    pub covered: usize,
    /// How many of those notice one of the mutants.
    pub notice: usize,
    /// The mutants that deviate in it and are noticed by a case that covers it.
    pub mutants: Vec<String>,
    /// Why it needs none.
    pub spared: Option<String>,
}

/// What a case is good for.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct CaseScore {
    /// The kind of appliance.
    pub kind: Kind,
    /// The case's id.
    pub id: String,
    /// The mutants it kills, sweeping ones left out.
    pub kills: Vec<String>,
    /// How many sweeping ones it notices.
    pub sweeping: usize,
    /// Why it need not kill any.
    pub spared: Option<String>,
}

impl Proof {
    /// Tells whether everything is proved.
    pub fn holds(&self) -> bool {
        self.problems.is_empty()
    }

    /// Returns how many trials there were, and how many mutants died as declared in them.
    pub fn trials(&self) -> (usize, usize) {
        let all = || self.mutants.iter().flat_map(|mutant| &mutant.trials);
        (
            all().count(),
            all().filter(|trial| trial.survived.is_none()).count(),
        )
    }
}

#[cfg(test)]
pub(crate) mod sample;
