//! One target while it is asked: a case's steps are built, sent, judged and gathered.

use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};

use crate::{
    client::ClientError,
    conformance::{
        Case, Step,
        expected::Choice,
        request,
        suite::Located,
        verdict,
        verdict::{Judged, Received, Sent},
    },
    contract,
    contract::{Contract, Readings},
    report::{CaseResult, Conformance, ExchangeResult, Finding, Later},
    runner::{
        Accounts, Lab, Ran, budget, effect,
        guard::{Answered, Guard},
        lost,
        lost::{Change, Otherwise},
        transcript, username,
    },
    snapshot,
};

/// One target while it is asked.
pub(super) struct Session<'a> {
    pub(super) lab: &'a Lab,
    pub(super) contract: &'a Contract,
    pub(super) served: &'a Readings,
}

/// A step's request: as it is sent, and as reports show it.
struct Requests {
    real: Request<Bytes>,
    shown: Request<Bytes>,
}

/// One step's exchange.
struct Exchanged {
    shown: Request<Bytes>,
    answer: Result<Response<Bytes>, String>,
    judged: Judged,
    /// The verdict that is held back, since the answer was lost.
    held_back: Option<Judged>,
    /// The change that was asked for.
    change: Option<Change>,
    unreached: bool,
    micros: u64,
}

impl Session<'_> {
    /// Runs one case, under a guard at a target that is not ours.
    pub(super) async fn case(
        &self,
        located: &'static Located,
        mut guard: Option<&mut Guard<'_>>,
    ) -> Ran {
        let case = &located.case;
        let exchanges = match self.lab.prepare(case) {
            Ok(()) => self.steps(case, guard.as_deref_mut()).await,
            Err(reason) => Err(reason),
        };
        let mut ran = match exchanges {
            Ok(exchanges) => self.gather(located, exchanges),
            Err(reason) => self.refused(located, reason),
        };
        if let Some(guard) = guard {
            let findings = guard.end().await;
            if let Some(suspicion) = &guard.suspicion {
                // What a locked target answers says nothing of the case.
                let exchanges = std::mem::take(&mut ran.result.exchanges);
                ran = self.refused(located, format!("lock-out is suspected: {suspicion}"));
                ran.result.exchanges = exchanges;
            } else if !findings.is_empty() {
                ran.result.conformance = Conformance::Deviation;
                ran.result.reasons.extend(
                    findings
                        .into_iter()
                        .map(|finding| redacted(finding, &self.lab.accounts)),
                );
            }
        }
        ran
    }

    /// Builds all requests before the first is sent: what cannot be sent whole changes nothing.
    async fn steps(
        &self,
        case: &Case,
        mut guard: Option<&mut Guard<'_>>,
    ) -> Result<Vec<Exchanged>, String> {
        let requests: Vec<Requests> = case
            .steps
            .iter()
            .map(|step| self.requests(step))
            .collect::<Result<_, _>>()?;
        let mut exchanges = Vec::with_capacity(requests.len());
        for (number, requests) in requests.into_iter().enumerate() {
            let (exchanged, goes_on) = self
                .exchange(case, number, requests, guard.as_deref_mut())
                .await?;
            exchanges.push(exchanged);
            if !goes_on {
                break;
            }
        }
        Ok(exchanges)
    }

    fn requests(&self, step: &Step) -> Result<Requests, String> {
        let real = request::build(step, self.contract, self.served, &|placeholder| {
            self.lab.accounts.value(placeholder)
        })?;
        let shown = request::build(step, self.contract, self.served, &|placeholder| {
            Ok(placeholder.to_string())
        })?;
        Ok(Requests { real, shown })
    }

    /// Sends one step's request and judges its answer; tells whether the case can go on.
    #[expect(
        clippy::disallowed_methods,
        reason = "a report says how long an exchange took"
    )]
    async fn exchange(
        &self,
        case: &Case,
        number: usize,
        requests: Requests,
        mut guard: Option<&mut Guard<'_>>,
    ) -> Result<(Exchanged, bool), String> {
        let Requests { real, shown } = requests;
        let noted = guard
            .as_deref_mut()
            .map(|guard| guard.before(case, number, &shown))
            .transpose()?;
        let start = Instant::now();
        let answer = match &guard {
            // What changes nothing may be left at any time; of a change the answer is waited for.
            Some(guard) if !budget::changes(case, &case.steps[number]) => {
                guard.unless_stopped(self.lab.target.send(&real)).await?
            }
            _ => self.lab.target.send(&real).await,
        };
        let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let received = match &answer {
            Ok(answer) => Received::Answer(answer),
            Err(ClientError::Broken(trouble)) => Received::Broken(trouble),
            // What could not even be asked says nothing of the target.
            Err(error @ ClientError::Setup(trouble)) => Received::Unreachable {
                trouble,
                hint: error.hint(),
            },
            Err(ClientError::Unreachable(unreached)) => Received::Unreachable {
                trouble: &unreached.told,
                hint: Some(&unreached.hint),
            },
        };
        let username = username(&real);
        let sent = Sent {
            contract: self.contract,
            served: self.served,
            case,
            number,
            username: &username,
        };
        let judged = self
            .lab
            .agreed
            .hold(self.contract, number, verdict::of_step(&sent, received));
        let changes = guard.is_some() && budget::changes(case, &case.steps[number]);
        let lost = if changes { lost::why(&answer) } else { None };
        let change = changes.then(|| Change {
            question: lost::question(&case.steps[number], self.contract),
            lost: lost.is_some(),
        });
        let (goes_on, found) = match (guard, noted) {
            (Some(guard), Some(noted)) => (
                guard
                    .after(case, number, &real, &judged, Answered::of(&answer), noted)
                    .await,
                guard.found.take(),
            ),
            _ => (true, None),
        };
        let (judged, held_back) = match lost {
            Some(why) => (
                verdict::not_judged(
                    number,
                    format!(
                        "the answer to a change was lost: {why}; {}",
                        found.unwrap_or_default()
                    ),
                ),
                Some(judged),
            ),
            None => (judged, None),
        };
        let unreached = answer
            .as_ref()
            .is_err_and(|error| error.unreached().is_some());
        Ok((
            Exchanged {
                shown,
                answer: answer.map_err(|error| error.to_string()),
                judged,
                held_back,
                change,
                unreached,
                micros,
            },
            goes_on,
        ))
    }

    fn gather(&self, located: &'static Located, exchanges: Vec<Exchanged>) -> Ran {
        let accounts = &self.lab.accounts;
        let shown: Vec<snapshot::Exchange> = exchanges
            .iter()
            .map(|exchange| transcript::exchange(&exchange.shown, &exchange.answer, accounts))
            .collect();
        let mut result = self.blank(located);
        result.exchanges = exchanges
            .iter()
            .zip(&shown)
            .map(|(exchange, shown)| self.result(exchange, shown))
            .collect();
        let unreached = exchanges.iter().any(|exchange| exchange.unreached);
        let changes = exchanges
            .iter()
            .filter_map(|exchange| exchange.change.clone())
            .collect();
        let otherwise = exchanges
            .iter()
            .any(|exchange| exchange.held_back.is_some())
            .then(|| {
                let held: Vec<Judged> = exchanges
                    .iter()
                    .map(|exchange| {
                        exchange
                            .held_back
                            .clone()
                            .unwrap_or_else(|| exchange.judged.clone())
                    })
                    .collect();
                Otherwise {
                    conformance: verdict::of_steps(&held),
                    reasons: findings(
                        held.iter()
                            .chain(exchanges.iter().map(|exchange| &exchange.judged)),
                        accounts,
                    ),
                }
            });
        let judged: Vec<Judged> = exchanges
            .into_iter()
            .map(|exchange| exchange.judged)
            .collect();
        result.conformance = verdict::of_steps(&judged);
        result.reading = variants(self.contract, judged.iter().flat_map(|step| &step.variants));
        result.reasons = findings(judged.iter(), accounts);
        let snapshot =
            (result.conformance != Conformance::NotJudged).then(|| snapshot::render(&shown));
        let evidence = judged
            .into_iter()
            .filter_map(|step| step.evidence)
            .collect();
        Ran {
            result,
            snapshot,
            evidence,
            unreached,
            changes,
            otherwise,
        }
    }

    /// A case that is not run, with the reason.
    pub(super) fn refused(&self, located: &'static Located, reason: String) -> Ran {
        self.refused_with(located, reason, None)
    }

    /// The same, with what would help.
    pub(super) fn refused_with(
        &self,
        located: &'static Located,
        reason: String,
        hint: Option<String>,
    ) -> Ran {
        let mut result = self.blank(located);
        result.reasons = verdict::not_judged(0, reason)
            .finding
            .into_iter()
            .map(|finding| Finding {
                hint: hint.clone(),
                ..finding
            })
            .collect();
        Ran {
            result,
            snapshot: None,
            evidence: Vec::new(),
            unreached: false,
            changes: Vec::new(),
            otherwise: None,
        }
    }

    fn blank(&self, located: &'static Located) -> CaseResult {
        let case = &located.case;
        // The law of a kind is one for all of the process.
        let contract = contract::of(self.lab.kind);
        let facts = Later::new(move || {
            case.covers(contract)
                .into_iter()
                .map(|fact| numbered(contract, &fact))
                .collect()
        });
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

    fn result(&self, exchange: &Exchanged, redacted: &snapshot::Exchange) -> ExchangeResult {
        let accounts = &self.lab.accounts;
        let body = |answer: &Response<Bytes>| match &redacted.answer {
            // A text stays one.
            snapshot::Answer::Received { body, .. }
                if std::str::from_utf8(answer.body()).is_ok() =>
            {
                String::from_utf8_lossy(body).into_owned()
            }
            _ => accounts.redact(&String::from_utf8_lossy(answer.body())),
        };
        // It has placeholders for all that is secret.
        let (shown, address) = (exchange.shown.clone(), self.lab.shown_address());
        let answer = exchange.answer.as_ref().ok();
        let header = |name: http::HeaderName| {
            answer
                .and_then(|answer| answer.headers().get(name))
                .map(|value| accounts.redact(&String::from_utf8_lossy(value.as_bytes())))
        };
        ExchangeResult {
            curl: Later::new(move || transcript::curl(&shown, &address)),
            status: answer.map(|answer| answer.status().as_u16()),
            content_type: header(http::header::CONTENT_TYPE),
            body: answer.map(body).unwrap_or_default(),
            trouble: exchange
                .answer
                .as_ref()
                .err()
                .map(|trouble| accounts.redact(trouble)),
            outcome: exchange
                .judged
                .outcome
                .map(|outcome| outcome.name().to_owned()),
            micros: exchange.micros,
        }
    }
}

/// Names a fact with its register number, if it has one.
fn numbered(contract: &Contract, fact: &str) -> String {
    contract
        .register_number(fact)
        .map_or_else(|| fact.to_owned(), |number| format!("{number} {fact}"))
}

/// Names each reading once, with its fact.
fn variants<'a>(contract: &Contract, choices: impl Iterator<Item = &'a Choice>) -> Vec<String> {
    let mut named: Vec<String> = choices
        .map(|choice| format!("{}: {}", numbered(contract, &choice.fact), choice.reading))
        .collect();
    named.sort();
    named.dedup();
    named
}

fn findings<'a>(judged: impl Iterator<Item = &'a Judged>, accounts: &Accounts) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for finding in judged
        .filter_map(|step| step.finding.clone())
        .map(|finding| redacted(finding, accounts))
    {
        if !findings
            .iter()
            .any(|told| told.step == finding.step && told.received == finding.received)
        {
            findings.push(finding);
        }
    }
    findings
}

fn redacted(mut finding: Finding, accounts: &Accounts) -> Finding {
    finding.expected = accounts.redact(&finding.expected);
    finding.received = accounts.redact(&finding.received);
    finding
        .readings
        .iter_mut()
        .for_each(|reading| *reading = accounts.redact(reading));
    finding.hint = finding.hint.map(|hint| accounts.redact(&hint));
    finding
}
