//! What an answer may be: every branch an expectation has under the readings of the contract.

use crate::conformance::Expect;
use crate::contract::ANY;
use crate::contract::Circumstance;
use crate::contract::Contract;
use crate::contract::Entry;
use crate::contract::Ground;
use crate::contract::Operation;
use crate::contract::Outcome;
use crate::contract::Treatment;

/// One lawful way to answer: an outcome, and the readings that lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// What the answer must say.
    pub outcome: Outcome,
    /// The readings under which it does, each with its rank in its fact: 0 is the ruling.
    pub choices: Vec<Choice>,
    /// Whether the documents are silent on it: recorded, never judged.
    pub silent: bool,
}

/// A reading of a fact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Choice {
    /// The fact's full name.
    pub fact: String,
    /// The reading's name.
    pub reading: String,
    /// Its place among the fact's readings; 0 is the ruling.
    pub rank: usize,
}

/// Returns every branch of an expectation at an operation, the rulings first.
///
/// # Errors
/// A fact the contract does not have, or a reading of it the expectation leaves out; a test holds all cases against that.
pub fn branches(expect: &Expect, contract: &Contract, operation: Operation) -> Result<Vec<Branch>, String> {
    let facts = contract.facts();
    let mut branches = Branches { contract, facts: &facts, operation }.of(expect)?;
    branches.sort_by_key(|branch| branch.choices.iter().map(|choice| choice.rank).sum::<usize>());
    Ok(branches)
}

struct Branches<'a> {
    contract: &'a Contract,
    facts: &'a [Entry<'a>],
    operation: Operation,
}

impl Branches<'_> {
    fn of(&self, expect: &Expect) -> Result<Vec<Branch>, String> {
        match expect {
            Expect::Outcome(outcome) => Ok(vec![Branch { outcome: *outcome, choices: Vec::new(), silent: !self.is_said(*outcome) }]),
            Expect::On { circumstance, otherwise, first, last } => self.on(*circumstance, *otherwise, *first, *last),
            Expect::By { fact, readings } => self.by(fact, readings),
        }
    }

    fn on(
        &self,
        circumstance: Circumstance,
        otherwise: Option<Outcome>,
        first: Option<Outcome>,
        last: Option<Outcome>,
    ) -> Result<Vec<Branch>, String> {
        let operation = if circumstance == Circumstance::UnknownPath { None } else { Some(self.operation) };
        let (fact, treatments) =
            self.contract.treatment(operation, circumstance).ok_or_else(|| format!("the contract does not treat {circumstance}"))?;
        let mut branches = Vec::new();
        for (rank, reading) in treatments.readings().iter().enumerate() {
            let outcome = match reading.is {
                Treatment::Answer(outcome) => Some(outcome),
                Treatment::First => first.or(otherwise),
                Treatment::Last => last.or(otherwise),
                Treatment::Proceed => otherwise,
                Treatment::Reject => Some(operation.map_or(Outcome::BadRequest, Operation::rejection)),
            };
            let outcome = outcome
                .ok_or_else(|| format!("`{fact}: {}` lets the request go on, and the case does not say to what (`otherwise`)", reading.name))?;
            branches.push(Branch { outcome, choices: vec![Choice { fact: fact.clone(), reading: reading.name.clone(), rank }], silent: true });
        }
        Ok(branches)
    }

    fn by(&self, fact: &str, readings: &[(String, Expect)]) -> Result<Vec<Branch>, String> {
        let own = format!("{}.{fact}", self.operation);
        let shared = format!("{ANY}.{fact}");
        let entry = self.facts.iter().find(|entry| entry.name == own || entry.name == shared).ok_or_else(|| format!("unknown fact `{own}`"))?;
        let full = &entry.name;
        let unjudged = fact == ORDER || entry.readings.iter().all(|reading| matches!(reading.ground, Ground::Assumed { .. }));
        let mut branches = Vec::new();
        for (rank, reading) in entry.readings.iter().enumerate() {
            let expect = readings.iter().find(|(name, _)| name == reading.name).map(|(_, expect)| expect);
            let expect = expect.ok_or_else(|| format!("the case does not say what `{full}: {}` leads to", reading.name))?;
            for mut branch in self.of(expect)? {
                branch.choices.insert(0, Choice { fact: full.clone(), reading: reading.name.to_owned(), rank });
                branch.silent |= unjudged;
                branches.push(branch);
            }
        }
        Ok(branches)
    }

    /// Whether a document has a wording for this outcome at this operation.
    fn is_said(&self, outcome: Outcome) -> bool {
        self.contract
            .utterance(Some(self.operation), outcome)
            .is_some_and(|(place, utterance)| place != ANY && utterance.body.readings().iter().any(|reading| reading.is_said()))
    }
}

/// The point of the facts about the order of checks: recorded, never judged (X23).
const ORDER: &str = "order";
