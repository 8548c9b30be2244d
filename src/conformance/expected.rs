//! What an answer may be: every branch an expectation has under the readings of the contract.

use crate::{
    conformance::Expect,
    contract::{ANY, Condition, Contract, Ground, Handling, Operation, Outcome, Readings},
};

/// One lawful way to answer: an outcome, and the readings that lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// What the answer must say.
    pub outcome: Outcome,
    /// The readings under which it does, each with its rank in its fact: 0 is the ruling.
    pub choices: Vec<Choice>,
    /// Whether it is judged.
    pub standing: Standing,
}

/// What the documents have to say of a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// They say it: judged.
    Said,
    /// They say the answer, and not that this check speaks first (X23): which of their answers comes is recorded, that it is one of them is judged.
    Unordered,
    /// They are silent on it: recorded, never judged.
    Silent,
}

/// A reading of a fact.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Choice {
    /// The fact's full name.
    pub fact: String,
    /// The reading's name.
    pub reading: String,
    /// Its place among the fact's readings; 0 is the ruling.
    pub rank: usize,
}

/// Returns every branch of an expectation at an operation, the rulings first. Where it was found out which path a target serves, no other is branched on.
///
/// # Errors
/// A fact the contract does not have, or a reading of it the expectation leaves out; a test holds all cases against that.
pub fn branches(
    expect: &Expect,
    contract: &Contract,
    operation: Operation,
    served: &Readings,
) -> Result<Vec<Branch>, String> {
    let mut branches = Branches {
        contract,
        operation,
        served,
    }
    .of(expect)?;
    branches.sort_by_key(|branch| {
        branch
            .choices
            .iter()
            .map(|choice| choice.rank)
            .sum::<usize>()
    });
    Ok(branches)
}

struct Branches<'a> {
    contract: &'a Contract,
    operation: Operation,
    served: &'a Readings,
}

impl Branches<'_> {
    fn of(&self, expect: &Expect) -> Result<Vec<Branch>, String> {
        match expect {
            Expect::Outcome(outcome) => {
                let standing = if is_said(self.contract, self.operation, *outcome) {
                    Standing::Said
                } else {
                    Standing::Silent
                };
                Ok(vec![Branch {
                    outcome: *outcome,
                    choices: Vec::new(),
                    standing,
                }])
            }
            Expect::On {
                condition,
                otherwise,
                first,
                last,
            } => self.on(*condition, otherwise.as_deref(), *first, *last),
            Expect::By { fact, readings } => self.by(fact, readings),
        }
    }

    fn on(
        &self,
        condition: Condition,
        otherwise: Option<&Expect>,
        first: Option<Outcome>,
        last: Option<Outcome>,
    ) -> Result<Vec<Branch>, String> {
        let operation = if condition == Condition::UnknownPath {
            None
        } else {
            Some(self.operation)
        };
        let (fact, handlings) = self
            .contract
            .handling(operation, condition)
            .ok_or_else(|| format!("the contract does not treat {condition}"))?;
        let mut branches = Vec::new();
        for (rank, reading) in handlings.readings().iter().enumerate() {
            let outcome = match reading.is {
                Handling::Answer(outcome) => Some(outcome),
                Handling::First => first,
                Handling::Last => last,
                Handling::Proceed => None,
                Handling::Reject => {
                    Some(operation.map_or(Outcome::BadRequest, Operation::rejection))
                }
            };
            let expect = outcome.map(Expect::Outcome).or_else(|| otherwise.cloned());
            let expect = expect
                .ok_or_else(|| format!("`{fact}: {}` lets the request go on, and the case does not say to what (`otherwise`)", reading.name))?;
            for mut branch in self.of(&expect)? {
                branch.choices.insert(
                    0,
                    Choice {
                        fact: fact.clone(),
                        reading: reading.name.clone(),
                        rank,
                    },
                );
                branch.standing = Standing::Silent;
                branches.push(branch);
            }
        }
        Ok(branches)
    }

    fn by(&self, point: &str, readings: &[(String, Expect)]) -> Result<Vec<Branch>, String> {
        let entry = self
            .contract
            .fact(self.operation, point)
            .ok_or_else(|| format!("unknown fact `{}.{point}`", self.operation))?;
        let least = match point {
            ORDER => Standing::Unordered,
            _ if entry
                .readings
                .iter()
                .all(|reading| matches!(reading.ground, Ground::Assumed { .. })) =>
            {
                Standing::Silent
            }
            _ => Standing::Said,
        };
        let served = self.served.of(&entry.name);
        let mut branches = Vec::new();
        for (rank, reading) in entry
            .readings
            .iter()
            .enumerate()
            .filter(|(_, reading)| served.is_none_or(|served| served == reading.name))
        {
            let expect = readings
                .iter()
                .find(|(name, _)| name == reading.name)
                .map(|(_, expect)| expect);
            let expect = expect.ok_or_else(|| {
                format!(
                    "the case does not say what `{}: {}` leads to",
                    entry.name, reading.name
                )
            })?;
            for mut branch in self.of(expect)? {
                branch.choices.insert(
                    0,
                    Choice {
                        fact: entry.name.clone(),
                        reading: reading.name.to_owned(),
                        rank,
                    },
                );
                branch.standing = branch.standing.max(least);
                branches.push(branch);
            }
        }
        Ok(branches)
    }
}

/// Tells whether a document has a wording for this outcome at this operation.
pub fn is_said(contract: &Contract, operation: Operation, outcome: Outcome) -> bool {
    contract
        .response_spec(Some(operation), outcome)
        .is_some_and(|(place, spec)| {
            place != ANY
                && spec
                    .body
                    .readings()
                    .iter()
                    .any(|reading| reading.is_documented())
        })
}

/// The point of the facts about the order of checks: recorded, never judged (X23).
const ORDER: &str = "order";
