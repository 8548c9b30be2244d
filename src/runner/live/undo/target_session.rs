//! The run's own requests to a target: validations, changes back, and what their answers tell.

pub(in crate::runner::live) mod reply;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use http::StatusCode;
use thiserror::Error;

use super::{
    change,
    journal::UndoJournal,
    own_request::{SessionReply, own_case},
};
use crate::{
    client::Target,
    contract::{Contract, Operation, Outcome, Readings, distinct},
    redact::Secret,
    runner::{
        Accounts,
        accounts_file::Credentials,
        judge::judge,
        live::{budget, sign_ins::SignInCounter},
    },
    suite::{Account, Placeholder, Property, evidence::Evidence, request},
};

/// Sends the run's own requests to a target, and keeps what it learns.
#[derive(Debug)]
pub struct TargetSession<'a> {
    /// The contract of the target.
    pub contract: &'a Contract,
    /// The target.
    pub target: &'a Target,
    /// The accounts of the target.
    pub accounts: &'a Accounts,
    served: Readings,
    /// Counts the failed sign-ins of the run.
    pub sign_ins: SignInCounter,
    /// What the answers say of the target's readings.
    pub evidence: Vec<Evidence>,
    /// The account whose credentials were accepted, should still be valid, and were rejected.
    pub newly_rejected: Option<Account>,
    /// Whether the target accepted these credentials, the last time.
    known: Vec<(Credentials, bool)>,
    /// The current password of each account, if it is known.
    current: BTreeMap<Account, Secret>,
    /// The accounts that accepted none of the passwords that this run knows.
    pub unknown_passwords: BTreeSet<Account>,
    /// The accounts whose current password is rejected, although this run did not change it since.
    pub changed_elsewhere: BTreeSet<Account>,
    /// How long the last answer asks to wait.
    retry_after: Duration,
    /// The status of the last answer.
    pub last_status: Option<StatusCode>,
    /// The body of the last answer, without secrets.
    pub last_body: String,
}

/// Why the current password of an account is not known.
#[derive(Clone, Debug, Error)]
pub enum PasswordUnknown {
    /// The target says that it is locked out.
    #[error("the target says that it is locked out")]
    LockedOut,
    /// No known password is accepted.
    #[error("no password this run knows is accepted")]
    NoneAccepted,
    /// An answer is unclear.
    #[error("{0}")]
    Unclear(String),
}

impl<'a> TargetSession<'a> {
    /// Prepares to send requests to a target.
    pub fn new(
        target: &'a Target,
        contract: &'a Contract,
        accounts: &'a Accounts,
        served: Readings,
        sign_ins: SignInCounter,
    ) -> TargetSession<'a> {
        TargetSession {
            contract,
            target,
            accounts,
            served,
            sign_ins,
            evidence: Vec::new(),
            newly_rejected: None,
            known: Vec::new(),
            current: BTreeMap::new(),
            unknown_passwords: BTreeSet::new(),
            changed_elsewhere: BTreeSet::new(),
            retry_after: Duration::ZERO,
            last_status: None,
            last_body: String::new(),
        }
    }

    /// Returns the current password of an account, if it is known.
    pub fn current(&self, account: Account) -> Option<Secret> {
        self.current.get(&account).cloned()
    }

    /// Returns credentials that should be valid, if there are any.
    pub fn any_valid(&self) -> Option<Credentials> {
        let mut known = self.known.iter().map(|(credentials, _)| credentials);
        known.find(|sent| self.should_be_valid(sent)).cloned()
    }

    /// Remembers whether credentials were accepted.
    pub fn learn(&mut self, credentials: Credentials, is_valid: bool) {
        let account = self.account(&credentials.username);
        if account.is_some_and(|account| self.own_password(account) == credentials.password) {
            self.sign_ins.learn(&credentials, is_valid);
        }
        self.known.retain(|(known, _)| *known != credentials);
        self.known.push((credentials, is_valid));
    }

    /// Returns whether credentials were accepted the last time; none if they were not sent.
    pub fn knows(&self, credentials: &Credentials) -> Option<bool> {
        let mut known = self.known.iter();
        known.find_map(|(known, is_valid)| (known == credentials).then_some(*is_valid))
    }

    /// Returns whether credentials have been accepted, and no later change replaced them.
    pub fn should_be_valid(&self, credentials: &Credentials) -> bool {
        let account = self.account(&credentials.username);
        let current = account.and_then(|account| self.current.get(&account));
        self.knows(credentials) == Some(true)
            && current.is_none_or(|current| *current == credentials.password)
    }

    /// Returns an account's own credentials, as the accounts file has them.
    pub fn own(&self, account: Account) -> Credentials {
        let (username, password) = (self.username(account), self.own_password(account));
        Credentials { username, password }
    }

    /// Validates a password of an account. A lost answer is asked for again once, since a validation changes nothing.
    pub async fn validate(&mut self, account: Account, password: &Secret) -> SessionReply {
        let (operation, is_current) = (Operation::Validation, self.current(account));
        let is_current = is_current.as_ref() == Some(password);
        let mut reply = self.ask(operation, account, password, password).await;
        let is_unclear = matches!(reply, SessionReply::Unclear(_)) && !self.was_refused();
        if is_unclear && self.target.hanging().is_none() {
            self.pause(AGAIN).await;
            reply = self.ask(operation, account, password, password).await;
        }
        match reply {
            SessionReply::Accepted => {
                self.current.insert(account, password.clone());
                self.unknown_passwords.remove(&account);
                self.changed_elsewhere.remove(&account);
            }
            SessionReply::Rejected(outcome) if is_current && outcome != Outcome::LockedOut => {
                self.current.remove(&account);
                self.changed_elsewhere.insert(account);
            }
            _ => {}
        }
        reply
    }

    /// Validates a wrong password of an account.
    pub async fn validate_wrong_password(&mut self, account: Account) -> SessionReply {
        let wrong = self.value(account, Property::WrongPassword);
        let reply = self.validate(account, &wrong.unwrap_or_default()).await;
        self.current.remove(&account);
        reply
    }

    /// Returns whether the last answer was a refusal by its status, in whatever words.
    pub fn was_refused(&self) -> bool {
        let limited = StatusCode::TOO_MANY_REQUESTS;
        let mut status = self.last_status.iter();
        status.any(|status| status.is_client_error() && *status != limited)
    }

    /// Returns the accounts of the accounts file.
    pub fn named(&self) -> BTreeSet<Account> {
        let mut named = self.accounts.present();
        named.remove(&Account::Unknown);
        named
    }

    /// Waits as long as given and at least as long as the last answer asks for, but never longer than the time-out.
    pub(super) async fn pause(&mut self, least: Duration) {
        let wait = std::mem::take(&mut self.retry_after).max(least);
        tokio::time::sleep(wait.min(self.target.timeout())).await;
    }

    /// Forgets which password of an account is current: this run may have changed it.
    pub fn forget(&mut self, account: Account) {
        self.current.remove(&account);
        self.changed_elsewhere.remove(&account);
    }

    /// Finds the current password of an account among some, in their order.
    ///
    /// # Errors
    /// It is none of them, or an answer is unclear.
    pub async fn find(
        &mut self,
        account: Account,
        passwords: &[Secret],
    ) -> Result<Secret, PasswordUnknown> {
        for password in passwords {
            let unknown = match self.validate(account, password).await {
                SessionReply::Accepted => return Ok(password.clone()),
                SessionReply::Rejected(Outcome::LockedOut) => PasswordUnknown::LockedOut,
                SessionReply::Rejected(_) => continue,
                SessionReply::Unclear(reason) | SessionReply::NotSent(reason) => {
                    PasswordUnknown::Unclear(reason)
                }
            };
            self.current.remove(&account);
            return Err(unknown);
        }
        self.current.remove(&account);
        self.unknown_passwords.insert(account);
        Err(PasswordUnknown::NoneAccepted)
    }

    /// Returns the user name of an account.
    pub fn username(&self, account: Account) -> String {
        let username = self.value(account, Property::Username);
        username.unwrap_or_default().expose().to_owned()
    }

    /// Returns the account of a user name.
    pub fn account(&self, username: &str) -> Option<Account> {
        let mut present = self.accounts.present().into_iter();
        present.find(|account| self.username(*account) == username)
    }

    /// Returns an account's own password, as the accounts file has it.
    pub fn own_password(&self, account: Account) -> Secret {
        self.value(account, Property::Password).unwrap_or_default()
    }

    /// Returns the possible passwords of an account: those of the journal, the latest first; its own; and all that the run generates.
    pub fn candidates(&self, account: Account, journal: &UndoJournal) -> Vec<Secret> {
        let generated = [Property::NewPassword, Property::NewerPassword];
        let generated = generated.map(|property| self.value(account, property));
        let noted = self.noted(account, journal).into_iter();
        distinct(noted.chain(generated.into_iter().flatten()))
    }

    /// Returns the first of some passwords: each failure counts towards a lock-out.
    pub fn likely(&self, passwords: Vec<Secret>) -> Vec<Secret> {
        let mut passwords = distinct(passwords);
        passwords.truncate(if self.has_admin() { 2 } else { MAX_ATTEMPTS });
        passwords
    }

    /// Returns the passwords of an account that the journal names, the latest first, and its own.
    pub fn noted(&self, account: Account, journal: &UndoJournal) -> Vec<Secret> {
        // A change that may take effect late is less likely.
        let noted = [&journal.state.doubts, &journal.state.at_risk].map(|all| all.get(&account));
        let noted = noted.into_iter().flatten().flatten().rev();
        let noted = noted.filter_map(|template| self.fill(template));
        distinct(noted.chain(self.value(account, Property::Password)))
    }

    /// Fills a template with the values of this run.
    pub fn fill(&self, template: &str) -> Option<Secret> {
        let filled = Placeholder::fill(template, |placeholder| self.accounts.text(placeholder));
        filled.ok().map(Secret::new)
    }

    /// Returns whether an administrator can restore passwords.
    pub fn has_admin(&self) -> bool {
        self.accounts.present().contains(&Account::Admin)
    }

    fn value(&self, account: Account, property: Property) -> Option<Secret> {
        self.accounts.value(Placeholder { account, property })
    }

    /// Sends one request about an account, with its current password and a new one, and reads the answer.
    pub(super) async fn ask(
        &mut self,
        operation: Operation,
        account: Account,
        current: &Secret,
        new: &Secret,
    ) -> SessionReply {
        let case = own_case(operation, account);
        let fill = |placeholder: Placeholder| match placeholder.property {
            Property::Password if placeholder.account == account => Ok(current.expose().to_owned()),
            Property::NewPassword => Ok(new.expose().to_owned()),
            _ => self.accounts.text(placeholder),
        };
        let request = match request::build(&case.steps[0], self.contract, &self.served, &fill) {
            Ok(request) => request,
            Err(error) => return SessionReply::Unclear(error.to_string()),
        };
        let credentials = change::credentials(request.body(), operation);
        self.last_status = None;
        if let Some(reason) = self.why_not_send(credentials.as_ref()) {
            return SessionReply::NotSent(reason);
        }
        // What may fail is counted before it is sent, so that a run that is killed meanwhile remembers it.
        let is_counted = !credentials.as_ref().is_some_and(|sent| self.is_known(sent));
        self.sign_ins.add(u32::from(is_counted));
        let answer = self.target.send(&request).await;
        let judged = judge(self.contract, &self.served, &case, 0, &request, &answer);
        self.evidence.extend(judged.evidence);
        let reply = self.read(operation, judged.outcome, &answer);
        self.count(is_counted, &reply, &answer, credentials.as_ref());
        let Some(credentials) = credentials else {
            return reply;
        };
        match &reply {
            SessionReply::Accepted => self.learn(credentials, true),
            SessionReply::Rejected(outcome) if budget::is_failure(*outcome) => {
                // A validation may ask whether a password is still valid; an administrator's password always should be.
                let is_unexpected =
                    operation == Operation::SetPasswordByAdmin || *outcome == Outcome::LockedOut;
                if is_unexpected && self.should_be_valid(&credentials) {
                    self.newly_rejected = self.account(&credentials.username);
                }
                if operation == Operation::Validation {
                    self.learn(credentials, false);
                }
            }
            _ => {}
        }
        reply
    }
}

/// The pause before a validation is asked for again.
const AGAIN: Duration = Duration::from_millis(300);
/// How many passwords are tried if no administrator can set one.
const MAX_ATTEMPTS: usize = 3;
