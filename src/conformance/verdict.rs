//! What an answer says of its giver: documented, a variant, a deviation, or beyond the documents.

use bytes::Bytes;
use http::Response;

use crate::{
    conformance::{
        Case, Step,
        case::Forbidden,
        evidence::Evidence,
        expected,
        expected::{Branch, Choice, Standing},
        nearest,
        nearest::{Asked, Told},
        recognise,
        recognise::{Answer, Recognised},
    },
    contract::{Contract, Ground, Operation, Outcome, Readings},
    report::{CaseFinding, Conformance},
};

/// What came back for a step.
pub enum Received<'a> {
    /// A whole answer.
    Answer(&'a Response<Bytes>),
    /// The connection was there and the answer was not one: in words.
    Broken(&'a str),
    /// There was no connection: in words, and what would help.
    Unreachable {
        /// Why.
        trouble: &'a str,
        /// A way out, where one is known.
        hint: Option<&'a str>,
    },
}

/// A step as it was sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// The law it is held against.
    pub contract: &'a Contract,
    /// Which paths the target serves, where that was found out.
    pub served: &'a Readings,
    /// The case it belongs to.
    pub case: &'a Case,
    /// Which of the case's steps it is, from 0.
    pub number: usize,
    /// The user name that was sent, which some answers echo.
    pub username: &'a str,
}

/// What one step's answer says.
#[derive(Clone, Debug)]
pub struct Judged {
    /// The verdict on this step.
    pub conformance: Conformance,
    /// The outcome it was recognised as.
    pub outcome: Option<Outcome>,
    /// Which readings it agrees with.
    pub evidence: Option<Evidence>,
    /// The readings that are not the ruling, of the combination nearest to it.
    pub variants: Vec<Choice>,
    /// What is wrong with it, or why it is not judged.
    pub finding: Option<CaseFinding>,
}

/// Judges one step's answer.
pub fn of_step(sent: &Sent<'_>, received: Received<'_>) -> Judged {
    let step = sent.step();
    let branches = match expected::branches(&step.expect, sent.contract, step.ask, sent.served) {
        Ok(branches) => branches,
        Err(error) => return not_judged(sent.number, error),
    };
    match received {
        Received::Answer(answer) => of_answer(sent, &branches, answer),
        Received::Broken(trouble)
            if branches
                .iter()
                .any(|branch| branch.standing == Standing::Silent) =>
        {
            broken_in_silence(sent.number, trouble)
        }
        Received::Broken(trouble) => deviation(
            None,
            None,
            finding(
                sent,
                &branches,
                Told {
                    received: trouble.to_owned(),
                    hint: None,
                },
            ),
        ),
        Received::Unreachable { trouble, hint } => {
            let mut judged =
                not_judged(sent.number, format!("the target did not answer: {trouble}"));
            judged
                .finding
                .iter_mut()
                .for_each(|finding| finding.hint = hint.map(str::to_owned));
            judged
        }
    }
}

fn of_answer(sent: &Sent<'_>, branches: &[Branch], answer: &Response<Bytes>) -> Judged {
    let (contract, ask) = (sent.contract, sent.step().ask);
    let read = Answer::new(answer);
    let tried: Vec<(&Branch, Result<Recognised, String>)> = branches
        .iter()
        .map(|branch| {
            (
                branch,
                recognise::recognise(contract, ask, branch.outcome, sent.username, &read),
            )
        })
        .collect();
    let lawful = lawful(&tried);
    let nearest = |way: &Way<'_>| way.choices().map(|choice| choice.rank).sum::<usize>();
    let best = lawful
        .iter()
        .min_by_key(|way| (nearest(way), way.branch.standing));
    let (outcome, evidence) = match best {
        Some(best) => (
            Some(best.branch.outcome),
            evidence(
                lawful
                    .iter()
                    .map(|way| (&way.branch.choices[..], way.recognised)),
                answer,
            ),
        ),
        None => unexpected(contract, ask, sent.username, &read),
    };
    match best {
        Some(best) if best.branch.standing == Standing::Said => {
            let variants: Vec<Choice> = best
                .choices()
                .filter(|choice| choice.rank > 0)
                .cloned()
                .collect();
            let conformance = if variants.is_empty() {
                Conformance::Documented
            } else {
                Conformance::Variant
            };
            Judged {
                conformance,
                outcome,
                evidence,
                variants,
                finding: None,
            }
        }
        _ if sent.case.must_not == Some(Forbidden::Success)
            && recognise::says_success(contract, ask, answer) =>
        {
            let finding = CaseFinding {
                step: sent.number + 1,
                expected: "a refusal: nothing succeeds without every required field and the right credentials".into(),
                received: "a success".into(),
                readings: Vec::new(),
                hint: None,
            };
            deviation(outcome, evidence, finding)
        }
        Some(_) => undocumented(outcome, evidence),
        None if is_left_open(sent, branches, outcome, answer) => undocumented(outcome, evidence),
        None => {
            let mut why: Vec<String> = tried
                .iter()
                .filter_map(|(_, tried)| tried.as_ref().err().cloned())
                .collect();
            why.dedup();
            let outcomes = outcomes(branches);
            let asked = Asked {
                contract,
                operation: ask,
                username: sent.username,
                outcomes: &outcomes,
            };
            deviation(
                outcome,
                evidence,
                finding(sent, branches, nearest::tell(asked, outcome, answer, &why)),
            )
        }
    }
}

/// What an answer tells that nothing was expected of: a probe's.
pub fn whatever_it_tells(
    contract: &Contract,
    ask: Operation,
    answer: &Response<Bytes>,
) -> Option<Evidence> {
    unexpected(contract, ask, "", &Answer::new(answer)).1
}

/// What an answer says, whatever was expected, and what that tells.
fn unexpected(
    contract: &Contract,
    ask: Operation,
    username: &str,
    read: &Answer<'_>,
) -> (Option<Outcome>, Option<Evidence>) {
    match recognise::whatever(contract, ask, username, read) {
        Some((outcome, recognised)) => (
            Some(outcome),
            evidence([(&[][..], &recognised)].into_iter(), read.response),
        ),
        None => (None, None),
    }
}

/// Whether the documents leave room for an answer that is none of those expected: where they are silent, any but a success
/// in words of its own where one of theirs may come; where only the order of checks is open, another of their refusals.
fn is_left_open(
    sent: &Sent<'_>,
    branches: &[Branch],
    outcome: Option<Outcome>,
    answer: &Response<Bytes>,
) -> bool {
    let (contract, ask) = (sent.contract, sent.step().ask);
    let has = |standing: Standing| branches.iter().any(|branch| branch.standing == standing);
    let success_is_said = branches
        .iter()
        .any(|branch| branch.standing == Standing::Said && branch.outcome.is_success());
    if has(Standing::Silent) {
        return !(success_is_said && recognise::says_success(contract, ask, answer));
    }
    has(Standing::Unordered)
        && outcome.is_some_and(|outcome| {
            !outcome.is_success() && expected::is_said(contract, ask, outcome)
        })
}

impl<'a> Sent<'a> {
    fn step(&self) -> &'a Step {
        &self.case.steps[self.number]
    }
}

/// Folds the verdicts of a case's steps into one: the gravest of them.
pub fn of_steps(steps: &[Judged]) -> Conformance {
    let has = |wanted: Conformance| steps.iter().any(|step| step.conformance == wanted);
    [
        Conformance::Deviation,
        Conformance::NotJudged,
        Conformance::Variant,
        Conformance::Undocumented,
    ]
    .into_iter()
    .find(|verdict| has(*verdict))
    .unwrap_or(Conformance::Documented)
}

/// A lawful way to read the answer: a branch, what was recognised, and one of its combinations.
struct Way<'a> {
    branch: &'a Branch,
    recognised: &'a Recognised,
    combination: &'a [Choice],
}

impl<'a> Way<'a> {
    /// All choices that go with it.
    fn choices(&self) -> impl Iterator<Item = &'a Choice> {
        self.branch.choices.iter().chain(self.combination)
    }
}

fn lawful<'a>(tried: &'a [(&'a Branch, Result<Recognised, String>)]) -> Vec<Way<'a>> {
    let recognised = tried
        .iter()
        .filter_map(|(branch, tried)| Some((*branch, tried.as_ref().ok()?)));
    let ways = |(branch, recognised): (&'a Branch, &'a Recognised)| {
        recognised.combinations.iter().map(move |combination| Way {
            branch,
            recognised,
            combination,
        })
    };
    recognised.flat_map(ways).collect()
}

/// What an answer tells, recognised in some ways, each after some choices; none where it was not recognised.
fn evidence<'a>(
    recognised: impl Iterator<Item = (&'a [Choice], &'a Recognised)>,
    answer: &Response<Bytes>,
) -> Option<Evidence> {
    let mut evidence = Evidence::default();
    for (choices, recognised) in recognised {
        evidence.ways.extend(recognised.ways(choices));
        if recognised.status.is_empty() {
            evidence.other = Some((
                recognised.status_fact.clone(),
                answer.status().as_u16().to_string(),
            ));
        }
    }
    (!evidence.ways.is_empty()).then_some(evidence)
}

/// Each outcome of some branches once, in their order.
fn outcomes(branches: &[Branch]) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    for branch in branches {
        if !outcomes.contains(&branch.outcome) {
            outcomes.push(branch.outcome);
        }
    }
    outcomes
}

fn finding(sent: &Sent<'_>, branches: &[Branch], told: Told) -> CaseFinding {
    let (contract, ask) = (sent.contract, sent.step().ask);
    let mut readings = Vec::new();
    let mut expected = Vec::new();
    for outcome in outcomes(branches) {
        let Some((place, spec)) = contract.response_spec(outcome.at(ask), outcome) else {
            continue;
        };
        let fact = format!("{place}.{outcome}.body");
        let name = contract
            .ambiguity_number(&fact)
            .map_or_else(|| fact.clone(), |number| format!("{number} {fact}"));
        let mut texts = Vec::new();
        for reading in spec.body.readings() {
            let text = reading.is.text().replace("{username}", sent.username);
            readings.push(format!(
                "{name}: {} `{text}` ({})",
                reading.name,
                ground(&reading.ground, contract)
            ));
            texts.push(format!("`{text}`"));
        }
        expected.push(format!("{outcome}: {}", texts.join(" or ")));
    }
    CaseFinding {
        step: sent.number + 1,
        expected: expected.join(" · "),
        received: told.received,
        readings,
        hint: told.hint,
    }
}

/// Says what a reading stands on, each place with its document.
pub fn ground(ground: &Ground, contract: &Contract) -> String {
    match ground {
        Ground::Assumed { because } => format!("assumed, because {because}"),
        Ground::Documented { at, .. } => at
            .iter()
            .map(|place| place.cite(contract.kind))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn deviation(outcome: Option<Outcome>, evidence: Option<Evidence>, finding: CaseFinding) -> Judged {
    Judged {
        conformance: Conformance::Deviation,
        outcome,
        evidence,
        variants: Vec::new(),
        finding: Some(finding),
    }
}

fn undocumented(outcome: Option<Outcome>, evidence: Option<Evidence>) -> Judged {
    Judged {
        conformance: Conformance::Undocumented,
        outcome,
        evidence,
        variants: Vec::new(),
        finding: None,
    }
}

fn broken_in_silence(number: usize, trouble: &str) -> Judged {
    let expected = "the documents are silent".into();
    let finding = CaseFinding {
        step: number + 1,
        expected,
        received: trouble.to_owned(),
        readings: Vec::new(),
        hint: None,
    };
    Judged {
        finding: Some(finding),
        ..undocumented(None, None)
    }
}

/// A step that is not judged, with the reason.
pub fn not_judged(number: usize, reason: String) -> Judged {
    let finding = CaseFinding {
        step: number + 1,
        expected: String::new(),
        received: reason,
        readings: Vec::new(),
        hint: None,
    };
    Judged {
        conformance: Conformance::NotJudged,
        outcome: None,
        evidence: None,
        variants: Vec::new(),
        finding: Some(finding),
    }
}

#[cfg(test)]
mod tests;
