//! Protects a live target: what is validated before anything else, the journal before a request, and after it the question which
//! password is current.

mod end_case;
mod passwords;
mod preflight;
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
    /// The undo journal; none if nothing may be changed.
    pub undo_journal: Option<UndoJournal>,
    /// The name of the accounts file, for messages.
    pub accounts_file: String,
    /// Why a safety rule has ended the run.
    pub safety_stop: Option<NotJudged>,
    /// Why no further password is changed; none while they may be.
    pub changes_forbidden: Option<NotJudged>,
    /// The accounts whose password the target refuses, each with what the user is told.
    pub rejected_accounts: BTreeMap<Account, String>,
    /// The accounts whose password is not changed, since it could not be restored, each with the reason.
    pub unrestorable: BTreeMap<Account, String>,
    /// Whether the target has accepted every weak password.
    pub accepts_weak: bool,
    /// The unknown names for which the target says that it replaced a password.
    pub created_users: BTreeSet<String>,
    /// The deviation that the run found before its first change.
    pub dry_run_deviation: Option<CaseFinding>,
    /// The passwords that could not be restored.
    pub unrestored: Vec<UnrestoredPassword>,
    stop: StopSignal,
    /// Whether the target has rejected a wrong password.
    rejects_wrong_passwords: bool,
    /// When the last change of this case was sent that may still take effect, as its answer or a validation leaves that open.
    doubted_at: Option<Instant>,
    /// How many changes in a row left a doubt.
    doubts_in_a_row: u32,
    findings: Vec<CaseFinding>,
    /// Whether the policy has accepted a generated password.
    has_accepted_generated: bool,
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
        let accepts_weak = session.accounts.policy().weak_passwords().is_empty();
        SafetyGuard {
            session,
            undo_journal: journal,
            accounts_file,
            safety_stop: None,
            changes_forbidden: None,
            rejected_accounts: BTreeMap::new(),
            unrestorable: BTreeMap::new(),
            accepts_weak,
            created_users: BTreeSet::new(),
            dry_run_deviation: None,
            unrestored: Vec::new(),
            stop,
            rejects_wrong_passwords: false,
            doubted_at: None,
            doubts_in_a_row: 0,
            findings: Vec::new(),
            has_accepted_generated: false,
        }
    }

    /// Returns whether a case may be repeated.
    pub fn can_repeat(&self) -> bool {
        self.why_nothing_is_sent().is_none() && self.changes_forbidden.is_none()
    }

    /// Returns why nothing more is sent.
    fn why_nothing_is_sent(&self) -> Option<NotJudged> {
        if !self.unrestored.is_empty() {
            let text = "a password could not be restored, so nothing more is sent";
            return Some(NotJudged::new(ReasonCode::Stopped, text));
        }
        if self.safety_stop.is_some() {
            return self.safety_stop.clone();
        }
        if self.stop.is_requested() {
            return Some(interrupted());
        }
        let failure = self.session.target.hanging()?;
        Some(NotJudged::new(ReasonCode::NoAnswer, failure.message))
    }

    /// Returns why a case is not to be started now.
    pub fn why_not_start(&self, planned: &PlannedCase) -> Option<NotJudged> {
        if let Some(reason) = self.why_nothing_is_sent() {
            return Some(reason);
        }
        let refuse = |code, text: &str| Some(NotJudged::new(code, text));
        let (accounts, mut cost) = (&planned.needs.accounts, planned.cost);
        // A further failed sign-in could lock the address: no case that may cause one is sent then.
        let is_refused = |account: &Account| cost > 0 || accounts.contains(account);
        if let Some((_, text)) = self
            .rejected_accounts
            .iter()
            .find(|(one, _)| is_refused(one))
        {
            return refuse(ReasonCode::CredentialsRefused, text);
        }
        if planned.phase == CasePhase::Mutating {
            if let Some(reason) = &self.changes_forbidden {
                return Some(reason.clone());
            }
            if let Some((_, text)) = self
                .unrestorable
                .iter()
                .find(|(one, _)| accounts.contains(one))
            {
                return refuse(ReasonCode::NotRestorable, text);
            }
            if self.accepts_weak && planned.needs.sends_weak {
                return Some(passwords::no_refusal());
            }
            if !self.created_users.is_empty() && accounts.contains(&Account::Unknown) {
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
    pub(in crate::runner) fn prepare_step(
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
        if let Some(reason) = credentials.and_then(|sent| self.session.why_not_send(Some(&sent))) {
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
        let journal = self.undo_journal.as_mut();
        let journal = journal.ok_or_else(|| not_restorable(NO_JOURNAL.to_owned()))?;
        let change = PossibleChange::of(&sent.shown, sent.step().ask);
        let (id, accounts) = (&sent.case.id, change.watched.iter().copied());
        let noted = journal.sending(id, sent.number + 1, accounts, &change.passwords);
        noted.map_err(|error| {
            let reason = not_restorable(error.to_string());
            self.changes_forbidden.insert(reason).clone()
        })?;
        Ok(change)
    }

    /// Sends a request that changes nothing: once more if its answer was lost, or if the target asks to wait.
    ///
    /// # Errors
    /// The run is asked to stop meanwhile.
    pub(in crate::runner) async fn send_read_only(
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
    pub async fn follow_up(
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
        // Counted before the step was sent.
        let expected = budget::step_cost(case, step, contract);
        let count_before = self.session.sign_ins.count().saturating_sub(expected);
        let unexpected = u32::from(failed).saturating_sub(expected);
        self.session.sign_ins.add(unexpected);
        let is_accepted = judged.outcome == Some(Outcome::Authenticated);
        if expected > 0 && step.ask == Operation::Validation && credentials.is_some() {
            self.note_wrong_password(failed, is_accepted);
        }
        let credentials = credentials.filter(|_| budget::signs_in(step, contract));
        let is_suspect = |credentials: &_| failed && self.session.should_be_valid(credentials);
        let mut suspect = credentials.clone().filter(is_suspect);
        if let Some(credentials) = credentials.filter(|_| is_accepted) {
            self.session.learn(credentials, true);
        }
        let (mut continues, mut found) = (true, String::new());
        if let Some(change) = change {
            self.note_created(answered);
            (continues, found) = self.verify_passwords(answered, &change).await;
            // Where the validations have found the current password, the rejection is explained.
            let is_open = |sent: &Credentials| {
                let account = self.session.account(&sent.username);
                account.is_some_and(|account| self.session.current(account).is_none())
            };
            suspect = suspect.filter(is_open);
        }
        if self.session.sign_ins.count() > count_before {
            let ahead = case.steps[sent.number + 1..].iter();
            let ahead = ahead.map(|step| budget::step_cost(case, step, contract));
            continues &= self.session.sign_ins.has_room(ahead.sum());
        }
        if judged.outcome == Some(Outcome::LockedOut) && self.safety_stop.is_none() {
            suspect = suspect.or_else(|| self.session.any_valid());
        }
        if let Some(credentials) = suspect {
            self.check_rejection(&credentials).await;
        }
        // Last: any of these requests may have found that the target hangs.
        continues &= self.session.target.hanging().is_none();
        (continues && self.safety_stop.is_none(), found)
    }

    /// Returns what a person must do after the run.
    pub fn actions(&self) -> Vec<String> {
        let names = self.created_users.iter().map(|name| name.escape_debug());
        let created = names.map(|name| {
            format!(
                "the target may have created the user `{name}`, whom nobody knew before: delete it"
            )
        });
        created.collect()
    }

    /// Ends the run for a safety rule.
    fn stop_for_safety(&mut self, code: ReasonCode, text: String) {
        self.safety_stop.get_or_insert(NotJudged::new(code, text));
    }

    /// Allows no further change; the first reason counts.
    fn forbid_changes(&mut self, code: ReasonCode, text: impl Into<String>) {
        self.changes_forbidden
            .get_or_insert(NotJudged::new(code, text));
    }

    fn suspect_lockout(&mut self, account: Account) {
        let name = self.session.username(account);
        self.stop_for_safety(ReasonCode::LockedOut, format!(
            "a lock-out is suspected: credentials of `{account}` ({name}) that were accepted before are rejected now"
        ));
    }

    /// Suspects a lock-out if one of the session's own requests was refused.
    fn note_own_refusal(&mut self) {
        if let Some(account) = self.session.newly_rejected.take() {
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
