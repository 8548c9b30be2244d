//! What an answer may be: every response an expectation has under the readings of the contract.

use crate::{
    contract::{ANY, Condition, Contract, Ground, Handling, Operation, Outcome, Readings},
    suite::Expect,
};

/// One lawful way to answer: an outcome, and the readings that lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedResponse {
    /// What the answer must say.
    pub outcome: Outcome,
    /// The readings under which it does, each with its rank in its fact: 0 is the default.
    pub choices: Vec<ReadingChoice>,
    /// Whether it is judged.
    pub judgement: Judgement,
}

/// How an answer that is this response is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Judgement {
    /// The documentation has it: judged.
    Documented,
    /// The documentation has it, but not the order of the checks (X23).
    /// Which of its answers comes is recorded; that it is one of them is judged.
    OrderUnspecified,
    /// The documentation is silent: recorded, never judged.
    Unspecified,
}

/// A reading of a fact.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReadingChoice {
    /// The fact's full name.
    pub fact: String,
    /// The reading's name.
    pub reading: String,
    /// Its place among the fact's readings; 0 is the default.
    pub rank: usize,
}

/// Returns every response that an expectation allows at an operation, the defaults first.
/// Where the run found out which path a target serves, no other path counts.
///
/// # Errors
/// A fact the contract does not have, or a reading of it the expectation leaves out; a test holds all cases against that.
pub fn allowed_responses(
    expect: &Expect,
    contract: &Contract,
    operation: Operation,
    served: &Readings,
) -> Result<Vec<AllowedResponse>, String> {
    let mut responses = Resolver {
        contract,
        operation,
        served,
    }
    .of(expect)?;
    responses.sort_by_key(|response| {
        response
            .choices
            .iter()
            .map(|choice| choice.rank)
            .sum::<usize>()
    });
    Ok(responses)
}

struct Resolver<'a> {
    contract: &'a Contract,
    operation: Operation,
    served: &'a Readings,
}

impl Resolver<'_> {
    fn of(&self, expect: &Expect) -> Result<Vec<AllowedResponse>, String> {
        match expect {
            Expect::Outcome(outcome) => {
                let judgement = if is_documented(self.contract, self.operation, *outcome) {
                    Judgement::Documented
                } else {
                    Judgement::Unspecified
                };
                Ok(vec![AllowedResponse {
                    outcome: *outcome,
                    choices: Vec::new(),
                    judgement,
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
    ) -> Result<Vec<AllowedResponse>, String> {
        let operation = if condition == Condition::UnknownPath {
            None
        } else {
            Some(self.operation)
        };
        let (fact, handlings) = self
            .contract
            .handling(operation, condition)
            .ok_or_else(|| format!("the contract does not treat {condition}"))?;
        let mut responses = Vec::new();
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
            for mut response in self.of(&expect)? {
                response.choices.insert(
                    0,
                    ReadingChoice {
                        fact: fact.clone(),
                        reading: reading.name.clone(),
                        rank,
                    },
                );
                response.judgement = Judgement::Unspecified;
                responses.push(response);
            }
        }
        Ok(responses)
    }

    fn by(
        &self,
        point: &str,
        readings: &[(String, Expect)],
    ) -> Result<Vec<AllowedResponse>, String> {
        let entry = self
            .contract
            .fact(self.operation, point)
            .ok_or_else(|| format!("unknown fact `{}.{point}`", self.operation))?;
        let least = match point {
            ORDER => Judgement::OrderUnspecified,
            _ if entry
                .readings
                .iter()
                .all(|reading| matches!(reading.ground, Ground::Assumed { .. })) =>
            {
                Judgement::Unspecified
            }
            _ => Judgement::Documented,
        };
        let served = self.served.of(&entry.name);
        let mut responses = Vec::new();
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
            for mut response in self.of(expect)? {
                response.choices.insert(
                    0,
                    ReadingChoice {
                        fact: entry.name.clone(),
                        reading: reading.name.to_owned(),
                        rank,
                    },
                );
                response.judgement = response.judgement.max(least);
                responses.push(response);
            }
        }
        Ok(responses)
    }
}

/// Tells whether a document has a wording for this outcome at this operation.
pub fn is_documented(contract: &Contract, operation: Operation, outcome: Outcome) -> bool {
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
