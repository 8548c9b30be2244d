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
pub mod lab;
pub mod memory;
mod probe;
mod transcript;

use std::time::Instant;

use bytes::Bytes;
use http::Request;
use http::Response;

pub use accounts::Accounts;
pub use lab::Lab;
pub use memory::Memory;

use crate::conformance::Case;
use crate::conformance::Effect;
use crate::conformance::Step;
use crate::conformance::evidence::Evidence;
use crate::conformance::expected::Choice;
use crate::conformance::profile;
use crate::conformance::request;
use crate::conformance::suite::Located;
use crate::conformance::verdict;
use crate::conformance::verdict::Judged;
use crate::conformance::verdict::Received;
use crate::conformance::verdict::Sent;
use crate::contract;
use crate::contract::Contract;
use crate::contract::Kind;
use crate::contract::Readings;
use crate::report::CaseResult;
use crate::report::Conformance;
use crate::report::Counts;
use crate::report::ExchangeResult;
use crate::report::Regression;
use crate::report::TargetSummary;
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

/// Runs cases at a target, one after the other. `watch` is told of each as it ends.
///
/// # Errors
/// What makes a run impossible: the memory cannot be read or written.
pub async fn run(lab: &Lab, cases: &[&Located], memory: &Memory, watch: &(dyn Fn(&CaseResult) + Sync)) -> Result<Run, crate::baseline::Error> {
    let contract = contract::of(lab.kind);
    let probed = probe::paths(lab, contract).await;
    let mut told: Vec<(String, Evidence)> = probed.evidence.into_iter().map(|evidence| (probe::NAME.to_owned(), evidence)).collect();
    let mut unreachable = probed.unreachable;
    let mut ran = Vec::with_capacity(cases.len());
    let mut waits = false;
    for located in cases {
        let mut case = Session { lab, contract, served: &probed.served }.case(located).await;
        waits |= settle(lab, memory, located, &mut case)?;
        unreachable = unreachable.or_else(|| {
            case.result.exchanges.iter().find_map(|exchange| {
                exchange.trouble.clone().filter(|_| exchange.status.is_none() && case.result.conformance == Conformance::NotJudged)
            })
        });
        watch(&case.result);
        told.extend(case.evidence.drain(..).map(|evidence| (located.case.id.clone(), evidence)));
        ran.push(case);
    }
    let (profile, mut inconsistent) = profile::of(contract, &told);
    for mixed in &mut inconsistent {
        mixed.known = lab.agreed.known.reason(lab.kind, &mixed.id()).map(str::to_owned);
    }
    let results: Vec<CaseResult> = ran.iter().map(|case| case.result.clone()).collect();
    let summary = TargetSummary {
        kind: lab.kind,
        target: lab.label.clone(),
        counts: Counts::of(&results),
        profile,
        inconsistent,
        gone: Vec::new(),
        review: memory.folder().filter(|_| waits),
        cases: results,
    };
    Ok(Run { cases: ran, summary, unreachable })
}

/// Returns the requests of a case as commands, placeholders as variables; nothing is sent.
///
/// # Errors
/// A step that makes no request; a test holds all cases against that.
pub fn planned(kind: Kind, case: &Case) -> Result<Vec<String>, String> {
    let served = Readings::default();
    let build = |step| request::build(step, contract::of(kind), &served, &|placeholder| Ok(placeholder.to_string()));
    case.steps.iter().map(|step| build(step).map(|shown| transcript::curl(&shown, "$TARGET"))).collect()
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
    async fn case(&self, located: &Located) -> Ran {
        let case = &located.case;
        let exchanges = match self.lab.prepare(case) {
            Ok(()) => self.steps(case).await,
            Err(reason) => Err(reason),
        };
        match exchanges {
            Ok(exchanges) => self.gather(located, exchanges),
            Err(reason) => self.refused(located, reason),
        }
    }

    /// Builds all requests before the first is sent: what cannot be sent whole changes nothing.
    async fn steps(&self, case: &Case) -> Result<Vec<Exchanged>, String> {
        let requests: Vec<Requests> = case.steps.iter().map(|step| self.requests(step)).collect::<Result<_, _>>()?;
        let mut exchanges = Vec::with_capacity(requests.len());
        for (number, requests) in requests.into_iter().enumerate() {
            exchanges.push(self.exchange(case, number, requests).await);
        }
        Ok(exchanges)
    }

    fn requests(&self, step: &Step) -> Result<Requests, String> {
        let real = request::build(step, self.contract, self.served, &|placeholder| self.lab.accounts.value(placeholder))?;
        let shown = request::build(step, self.contract, self.served, &|placeholder| Ok(placeholder.to_string()))?;
        Ok(Requests { real, shown })
    }

    #[expect(clippy::disallowed_methods, reason = "a report says how long an exchange took")]
    async fn exchange(&self, case: &Case, number: usize, requests: Requests) -> Exchanged {
        let start = Instant::now();
        let answer = self.lab.target.send(&requests.real).await;
        let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let received = match &answer {
            Ok(answer) => Received::Answer(answer),
            Err(target::Error::Broken(trouble)) => Received::Broken(trouble),
            // What could not even be asked says nothing of the target.
            Err(target::Error::Setup(trouble) | target::Error::Unreachable(trouble)) => Received::Unreachable(trouble),
        };
        let username = username(&requests.real);
        let sent = Sent { contract: self.contract, served: self.served, case, number, username: &username };
        let judged = self.lab.agreed.hold(self.contract, number, verdict::of_step(&sent, received));
        Exchanged { shown: requests.shown, answer: answer.map_err(|error| error.to_string()), judged, micros }
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

/// Holds a case against the memory and says whether it fails: what differs and is known does not. Tells whether something waits to be reviewed.
fn settle(lab: &Lab, memory: &Memory, located: &Located, case: &mut Ran) -> Result<bool, crate::baseline::Error> {
    // Known or not decides what may be written, so it is asked first.
    case.result.known = lab.agreed.known.reason(lab.kind, &located.case.id).map(str::to_owned);
    let waits = memory.hold(located, case)?;
    let differs = fails(&case.result);
    case.result.failed = differs && case.result.known.is_none();
    case.result.known = case.result.known.take().filter(|_| differs);
    Ok(waits)
}

/// The table of verdicts: a deviation and a changed answer fail, whatever else holds.
fn fails(result: &CaseResult) -> bool {
    result.conformance == Conformance::Deviation || result.regression == Some(Regression::Changed)
}
