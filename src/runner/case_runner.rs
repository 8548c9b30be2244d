//! Runs one case: its requests are built, sent and judged.

use std::{collections::BTreeSet, time::Instant};

use bytes::Bytes;
use http::{HeaderName, Request, header};

use crate::{
    client::{ClientError, ConnectFailure, TargetAnswer},
    contract::{Contract, Outcome, Readings},
    report,
    report::{CaseFinding, CaseResult, Conformance, ExchangeResult, NotJudged, ReasonCode},
    runner::{
        RunContext,
        judge::judge,
        live::{
            budget,
            delivery::{SentChange, lost_reason, question, unanswered},
            guard::{AnsweredStep, SafetyGuard},
        },
        transcript::{StepRequest, answer_of, curl, request_of, shown_request},
    },
    snapshot,
    suite::{
        Step, allowed::numbered_fact, cases::CaseWithLocation, evidence::Evidence, request,
        verdict, verdict::StepVerdict,
    },
};

const NO_PASSWORDS: &str = "an answer that shows no password";

/// The run of one case.
#[derive(Debug, Default)]
pub struct CaseRun {
    /// The result, compared with the snapshot.
    pub result: CaseResult,
    /// The body of its snapshot; none if it was not judged.
    pub snapshot: Option<String>,
    pub(super) evidence: Vec<Evidence>,
    /// Why there was no connection.
    pub(super) unreached: Option<ConnectFailure>,
    /// The changes that were sent.
    pub(super) changes: Vec<SentChange>,
}

/// A step that was sent.
struct SentStepRun {
    answer: TargetAnswer,
    judged: StepVerdict,
    /// Whether the next step can be sent.
    continues: bool,
    /// What is known of a change.
    change: Option<SentChange>,
    micros: u64,
}

/// Runs the cases of one target.
pub(super) struct CaseRunner<'a> {
    pub(super) context: &'a RunContext,
    pub(super) contract: &'static Contract,
    /// The readings of paths that the target serves.
    pub(super) served: Readings,
}

impl CaseRunner<'_> {
    /// Runs one case, with a guard at a live target.
    pub(super) async fn run(
        &self,
        located: &'static CaseWithLocation,
        mut guard: Option<&mut SafetyGuard<'_>>,
    ) -> CaseRun {
        let sent = self.send_steps(located, guard.as_deref_mut()).await;
        let mut run = sent.unwrap_or_else(|error| self.not_run(located, error, None));
        let Some(guard) = guard else {
            return run;
        };
        let findings = guard.end_case().await;
        if let Some(reason) = guard.safety_stop.clone() {
            // The answers of a locked target say nothing about the case.
            let exchanges = run.result.exchanges;
            run = self.not_run(located, reason, None);
            run.result.exchanges = exchanges;
        } else if !findings.is_empty() {
            run.result.conformance = Conformance::Deviation;
            let findings = findings.into_iter().map(|finding| self.redacted(finding));
            run.result.reasons.extend(findings);
        }
        run
    }

    /// Sends the requests of a case one after the other, and judges each answer.
    async fn send_steps(
        &self,
        located: &'static CaseWithLocation,
        mut guard: Option<&mut SafetyGuard<'_>>,
    ) -> Result<CaseRun, NotJudged> {
        let (case, accounts) = (&located.case, &self.context.accounts);
        self.context.prepare(case)?;
        // All requests are built before the first is sent: a case that cannot be sent completely changes nothing.
        let mut requests = Vec::new();
        for (number, step) in case.steps.iter().enumerate() {
            let fill = |placeholder| accounts.text(placeholder);
            requests.push(StepRequest {
                case,
                number,
                real: request::build(step, self.contract, &self.served, &fill)?,
                shown: shown_request(step, self.contract, &self.served)?,
            });
        }
        let mut run = self.empty_run(located);
        let (mut exchanges, mut verdicts, mut premise_finding) = (Vec::new(), Vec::new(), None);
        for request in &requests {
            let sent = self.send_step(request, guard.as_deref_mut(), &verdicts);
            let mut step = sent.await?;
            let next = request.number + 2;
            let (answer, has_more) = (step.answer.as_ref().ok(), next <= requests.len());
            let is_rejected = verdict::rejects_premise(request.step(), self.contract, answer);
            if step.continues && has_more && is_rejected {
                let outcome = step.judged.outcome.map_or("another answer", Outcome::name);
                let number = next - 1;
                let reason = format!(
                    "step {number} was answered with {outcome}, which the next steps do not presuppose"
                );
                let reason = NotJudged::new(ReasonCode::PremiseFailed, reason);
                premise_finding = Some(CaseFinding::not_judged(next, reason));
                step.continues = false;
            }
            run.unreached = run.unreached.or(self.unreached(&step.answer));
            let exchange = self.exchange_result(&request.shown, &step);
            run.result.exchanges.push(exchange);
            exchanges.push(snapshot::Exchange {
                request: request_of(&request.shown),
                answer: answer_of(&step.answer, accounts),
            });
            run.changes.extend(step.change);
            verdicts.push(step.judged);
            if !step.continues {
                break;
            }
        }
        self.conclude(&mut run, verdicts, &exchanges);
        run.result.reasons.extend(premise_finding);
        Ok(run)
    }

    /// Sends one request, judges its answer, and verifies what it may have changed.
    #[expect(clippy::disallowed_methods, reason = "reports have times")]
    async fn send_step(
        &self,
        sent: &StepRequest<'_>,
        mut guard: Option<&mut SafetyGuard<'_>>,
        earlier: &[StepVerdict],
    ) -> Result<SentStepRun, NotJudged> {
        let change = guard.as_mut().map(|guard| guard.prepare_step(sent));
        let change = change.transpose()?.flatten();
        let start = Instant::now();
        let answer = match &mut guard {
            // A request that changes nothing can be abandoned or sent again; the answer to a change is waited for.
            Some(guard) if change.is_none() => guard.send_read_only(sent).await?,
            _ => self.context.target.send(&sent.real).await,
        };
        let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (number, real) = (sent.number, &sent.real);
        let judged = judge(
            self.contract,
            &self.served,
            sent.case,
            number,
            real,
            &answer,
        );
        let agreed = &self.context.agreed;
        let judged = agreed.check_profile(self.contract, number, judged);
        let judged = self.check_secrets(number, judged, &answer);
        let mut step = SentStepRun {
            judged: presuppose_no_lock(number, judged, earlier),
            answer,
            continues: true,
            change: None,
            micros,
        };
        if let Some(guard) = guard {
            let answered = AnsweredStep {
                sent,
                judged: &step.judged,
                answer: &step.answer,
            };
            let is_change = change.is_some();
            let (continues, found) = guard.follow_up(&answered, change).await;
            step.continues = continues;
            self.excuse(sent, is_change.then_some(found), &mut step);
        }
        Ok(step)
    }

    /// Does not judge a step at a live target whose answer was lost, or says nothing. `found` is what validations found after a change.
    fn excuse(&self, sent: &StepRequest<'_>, found: Option<String>, step: &mut SentStepRun) {
        let (number, is_change) = (sent.number, found.is_some());
        if let Some(found) = found {
            let lost = lost_reason(&step.answer);
            step.change = Some(self.sent_change(sent.step(), &step.judged, lost.is_some()));
            if let Some(reason) = lost {
                let reason = format!("the answer to a change was lost: {reason}; {found}");
                let reason = NotJudged::new(ReasonCode::ChangeLost, reason);
                step.judged = verdict::not_judged(number, reason);
            }
        }
        if step.judged.conformance == Conformance::Deviation
            && let Some((reason, hint)) = unanswered(&step.answer, is_change)
        {
            step.judged = verdict::not_judged(number, reason);
            let finding = step.judged.finding.iter_mut();
            finding.for_each(|finding| finding.hint = Some(hint.to_owned()));
        }
    }

    /// Sums up the verdicts of a case's steps.
    fn conclude(
        &self,
        run: &mut CaseRun,
        verdicts: Vec<StepVerdict>,
        exchanges: &[snapshot::Exchange],
    ) {
        run.result.conformance = verdict::of_steps(&verdicts);
        let variants = verdicts.iter().flat_map(|step| &step.variants);
        let name = |fact: &str| numbered_fact(self.contract, fact);
        let names = variants.map(|it| format!("{}: {}", name(&it.fact), it.reading));
        run.result.reading = names.collect::<BTreeSet<_>>().into_iter().collect();
        let is_judged = run.result.conformance != Conformance::NotJudged;
        run.snapshot = is_judged.then(|| snapshot::render(exchanges));
        for step in verdicts {
            if let Some(finding) = step.finding {
                run.result.add_reason(self.redacted(finding));
            }
            let mut evidence = step.evidence;
            let other = evidence.iter_mut().flat_map(|one| &mut one.other);
            other.for_each(|(_, seen)| *seen = self.context.accounts.redact(seen));
            run.evidence.extend(evidence);
        }
    }

    /// Returns why there was no connection.
    fn unreached(&self, answer: &TargetAnswer) -> Option<ConnectFailure> {
        let failure = answer.as_ref().err().and_then(ClientError::connect_failure);
        let accounts = &self.context.accounts;
        failure.map(|failure| ConnectFailure {
            message: accounts.redact(&failure.message),
            hint: accounts.redact(&failure.hint),
        })
    }

    /// Returns the run of a case that is not sent, with the reason and a hint.
    pub(super) fn not_run(
        &self,
        located: &'static CaseWithLocation,
        reason: NotJudged,
        hint: Option<String>,
    ) -> CaseRun {
        let mut run = self.empty_run(located);
        let mut finding = CaseFinding::not_judged(1, reason);
        finding.hint = hint;
        run.result.reasons.push(finding);
        run
    }

    fn empty_run(&self, located: &'static CaseWithLocation) -> CaseRun {
        let case = &located.case;
        let facts = case.covers(self.contract).into_iter();
        let facts = facts.map(|fact| numbered_fact(self.contract, &fact));
        let result = CaseResult {
            id: case.id.clone(),
            title: case.title.clone(),
            facts: facts.collect(),
            effect: case.effect.name().to_owned(),
            file: located.file.to_owned(),
            line: located.line,
            ..CaseResult::default()
        };
        CaseRun {
            result,
            ..CaseRun::default()
        }
    }

    fn exchange_result(&self, shown: &Request<Bytes>, step: &SentStepRun) -> ExchangeResult {
        let answer = &step.answer;
        let accounts = &self.context.accounts;
        let redacted = |bytes: &[u8]| accounts.redact(&String::from_utf8_lossy(bytes));
        let trouble = answer.as_ref().err().map(ToString::to_string);
        let answer = answer.as_ref().ok();
        let body = answer.map(|answer| report::body_text(answer.body()));
        let (body, is_escaped) = body.unwrap_or_default();
        let header = |name: HeaderName| {
            let value = answer?.headers().get(name)?;
            Some(redacted(value.as_bytes()))
        };
        ExchangeResult {
            // The shown request has placeholders for all secrets.
            curl: curl(shown, self.context.shown_address()),
            status: answer.map(|answer| answer.status().as_u16()),
            content_type: header(header::CONTENT_TYPE),
            body: report::cut_body(accounts.redact(&body)),
            is_escaped,
            trouble: trouble.map(|trouble| redacted(trouble.as_bytes())),
            outcome: step.judged.outcome.map(|outcome| outcome.to_string()),
            micros: step.micros,
        }
    }

    /// Returns what is known of a change that was sent.
    fn sent_change(&self, step: &Step, judged: &StepVerdict, is_lost: bool) -> SentChange {
        let is_due = |finding: &CaseFinding| is_lost && !finding.expected.is_empty();
        let deviation = judged.finding.clone().filter(is_due);
        let code = None;
        SentChange {
            question: question(step, self.contract),
            is_lost,
            deviation: deviation.map(|it| self.redacted(CaseFinding { code, ..it })),
        }
    }

    /// Makes a deviation of an answer that shows a password.
    fn check_secrets(
        &self,
        number: usize,
        judged: StepVerdict,
        answer: &TargetAnswer,
    ) -> StepVerdict {
        let accounts = &self.context.accounts;
        let Ok(answer) = answer else {
            return judged;
        };
        let headers = answer.headers().iter().map(|(name, value)| {
            let shown = accounts.password_in(value.as_bytes());
            (format!("the header `{name}`"), shown)
        });
        let body = ("the body".to_owned(), accounts.password_in(answer.body()));
        let shown = headers.chain([body]);
        let mut shown = shown.filter_map(|(place, shown)| Some(format!("{} in {place}", shown?)));
        match shown.next() {
            Some(found) => judged.deviating(CaseFinding::new(number + 1, NO_PASSWORDS, found)),
            None => judged,
        }
    }

    fn redacted(&self, mut finding: CaseFinding) -> CaseFinding {
        let texts = [&mut finding.expected, &mut finding.received].into_iter();
        let texts = texts.chain(&mut finding.readings).chain(&mut finding.hint);
        let texts = texts.chain(finding.seen.as_mut().map(|seen| &mut seen.reading));
        texts.for_each(|text| *text = self.context.accounts.redact(text));
        finding
    }
}

/// Does not judge a refusal by a lock-out after an earlier step failed to sign in: no page says how many failures lock.
fn presuppose_no_lock(number: usize, judged: StepVerdict, earlier: &[StepVerdict]) -> StepVerdict {
    let mut outcomes = earlier.iter().filter_map(|step| step.outcome);
    if judged.conformance != Conformance::Deviation
        || judged.outcome != Some(Outcome::LockedOut)
        || !outcomes.any(budget::is_failure)
    {
        return judged;
    }
    let text = "the target locks out after the failed sign-in of an earlier step";
    let reason = NotJudged::new(ReasonCode::PremiseFailed, text);
    verdict::not_judged(number, reason)
}
