//! Protects a live target: what is validated before anything else, the journal before a request, and after it the question which
//! password is current.

mod before;
mod end_case;
mod passwords;
mod verify;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use http::{Response, StatusCode};
use tokio::time::Instant;

use super::{
    budget,
    delivery::{lost_reason, retry_after},
    plan::{CasePhase, PlannedCase},
    stop::StopSignal,
    undo::{
        TargetSession, UndoJournal, UnrestoredPassword, change, change::PossibleChange, is_refusal,
    },
};
use crate::{
    client::{ClientError, TargetAnswer},
    contract::{Operation, Outcome},
    report::{CaseFinding, NotJudged, ReasonCode},
    runner::{Credentials, transcript::StepRequest},
    suite::{Account, verdict::StepVerdict},
};

/// Protects a live target during a run.
#[derive(Debug)]
pub struct SafetyGuard<'a> {
    /// Sends the run's own requests, and counts failed sign-ins.
    pub session: TargetSession<'a>,
    /// The journal; none if nothing may be changed.
    pub journal: Option<UndoJournal>,
    /// The name of the accounts file, for messages.
    pub accounts_file: String,
    /// Why a safety rule has ended the run.
    pub ended: Option<NotJudged>,
    /// Why no further password is changed.
    pub no_changes: Option<NotJudged>,
    /// The accounts whose password the target refuses, each with what the user is told.
    pub refused: BTreeMap<Account, String>,
    /// The accounts whose password is not changed, since it could not be restored, each with the reason.
    pub fixed: BTreeMap<Account, String>,
    /// Whether the target has accepted every weak password.
    pub takes_weak: bool,
    /// The unknown names for which the target says that it replaced a password.
    pub created: BTreeSet<String>,
    /// The deviation that the run found before its first change.
    pub observation: Option<CaseFinding>,
    /// The passwords that could not be restored.
    pub unrestored: Vec<UnrestoredPassword>,
    stop: StopSignal,
    /// Whether the target has rejected a wrong password.
    can_refuse: bool,
    /// When the last change of this case was sent that may still take effect.
    doubted_at: Option<Instant>,
    /// How many changes in a row left a doubt.
    doubts_in_a_row: u32,
    findings: Vec<CaseFinding>,
    /// Whether the policy has accepted a generated password.
    has_form: bool,
}

/// A step that was answered.
pub struct AnsweredStep<'a> {
    /// What was sent.
    pub(in crate::runner) sent: &'a StepRequest<'a>,
    /// The verdict on its answer.
    pub judged: &'a StepVerdict,
    /// The answer, or why there is none.
    pub answer: &'a TargetAnswer,
}

impl<'a> SafetyGuard<'a> {
    /// Protects the target of a session.
    pub fn new(
        session: TargetSession<'a>,
        journal: Option<UndoJournal>,
        accounts_file: String,
        stop: StopSignal,
    ) -> SafetyGuard<'a> {
        let (ended, no_changes, observation, doubted_at) = Default::default();
        let takes_weak = session.accounts.policy().weak_passwords().is_empty();
        SafetyGuard {
            session,
            journal,
            accounts_file,
            ended,
            no_changes,
            refused: BTreeMap::new(),
            fixed: BTreeMap::new(),
            takes_weak,
            created: BTreeSet::new(),
            observation,
            unrestored: Vec::new(),
            stop,
            can_refuse: false,
            doubted_at,
            doubts_in_a_row: 0,
            findings: Vec::new(),
            has_form: false,
        }
    }

    /// Returns whether a case may be repeated.
    pub fn can_repeat(&self) -> bool {
        self.stopped().is_none() && self.no_changes.is_none()
    }

    /// Returns why nothing more is sent.
    fn stopped(&self) -> Option<NotJudged> {
        if !self.unrestored.is_empty() {
            let text = "a password could not be restored, so nothing more is sent";
            return Some(NotJudged::new(ReasonCode::Stopped, text));
        }
        let interrupted = || self.stop.is_requested().then(interrupted);
        let hanging = || self.session.target.hanging();
        let hanging = || Some(NotJudged::new(ReasonCode::NoAnswer, hanging()?.message));
        self.ended.clone().or_else(interrupted).or_else(hanging)
    }

    /// Returns why a case is not to be started now.
    pub fn refusal(&self, planned: &PlannedCase) -> Option<NotJudged> {
        if let Some(reason) = self.stopped() {
            return Some(reason);
        }
        let refuse = |code, text: &str| Some(NotJudged::new(code, text));
        let (accounts, mut cost) = (&planned.needs.accounts, planned.cost);
        let is_refused = |account: &Account| cost > 0 || accounts.contains(account);
        if let Some((_, text)) = self.refused.iter().find(|(one, _)| is_refused(one)) {
            return refuse(ReasonCode::CredentialsRefused, text);
        }
        if planned.phase == CasePhase::Mutating {
            if let Some(reason) = &self.no_changes {
                return Some(reason.clone());
            }
            if let Some((_, text)) = self.fixed.iter().find(|(one, _)| accounts.contains(one)) {
                return refuse(ReasonCode::NotRestorable, text);
            }
            if self.takes_weak && planned.needs.sends_weak {
                return Some(passwords::no_refusal());
            }
            if !self.created.is_empty() && accounts.contains(&Account::Unknown) {
                let text = "the target creates accounts for unknown names: no more are provoked";
                return refuse(ReasonCode::NotRestorable, text);
            }
            // A change may cause a failure where its answer leaves open which password is current.
            cost = cost.max(1);
        }
        let sign_ins = &self.session.sign_ins;
        (cost > 0 && !sign_ins.has_room(cost)).then(|| sign_ins.over_budget(cost))
    }

    /// Prepares a step: the journal has a line about a change before it is sent. None if the step changes nothing. At the limit of
    /// failed sign-ins only credentials are sent that the target has accepted. A failure that is expected is counted.
    ///
    /// # Errors
    /// Why the step may not be sent.
    pub(in crate::runner) fn before(
        &mut self,
        sent: &StepRequest<'_>,
    ) -> Result<Option<PossibleChange>, NotJudged> {
        if self.stop.is_requested() {
            return Err(interrupted());
        }
        let (step, sign_ins) = (sent.step(), &self.session.sign_ins);
        let cost = budget::step_cost(sent.case, step, self.session.contract);
        if !sign_ins.has_room(cost) {
            return Err(sign_ins.over_budget(cost));
        }
        let credentials = change::credentials(sent.real.body(), step.ask).filter(|_| cost == 0);
        if let Some(reason) = credentials.and_then(|sent| self.session.refusal(Some(&sent))) {
            return Err(NotJudged::new(ReasonCode::Budget, reason));
        }
        let is_change = budget::is_change(sent.case, step, &sent.shown);
        let change = is_change.then(|| self.note_change(sent));
        let change = change.transpose()?;
        // Also a run that is stopped or killed before the answer remembers it.
        self.session.sign_ins.add(cost);
        Ok(change)
    }

    /// Writes a change into the journal before it is sent.
    fn note_change(&mut self, sent: &StepRequest<'_>) -> Result<PossibleChange, NotJudged> {
        let not_restorable = |text| NotJudged::new(ReasonCode::NotRestorable, text);
        let journal = self.journal.as_mut();
        let journal = journal.ok_or_else(|| not_restorable(NO_JOURNAL.to_owned()))?;
        let change = PossibleChange::of(&sent.shown, sent.step().ask);
        let (id, accounts) = (&sent.case.id, change.watched.iter().copied());
        let noted = journal.sending(id, sent.number + 1, accounts, &change.passwords);
        noted.map_err(|error| {
            let reason = not_restorable(error.to_string());
            self.no_changes.insert(reason).clone()
        })?;
        Ok(change)
    }

    /// Sends a request that changes nothing: once more if its answer was lost, or if the target asks to wait.
    ///
    /// # Errors
    /// The run is asked to stop meanwhile.
    pub(in crate::runner) async fn ask(
        &mut self,
        sent: &StepRequest<'_>,
    ) -> Result<TargetAnswer, NotJudged> {
        let (target, stop, request) = (self.session.target, self.stop.clone(), &sent.real);
        let cost = budget::step_cost(sent.case, sent.step(), self.session.contract);
        let sign_ins = &mut self.session.sign_ins;
        let ask = async {
            let answer = target.send(request).await;
            let wait = match &answer {
                Ok(answer) if answer.status() == StatusCode::TOO_MANY_REQUESTS => {
                    retry_after(answer).filter(|wait| *wait <= target.timeout())
                }
                // An answer that is not HTTP is no accident on the way.
                Err(ClientError::Malformed(_)) => None,
                _ => lost_reason(&answer).map(|_| Duration::ZERO),
            };
            match wait {
                Some(wait) if target.hanging().is_none() && sign_ins.has_room(cost) => {
                    sign_ins.add(cost);
                    tokio::time::sleep(wait).await;
                    target.send(request).await
                }
                _ => answer,
            }
        };
        tokio::select! {
            answer = ask => Ok(answer),
            () = stop.requested() => Err(interrupted()),
        }
    }

    /// Follows up an answered step: counts failures, suspects a lock-out, finds out which passwords are current. Returns whether the
    /// case can continue, and what validations found after a change.
    pub async fn after(
        &mut self,
        answered: &AnsweredStep<'_>,
        change: Option<PossibleChange>,
    ) -> (bool, String) {
        let AnsweredStep { sent, judged, .. } = *answered;
        let (case, step, contract) = (sent.case, sent.step(), self.session.contract);
        let credentials = change::credentials(sent.real.body(), step.ask);
        let status = answered.answer.as_ref().map(Response::status);
        let failed = match judged.outcome {
            Some(outcome) => budget::is_failure(outcome),
            None => credentials.is_some() && status.is_ok_and(is_refusal),
        };
        let cost = budget::step_cost(case, step, contract);
        let counted = self.session.sign_ins.count().saturating_sub(cost);
        let unexpected = u32::from(failed).saturating_sub(cost);
        self.session.sign_ins.add(unexpected);
        if cost > 0 && step.ask == Operation::Validation && credentials.is_some() {
            self.note_refusal(failed, judged.outcome == Some(Outcome::Authenticated));
        }
        let credentials = credentials.filter(|_| budget::signs_in(step, contract));
        let is_doubtful = |credentials: &_| failed && self.session.should_be_valid(credentials);
        let mut doubtful = credentials.clone().filter(is_doubtful);
        if let Some(credentials) = credentials
            && judged.outcome == Some(Outcome::Authenticated)
        {
            self.session.learn(credentials, true);
        }
        let (mut continues, mut found) = (true, String::new());
        if let Some(change) = change {
            self.note_created(answered);
            (continues, found) = self.verify_passwords(answered, &change).await;
            // Either these credentials were just found valid, or others.
            let account = |sent: &Credentials| self.session.account(&sent.username);
            let is_open = |account| self.session.current(account).is_none();
            doubtful.take_if(|sent| !account(sent).is_some_and(is_open));
        }
        if self.session.sign_ins.count() > counted {
            let ahead = case.steps[sent.number + 1..].iter();
            let ahead = ahead.map(|step| budget::step_cost(case, step, contract));
            continues &= self.session.sign_ins.has_room(ahead.sum());
        }
        if judged.outcome == Some(Outcome::LockedOut) && self.ended.is_none() {
            doubtful = doubtful.or_else(|| self.session.any_valid());
        }
        if let Some(credentials) = doubtful {
            self.check_rejection(&credentials).await;
        }
        continues &= self.session.target.hanging().is_none();
        (continues && self.ended.is_none(), found)
    }

    /// Returns what a person must do after the run.
    pub fn actions(&self) -> Vec<String> {
        let names = self.created.iter().map(|name| name.escape_debug());
        let created = names.map(|name| {
            format!(
                "the target may have created the user `{name}`, whom nobody knew before: delete it"
            )
        });
        created.collect()
    }

    /// Ends the run for a safety rule.
    fn end(&mut self, code: ReasonCode, text: String) {
        self.ended.get_or_insert(NotJudged::new(code, text));
    }

    /// Allows no further change; the first reason counts.
    fn forbid_changes(&mut self, code: ReasonCode, text: impl Into<String>) {
        self.no_changes.get_or_insert(NotJudged::new(code, text));
    }

    fn suspect_lockout(&mut self, account: Account) {
        let name = self.session.username(account);
        self.end(ReasonCode::LockedOut, format!(
            "a lock-out is suspected: credentials of `{account}` ({name}) that were accepted before are rejected now"
        ));
    }

    /// Suspects a lock-out if one of the session's own requests was refused.
    fn note_own_refusal(&mut self) {
        if let Some(account) = self.session.refused.take() {
            self.suspect_lockout(account);
        }
    }
}

const NO_JOURNAL: &str = "no journal is open, so nothing is changed";
/// Why a case was not started, or not completed.
pub const INTERRUPTED: &str = "the run was interrupted";

fn interrupted() -> NotJudged {
    NotJudged::new(ReasonCode::Interrupted, INTERRUPTED)
}
