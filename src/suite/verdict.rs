//! What an answer says of its giver: documented, a variant, a deviation, or beyond the documents.

use bytes::Bytes;
use http::Response;

use crate::{
    contract::{Contract, Ground, Operation, Outcome, Readings},
    report::{CaseFinding, Conformance},
    suite::{
        Case, Step, allowed,
        allowed::{AllowedResponse, Judgement, ReadingChoice},
        case::Forbidden,
        describe,
        describe::{Description, MatchContext},
        evidence::Evidence,
        match_response,
        match_response::{Match, ReceivedAnswer},
    },
};

/// What came back for a step.
pub enum StepResponse<'a> {
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
pub struct SentStep<'a> {
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
pub struct StepVerdict {
    /// The verdict on this step.
    pub conformance: Conformance,
    /// The outcome it was recognised as.
    pub outcome: Option<Outcome>,
    /// Which readings it agrees with.
    pub evidence: Option<Evidence>,
    /// The readings that are not the default, of the combination nearest to it.
    pub variants: Vec<ReadingChoice>,
    /// What is wrong with it, or why it is not judged.
    pub finding: Option<CaseFinding>,
}

/// Judges one step's answer.
pub fn of_step(sent: &SentStep<'_>, received: StepResponse<'_>) -> StepVerdict {
    let step = sent.step();
    let allowed =
        match allowed::allowed_responses(&step.expect, sent.contract, step.ask, sent.served) {
            Ok(allowed) => allowed,
            Err(error) => return not_judged(sent.number, error),
        };
    match received {
        StepResponse::Answer(answer) => of_answer(sent, &allowed, answer),
        StepResponse::Broken(trouble)
            if allowed
                .iter()
                .any(|response| response.judgement == Judgement::Unspecified) =>
        {
            broken_in_silence(sent.number, trouble)
        }
        StepResponse::Broken(trouble) => deviation(
            None,
            None,
            finding(
                sent,
                &allowed,
                Description {
                    received: trouble.to_owned(),
                    hint: None,
                },
            ),
        ),
        StepResponse::Unreachable { trouble, hint } => {
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

fn of_answer(
    sent: &SentStep<'_>,
    allowed: &[AllowedResponse],
    answer: &Response<Bytes>,
) -> StepVerdict {
    let (contract, ask) = (sent.contract, sent.step().ask);
    let read = ReceivedAnswer::new(answer);
    let tried: Vec<(&AllowedResponse, Result<Match, String>)> = allowed
        .iter()
        .map(|response| {
            (
                response,
                match_response::match_response(
                    contract,
                    ask,
                    response.outcome,
                    sent.username,
                    &read,
                ),
            )
        })
        .collect();
    let interpretations = interpretations(&tried);
    let nearest = |way: &Interpretation<'_>| way.choices().map(|choice| choice.rank).sum::<usize>();
    let best = interpretations
        .iter()
        .min_by_key(|way| (nearest(way), way.response.judgement));
    let (outcome, evidence) = match best {
        Some(best) => (
            Some(best.response.outcome),
            evidence(
                interpretations
                    .iter()
                    .map(|way| (&way.response.choices[..], way.recognised)),
                answer,
            ),
        ),
        None => unexpected(contract, ask, sent.username, &read),
    };
    match best {
        Some(best) if best.response.judgement == Judgement::Documented => {
            let variants: Vec<ReadingChoice> = best
                .choices()
                .filter(|choice| choice.rank > 0)
                .cloned()
                .collect();
            let conformance = if variants.is_empty() {
                Conformance::Documented
            } else {
                Conformance::Variant
            };
            StepVerdict {
                conformance,
                outcome,
                evidence,
                variants,
                finding: None,
            }
        }
        _ if sent.case.must_not == Some(Forbidden::Success)
            && match_response::claims_success(contract, ask, answer) =>
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
        None if is_unspecified(sent, allowed, outcome, answer) => undocumented(outcome, evidence),
        None => {
            let mut why: Vec<String> = tried
                .iter()
                .filter_map(|(_, tried)| tried.as_ref().err().cloned())
                .collect();
            why.dedup();
            let outcomes = outcomes(allowed);
            let asked = MatchContext {
                contract,
                operation: ask,
                username: sent.username,
                outcomes: &outcomes,
            };
            deviation(
                outcome,
                evidence,
                finding(
                    sent,
                    allowed,
                    describe::describe(asked, outcome, answer, &why),
                ),
            )
        }
    }
}

/// What an answer tells that nothing was expected of: a probe's.
pub fn probe_evidence(
    contract: &Contract,
    ask: Operation,
    answer: &Response<Bytes>,
) -> Option<Evidence> {
    unexpected(contract, ask, "", &ReceivedAnswer::new(answer)).1
}

/// What an answer says, whatever was expected, and what that tells.
fn unexpected(
    contract: &Contract,
    ask: Operation,
    username: &str,
    read: &ReceivedAnswer<'_>,
) -> (Option<Outcome>, Option<Evidence>) {
    match match_response::match_any(contract, ask, username, read) {
        Some((outcome, recognised)) => (
            Some(outcome),
            evidence([(&[][..], &recognised)].into_iter(), read.response),
        ),
        None => (None, None),
    }
}

/// Whether the documents leave room for an answer that is none of those expected: where they are silent, any but a success
/// in words of its own where one of theirs may come; where only the order of checks is open, another of their refusals.
fn is_unspecified(
    sent: &SentStep<'_>,
    allowed: &[AllowedResponse],
    outcome: Option<Outcome>,
    answer: &Response<Bytes>,
) -> bool {
    let (contract, ask) = (sent.contract, sent.step().ask);
    let has = |judgement: Judgement| {
        allowed
            .iter()
            .any(|response| response.judgement == judgement)
    };
    let success_is_said = allowed.iter().any(|response| {
        response.judgement == Judgement::Documented && response.outcome.is_success()
    });
    if has(Judgement::Unspecified) {
        return !(success_is_said && match_response::claims_success(contract, ask, answer));
    }
    has(Judgement::OrderUnspecified)
        && outcome.is_some_and(|outcome| {
            !outcome.is_success() && allowed::is_documented(contract, ask, outcome)
        })
}

impl<'a> SentStep<'a> {
    fn step(&self) -> &'a Step {
        &self.case.steps[self.number]
    }
}

/// Folds the verdicts of a case's steps into one: the gravest of them.
pub fn of_steps(steps: &[StepVerdict]) -> Conformance {
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

/// A interpretations way to read the answer: a response, what was recognised, and one of its combinations.
struct Interpretation<'a> {
    response: &'a AllowedResponse,
    recognised: &'a Match,
    combination: &'a [ReadingChoice],
}

impl<'a> Interpretation<'a> {
    /// All choices that go with it.
    fn choices(&self) -> impl Iterator<Item = &'a ReadingChoice> {
        self.response.choices.iter().chain(self.combination)
    }
}

fn interpretations<'a>(
    tried: &'a [(&'a AllowedResponse, Result<Match, String>)],
) -> Vec<Interpretation<'a>> {
    let recognised = tried
        .iter()
        .filter_map(|(response, tried)| Some((*response, tried.as_ref().ok()?)));
    let ways = |(response, recognised): (&'a AllowedResponse, &'a Match)| {
        recognised
            .combinations
            .iter()
            .map(move |combination| Interpretation {
                response,
                recognised,
                combination,
            })
    };
    recognised.flat_map(ways).collect()
}

/// What an answer tells, recognised in some ways, each after some choices; none where it was not recognised.
fn evidence<'a>(
    recognised: impl Iterator<Item = (&'a [ReadingChoice], &'a Match)>,
    answer: &Response<Bytes>,
) -> Option<Evidence> {
    let mut evidence = Evidence::default();
    for (choices, recognised) in recognised {
        evidence
            .interpretations
            .extend(recognised.interpretations(choices));
        if recognised.status.is_empty() {
            evidence.other = Some((
                recognised.status_fact.clone(),
                answer.status().as_u16().to_string(),
            ));
        }
    }
    (!evidence.interpretations.is_empty()).then_some(evidence)
}

/// Each outcome of some allowed once, in their order.
fn outcomes(allowed: &[AllowedResponse]) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    for response in allowed {
        if !outcomes.contains(&response.outcome) {
            outcomes.push(response.outcome);
        }
    }
    outcomes
}

fn finding(sent: &SentStep<'_>, allowed: &[AllowedResponse], told: Description) -> CaseFinding {
    let (contract, ask) = (sent.contract, sent.step().ask);
    let mut readings = Vec::new();
    let mut expected = Vec::new();
    for outcome in outcomes(allowed) {
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

fn deviation(
    outcome: Option<Outcome>,
    evidence: Option<Evidence>,
    finding: CaseFinding,
) -> StepVerdict {
    StepVerdict {
        conformance: Conformance::Deviation,
        outcome,
        evidence,
        variants: Vec::new(),
        finding: Some(finding),
    }
}

fn undocumented(outcome: Option<Outcome>, evidence: Option<Evidence>) -> StepVerdict {
    StepVerdict {
        conformance: Conformance::Undocumented,
        outcome,
        evidence,
        variants: Vec::new(),
        finding: None,
    }
}

fn broken_in_silence(number: usize, trouble: &str) -> StepVerdict {
    let expected = "the documents are silent".into();
    let finding = CaseFinding {
        step: number + 1,
        expected,
        received: trouble.to_owned(),
        readings: Vec::new(),
        hint: None,
    };
    StepVerdict {
        finding: Some(finding),
        ..undocumented(None, None)
    }
}

/// A step that is not judged, with the reason.
pub fn not_judged(number: usize, reason: String) -> StepVerdict {
    let finding = CaseFinding {
        step: number + 1,
        expected: String::new(),
        received: reason,
        readings: Vec::new(),
        hint: None,
    };
    StepVerdict {
        conformance: Conformance::NotJudged,
        outcome: None,
        evidence: None,
        variants: Vec::new(),
        finding: Some(finding),
    }
}

#[cfg(test)]
mod tests;
