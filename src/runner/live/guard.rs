//! Protects a live target: the journal before a request, and after it the question which password is current.

mod verify;

use std::{collections::BTreeSet, future::Future};

use bytes::Bytes;
use http::{Request, Response};

use super::{
    budget,
    plan::{CasePhase, PlannedCase, over_budget},
    stop::StopSignal,
    undo::{
        SessionReply, TargetSession, UndoJournal, UnrestoredPassword, change,
        change::PossibleChange,
    },
};
use crate::{
    client::ClientError,
    contract::Outcome,
    report::{CaseFinding, NotJudged, ReasonCode},
    suite::{Account, Case, verdict::StepVerdict},
};

/// Protects a live target during a run.
#[derive(Debug)]
pub struct SafetyGuard<'a> {
    /// Sends the run's own requests.
    pub session: TargetSession<'a>,
    /// The journal; none if nothing may be changed.
    pub journal: Option<UndoJournal>,
    /// Why a lock-out is suspected.
    pub suspicion: Option<String>,
    /// Why no further password is changed.
    pub unproven: Option<String>,
    /// The passwords that could not be restored.
    pub unrestored: Vec<UnrestoredPassword>,
    pub(super) stop: StopSignal,
    /// How many sign-ins may fail.
    pub(super) budget: u32,
    /// How many sign-ins may have failed, whatever was answered.
    pub(super) spent: u32,
    pub(super) has_missed: bool,
    pub(super) findings: Vec<CaseFinding>,
}

/// What a step may change, and the accounts to verify afterwards.
pub type PreparedChange = (PossibleChange, BTreeSet<Account>);

/// A step that was answered.
pub struct AnsweredStep<'a> {
    /// Its case.
    pub case: &'a Case,
    /// Its number, from 0.
    pub number: usize,
    /// The request that was sent.
    pub request: &'a Request<Bytes>,
    /// The verdict on its answer.
    pub judged: &'a StepVerdict,
    /// The answer, or why there is none.
    pub answer: &'a Result<Response<Bytes>, ClientError>,
}

impl SafetyGuard<'_> {
    /// Tells whether a case may be repeated.
    pub fn can_repeat(&self) -> bool {
        self.unrestored.is_empty()
            && self.suspicion.is_none()
            && self.unproven.is_none()
            && !self.stop.is_requested()
    }

    /// Returns why a case is not to be started now.
    pub fn refusal(&self, planned: &PlannedCase) -> Option<NotJudged> {
        let refuse = |code, text: &str| Some(NotJudged::new(code, text));
        if !self.unrestored.is_empty() {
            let text = "a password could not be restored, so nothing more is sent";
            return refuse(ReasonCode::Stopped, text);
        }
        if let Some(suspicion) = &self.suspicion {
            let text = format!("a lock-out is suspected: {suspicion}");
            return refuse(ReasonCode::LockedOut, &text);
        }
        if self.stop.is_requested() {
            return Some(interrupted());
        }
        let cost = planned.cost;
        if planned.phase == CasePhase::Mutating {
            if let Some(reason) = &self.unproven {
                return refuse(ReasonCode::NotRestorable, reason);
            }
            // Each change may cause another failure if its answer leaves open which password is current.
            let case = &planned.located.case;
            let changes = case
                .steps
                .iter()
                .filter(|step| budget::is_change(case, step));
            let cost = cost.saturating_add(u32::try_from(changes.count()).unwrap_or(u32::MAX));
            if self.has_missed && self.spent.saturating_add(cost) > self.budget {
                return refuse(ReasonCode::Budget, UNCLEAR_CHANGES);
            }
        }
        let is_over = cost > 0 && self.spent + cost > self.budget;
        is_over.then(|| over_budget(cost, self.budget))
    }

    /// Validates every account that may be changed, and the administrator who would restore it. Then sets each password to itself,
    /// which changes nothing and shows whether it could be restored. A rejection forbids all changes.
    pub async fn prove_restorable(&mut self, objects: &BTreeSet<Account>) {
        let admin = self.session.has_admin().then_some(Account::Admin);
        for account in objects.iter().copied().chain(admin) {
            if self.stop.is_requested() {
                return;
            }
            let own = self.session.own_password(account);
            let was_valid = self.session.has_accepted(account, &own);
            let reply = self.session.validate(account, &own).await;
            self.count_failures();
            if reply != SessionReply::Accepted {
                if was_valid && matches!(reply, SessionReply::Rejected(_)) {
                    self.suspect_lockout(account);
                }
                self.unproven = Some(format!(
                    "no change was made: signing in as `{account}` failed, so it could not be restored"
                ));
                return;
            }
        }
        for account in objects {
            let Some(journal) = &mut self.journal else {
                return;
            };
            if let Some(reason) = self.session.dry_run_change(*account, journal).await {
                self.unproven = Some(format!("a change could not be undone: {reason}"));
                return;
            }
            self.count_failures();
        }
    }

    /// Prepares a step: the journal has a line about a change before it is sent. None if the step changes nothing.
    ///
    /// # Errors
    /// Why the step may not be sent.
    pub fn before(
        &mut self,
        case: &Case,
        number: usize,
        shown: &Request<Bytes>,
    ) -> Result<Option<PreparedChange>, NotJudged> {
        if self.stop.is_requested() {
            return Err(interrupted());
        }
        let step = &case.steps[number];
        if !budget::is_change(case, step) {
            return Ok(None);
        }
        let journal = self.journal.as_mut();
        let journal = journal.ok_or_else(|| {
            let text = "no journal is open, so nothing is changed";
            NotJudged::new(ReasonCode::NotRestorable, text)
        })?;
        let change = PossibleChange::of(shown, step.ask);
        let mut watched = change.objects.clone();
        if watched.is_empty() {
            // A request that seems to change nobody may change whom it names.
            watched = change::accounts(&String::from_utf8_lossy(shown.body()));
            watched.remove(&Account::Unknown);
        }
        let accounts = watched.iter().copied();
        if let Err(error) = journal.sending(&case.id, number + 1, accounts, &change.passwords) {
            self.unproven = Some(error.to_string());
            let text = error.to_string();
            return Err(NotJudged::new(ReasonCode::NotRestorable, text));
        }
        Ok(Some((change, watched)))
    }

    /// Waits for the answer to a request that changes nothing.
    ///
    /// # Errors
    /// The run is asked to stop meanwhile.
    pub async fn unless_stopped<T>(&self, answer: impl Future<Output = T>) -> Result<T, NotJudged> {
        tokio::select! {
            answer = answer => Ok(answer),
            () = self.stop.requested() => Err(interrupted()),
        }
    }

    /// Follows up an answered step: counts failures, suspects a lock-out, finds out which passwords are current. Returns whether the
    /// case can continue, and what validations found after a change.
    pub async fn after(
        &mut self,
        answered: &AnsweredStep<'_>,
        change: Option<PreparedChange>,
    ) -> (bool, String) {
        let (case, contract, judged) = (answered.case, self.session.contract, answered.judged);
        let (step, further) = (
            &case.steps[answered.number],
            &case.steps[answered.number + 1..],
        );
        let failed = judged.outcome.is_some_and(budget::is_failure);
        self.spent += budget::step_cost(case, step, contract).max(u32::from(failed));
        let credentials = change::credentials(answered.request.body(), step.ask);
        let credentials = credentials.filter(|_| budget::signs_in(step, contract));
        let is_doubtful = |credentials: &_| failed && self.session.should_be_valid(credentials);
        let doubtful = credentials.clone().filter(is_doubtful);
        if let Some(credentials) = credentials
            && judged.outcome == Some(Outcome::Authenticated)
        {
            self.session.accept(credentials);
        }
        let (spent, is_change) = (self.spent, change.is_some());
        let (mut continues, mut found) = (true, String::new());
        if let Some((change, watched)) = change {
            (continues, found) = self.verify_passwords(answered, &change, &watched).await;
        }
        if self.spent > spent {
            let ahead = further
                .iter()
                .map(|step| budget::step_cost(case, step, contract));
            continues &= self.spent + ahead.sum::<u32>() <= self.budget;
        }
        if judged.outcome == Some(Outcome::LockedOut) && self.suspicion.is_none() {
            self.check_lockout().await;
        }
        if let Some(credentials) = doubtful {
            self.check_rejection(&credentials, is_change).await;
        }
        (continues && self.suspicion.is_none(), found)
    }

    /// Restores what a case changed, and returns what was found.
    pub async fn end_case(&mut self) -> Vec<CaseFinding> {
        self.restore_all().await;
        std::mem::take(&mut self.findings)
    }

    /// Restores every password that may be changed.
    pub async fn restore_all(&mut self) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        let open: Vec<Account> = journal.at_risk().keys().copied().collect();
        let mut unrestored = Vec::new();
        for account in open {
            let mut before = self.unrestored.iter();
            if let Some(rejected) = before.find(|one| one.account == account && one.is_rejected) {
                unrestored.push(rejected.clone());
                continue;
            }
            let current = self.session.current(account);
            let result = self.session.restore(account, current, journal).await;
            unrestored.extend(result.unwrap_or_else(|error| {
                Some(UnrestoredPassword {
                    account,
                    username: self.session.username(account),
                    reason: error.to_string(),
                    is_rejected: false,
                })
            }));
        }
        self.unrestored = unrestored;
        if !self.unrestored.is_empty() && self.unproven.is_none() {
            let reason = "a password could not be restored, so no other is changed";
            self.unproven = Some(reason.to_owned());
        }
        self.count_failures();
    }

    fn suspect_lockout(&mut self, account: Account) {
        self.suspicion = Some(format!(
            "credentials of `{account}` that were accepted before are rejected now"
        ));
    }

    /// Counts the failures of the session's requests.
    fn count_failures(&mut self) {
        let new = std::mem::take(&mut self.session.failures);
        self.spent += new;
        self.has_missed |= new > 0;
        if let Some(account) = self.session.refused.filter(|_| self.suspicion.is_none()) {
            self.suspect_lockout(account);
        }
    }
}

const UNCLEAR_CHANGES: &str = "budget: answers to changes left open which password is current, and finding that out causes failed sign-ins too";
/// Why a case was not started, or not completed.
pub const INTERRUPTED: &str = "the run was interrupted";

fn interrupted() -> NotJudged {
    NotJudged::new(ReasonCode::Interrupted, INTERRUPTED)
}
