//! What stands between a run and a target that is not ours: the journal before a request, and after it the question which password holds.

mod answered;
mod look;

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
};

pub use answered::Answered;
use bytes::Bytes;
use http::Request;

use crate::{
    conformance::{Account, Case, Placeholder, Property, verdict::Judged},
    contract::{Contract, Outcome},
    report::Finding,
    runner::{
        budget,
        order::{Phase, Planned, too_dear},
        stop::Stop,
        undo::{Hands, Journal, Lost, Said, sent, sent::Sent},
    },
};

/// Watches over a run at a target.
#[derive(Debug)]
pub struct Guard<'a> {
    /// What asks the target on the run's own behalf.
    pub hands: Hands<'a>,
    /// The journal; none where nothing may be changed.
    pub journal: Option<Journal>,
    /// Why lock-out is suspected.
    pub suspicion: Option<String>,
    /// Why nothing more is changed.
    pub unproven: Option<String>,
    /// What could not be given back.
    pub lost: Vec<Lost>,
    /// What validations found after the last change, in words.
    pub found: Option<String>,
    stop: Stop,
    contract: &'a Contract,
    /// How many failed sign-ins the run may cause.
    budget: u32,
    /// How many it may have caused by what it sent, whatever was answered.
    spent: u32,
    /// Failures of our own requests that are not among those yet.
    counted: u32,
    missed: bool,
    findings: Vec<Finding>,
}

/// What was noted of a step before it was sent.
#[derive(Debug, Default)]
pub struct Noted {
    sent: Option<(Sent, BTreeSet<Account>)>,
}

impl<'a> Guard<'a> {
    /// Watches over a run that may cause so many failed sign-ins.
    pub fn new(
        hands: Hands<'a>,
        contract: &'a Contract,
        journal: Option<Journal>,
        budget: u32,
        stop: Stop,
    ) -> Guard<'a> {
        let (suspicion, unproven, lost, found, findings) = Default::default();
        Guard {
            hands,
            journal,
            suspicion,
            unproven,
            lost,
            found,
            stop,
            contract,
            budget,
            spent: 0,
            counted: 0,
            missed: false,
            findings,
        }
    }

    /// Tells whether a case may be asked once more.
    pub fn goes_on(&self) -> bool {
        self.lost.is_empty()
            && self.suspicion.is_none()
            && self.unproven.is_none()
            && !self.stop.is_asked()
    }

    /// Tells why a case is not to be begun now.
    pub fn refusal(&self, planned: &Planned) -> Option<String> {
        if !self.lost.is_empty() {
            return Some("a password could not be given back, so nothing more is sent".into());
        }
        if let Some(suspicion) = &self.suspicion {
            return Some(format!("lock-out is suspected: {suspicion}"));
        }
        if self.stop.is_asked() {
            return Some(INTERRUPTED.into());
        }
        if planned.phase == Phase::Change {
            if let Some(reason) = &self.unproven {
                return Some(reason.clone());
            }
            // Each change may cost another failure where answers leave open which password holds.
            let case = &planned.located.case;
            let steps = case
                .steps
                .iter()
                .filter(|step| budget::changes(case, step))
                .count();
            if self.missed
                && self.spent + planned.cost + u32::try_from(steps).unwrap_or(u32::MAX)
                    > self.budget
            {
                return Some(LEFT_OPEN.into());
            }
        }
        (planned.cost > 0 && self.spent + planned.cost > self.budget)
            .then(|| too_dear(planned.cost, self.budget))
    }

    /// Tells how many failed sign-ins may still be caused.
    pub fn left(&self) -> u32 {
        self.budget.saturating_sub(self.spent)
    }

    /// Counts failed sign-ins that something other than a case may have caused.
    pub fn spend(&mut self, failures: u32) {
        self.spent += failures;
    }

    /// Validates every account that a change touches, and the administrator who would give it back; then puts each password in its own
    /// place, which changes nothing and shows whether it could be put back. What is not accepted forbids all changes.
    pub async fn prove(&mut self, objects: &BTreeSet<Account>, present: &BTreeSet<Account>) {
        let admin = present.contains(&Account::Admin).then_some(Account::Admin);
        for account in objects.iter().copied().chain(admin) {
            if self.stop.is_asked() {
                return;
            }
            let own = self.own(account);
            let seen = self.hands.should_hold(&self.name(account), &own);
            let said = self.hands.validate(account, &own).await;
            self.settle();
            if said != Said::Yes {
                if seen && matches!(said, Said::No(_)) {
                    self.suspect(account);
                }
                let reason = format!(
                    "a change could not be proven undone: the validation of `{}` before it was not accepted",
                    account.name()
                );
                self.unproven = Some(reason);
                return;
            }
        }
        for account in objects {
            let Some(journal) = &mut self.journal else {
                return;
            };
            match self.hands.rehearse(*account, journal).await {
                Ok(None) => {}
                Ok(Some(why)) | Err(why) => {
                    self.unproven = Some(format!("a change could not be proven undone: {why}"));
                    break;
                }
            }
            self.settle();
        }
    }

    /// Stands before a step: the journal knows of a change before it leaves.
    ///
    /// # Errors
    /// Why it may not leave.
    pub fn before(
        &mut self,
        case: &Case,
        number: usize,
        shown: &Request<Bytes>,
    ) -> Result<Noted, String> {
        if self.stop.is_asked() {
            return Err(INTERRUPTED.into());
        }
        let step = &case.steps[number];
        if !budget::changes(case, step) {
            return Ok(Noted::default());
        }
        let journal = self
            .journal
            .as_mut()
            .ok_or("no journal is open, so nothing is changed")?;
        let sent = sent::read(shown, step.ask);
        let named = sent::accounts(&String::from_utf8_lossy(shown.body()));
        // A request that seems to be about nobody may be about whoever it names.
        let watched = if sent.objects.is_empty() {
            named
                .into_iter()
                .filter(|account| *account != Account::Unknown)
                .collect()
        } else {
            sent.objects.clone()
        };
        journal
            .sending(
                &case.id,
                number + 1,
                watched.iter().copied(),
                &sent.passwords,
            )
            .map_err(|error| {
                let reason = format!("the journal cannot be written: {error}");
                self.unproven = Some(reason.clone());
                reason
            })?;
        Ok(Noted {
            sent: Some((sent, watched)),
        })
    }

    /// Waits for what changes nothing, unless the run is asked to stop meanwhile.
    ///
    /// # Errors
    /// That it was.
    pub async fn unless_stopped<T>(&self, answer: impl Future<Output = T>) -> Result<T, String> {
        tokio::select! {
            answer = answer => Ok(answer),
            () = self.stop.asked() => Err(INTERRUPTED.into()),
        }
    }

    /// Stands behind a step: counts failures, suspects a lock-out, finds out which passwords hold. Tells whether the case can go on.
    pub async fn after(
        &mut self,
        case: &Case,
        number: usize,
        request: &Request<Bytes>,
        judged: &Judged,
        answered: Answered,
        noted: Noted,
    ) -> bool {
        let step = &case.steps[number];
        let failed = judged.outcome.is_some_and(budget::is_failure);
        let foreseen = budget::step_cost(case, step, self.contract);
        self.spent += foreseen.max(u32::from(failed));
        let sign_in = sent::sign_in(request.body(), step.ask);
        let plain = budget::signs_in(step, self.contract);
        let doubtful = sign_in.as_ref().is_some_and(|(name, password)| {
            failed && plain && self.hands.should_hold(name, password)
        });
        if let Some((name, password)) = &sign_in
            && plain
            && judged
                .outcome
                .is_some_and(|outcome| outcome == Outcome::Authenticated)
        {
            self.hands.accept(name, password);
        }
        let changing = noted.sent.is_some();
        let before = self.hands.failures;
        let mut goes_on = match noted.sent {
            Some((sent, watched)) => {
                self.look((number, step), &sent, &watched, judged, answered)
                    .await
            }
            None => true,
        };
        if self.hands.failures > before {
            let ahead: u32 = case.steps[number + 1..]
                .iter()
                .map(|step| budget::step_cost(case, step, self.contract))
                .sum();
            goes_on &= self.spent + ahead <= self.budget;
        }
        if judged.outcome == Some(Outcome::LockedOut) && self.suspicion.is_none() {
            self.ask_anybody().await;
        }
        if doubtful && let Some((name, password)) = &sign_in {
            self.doubt(name, password, changing).await;
        }
        goes_on && self.suspicion.is_none()
    }

    /// Stands behind a case: gives back what it changed.
    pub async fn end(&mut self) -> Vec<Finding> {
        self.give_back().await;
        std::mem::take(&mut self.findings)
    }

    /// Gives back everything that may be changed, and says what could not be.
    pub async fn give_back(&mut self) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        let open: Vec<Account> = journal.at_risk().keys().copied().collect();
        let mut lost: BTreeMap<Account, Lost> = BTreeMap::new();
        for account in open {
            if let Some(refused) = self
                .lost
                .iter()
                .find(|lost| lost.account == account && lost.refused)
            {
                lost.insert(account, refused.clone());
                continue;
            }
            let known = self.hands.known(account);
            match self.hands.restore(account, known, journal).await {
                Ok(None) => {}
                Ok(Some(trouble)) => drop(lost.insert(account, trouble)),
                Err(because) => {
                    let username = self.hands.username(account);
                    lost.insert(
                        account,
                        Lost {
                            account,
                            username,
                            because,
                            refused: false,
                        },
                    );
                }
            }
        }
        self.lost = lost.into_values().collect();
        if !self.lost.is_empty() && self.unproven.is_none() {
            self.unproven =
                Some("a password could not be given back, so no other is changed".into());
        }
        self.settle();
    }

    fn suspect(&mut self, account: Account) {
        self.suspicion = Some(refused(account.name()));
    }

    /// Counts the failures of our own requests.
    fn settle(&mut self) {
        let new = self.hands.failures.saturating_sub(self.counted);
        self.counted = self.hands.failures;
        self.spent += new;
        self.missed |= new > 0;
        if let Some(account) = self.hands.refused.filter(|_| self.suspicion.is_none()) {
            self.suspect(account);
        }
    }

    fn own(&self, account: Account) -> String {
        self.hands
            .fill(
                &Placeholder {
                    account,
                    property: Property::Password,
                }
                .to_string(),
            )
            .unwrap_or_default()
    }

    fn name(&self, account: Account) -> String {
        self.hands.username(account)
    }
}

fn refused(account: &str) -> String {
    format!("credentials of `{account}` that were accepted before are refused now")
}

const LEFT_OPEN: &str = "budget: answers to changes left open which password holds, and finding that out costs failed sign-ins too";
/// Why a case was not begun, or not ended.
pub const INTERRUPTED: &str = "the run was interrupted";
