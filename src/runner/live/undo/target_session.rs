//! The run's own requests to a target: validations, changes back, and what their answers tell.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use thiserror::Error;

use super::{
    change,
    journal::UndoJournal,
    own_request::{SessionReply, own_case, success},
};
use crate::{
    client::Target,
    contract::{Contract, Operation, Outcome, Readings},
    redact::Secret,
    runner::{Accounts, accounts_file::Credentials, judge::judge, live::budget},
    suite::{Account, Placeholder, Property, evidence::Evidence, request},
};

/// Sends the run's own requests to a target, and keeps what it learns.
#[derive(Debug)]
pub struct TargetSession<'a> {
    /// The contract of the target.
    pub contract: &'a Contract,
    target: &'a Target,
    accounts: &'a Accounts,
    served: Readings,
    /// How many sign-ins of these requests have failed and are not counted yet.
    pub failures: u32,
    /// What the answers say of the target's readings.
    pub evidence: Vec<Evidence>,
    /// The account whose credentials were accepted, should still be valid, and were rejected.
    pub refused: Option<Account>,
    /// The credentials that the target has accepted.
    accepted: Vec<Credentials>,
    /// The current password of each account, if it is known.
    current: BTreeMap<Account, Secret>,
    /// The accounts that accepted none of the passwords that this run knows.
    pub(super) unknown_passwords: BTreeSet<Account>,
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
    ) -> TargetSession<'a> {
        TargetSession {
            contract,
            target,
            accounts,
            served,
            failures: 0,
            evidence: Vec::new(),
            refused: None,
            accepted: Vec::new(),
            current: BTreeMap::new(),
            unknown_passwords: BTreeSet::new(),
        }
    }

    /// Returns the current password of an account, if it is known.
    pub fn current(&self, account: Account) -> Option<Secret> {
        self.current.get(&account).cloned()
    }

    /// Returns credentials that should be valid, if there are any.
    pub fn any_valid(&self) -> Option<(Account, Secret)> {
        self.accepted.iter().find_map(|credentials| {
            let account = self.account(&credentials.username)?;
            let valid = self.should_be_valid(credentials);
            valid.then(|| (account, credentials.password.clone()))
        })
    }

    /// Remembers credentials that an answer accepted.
    pub fn accept(&mut self, credentials: Credentials) {
        if !self.accepted.contains(&credentials) {
            self.accepted.push(credentials);
        }
    }

    /// Tells whether credentials have been accepted, and no later change replaced them.
    pub fn should_be_valid(&self, credentials: &Credentials) -> bool {
        let account = self.account(&credentials.username);
        let current = account.and_then(|account| self.current.get(&account));
        self.accepted.contains(credentials)
            && current.is_none_or(|current| *current == credentials.password)
    }

    /// Tells whether this password of an account has been accepted, and no later change replaced it.
    pub fn has_accepted(&self, account: Account, password: &Secret) -> bool {
        let (username, password) = (self.username(account), password.clone());
        self.should_be_valid(&Credentials { username, password })
    }

    /// Validates a password of an account. An unclear answer is asked for again, since a validation changes nothing.
    pub async fn validate(&mut self, account: Account, password: &Secret) -> SessionReply {
        let mut reply = SessionReply::Unclear(String::new());
        for delay in VALIDATION_DELAYS {
            tokio::time::sleep(delay).await;
            let ask = self.ask(Operation::Validation, account, password, password);
            reply = ask.await;
            if !matches!(reply, SessionReply::Unclear(_)) {
                break;
            }
        }
        if reply == SessionReply::Accepted {
            self.current.insert(account, password.clone());
            self.unknown_passwords.remove(&account);
        }
        reply
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
        self.current.remove(&account);
        let attempts = if self.has_admin() { 2 } else { MAX_ATTEMPTS };
        for password in passwords.iter().take(attempts) {
            match self.validate(account, password).await {
                SessionReply::Accepted => return Ok(password.clone()),
                SessionReply::Rejected(Outcome::LockedOut) => {
                    return Err(PasswordUnknown::LockedOut);
                }
                SessionReply::Rejected(_) => {}
                SessionReply::Unclear(reason) => return Err(PasswordUnknown::Unclear(reason)),
            }
        }
        self.unknown_passwords.insert(account);
        Err(PasswordUnknown::NoneAccepted)
    }

    /// Returns the user name of an account.
    pub fn username(&self, account: Account) -> String {
        let username = self.value(account, Property::Username);
        username.map_or_else(String::new, |name| name.expose().to_owned())
    }

    /// Returns the account of a user name.
    pub fn account(&self, username: &str) -> Option<Account> {
        let mut present = self.accounts.present().into_iter();
        present.find(|account| self.username(*account) == username)
    }

    /// Returns an account's own password, as the accounts file has it.
    pub fn own_password(&self, account: Account) -> Secret {
        let own = self.value(account, Property::Password);
        own.unwrap_or_else(|| Secret::new(""))
    }

    /// Returns the possible passwords of an account: those of the journal, the latest first; its own; and all that the run generates.
    pub fn candidates(&self, account: Account, journal: &UndoJournal) -> Vec<Secret> {
        let noted = journal.at_risk().get(&account).into_iter().flatten().rev();
        let noted = noted.filter_map(|template| self.fill(template));
        let own = [
            Property::Password,
            Property::NewPassword,
            Property::NewerPassword,
        ];
        let own = own.map(|property| self.value(account, property));
        distinct(noted.chain(own.into_iter().flatten()))
    }

    /// Fills a template with the values of this run.
    pub fn fill(&self, template: &str) -> Option<Secret> {
        let filled = Placeholder::fill(template, |placeholder| self.accounts.text(placeholder));
        filled.ok().map(Secret::new)
    }

    /// Tells whether an administrator can restore passwords.
    pub fn has_admin(&self) -> bool {
        self.accounts.present().contains(&Account::Admin)
    }

    fn value(&self, account: Account, property: Property) -> Option<Secret> {
        let placeholder = Placeholder { account, property };
        self.accounts.value(placeholder).cloned()
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
        let answer = self.target.send(&request).await;
        let judged = judge(self.contract, &self.served, &case, 0, &request, &answer);
        let status = match answer {
            Ok(answer) => answer.status().as_u16(),
            Err(error) => return SessionReply::Unclear(error.to_string()),
        };
        self.evidence.extend(judged.evidence);
        let reply = match judged.outcome {
            Some(outcome) if outcome == success(operation) => SessionReply::Accepted,
            Some(outcome) => SessionReply::Rejected(outcome),
            None => SessionReply::Unclear(format!(
                "the answer has status {status} and matches nothing in the documentation"
            )),
        };
        let credentials = change::credentials(request.body(), operation);
        match (&reply, credentials) {
            (SessionReply::Accepted, Some(credentials)) => self.accept(credentials),
            (SessionReply::Rejected(outcome), credentials) if budget::is_failure(*outcome) => {
                self.failures += 1;
                // A validation may ask whether a password is still valid; an administrator's password always should be.
                let is_unexpected =
                    operation == Operation::SetPasswordByAdmin || *outcome == Outcome::LockedOut;
                if let Some(credentials) = credentials
                    && is_unexpected
                    && self.should_be_valid(&credentials)
                {
                    self.refused = self.account(&credentials.username);
                }
            }
            _ => {}
        }
        reply
    }
}

/// Returns secrets without repetitions, in order.
pub(in crate::runner::live) fn distinct(secrets: impl IntoIterator<Item = Secret>) -> Vec<Secret> {
    let mut distinct = Vec::new();
    for secret in secrets {
        if !distinct.contains(&secret) {
            distinct.push(secret);
        }
    }
    distinct
}

/// The pause before each attempt of a validation. A target that is just starting gets some seconds.
const VALIDATION_DELAYS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(2),
];
/// How many passwords are tried if no administrator can set one: each failure counts towards a lock-out.
const MAX_ATTEMPTS: usize = 3;
