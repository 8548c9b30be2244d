//! Judges the exchanges with one appliance, in their order.

mod own_words;
mod result;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde_json::Value;

use crate::{
    appliance::ResponseKey,
    contract,
    contract::{Condition, Contract, ERROR, Kind, Operation, Outcome, Readings},
    report::{CaseFinding, CaseResult, Conformance, Counts, TargetSummary},
    runner,
    runner::capture::{
        RecordedExchange, SentBody,
        classify::{Classified, Classifier, KnownCredentials},
        exact,
        knowledge::{Knowledge, PasswordSource},
        labels::Labels,
        share::{self, SharedExchange},
    },
    suite::{
        Case, Effect, Step, allowed,
        allowed::AllowedResponse,
        case::Forbidden,
        evidence::Evidence,
        match_response::{MatchContext, choices},
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

/// An exchange, what its request is, and what is said of its answer.
struct Judging<'a> {
    exchange: &'a RecordedExchange,
    classified: Classified,
    credentials: KnownCredentials,
    /// Every way to answer that is allowed.
    allowed: Vec<AllowedResponse>,
    case: Case,
    verdict: StepVerdict,
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
        target: &str,
        file: &str,
    ) -> (TargetSummary, Vec<SharedExchange>, Vec<String>) {
        let is_in_order = is_in_order(exchanges);
        if !is_in_order {
            self.say(OUT_OF_ORDER);
        }
        let (mut cases, mut shared, mut gaps) = (Vec::new(), Vec::new(), 0);
        for exchange in exchanges {
            if exchange.gaps > gaps || !is_in_order {
                self.knowledge.forget();
            }
            gaps = exchange.gaps;
            let (case, one) = self.judge(exchange, file);
            cases.push(case);
            shared.push(one);
        }
        let (mut followed, inconsistent) = profile::of(self.contract, &self.evidence);
        exact::complete(self.contract, &mut followed, &self.seen);
        for fact in &mut followed {
            let is_shown = |text: &String| self.labels.text(text) == *text;
            let count = fact.readings.len() + fact.other.len();
            fact.readings.retain(is_shown);
            fact.other.retain(is_shown);
            if fact.readings.len() + fact.other.len() < count {
                self.say(SHOWS_SECRET);
            }
        }
        let notes = self.unsaid.iter();
        let notes = notes.map(|(text, count)| format!("{target}: {count} × {text}"));
        let notes = notes.collect();
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
        (summary, shared, notes)
    }

    /// Counts something that cannot be said.
    fn say(&mut self, what: &'static str) {
        *self.unsaid.entry(what).or_default() += 1;
    }

    fn judge(&mut self, exchange: &RecordedExchange, file: &str) -> (CaseResult, SharedExchange) {
        let known = |values: &_| self.knowledge.of(values).0;
        let (request, sent) = (&exchange.request, exchange.sent);
        let classified = self.classifier.classify(request, sent, known);
        let (credentials, source) = match classified.forbids_success() {
            true => (KnownCredentials::Unknown, None),
            false => self.knowledge.of(&classified.values),
        };
        let mut one = self.compare(exchange, classified, credentials);
        let is_served = is_served(&one);
        let path = self.path_evidence(&one, is_served);
        let may_be_unknown = exchange.has_prefix || path.is_some();
        if !is_served && may_be_unknown && !one.classified.has(Condition::UnknownPath) {
            let classified = Classified::at_unknown_path(one.classified.operation);
            one = self.compare(exchange, classified, credentials);
        }
        let is_own = one.answer().is_some_and(|it| !own_words::is_of_others(it));
        let path = path.filter(|_| is_own && !exchange.has_prefix);
        let path = path.map(|path| (one.case.id.clone(), path));
        self.evidence.extend(path);
        self.presuppose_nothing(&mut one);
        if let Some(answer) = one.answer() {
            self.take_words(&mut one, answer);
        }
        if let Some(finding) = &mut one.verdict.finding
            && let Some(source) = source
            && one.verdict.conformance == Conformance::Deviation
        {
            let own = finding.hint.take().map(|own| format!("{own}; "));
            finding.hint = Some(own.unwrap_or_default() + &hint(credentials, source));
        }
        let context = one.context(self.contract);
        let is_success = one.answer().is_some_and(|it| context.claims_success(it));
        let outcome = one.verdict.outcome;
        self.knowledge
            .learn(exchange.number, &one.classified, outcome, is_success);
        if sent == SentBody::Missing {
            self.say(NO_REQUEST_BODY);
        }
        let shared = share::shared(exchange, self.labels, &context);
        let result = self.result(one, &shared, file);
        (result, shared)
    }

    /// Compares the answer of an exchange with all that is allowed.
    fn compare<'e>(
        &self,
        exchange: &'e RecordedExchange,
        classified: Classified,
        credentials: KnownCredentials,
    ) -> Judging<'e> {
        let (contract, operation) = (self.contract, classified.operation);
        let served = Readings::default();
        // The expectation is made of the contract's own names.
        let allowed = allowed::allowed_responses(&classified.expect, contract, operation, &served)
            .unwrap_or_default();
        let can_succeed = allowed.iter().any(|one| one.outcome.is_success());
        let is_forbidden = credentials == KnownCredentials::Replaced
            || classified.forbids_success() && !can_succeed;
        let case = Case {
            id: format!("exchange.{:05}", exchange.number),
            title: title(&classified),
            kinds: vec![contract.kind],
            tags: Vec::new(),
            facts: Vec::new(),
            effect: match operation.is_change() {
                true => Effect::PasswordChange,
                false => Effect::AuthFailure,
            },
            needs: Vec::new(),
            must_not: is_forbidden.then_some(Forbidden::Success),
            steps: vec![Step::new(operation, classified.expect.clone())],
        };
        let sent = SentStep {
            contract,
            served: &served,
            case: &case,
            number: 0,
            username: &classified.username,
        };
        let received = match &exchange.answer {
            Ok(answer) => StepResponse::Answer(answer),
            Err(reason) => StepResponse::Broken(reason),
        };
        Judging {
            verdict: verdict::of_step(&sent, received),
            exchange,
            classified,
            credentials,
            allowed,
            case,
        }
    }

    /// Takes in the words of an answer, and refuses those that show a password.
    fn take_words(&mut self, one: &mut Judging<'_>, answer: &Response<Bytes>) {
        // Of two values of a field nobody knows which one is answered.
        let is_unclear = one.classified.has(Condition::DuplicateField);
        let outcome = match one.verdict.outcome {
            None if !is_unclear => self.own_words(one, answer),
            recognised => recognised,
        };
        let own = self.without_documented(&one.classified, answer);
        if let Some(received) = self.labels.shown_password(one.exchange, &own) {
            one.verdict.conformance = Conformance::Deviation;
            one.verdict.finding = Some(CaseFinding::new(1, NO_PASSWORDS, received));
        } else if let Some(outcome) = outcome.filter(|_| !is_unclear) {
            let content_type = answer.headers().get(header::CONTENT_TYPE);
            self.seen.push(exact::SeenAnswer {
                key: ResponseKey {
                    operation: outcome.at(one.classified.operation),
                    outcome,
                },
                username: one.classified.username.clone(),
                body: answer.body().clone(),
                content_type: content_type.filter(|_| !one.exchange.lacks_type).cloned(),
            });
        }
    }

    /// Returns which readings of the path an exchange agrees with, where there are several.
    fn path_evidence(&self, one: &Judging<'_>, is_served: bool) -> Option<Evidence> {
        let classified = &one.classified;
        let paths = &self.contract.clause(classified.operation).path;
        let is_asked = !classified.has(Condition::OtherMethod);
        let is_known = !classified.has(Condition::UnknownPath);
        let path = one.exchange.request.uri().path();
        let fact = format!("{}.path", classified.operation);
        let agreeing = choices(&fact, paths, |known| {
            known.0.iter().any(|known| known == path) == is_served
        });
        let is_open = paths.readings().len() > 1 && is_asked && is_known && !agreeing.is_empty();
        is_open.then(|| Evidence {
            interpretations: agreeing.into_iter().map(|choice| vec![choice]).collect(),
            other: Vec::new(),
        })
    }
}

impl<'a> Judging<'a> {
    fn answer(&self) -> Option<&'a Response<Bytes>> {
        self.exchange.answer.as_ref().ok()
    }

    fn context(&self, contract: &'static Contract) -> MatchContext<'_> {
        MatchContext {
            contract,
            operation: self.classified.operation,
            username: &self.classified.username,
        }
    }
}

/// Tells whether something is served on the path of an exchange. That there is no such user may be said with a 404 too.
fn is_served(one: &Judging<'_>) -> bool {
    if let Some(outcome) = one.verdict.outcome {
        return !matches!(outcome, Outcome::UnknownPath | Outcome::BadRequest);
    }
    let is_about_user = one.classified.operation == Operation::SetPasswordByAdmin;
    one.answer().is_none_or(|answer| {
        let json: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let may_be_user = is_about_user && json.get(ERROR).is_some();
        answer.status() != StatusCode::NOT_FOUND || may_be_user
    })
}

/// Tells whether no exchange began before the one ahead of it, nor while a change took place, and no change while another exchange did.
fn is_in_order(exchanges: &[&RecordedExchange]) -> bool {
    let timed = exchanges.iter().filter_map(|exchange| {
        let is_change = !exchange.request.uri().path().ends_with("/validation");
        Some((is_change, exchange.times?))
    });
    let (mut last_start, mut last_end, mut last_change) = (f64::MIN, f64::MIN, f64::MIN);
    for (is_change, (start, end)) in timed {
        let free_from = if is_change { last_end } else { last_change };
        if start < last_start || start < free_from {
            return false;
        }
        (last_start, last_end) = (start, last_end.max(end));
        if is_change {
            last_change = last_change.max(end);
        }
    }
    true
}

/// Says which exchange told what a verdict rests on.
fn hint(credentials: KnownCredentials, source: PasswordSource) -> String {
    let (PasswordSource::Set(number) | PasswordSource::Shown(number)) = source;
    let basis = match (credentials, source) {
        (KnownCredentials::Replaced, _) => "replaced this password",
        (_, PasswordSource::Set(_)) => "set this password to be the right one",
        (_, PasswordSource::Shown(_)) => "showed this password to be the right one",
    };
    format!("exchange {number} {basis}, unless another client changed it outside of the capture")
}

/// Says what a request is.
fn title(classified: &Classified) -> String {
    let operation = classified.operation;
    let names: Vec<&str> = classified.conditions.iter().map(|it| it.name()).collect();
    match names.is_empty() {
        true if classified.values.password.is_empty() => {
            format!("{operation}, of which the capture does not have the body")
        }
        true => operation.to_string(),
        false => format!("{operation}: {}", names.join(", ")),
    }
}

const NO_PASSWORDS: &str = "an answer that shows no password";
const SHOWS_SECRET: &str =
    "a body is not in the profile, since a password, a token, a user or a host is in it";
const OUT_OF_ORDER: &str = "a change overlaps another exchange, or the clock contradicts the order of the entries: what one tells of another is not used";
const NO_REQUEST_BODY: &str =
    "a request whose body the capture does not have, as of `curl -v`: --trace has it";
