//! What an answer says of its target: documented, a variant, a deviation, or beyond the documents.

use std::slice;

use bytes::Bytes;
use http::Response;

use crate::{
    contract::{Contract, Operation, Outcome, Readings, UNJUDGED, distinct},
    report::{CaseFinding, Conformance, NotJudged, ReasonCode},
    suite::{
        Case, Expect, Step, allowed,
        allowed::{AllowedResponse, Judgement, ReadingChoice, numbered_fact, rank},
        case::Forbidden,
        contradiction, describe,
        evidence::Evidence,
        match_response::{Match, MatchContext, ReceivedAnswer},
    },
};

/// What came back for a step.
pub enum StepResponse<'a> {
    /// A whole answer.
    Answer(&'a Response<Bytes>),
    /// There was a connection, and no whole answer: why.
    Broken(&'a str),
    /// There was no connection: why, and a hint where one is known.
    Unreachable(&'a str, Option<&'a str>),
}

/// A step as it was sent.
#[derive(Clone, Copy, Debug)]
pub struct SentStep<'a> {
    /// The contract it is compared with.
    pub contract: &'a Contract,
    /// Which paths the target serves, where that was found out.
    pub served: &'a Readings,
    /// Its case.
    pub case: &'a Case,
    /// Its place in the case, from 0.
    pub number: usize,
    /// The user name that was sent, which some answers repeat.
    pub username: &'a str,
}

/// What one step's answer says.
#[derive(Clone, Debug, Default)]
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

impl StepVerdict {
    fn new(conformance: Conformance, finding: Option<CaseFinding>) -> StepVerdict {
        StepVerdict {
            conformance,
            finding,
            ..StepVerdict::default()
        }
    }

    /// Makes a deviation of it.
    pub(crate) fn deviating(self, finding: CaseFinding) -> StepVerdict {
        StepVerdict {
            conformance: Conformance::Deviation,
            finding: Some(finding),
            ..self
        }
    }
}

/// Judges one step's answer.
pub fn of_step(sent: &SentStep<'_>, received: StepResponse<'_>) -> StepVerdict {
    let step = sent.step();
    let allowed = allowed::allowed_responses(&step.expect, sent.contract, step.ask, sent.served);
    let allowed = match allowed {
        Ok(allowed) => allowed,
        Err(error) => return not_judged(sent.number, error.into()),
    };
    match received {
        StepResponse::Answer(answer) => of_answer(sent, &allowed, answer),
        StepResponse::Broken(trouble) if trouble.contains(TWO_LENGTHS) => {
            let received = format!("an answer that no client can read: {trouble}");
            let finding = CaseFinding::new(sent.number + 1, ONE_LENGTH, received);
            StepVerdict::new(Conformance::Deviation, Some(finding))
        }
        StepResponse::Broken(trouble) => {
            let reason = NotJudged::new(ReasonCode::NoAnswer, trouble);
            let mut verdict = not_judged(sent.number, reason);
            // Where the documents leave nothing open, an answer is due.
            let is_open = has(&allowed, Judgement::Open);
            if let Some(reason) = verdict.finding.as_mut().filter(|_| !is_open) {
                reason.expected = finding(sent, &allowed, reason.clone()).expected;
            }
            verdict
        }
        StepResponse::Unreachable(trouble, hint) => {
            let reason = format!("the target did not answer: {trouble}");
            let reason = NotJudged::new(ReasonCode::Unreachable, reason);
            let mut verdict = not_judged(sent.number, reason);
            let finding = verdict.finding.iter_mut();
            finding.for_each(|finding| finding.hint = hint.map(str::to_owned));
            verdict
        }
    }
}

fn of_answer(
    sent: &SentStep<'_>,
    allowed: &[AllowedResponse],
    answer: &Response<Bytes>,
) -> StepVerdict {
    let (context, read) = (sent.context(), ReceivedAnswer::new(answer));
    let (mut matched, mut mismatches) = (Vec::new(), Vec::new());
    for response in allowed {
        match context.match_outcome(response.outcome, &read) {
            Ok(found) => matched.push((response, found)),
            Err(mismatch) => mismatches.push(mismatch.to_string()),
        }
    }
    let nearest = matched.iter().min_by_key(|(response, found)| {
        let distance = rank(&response.choices) + rank(&found.combinations[0]);
        (distance, response.judgement)
    });
    let (outcome, evidence) = match nearest {
        Some((response, _)) => {
            let matched = matched.iter();
            let matched = matched.map(|(response, found)| (&response.choices[..], found));
            (Some(response.outcome), evidence(matched, answer))
        }
        None => match unexpected(context, &read) {
            (None, _) => (None, own_words(context, allowed, &read)),
            found => found,
        },
    };
    let judged = StepVerdict {
        outcome,
        evidence,
        ..StepVerdict::new(Conformance::Undocumented, None)
    };
    let found = |expected, received: String| CaseFinding::new(sent.number + 1, expected, received);
    if let Some((expected, received)) = contradiction::of(answer) {
        return judged.deviating(found(expected, received));
    }
    match nearest {
        Some((response, found)) if response.judgement == Judgement::Documented => {
            documented(judged, response, found)
        }
        _ if sent.forbids_success(allowed) && context.claims_success(answer) => {
            judged.deviating(found(SUCCESS_IS_FORBIDDEN, "a success".to_owned()))
        }
        _ if nearest.is_some() || is_open(sent, allowed, outcome, answer) => judged,
        _ if is_refused_by_policy(allowed, outcome) => StepVerdict {
            finding: Some(CaseFinding {
                code: Some(ReasonCode::PolicyUnmet),
                ..found("password_replaced", BY_POLICY.to_owned())
            }),
            ..judged
        },
        _ => {
            mismatches.dedup();
            let outcomes = outcomes(allowed);
            let described = describe::describe(context, &outcomes, outcome, answer, &mismatches);
            judged.deviating(finding(sent, allowed, described))
        }
    }
}

/// Names the readings that are not the default in the verdict on a documented answer.
fn documented(verdict: StepVerdict, response: &AllowedResponse, found: &Match) -> StepVerdict {
    let choices = response.choices.iter().chain(&found.combinations[0]);
    let is_other = |one: &&ReadingChoice| one.rank > 0 && !UNJUDGED.contains(&&*one.fact);
    let variants: Vec<_> = choices.filter(is_other).cloned().collect();
    let conformance = match variants.is_empty() {
        true => Conformance::Documented,
        false => Conformance::Variant,
    };
    StepVerdict {
        conformance,
        variants,
        ..verdict
    }
}

/// Returns whether the steps after one do not apply: it may have changed a password where they presuppose that it did not, or the
/// reverse.
pub fn rejects_premise(step: &Step, contract: &Contract, answer: Option<&Response<Bytes>>) -> bool {
    let allowed = step.allowed(contract);
    let expects_change = allowed.is_ok_and(|allowed| allowed[0].outcome.is_success());
    let has_changed = answer.map_or(!expects_change, |it| claims_success(step, contract, it));
    step.ask.is_change() && has_changed != expects_change
}

/// Returns whether an answer says that what a step asks for is done.
pub fn claims_success(step: &Step, contract: &Contract, answer: &Response<Bytes>) -> bool {
    MatchContext::new(contract, step.ask, "").claims_success(answer)
}

/// Returns what an answer says where nothing was expected: a probe's.
pub fn probe_evidence(
    contract: &Contract,
    operation: Operation,
    answer: &Response<Bytes>,
) -> Option<Evidence> {
    let context = MatchContext::new(contract, operation, "");
    unexpected(context, &ReceivedAnswer::new(answer)).1
}

/// Returns what an answer says, expected or not.
fn unexpected(
    context: MatchContext<'_>,
    answer: &ReceivedAnswer<'_>,
) -> (Option<Outcome>, Option<Evidence>) {
    let Some((outcome, found)) = context.match_any(answer) else {
        return (None, None);
    };
    let evidence = evidence([(&[][..], &found)], answer.response);
    (Some(outcome), evidence)
}

/// Returns what an answer in words of its own says, where the words are assumed: of the first outcome that it may be.
fn own_words(
    context: MatchContext<'_>,
    allowed: &[AllowedResponse],
    answer: &ReceivedAnswer<'_>,
) -> Option<Evidence> {
    let open = allowed.iter();
    let mut open = open.filter(|one| one.judgement == Judgement::Open);
    open.find_map(|response| {
        let (found, text) = context.match_own_words(response.outcome, answer)?;
        let mut evidence = evidence([(&response.choices[..], &found)], answer.response)?;
        evidence.other.push(text);
        Some(evidence)
    })
}

/// Returns whether the documents leave room for an answer that is none of those expected: where they are silent, any but a success
/// in words of its own where one of theirs may come; where only the order of checks is open, another of their refusals.
fn is_open(
    sent: &SentStep<'_>,
    allowed: &[AllowedResponse],
    outcome: Option<Outcome>,
    answer: &Response<Bytes>,
) -> bool {
    if has(allowed, Judgement::Open) {
        let is_success =
            |one: &AllowedResponse| one.judgement != Judgement::Open && one.outcome.is_success();
        let has_success = allowed.iter().any(is_success);
        return !(has_success && sent.context().claims_success(answer));
    }
    let is_refusal = |outcome: Outcome| {
        !outcome.is_success() && allowed::is_documented(sent.contract, sent.step().ask, outcome)
    };
    let is_order = matches!(&sent.step().expect, Expect::By { fact, .. } if fact == ORDER);
    is_order && outcome.is_some_and(is_refusal)
}

/// Returns whether a change was refused by a policy: no document says what a policy asks of a password, nor of its history and age.
fn is_refused_by_policy(allowed: &[AllowedResponse], outcome: Option<Outcome>) -> bool {
    let mut allowed = allowed.iter();
    let is_change = allowed.any(|response| response.outcome == Outcome::PasswordReplaced);
    is_change && outcome == Some(Outcome::PolicyRefused)
}

fn has(allowed: &[AllowedResponse], judgement: Judgement) -> bool {
    allowed.iter().any(|one| one.judgement == judgement)
}

impl<'a> SentStep<'a> {
    fn step(&self) -> &'a Step {
        &self.case.steps[self.number]
    }

    /// Returns whether the documents exclude a success, whatever else they leave open.
    fn forbids_success(&self, allowed: &[AllowedResponse]) -> bool {
        let lacks_field = matches!(self.step().expect, Expect::On { condition, .. } if condition.forbids_success());
        let can_succeed = allowed.iter().any(|response| response.outcome.is_success());
        self.case.must_not == Some(Forbidden::Success) || lacks_field && !can_succeed
    }

    fn context(&self) -> MatchContext<'a> {
        MatchContext::new(self.contract, self.step().ask, self.username)
    }
}

/// Returns the worst verdict of a case's steps.
pub fn of_steps(steps: &[StepVerdict]) -> Conformance {
    let worst_first = [
        Conformance::Deviation,
        Conformance::NotJudged,
        Conformance::Variant,
        Conformance::Undocumented,
    ];
    let has = |verdict: &Conformance| steps.iter().any(|step| step.conformance == *verdict);
    let worst = worst_first.into_iter().find(has);
    worst.unwrap_or(Conformance::Documented)
}

/// Returns what an answer says that was matched in some ways, each after some choices; none where it was not matched.
fn evidence<'a>(
    matched: impl IntoIterator<Item = (&'a [ReadingChoice], &'a Match)>,
    answer: &Response<Bytes>,
) -> Option<Evidence> {
    let mut evidence = Evidence::default();
    for (choices, found) in matched {
        for combination in &found.combinations {
            let choices = [choices, combination].concat();
            let with_status = found.status.iter();
            let with_status =
                with_status.map(|status| [&choices[..], slice::from_ref(status)].concat());
            evidence.interpretations.extend(with_status);
            if found.status.is_empty() {
                evidence.interpretations.push(choices);
            }
        }
        if found.status.is_empty() {
            let status = answer.status().as_u16().to_string();
            evidence.other.push((found.status_fact.clone(), status));
        }
    }
    (!evidence.interpretations.is_empty()).then_some(evidence)
}

/// Returns each outcome of some allowed responses once, in their order.
fn outcomes(allowed: &[AllowedResponse]) -> Vec<Outcome> {
    distinct(allowed.iter().map(|response| response.outcome))
}

/// Says what was expected of a step, and the readings of that.
fn finding(sent: &SentStep<'_>, allowed: &[AllowedResponse], received: CaseFinding) -> CaseFinding {
    let (contract, ask) = (sent.contract, sent.step().ask);
    let (mut readings, mut expected) = (Vec::new(), Vec::new());
    for outcome in outcomes(allowed) {
        let Some((place, spec)) = contract.response_spec(outcome.at(ask), outcome) else {
            continue;
        };
        let fact = numbered_fact(contract, &format!("{place}.{outcome}.body"));
        let mut texts = Vec::new();
        for reading in spec.body.readings() {
            let text = reading.is.text().replace("{username}", sent.username);
            let (name, ground) = (&reading.name, reading.ground.cite(contract.kind));
            readings.push(format!("{fact}: {name} `{text}` ({ground})"));
            texts.push(format!("`{text}`"));
        }
        expected.push(format!("{outcome}: {}", texts.join(" or ")));
    }
    CaseFinding {
        step: sent.number + 1,
        expected: expected.join(" · "),
        readings,
        ..received
    }
}

/// A step that is not judged, with the reason.
pub fn not_judged(number: usize, reason: NotJudged) -> StepVerdict {
    let finding = CaseFinding::not_judged(number + 1, reason);
    StepVerdict::new(Conformance::NotJudged, Some(finding))
}

/// The point of the facts about the order of checks (X23): any documented refusal may come first.
const ORDER: &str = "order";
const BY_POLICY: &str = "policy_refused: no document says what the policy asks";
const ONE_LENGTH: &str = "an answer of one length (RFC 9112 section 6.3)";
/// What the client says of an answer with two different lengths.
const TWO_LENGTHS: &str = "content-length";
const SUCCESS_IS_FORBIDDEN: &str =
    "a refusal: nothing succeeds without every required field and the right credentials";

#[cfg(test)]
mod tests;
