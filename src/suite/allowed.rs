//! What an answer may be: every response an expectation has under the readings of the contract.

use std::collections::BTreeMap;

use crate::{
    contract::{Condition, Contract, Handling, Operation, Outcome, Reading, Readings},
    report,
    suite::{
        Expect, Step,
        allowed::Judgement::{Documented, Open, Several},
        placeholder::StepError,
    },
};

/// One valid way to answer: an outcome, and the readings that lead to it.
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
    /// The documentation has several, such as a change and its refusal by a policy of which no rule is documented.
    /// Which of them comes is recorded; that it is one of them is judged.
    Several,
    /// The documentation is silent: recorded, never judged.
    Open,
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

impl ReadingChoice {
    /// Chooses a reading by its name and rank.
    pub fn new(fact: &str, reading: &str, rank: usize) -> ReadingChoice {
        ReadingChoice {
            fact: fact.to_owned(),
            reading: reading.to_owned(),
            rank,
        }
    }
}

/// Returns every response that an expectation allows at an operation, the defaults first.
/// Where the run found out which path a target serves, no other path counts.
///
/// # Errors
/// A fact the contract does not have, or a reading of it the expectation leaves out; a test checks all cases for that.
pub fn allowed_responses(
    expect: &Expect,
    contract: &Contract,
    operation: Operation,
    served: &Readings,
) -> Result<Vec<AllowedResponse>, StepError> {
    let mut responses = resolve(expect, contract, operation, served)?;
    responses.sort_by_key(|response| rank(&response.choices));
    Ok(responses)
}

/// A reading of the fact that decides, what it leads to, and how that is judged.
type Branch = (ReadingChoice, Expect, Judgement);

fn resolve(
    expect: &Expect,
    contract: &Contract,
    operation: Operation,
    served: &Readings,
) -> Result<Vec<AllowedResponse>, StepError> {
    let branches = match expect {
        Expect::Outcome(outcome) => {
            let is_documented = is_documented(contract, operation, *outcome);
            return Ok(vec![AllowedResponse {
                outcome: *outcome,
                choices: Vec::new(),
                judgement: if is_documented { Documented } else { Open },
            }]);
        }
        Expect::OneOf(several) => {
            let resolve = |expect| resolve(expect, contract, operation, served);
            let resolved: Result<Vec<_>, _> = several.iter().map(resolve).collect();
            return resolved.map(|resolved| resolved.concat());
        }
        Expect::On {
            condition,
            otherwise,
            first,
            last,
        } => {
            let operation = (*condition != Condition::UnknownPath).then_some(operation);
            let rejection = operation.map_or(Outcome::BadRequest, Operation::rejection);
            let leads_to = |handling: Handling| {
                let outcome = match handling {
                    Handling::Answer(outcome) => Some(outcome),
                    Handling::First => *first,
                    Handling::Last => *last,
                    Handling::Proceed => None,
                    Handling::Reject => Some(rejection),
                };
                let otherwise = || otherwise.as_deref().cloned();
                outcome.map(Expect::Outcome).or_else(otherwise)
            };
            of_condition(*condition, contract, operation, &leads_to)?
        }
        Expect::By { fact, readings } => of_fact(fact, readings, contract, operation, served)?,
    };
    let mut responses = Vec::new();
    for (choice, expect, judgement) in branches {
        for mut response in resolve(&expect, contract, operation, served)? {
            response.choices.insert(0, choice.clone());
            response.judgement = response.judgement.max(judgement);
            responses.push(response);
        }
    }
    Ok(responses)
}

/// Returns what each reading of a condition leads to.
fn of_condition(
    condition: Condition,
    contract: &Contract,
    operation: Option<Operation>,
    leads_to: &dyn Fn(Handling) -> Option<Expect>,
) -> Result<Vec<Branch>, StepError> {
    let handling = contract.handling(operation, condition);
    let (fact, handlings) =
        handling.ok_or_else(|| StepError(format!("the contract does not treat {condition}")))?;
    let judgement = if condition.is_closed() { Several } else { Open };
    let branch = |(rank, reading): (usize, &Reading<Handling>)| {
        let name = &reading.name;
        let expect = leads_to(reading.is).ok_or_else(|| {
            StepError(format!("`{fact}: {name}` lets the request go on, and the case does not say to what (`otherwise`)"))
        })?;
        Ok((ReadingChoice::new(&fact, name, rank), expect, judgement))
    };
    let readings = handlings.readings().iter();
    readings.enumerate().map(branch).collect()
}

/// Returns what each reading of a fact leads to.
fn of_fact(
    point: &str,
    led: &BTreeMap<String, Expect>,
    contract: &Contract,
    operation: Operation,
    served: &Readings,
) -> Result<Vec<Branch>, StepError> {
    let entry = contract.fact(operation, point);
    let entry = entry.ok_or_else(|| StepError(format!("unknown fact `{operation}.{point}`")))?;
    let (fact, served) = (&entry.name, served.of(&entry.name));
    let mut branches = Vec::new();
    for (rank, reading) in entry.readings.iter().enumerate() {
        let name = reading.name;
        if served.is_some_and(|served| served != name) {
            continue;
        }
        let unsaid = || format!("the case does not say what `{fact}: {name}` leads to");
        let expect = led.get(name).ok_or_else(|| StepError(unsaid()))?;
        // Several readings may lead to the same.
        let mut readings = entry.readings.iter();
        let is_documented =
            readings.any(|one| one.ground.is_documented() && led.get(one.name) == Some(expect));
        let judgement = if is_documented { Documented } else { Several };
        let choice = ReadingChoice::new(fact, name, rank);
        branches.push((choice, expect.clone(), judgement));
    }
    Ok(branches)
}

impl Step {
    /// Returns every response that it allows, wherever a target serves its operation.
    ///
    /// # Errors
    /// As for [`allowed_responses`].
    pub fn allowed(&self, contract: &Contract) -> Result<Vec<AllowedResponse>, StepError> {
        allowed_responses(&self.expect, contract, self.ask, &Readings::default())
    }
}

/// Returns whether a document has a wording for this outcome at this operation.
pub fn is_documented(contract: &Contract, operation: Operation, outcome: Outcome) -> bool {
    let spec = contract.response_spec(Some(operation), outcome);
    spec.is_some_and(|(_, spec)| {
        let mut readings = spec.body.readings().iter();
        readings.any(|reading| reading.is_documented())
    })
}

/// Returns how far choices are from the default readings.
pub(super) fn rank(choices: &[ReadingChoice]) -> usize {
    choices.iter().map(|choice| choice.rank).sum()
}

/// Returns the name of a fact, with the number of its contradiction if it has one.
pub fn numbered_fact(contract: &Contract, fact: &str) -> String {
    report::numbered(contract.ambiguity_number(fact), fact)
}
