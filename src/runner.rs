//! The runner: for each case, from a known state, send its steps, judge the answers, hold them against the snapshot.
//!
//! ```text
//! Lab (target, accounts, what it can offer)
//!   │ probe: which paths are served
//!   ▼
//! case ─ build ─▶ request ─ Target ─▶ answer ─ verdict ─▶ Judged ─┐
//!                                        └─ transcript ─▶ snapshot ┴─▶ CaseResult … ─▶ TargetSummary
//! ```

mod accounts;
pub mod budget;
pub mod careful;
mod commands;
pub mod consent;
mod gathered;
pub mod guard;
pub mod lab;
pub mod memory;
pub mod named;
pub mod order;
pub mod private;
mod probe;
pub mod seed;
pub mod stop;
mod transcript;
pub mod undo;

use std::time::Instant;

use bytes::Bytes;
use http::Request;
use http::Response;

pub use accounts::Accounts;
pub use commands::planned;
pub use commands::probes;
pub use lab::Lab;
pub use memory::Memory;
pub use named::Named;
pub use seed::Seed;
pub use stop::Stop;

use crate::conformance::Case;
use crate::conformance::Effect;
use crate::conformance::Step;
use crate::conformance::evidence::Evidence;
use crate::conformance::expected::Choice;
use crate::conformance::request;
use crate::conformance::suite::Located;
use crate::conformance::verdict;
use crate::conformance::verdict::Judged;
use crate::conformance::verdict::Received;
use crate::conformance::verdict::Sent;
use crate::contract;
use crate::contract::Contract;
use crate::contract::Readings;
use crate::report::CaseResult;
use crate::report::Conformance;
use crate::report::ExchangeResult;
use crate::report::TargetSummary;
use crate::runner::gathered::Gathered;
use crate::runner::guard::Answered;
use crate::runner::guard::Guard;
use crate::snapshot;
use crate::target;

/// What one case left behind: its result, and its exchanges as a snapshot has them.
#[derive(Debug)]
pub struct Ran {
    /// The result, already held against the memory.
    pub result: CaseResult,
    /// The body of its snapshot; none where it was not judged.
    pub snapshot: Option<String>,
    evidence: Vec<Evidence>,
}

/// What a run left behind.
#[derive(Debug)]
pub struct Run {
    /// Every case, in order.
    pub cases: Vec<Ran>,
    /// What the run says of the target.
    pub summary: TargetSummary,
    /// Whether the target could not be reached, for the exit code.
    pub unreachable: Option<String>,
}

/// Runs cases at a mock of our own, one after the other. `watch` is told of each as it ends. For any other target see [`careful`].
///
/// # Errors
/// What makes a run impossible: the memory cannot be read or written.
pub async fn run(lab: &Lab, cases: &[&Located], memory: &Memory, watch: &(dyn Fn(&CaseResult) + Sync)) -> Result<Run, crate::baseline::Error> {
    let contract = contract::of(lab.kind);
    let mut post = POSTS;
    let probed = probe::paths(lab, contract, &mut post).await;
    let mut gathered = Gathered::new(lab, contract, memory, watch);
    gathered.probed(probed.evidence, probed.unreachable);
    for located in cases {
        let case = Session { lab, contract, served: &probed.served }.case(located, None).await;
        gathered.add(located, case)?;
    }
    Ok(gathered.end())
}

/// One target while it is asked.
struct Session<'a> {
    lab: &'a Lab,
    contract: &'a Contract,
    served: &'a Readings,
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
    micros: u64,
}

impl Session<'_> {
    async fn case(&self, located: &Located, mut guard: Option<&mut Guard<'_>>) -> Ran {
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
                ran.result.reasons.extend(findings.into_iter().map(|finding| redacted(finding, &self.lab.accounts)));
            }
        }
        ran
    }

    /// Builds all requests before the first is sent: what cannot be sent whole changes nothing.
    async fn steps(&self, case: &Case, mut guard: Option<&mut Guard<'_>>) -> Result<Vec<Exchanged>, String> {
        let requests: Vec<Requests> = case.steps.iter().map(|step| self.requests(step)).collect::<Result<_, _>>()?;
        let mut exchanges = Vec::with_capacity(requests.len());
        for (number, requests) in requests.into_iter().enumerate() {
            let (exchanged, goes_on) = self.exchange(case, number, requests, guard.as_deref_mut()).await?;
            exchanges.push(exchanged);
            if !goes_on {
                break;
            }
        }
        Ok(exchanges)
    }

    fn requests(&self, step: &Step) -> Result<Requests, String> {
        let real = request::build(step, self.contract, self.served, &|placeholder| self.lab.accounts.value(placeholder))?;
        let shown = request::build(step, self.contract, self.served, &|placeholder| Ok(placeholder.to_string()))?;
        Ok(Requests { real, shown })
    }

    /// Sends one step's request and judges its answer; tells whether the case can go on.
    #[expect(clippy::disallowed_methods, reason = "a report says how long an exchange took")]
    async fn exchange(&self, case: &Case, number: usize, requests: Requests, mut guard: Option<&mut Guard<'_>>) -> Result<(Exchanged, bool), String> {
        let Requests { real, shown } = requests;
        let noted = guard.as_deref_mut().map(|guard| guard.before(case, number, &shown)).transpose()?;
        let start = Instant::now();
        let answer = match &guard {
            // What changes nothing may be left at any time; of a change the answer is waited for.
            Some(guard) if !budget::changes(case, &case.steps[number]) => guard.unless_stopped(self.lab.target.send(&real)).await?,
            _ => self.lab.target.send(&real).await,
        };
        let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let received = match &answer {
            Ok(answer) => Received::Answer(answer),
            Err(target::Error::Broken(trouble)) => Received::Broken(trouble),
            // What could not even be asked says nothing of the target.
            Err(target::Error::Setup(trouble) | target::Error::Unreachable(trouble)) => Received::Unreachable(trouble),
        };
        let username = username(&real);
        let sent = Sent { contract: self.contract, served: self.served, case, number, username: &username };
        let judged = self.lab.agreed.hold(self.contract, number, verdict::of_step(&sent, received));
        let goes_on = match (guard, noted) {
            (Some(guard), Some(noted)) => guard.after(case, number, &real, &judged, Answered::of(&answer), noted).await,
            _ => true,
        };
        Ok((Exchanged { shown, answer: answer.map_err(|error| error.to_string()), judged, micros }, goes_on))
    }

    fn gather(&self, located: &Located, exchanges: Vec<Exchanged>) -> Ran {
        let accounts = &self.lab.accounts;
        let shown: Vec<snapshot::Exchange> =
            exchanges.iter().map(|exchange| transcript::exchange(&exchange.shown, &exchange.answer, accounts)).collect();
        let mut result = self.blank(located);
        result.exchanges = exchanges.iter().map(|exchange| self.result(exchange)).collect();
        let judged: Vec<Judged> = exchanges.into_iter().map(|exchange| exchange.judged).collect();
        result.conformance = verdict::of_steps(&judged);
        result.reading = variants(self.contract, judged.iter().flat_map(|step| &step.variants));
        result.reasons = judged.iter().filter_map(|step| step.finding.clone()).map(|finding| redacted(finding, accounts)).collect();
        let snapshot = (result.conformance != Conformance::NotJudged).then(|| snapshot::render(&shown));
        Ran { result, snapshot, evidence: judged.into_iter().filter_map(|step| step.evidence).collect() }
    }

    fn refused(&self, located: &Located, reason: String) -> Ran {
        let mut result = self.blank(located);
        result.reasons = verdict::not_judged(0, reason).finding.into_iter().collect();
        Ran { result, snapshot: None, evidence: Vec::new() }
    }

    fn blank(&self, located: &Located) -> CaseResult {
        let case = &located.case;
        let facts = located.case.covers(self.contract).into_iter().map(|fact| numbered(self.contract, &fact)).collect();
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

    fn result(&self, exchange: &Exchanged) -> ExchangeResult {
        let accounts = &self.lab.accounts;
        let answer = exchange.answer.as_ref().ok();
        let header = |name: http::HeaderName| {
            answer.and_then(|answer| answer.headers().get(name)).map(|value| accounts.redact(&String::from_utf8_lossy(value.as_bytes())))
        };
        ExchangeResult {
            curl: transcript::curl(&exchange.shown, &self.lab.shown_address()),
            status: answer.map(|answer| answer.status().as_u16()),
            content_type: header(http::header::CONTENT_TYPE),
            body: answer.map(|answer| accounts.redact(&String::from_utf8_lossy(answer.body()))).unwrap_or_default(),
            trouble: exchange.answer.as_ref().err().map(|trouble| accounts.redact(trouble)),
            outcome: exchange.judged.outcome.map(|outcome| outcome.to_string()),
            micros: exchange.micros,
        }
    }
}

/// Names a fact with its register number, if it has one.
fn numbered(contract: &Contract, fact: &str) -> String {
    contract.register_number(fact).map_or_else(|| fact.to_owned(), |number| format!("{number} {fact}"))
}

/// Names each reading once, with its fact.
fn variants<'a>(contract: &Contract, choices: impl Iterator<Item = &'a Choice>) -> Vec<String> {
    let mut named: Vec<String> = choices.map(|choice| format!("{}: {}", numbered(contract, &choice.fact), choice.reading)).collect();
    named.sort();
    named.dedup();
    named
}

fn redacted(mut finding: crate::report::Finding, accounts: &Accounts) -> crate::report::Finding {
    finding.expected = accounts.redact(&finding.expected);
    finding.received = accounts.redact(&finding.received);
    finding.readings.iter_mut().for_each(|reading| *reading = accounts.redact(reading));
    finding.hint = finding.hint.map(|hint| accounts.redact(&hint));
    finding
}

/// The name a request is about, which some answers echo.
fn username(request: &Request<Bytes>) -> String {
    let body: Option<serde_json::Value> = serde_json::from_slice(request.body()).ok();
    body.and_then(|body| body.get("username").and_then(serde_json::Value::as_str).map(str::to_owned)).unwrap_or_default()
}

/// Names an effect as case files do.
pub fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::None => "none",
        Effect::AuthFailure => "auth-failure",
        Effect::PasswordChange => "password-change",
    }
}

/// How many POSTs of `{}` the probe may send to a mock of our own: as many as it likes.
const POSTS: u32 = u32::MAX;
