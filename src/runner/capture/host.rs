//! Judges the exchanges with one appliance, in their order.

mod overlaps;
mod own_words;
mod result;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use overlaps::Overlaps;
use serde_json::Value;

use crate::{
    contract,
    contract::{Condition, Contract, ERROR, Kind, Operation, Outcome, Readings},
    report::{CaseFinding, CaseResult, Conformance, Counts, TargetSummary},
    runner,
    runner::capture::{
        RecordedExchange, SentBody,
        classify::{Classified, Classifier, KnownCredentials},
        exact,
        knowledge::{JudgedExchange, Knowledge},
        labels::Labels,
        share::{self, SharedExchange},
    },
    suite::{
        Case, Effect, Expect, Step, allowed,
        allowed::{AllowedResponse, ReadingChoice},
        case::Forbidden,
        evidence::Evidence,
        match_response::MatchContext,
        profile, verdict,
        verdict::{SentStep, StepResponse, StepVerdict},
    },
};

/// Judges the exchanges with one appliance.
pub(super) struct HostJudge<'a> {
    contract: &'static Contract,
    labels: &'a Labels,
    classifier: Classifier,
    knowledge: Knowledge,
    evidence: Vec<(String, Evidence)>,
    seen: Vec<exact::SeenAnswer>,
    /// What cannot be said of the exchanges, each with how often.
    unsaid: BTreeMap<&'static str, usize>,
}

impl<'a> HostJudge<'a> {
    pub(super) fn new(kind: Kind, labels: &'a Labels) -> HostJudge<'a> {
        let contract = contract::of(kind);
        HostJudge {
            contract,
            labels,
            classifier: Classifier::new(contract),
            knowledge: Knowledge::default(),
            evidence: Vec::new(),
            seen: Vec::new(),
            unsaid: BTreeMap::new(),
        }
    }

    pub(super) fn run(
        mut self,
        exchanges: &[&RecordedExchange],
        gaps: &[usize],
        target: &str,
        file: &str,
    ) -> (TargetSummary, Vec<SharedExchange>, Vec<String>) {
        let (mut cases, mut shared) = (Vec::new(), Vec::new());
        let overlaps = Overlaps::new(exchanges);
        if overlaps.is_out_of_order {
            *self.unsaid.entry(OUT_OF_ORDER).or_default() += 1;
        }
        let mut passed = 0;
        for exchange in exchanges {
            let before = gaps.partition_point(|gap| *gap < exchange.number);
            if before > passed {
                self.knowledge.forget();
            }
            passed = before;
            let is_alone = overlaps.is_alone(exchange);
            let (case, one) = self.judge(exchange, is_alone, file);
            cases.push(case);
            shared.push(one);
        }
        let (mut followed, inconsistent) = profile::of(self.contract, &self.evidence);
        exact::complete(self.contract, &mut followed, &self.seen);
        let is_hidden = |text: &String| self.labels.text(text) != *text;
        for fact in &mut followed {
            let count = fact.readings.len() + fact.other.len();
            fact.readings.retain(|text| !is_hidden(text));
            fact.other.retain(|text| !is_hidden(text));
            if fact.readings.len() + fact.other.len() < count {
                *self.unsaid.entry(SHOWS_SECRET).or_default() += 1;
            }
        }
        let summary = TargetSummary {
            kind: self.contract.kind,
            target: target.to_owned(),
            certificate: None,
            failed_sign_ins: None,
            stopped: None,
            end: None,
            not_asked: runner::not_asked(self.contract, &cases),
            counts: Counts::of(&cases),
            profile: followed,
            inconsistent,
            gone: Vec::new(),
            review: None,
            cases,
        };
        let notes = self.unsaid.into_iter();
        let notes = notes.map(|(text, count)| format!("{target}: {count} × {text}"));
        (summary, shared, notes.collect())
    }

    /// Judges an exchange. One that is not alone, but at the same time as a change, is judged without what others tell.
    fn judge(
        &mut self,
        exchange: &RecordedExchange,
        is_alone: bool,
        file: &str,
    ) -> (CaseResult, SharedExchange) {
        let knowledge = &self.knowledge;
        let of = |values: &_| match is_alone {
            true => knowledge.of(values),
            false => (KnownCredentials::Unknown, None),
        };
        let known = |_, values: &_| of(values).0;
        let mut classified = self
            .classifier
            .classify(&exchange.request, exchange.sent, known);
        let (credentials, source) =
            match classified.conditions.iter().any(|it| it.forbids_success()) {
                true => (KnownCredentials::Unknown, None),
                false => of(&classified.values),
            };
        let answer = exchange
            .answer
            .as_ref()
            .ok()
            .map(|answer| self.with_type(exchange, answer, &classified));
        let id = format!("exchange.{:05}", exchange.number);
        let mut case = self.case(&id, &classified, credentials);
        let mut judged = self.verdict(&case, exchange, &classified, answer.as_ref());
        let is_served = is_served(classified.operation, &judged, answer.as_ref());
        let evidence = self.path_evidence(exchange, &classified, is_served);
        if !is_served && !classified.is_unknown_path && (exchange.has_prefix || evidence.is_some())
        {
            classified.expect = Expect::On {
                condition: Condition::UnknownPath,
                otherwise: None,
                first: None,
                last: None,
            };
            classified.is_unknown_path = true;
            case = self.case(&id, &classified, credentials);
            judged = self.verdict(&case, exchange, &classified, answer.as_ref());
        }
        let is_own = answer
            .as_ref()
            .is_some_and(|answer| !own_words::is_of_others(answer));
        let evidence = evidence.filter(|_| is_own && !exchange.has_prefix);
        let evidence = evidence.map(|evidence| (id.clone(), evidence));
        self.evidence.extend(evidence);
        let mut judged = self.presuppose_nothing(judged, &classified, answer.as_ref());
        if let Some(answer) = &answer {
            let said = self.take_own_words(
                &case,
                &classified,
                exchange.sent,
                credentials,
                answer,
                &mut judged,
            );
            let is_unclear = classified.conditions.contains(&Condition::DuplicateField);
            let own = self.without_documented(&classified, answer);
            if let Some(received) = self.labels.shown_password(exchange, &own) {
                judged.conformance = Conformance::Deviation;
                judged.finding = Some(CaseFinding::new(1, NO_PASSWORDS, received));
            } else if let Some(outcome) = said.filter(|_| !is_unclear) {
                let content_type = if exchange.lacks_type {
                    None
                } else {
                    answer.headers().get(header::CONTENT_TYPE)
                };
                self.seen.push(exact::SeenAnswer {
                    operation: classified.operation,
                    outcome,
                    username: classified.username.clone(),
                    body: answer.body().clone(),
                    content_type: content_type.cloned(),
                });
            }
        }
        self.say_what_is_known(&mut judged, credentials, source);
        let is_success = answer
            .as_ref()
            .is_some_and(|answer| verdict::claims_success(&case.steps[0], self.contract, answer));
        self.knowledge.learn(&JudgedExchange {
            number: exchange.number,
            operation: classified.operation,
            values: &classified.values,
            outcome: judged.outcome,
            is_success,
            may_change: classified.operation.is_change() || classified.is_unknown_path,
            is_unclear: classified.is_unknown_path || !is_alone,
        });
        if exchange.sent == SentBody::Missing {
            *self.unsaid.entry(NO_REQUEST_BODY).or_default() += 1;
        }
        let shared = share::shared(exchange, self.labels, &self.context(&classified));
        let result = self.result(case, exchange, &classified, judged, &shared, file);
        (result, shared)
    }

    fn case(&self, id: &str, classified: &Classified, credentials: KnownCredentials) -> Case {
        let operation = classified.operation;
        let mut conditions = classified.conditions.iter();
        let lacks = conditions.any(|condition| condition.forbids_success());
        let allowed = self.allowed(operation, &classified.expect);
        let can_succeed = allowed.iter().any(|one| one.outcome.is_success());
        let is_forbidden = credentials == KnownCredentials::Replaced || lacks && !can_succeed;
        Case {
            id: id.to_owned(),
            title: title(classified),
            kinds: vec![self.contract.kind],
            tags: Vec::new(),
            facts: Vec::new(),
            effect: if operation.is_change() {
                Effect::PasswordChange
            } else {
                Effect::AuthFailure
            },
            needs: Vec::new(),
            must_not: is_forbidden.then_some(Forbidden::Success),
            steps: vec![Step::new(operation, classified.expect.clone())],
        }
    }

    fn allowed(&self, operation: Operation, expect: &Expect) -> Vec<AllowedResponse> {
        let served = Readings::default();
        // The expectation is made of the contract's own names.
        allowed::allowed_responses(expect, self.contract, operation, &served).unwrap_or_default()
    }

    fn verdict(
        &self,
        case: &Case,
        exchange: &RecordedExchange,
        classified: &Classified,
        answer: Option<&Response<Bytes>>,
    ) -> StepVerdict {
        let reason = exchange.answer.as_ref().err().copied().unwrap_or_default();
        let sent = SentStep {
            contract: self.contract,
            served: &Readings::default(),
            case,
            number: 0,
            username: &classified.username,
        };
        let received = answer.map_or(StepResponse::Broken(reason), StepResponse::Answer);
        verdict::of_step(&sent, received)
    }

    /// Returns an answer with the content type that a journal does not keep, and without the address of a redirect.
    fn with_type(
        &self,
        exchange: &RecordedExchange,
        answer: &Response<Bytes>,
        classified: &Classified,
    ) -> Response<Bytes> {
        let mut answer = answer.clone();
        // A report names no host and no ticket.
        if let Some(location) = answer.headers_mut().get_mut(header::LOCATION) {
            *location = HeaderValue::from_static("another address");
        }
        if exchange.lacks_type {
            let operation = Some(classified.operation);
            let (_, types) = self.contract.answer_type(operation);
            let value = types.default_reading().is.0.parse();
            value.into_iter().for_each(|value| {
                answer.headers_mut().insert(header::CONTENT_TYPE, value);
            });
        }
        answer
    }

    /// Returns which readings of the path an exchange agrees with, where there are several.
    fn path_evidence(
        &self,
        exchange: &RecordedExchange,
        classified: &Classified,
        is_served: bool,
    ) -> Option<Evidence> {
        let paths = self.contract.clause(classified.operation).path.readings();
        let path = exchange.request.uri().path();
        let is_asked = !classified.conditions.contains(&Condition::OtherMethod);
        if paths.len() < 2 || classified.is_unknown_path || !is_asked {
            return None;
        }
        let fact = format!("{}.path", classified.operation);
        let agrees = |paths: &[String]| paths.iter().any(|known| known == path) == is_served;
        let agreeing = paths.iter().enumerate();
        let agreeing = agreeing.filter(|(_, reading)| agrees(&reading.is.0));
        let ways = agreeing
            .map(|(rank, reading)| vec![ReadingChoice::new(&fact, &reading.name, rank)])
            .collect::<Vec<_>>();
        (!ways.is_empty()).then_some(Evidence {
            interpretations: ways,
            other: Vec::new(),
        })
    }

    /// Says which exchange told what a verdict rests on.
    fn say_what_is_known(
        &self,
        judged: &mut StepVerdict,
        credentials: KnownCredentials,
        source: Option<(usize, bool)>,
    ) {
        let Some((number, is_set)) = source else {
            return;
        };
        let verb = if is_set { "set" } else { "showed" };
        let hint = match credentials {
            KnownCredentials::Right => {
                format!("exchange {number} {verb} this password to be the right one")
            }
            KnownCredentials::Replaced => format!("exchange {number} replaced this password"),
            KnownCredentials::Other | KnownCredentials::Unknown => return,
        };
        if let Some(finding) = judged
            .finding
            .as_mut()
            .filter(|_| judged.conformance == Conformance::Deviation)
        {
            let hint = format!("{hint}, unless another client changed it outside of the capture");
            finding.hint = Some(
                finding
                    .hint
                    .take()
                    .map_or(hint.clone(), |own| format!("{own}; {hint}")),
            );
        }
    }

    fn context(&self, classified: &'a Classified) -> MatchContext<'a> {
        MatchContext {
            contract: self.contract,
            operation: classified.operation,
            username: &classified.username,
        }
    }
}

/// Tells whether something is served on the path of an exchange. That there is no such user may be said with a 404 too.
fn is_served(operation: Operation, judged: &StepVerdict, answer: Option<&Response<Bytes>>) -> bool {
    let is_missing = |answer: &Response<Bytes>| {
        let json: Option<Value> = serde_json::from_slice(answer.body()).ok();
        let has_error = json.is_some_and(|json| json.get(ERROR).is_some());
        let may_be_user = operation == Operation::SetPasswordByAdmin && has_error;
        answer.status() == StatusCode::NOT_FOUND && !may_be_user
    };
    match judged.outcome {
        Some(outcome) => !matches!(outcome, Outcome::UnknownPath | Outcome::BadRequest),
        None => !answer.is_some_and(is_missing),
    }
}

/// Says what a request is.
fn title(classified: &Classified) -> String {
    let operation = classified.operation;
    match classified.conditions.as_slice() {
        [] if classified.values.password.is_empty() => {
            format!("{operation}, of which the capture does not have the body")
        }
        [] => operation.to_string(),
        conditions => {
            let names: Vec<&str> = conditions
                .iter()
                .map(|condition| condition.name())
                .collect();
            format!("{operation}: {}", names.join(", "))
        }
    }
}

const NO_PASSWORDS: &str = "an answer that shows no password";
const SHOWS_SECRET: &str =
    "a body is not in the profile, since a password, a token, a user or a host is in it";
const OUT_OF_ORDER: &str =
    "the clock contradicts the order of the entries: what one tells of another is not used";
const NO_REQUEST_BODY: &str =
    "a request whose body the capture does not have, as of `curl -v`: --trace has it";
