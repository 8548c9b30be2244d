//! Runs one case: its requests are built, sent and judged, and the results are collected.

use std::time::Instant;

use bytes::Bytes;
use http::{HeaderName, Request, Response, header};

use crate::{
    client::ClientError,
    contract,
    contract::{Contract, Readings},
    report::{CaseFinding, CaseResult, Conformance, ExchangeResult},
    runner::{
        CaseRun, RunContext, effect,
        live::{
            budget,
            delivery::{DeferredVerdict, Delivery, SentChange, lost_reason, question},
            guard::{AnsweredStep, SafetyGuard},
        },
        transcript::{answer_of, body_username, curl, request_of, shown_request},
    },
    snapshot,
    suite::{
        Case, Step, StepError,
        allowed::ReadingChoice,
        cases::CaseWithLocation,
        request, verdict,
        verdict::{SentStep, StepResponse, StepVerdict},
    },
};

/// Runs the cases of one target.
pub(super) struct CaseRunner<'a> {
    pub(super) context: &'a RunContext,
    pub(super) contract: &'a Contract,
    pub(super) served: &'a Readings,
}

/// The request of a step: as it is sent, and as reports show it.
struct StepRequest {
    real: Request<Bytes>,
    shown: Request<Bytes>,
}

/// The exchange of a step.
struct Exchange {
    shown: Request<Bytes>,
    answer: Result<Response<Bytes>, String>,
    judged: StepVerdict,
    /// The verdict that is deferred, because the answer was lost.
    deferred: Option<StepVerdict>,
    /// The change that was sent.
    change: Option<SentChange>,
    is_unreached: bool,
    micros: u64,
}

impl CaseRunner<'_> {
    /// Runs one case, with a guard at a live target.
    pub(super) async fn run(
        &self,
        located: &'static CaseWithLocation,
        mut guard: Option<&mut SafetyGuard<'_>>,
    ) -> CaseRun {
        let case = &located.case;
        let exchanges = match self.context.prepare(case) {
            Ok(()) => self.send_steps(case, guard.as_deref_mut()).await,
            Err(reason) => Err(reason),
        };
        let mut run = match exchanges {
            Ok(exchanges) => self.collect(located, exchanges),
            Err(reason) => self.not_run(located, reason, None),
        };
        let Some(guard) = guard else {
            return run;
        };
        let findings = guard.end_case().await;
        if let Some(suspicion) = &guard.suspicion {
            // The answers of a locked target say nothing about the case.
            let exchanges = std::mem::take(&mut run.result.exchanges);
            run = self.not_run(
                located,
                format!("a lock-out is suspected: {suspicion}"),
                None,
            );
            run.result.exchanges = exchanges;
        } else if !findings.is_empty() {
            run.result.conformance = Conformance::Deviation;
            let findings = findings.into_iter().map(|finding| self.redacted(finding));
            run.result.reasons.extend(findings);
        }
        run
    }

    /// Builds all requests before the first is sent, so that a case which cannot be sent completely changes nothing.
    async fn send_steps(
        &self,
        case: &Case,
        mut guard: Option<&mut SafetyGuard<'_>>,
    ) -> Result<Vec<Exchange>, String> {
        let requests: Vec<StepRequest> = case
            .steps
            .iter()
            .map(|step| self.build(step))
            .collect::<Result<_, StepError>>()
            .map_err(|error| error.to_string())?;
        let mut exchanges = Vec::with_capacity(requests.len());
        for (number, request) in requests.into_iter().enumerate() {
            let (exchange, continues) = self
                .exchange(case, number, request, guard.as_deref_mut())
                .await?;
            exchanges.push(exchange);
            if !continues {
                break;
            }
        }
        Ok(exchanges)
    }

    fn build(&self, step: &Step) -> Result<StepRequest, StepError> {
        let accounts = &self.context.accounts;
        Ok(StepRequest {
            real: request::build(step, self.contract, self.served, &|placeholder| {
                accounts.text(placeholder)
            })?,
            shown: shown_request(step, self.contract, self.served)?,
        })
    }

    /// Sends the request of one step and judges its answer; tells whether the case can continue.
    #[expect(
        clippy::disallowed_methods,
        reason = "a report says how long an exchange took"
    )]
    async fn exchange(
        &self,
        case: &Case,
        number: usize,
        StepRequest { real, shown }: StepRequest,
        mut guard: Option<&mut SafetyGuard<'_>>,
    ) -> Result<(Exchange, bool), String> {
        let step = &case.steps[number];
        let is_change = guard.is_some() && budget::is_change(case, step);
        let prepared = guard
            .as_deref_mut()
            .map(|guard| guard.before(case, number, &shown))
            .transpose()?;
        let target = &self.context.target;
        let start = Instant::now();
        let answer = match &guard {
            // A request that changes nothing can be abandoned at any time; the answer to a change is waited for.
            Some(guard) if !is_change => guard.unless_stopped(target.send(&real)).await?,
            _ => target.send(&real).await,
        };
        let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let judged = self.judge(case, number, &real, &answer);
        let lost = lost_reason(&answer).filter(|_| is_change);
        let change = is_change.then(|| SentChange {
            question: question(step, self.contract),
            is_lost: lost.is_some(),
        });
        let (mut continues, mut found) = (true, None);
        if let (Some(guard), Some(prepared)) = (guard, prepared) {
            let answered = AnsweredStep {
                case,
                number,
                request: &real,
                judged: &judged,
                delivery: Delivery::of(&answer),
            };
            let result = guard.after(&answered, prepared).await;
            (continues, found) = (result.continues, result.found);
        }
        let (judged, deferred) = match lost {
            Some(reason) => {
                let found = found.unwrap_or_default();
                let reason = format!("the answer to a change was lost: {reason}; {found}");
                (verdict::not_judged(number, reason), Some(judged))
            }
            None => (judged, None),
        };
        let is_unreached = answer
            .as_ref()
            .is_err_and(|error| error.connect_failure().is_some());
        let exchange = Exchange {
            shown,
            answer: answer.map_err(|error| error.to_string()),
            judged,
            deferred,
            change,
            is_unreached,
            micros,
        };
        Ok((exchange, continues))
    }

    fn judge(
        &self,
        case: &Case,
        number: usize,
        request: &Request<Bytes>,
        answer: &Result<Response<Bytes>, ClientError>,
    ) -> StepVerdict {
        let received = match answer {
            Ok(answer) => StepResponse::Answer(answer),
            Err(ClientError::Broken(trouble)) => StepResponse::Broken(trouble),
            Err(ClientError::Setup(trouble)) => StepResponse::Unreachable {
                trouble,
                hint: None,
            },
            Err(ClientError::Unreachable(failure)) => StepResponse::Unreachable {
                trouble: &failure.message,
                hint: Some(&failure.hint),
            },
        };
        let username = body_username(request);
        let sent = SentStep {
            contract: self.contract,
            served: self.served,
            case,
            number,
            username: &username,
        };
        let judged = verdict::of_step(&sent, received);
        self.context
            .agreed
            .check_profile(self.contract, number, judged)
    }

    fn collect(&self, located: &'static CaseWithLocation, exchanges: Vec<Exchange>) -> CaseRun {
        let accounts = &self.context.accounts;
        let shown: Vec<snapshot::Exchange> = exchanges
            .iter()
            .map(|exchange| snapshot::Exchange {
                request: request_of(&exchange.shown),
                answer: answer_of(&exchange.answer, accounts),
            })
            .collect();
        let judged: Vec<StepVerdict> = exchanges
            .iter()
            .map(|exchange| exchange.judged.clone())
            .collect();
        let mut result = self.empty_result(located);
        result.conformance = verdict::of_steps(&judged);
        result.reading = variants(self.contract, judged.iter().flat_map(|step| &step.variants));
        result.reasons = self.findings(judged.iter());
        result.exchanges = exchanges
            .iter()
            .zip(&shown)
            .map(|(exchange, shown)| self.exchange_result(exchange, shown))
            .collect();
        let is_judged = result.conformance != Conformance::NotJudged;
        CaseRun {
            result,
            snapshot: is_judged.then(|| snapshot::render(&shown)),
            is_unreached: exchanges.iter().any(|exchange| exchange.is_unreached),
            deferred: self.deferred_verdict(&exchanges, &judged),
            changes: exchanges
                .into_iter()
                .filter_map(|exchange| exchange.change)
                .collect(),
            evidence: judged
                .into_iter()
                .filter_map(|step| step.evidence)
                .collect(),
        }
    }

    /// Returns the verdict on a case for the event that its lost answers are never given.
    fn deferred_verdict(
        &self,
        exchanges: &[Exchange],
        judged: &[StepVerdict],
    ) -> Option<DeferredVerdict> {
        exchanges
            .iter()
            .find(|exchange| exchange.deferred.is_some())?;
        let steps: Vec<StepVerdict> = exchanges
            .iter()
            .map(|exchange| {
                exchange
                    .deferred
                    .as_ref()
                    .unwrap_or(&exchange.judged)
                    .clone()
            })
            .collect();
        Some(DeferredVerdict {
            conformance: verdict::of_steps(&steps),
            reasons: self.findings(steps.iter().chain(judged)),
        })
    }

    /// Returns the result of a case that is not run, with the reason and a hint.
    pub(super) fn not_run(
        &self,
        located: &'static CaseWithLocation,
        reason: String,
        hint: Option<String>,
    ) -> CaseRun {
        let mut result = self.empty_result(located);
        let finding = verdict::not_judged(0, reason).finding;
        result.reasons = finding
            .into_iter()
            .map(|finding| CaseFinding {
                hint: hint.clone(),
                ..finding
            })
            .collect();
        CaseRun {
            result,
            snapshot: None,
            evidence: Vec::new(),
            is_unreached: false,
            changes: Vec::new(),
            deferred: None,
        }
    }

    fn empty_result(&self, located: &'static CaseWithLocation) -> CaseResult {
        let case = &located.case;
        let contract = contract::of(self.context.kind);
        let facts = case
            .covers(contract)
            .into_iter()
            .map(|fact| with_number(contract, &fact))
            .collect();
        CaseResult {
            id: case.id.clone(),
            title: case.title.clone(),
            facts,
            effect: effect(case.effect).to_owned(),
            conformance: Conformance::NotJudged,
            regression: None,
            reading: Vec::new(),
            file: located.file.to_owned(),
            line: located.line,
            failed: false,
            known: None,
            reasons: Vec::new(),
            difference: String::new(),
            exchanges: Vec::new(),
        }
    }

    fn exchange_result(
        &self,
        exchange: &Exchange,
        redacted: &snapshot::Exchange,
    ) -> ExchangeResult {
        let accounts = &self.context.accounts;
        let answer = exchange.answer.as_ref().ok();
        let body = answer.map(|answer| match &redacted.answer {
            // A text stays text.
            snapshot::Answer::Received { body, .. } if str::from_utf8(answer.body()).is_ok() => {
                String::from_utf8_lossy(body).into_owned()
            }
            _ => accounts.redact(&String::from_utf8_lossy(answer.body())),
        });
        let header = |name: HeaderName| {
            let value = answer?.headers().get(name)?;
            Some(accounts.redact(&String::from_utf8_lossy(value.as_bytes())))
        };
        let trouble = exchange.answer.as_ref().err();
        ExchangeResult {
            // The shown request has placeholders for all secrets.
            curl: curl(&exchange.shown, &self.context.shown_address()),
            status: answer.map(|answer| answer.status().as_u16()),
            content_type: header(header::CONTENT_TYPE),
            body: body.unwrap_or_default(),
            trouble: trouble.map(|trouble| accounts.redact(trouble)),
            outcome: exchange.judged.outcome.map(|outcome| outcome.to_string()),
            micros: exchange.micros,
        }
    }

    /// Returns the findings of some steps, each once, redacted.
    fn findings<'a>(&self, judged: impl Iterator<Item = &'a StepVerdict>) -> Vec<CaseFinding> {
        let mut findings: Vec<CaseFinding> = Vec::new();
        for finding in judged.filter_map(|step| step.finding.clone()) {
            let finding = self.redacted(finding);
            let is_known = |known: &CaseFinding| {
                known.step == finding.step && known.received == finding.received
            };
            if !findings.iter().any(is_known) {
                findings.push(finding);
            }
        }
        findings
    }

    fn redacted(&self, finding: CaseFinding) -> CaseFinding {
        let redact = |text: String| self.context.accounts.redact(&text);
        CaseFinding {
            step: finding.step,
            expected: redact(finding.expected),
            received: redact(finding.received),
            readings: finding.readings.into_iter().map(redact).collect(),
            hint: finding.hint.map(redact),
        }
    }
}

/// Returns the name of a fact, with the number of its contradiction if it has one.
fn with_number(contract: &Contract, fact: &str) -> String {
    contract
        .ambiguity_number(fact)
        .map_or_else(|| fact.to_owned(), |number| format!("{number} {fact}"))
}

/// Returns the names of readings, each once, with its fact.
fn variants<'a>(
    contract: &Contract,
    choices: impl Iterator<Item = &'a ReadingChoice>,
) -> Vec<String> {
    let mut named: Vec<String> = choices
        .map(|choice| {
            format!(
                "{}: {}",
                with_number(contract, &choice.fact),
                choice.reading
            )
        })
        .collect();
    named.sort();
    named.dedup();
    named
}
