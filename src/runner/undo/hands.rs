//! The hands of a run: what asks a target on the run's own behalf, and what it has learnt by that.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};

use super::journal::Journal;
use crate::{
    client::{ClientError, Target},
    conformance::{
        Account, Case, Placeholder, Property,
        evidence::Evidence,
        recognise, request, verdict,
        verdict::{Received, Sent},
    },
    contract::{Contract, Operation, Outcome, Readings},
    runner::{Accounts, budget, undo::sent},
};

/// What asks a target on the run's own behalf, and what it has learnt.
#[derive(Debug)]
pub struct Hands<'a> {
    target: &'a Target,
    contract: &'a Contract,
    accounts: &'a Accounts,
    /// Which path readings the target serves.
    pub served: Readings,
    /// How many sign-ins have failed, those foreseen and those not.
    pub failures: u32,
    /// What the answers tell of the target's readings.
    pub evidence: Vec<Evidence>,
    /// Whose credentials, accepted before and in force, were refused.
    pub refused: Option<Account>,
    /// Which credentials the target has accepted.
    accepted: BTreeSet<(String, String)>,
    /// Which password each account has, where that is known.
    holds: BTreeMap<Account, String>,
    /// Whose password is none of those this run knows of.
    pub(super) puzzles: BTreeSet<Account>,
}

/// What an answer says of what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Yes: these are the credentials; it was replaced.
    Yes,
    /// No, in the contract's words.
    No(Outcome),
    /// Neither, in words; it may have been carried out.
    Unclear(String),
}

impl<'a> Hands<'a> {
    /// Prepares to ask a target.
    pub fn new(
        target: &'a Target,
        contract: &'a Contract,
        accounts: &'a Accounts,
        served: Readings,
    ) -> Hands<'a> {
        let (failures, evidence, refused, accepted, holds, puzzles) = Default::default();
        Hands {
            target,
            contract,
            accounts,
            served,
            failures,
            evidence,
            refused,
            accepted,
            holds,
            puzzles,
        }
    }

    /// Returns the password that an account is known to have.
    pub fn known(&self, account: Account) -> Option<String> {
        self.holds.get(&account).cloned()
    }

    /// Returns credentials that should hold, if there are any.
    pub fn anybody(&self) -> Option<(Account, String)> {
        let mut accepted = self
            .accepted
            .iter()
            .filter(|(username, password)| self.should_hold(username, password));
        accepted.find_map(|(username, password)| Some((self.account(username)?, password.clone())))
    }

    /// Remembers credentials that an answer accepted.
    pub fn accept(&mut self, username: &str, password: &str) {
        self.accepted
            .insert((username.to_owned(), password.to_owned()));
    }

    /// Tells whether these credentials have been accepted and still should be.
    pub fn should_hold(&self, username: &str, password: &str) -> bool {
        let of = |account: &Account| {
            self.value(*account, Property::Username)
                .is_some_and(|name| name == username)
        };
        let now = self
            .holds
            .iter()
            .find(|(account, _)| of(account))
            .map(|(_, password)| password.as_str());
        self.accepted
            .contains(&(username.to_owned(), password.to_owned()))
            && now.is_none_or(|now| now == password)
    }

    /// Asks whether an account has a password; an unclear answer is asked for again, since asking changes nothing.
    pub async fn validate(&mut self, account: Account, password: &str) -> Said {
        let mut said = Said::Unclear(String::new());
        for pause in PATIENCE {
            tokio::time::sleep(pause).await;
            let request = self.request(Operation::Validation, &|placeholder| match placeholder
                .property
            {
                Property::Username => self.value(account, Property::Username),
                _ => Some(password.to_owned()),
            });
            said = self.ask(Operation::Validation, request).await;
            match &said {
                Said::Yes => {
                    self.holds.insert(account, password.to_owned());
                    self.puzzles.remove(&account);
                    if let Some(username) = self.value(account, Property::Username) {
                        self.accept(&username, password);
                    }
                    return said;
                }
                Said::No(_) => return said,
                Said::Unclear(_) => {}
            }
        }
        said
    }

    /// Finds out which of some passwords an account has, in their order.
    ///
    /// # Errors
    /// None of them does, or it cannot be told; in words.
    pub async fn find(&mut self, account: Account, passwords: &[String]) -> Result<String, String> {
        self.holds.remove(&account);
        for password in passwords
            .iter()
            .take(if self.has_admin() { 2 } else { MOST_TRIED })
        {
            match self.validate(account, password).await {
                Said::Yes => return Ok(password.clone()),
                Said::No(Outcome::LockedOut) => {
                    return Err("the target says that it is locked out".into());
                }
                Said::No(_) => {}
                Said::Unclear(trouble) => return Err(trouble),
            }
        }
        self.puzzles.insert(account);
        Err(PUZZLE.to_owned())
    }

    /// Returns the name the target knows an account by.
    pub fn username(&self, account: Account) -> String {
        self.value(account, Property::Username).unwrap_or_default()
    }

    /// Returns the account that has a name.
    pub fn account(&self, username: &str) -> Option<Account> {
        self.accounts
            .present()
            .into_iter()
            .find(|account| self.username(*account) == username)
    }

    /// Returns the passwords an account may have: what the journal says, the latest first, then the account's own, then all that the run made up.
    pub fn candidates(&self, account: Account, journal: &Journal) -> Vec<String> {
        let noted = journal.at_risk().get(&account).into_iter().flatten().rev();
        let mut candidates: Vec<String> =
            noted.filter_map(|template| self.fill(template)).collect();
        let made = [
            Property::Password,
            Property::NewPassword,
            Property::NewerPassword,
        ];
        candidates.extend(
            made.into_iter()
                .filter_map(|property| self.value(account, property)),
        );
        let mut once = BTreeSet::new();
        candidates.retain(|candidate| once.insert(candidate.clone()));
        candidates
    }

    /// Fills a template with the values of this run.
    pub fn fill(&self, template: &str) -> Option<String> {
        Placeholder::fill(template, |placeholder| self.accounts.value(placeholder)).ok()
    }

    pub(super) fn has_admin(&self) -> bool {
        self.accounts.present().contains(&Account::Admin)
    }

    pub(super) fn value(&self, account: Account, property: Property) -> Option<String> {
        self.accounts.value(Placeholder { account, property }).ok()
    }

    /// Builds one request of our own.
    pub(super) fn request(
        &self,
        operation: Operation,
        fill: &dyn Fn(Placeholder) -> Option<String>,
    ) -> Result<Request<Bytes>, String> {
        let filled =
            |placeholder| fill(placeholder).ok_or_else(|| format!("there is no {placeholder}"));
        request::build(
            &own_case(operation).steps[0],
            self.contract,
            &self.served,
            &filled,
        )
    }

    /// Sends it and reads what is said.
    pub(super) async fn ask(
        &mut self,
        operation: Operation,
        request: Result<Request<Bytes>, String>,
    ) -> Said {
        let request = match request {
            Ok(request) => request,
            Err(error) => return Said::Unclear(error),
        };
        let answer = self.target.send(&request).await;
        self.learn(operation, &request, answer)
    }

    fn learn(
        &mut self,
        operation: Operation,
        request: &Request<Bytes>,
        answer: Result<Response<Bytes>, ClientError>,
    ) -> Said {
        let username = crate::runner::username(request);
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Said::Unclear(error.to_string()),
        };
        let case = own_case(operation);
        let asked = Sent {
            contract: self.contract,
            served: &self.served,
            case: &case,
            number: 0,
            username: &username,
        };
        self.evidence
            .extend(verdict::of_step(&asked, Received::Answer(&answer)).evidence);
        let said = said(self.contract, operation, &username, &answer);
        if let (Said::Yes, Some((username, password))) =
            (&said, sent::sign_in(request.body(), operation))
        {
            self.accept(&username, &password);
        }
        if let Said::No(outcome) = &said
            && budget::is_failure(*outcome)
        {
            self.failures += 1;
            // A validation may be the very question whether a password still holds; an administrator's is never in question.
            let asked = sent::sign_in(request.body(), operation).filter(|_| {
                operation == Operation::SetPasswordByAdmin || *outcome == Outcome::LockedOut
            });
            if let Some((username, password)) =
                asked.filter(|(username, password)| self.should_hold(username, password))
            {
                drop(password);
                self.refused = self.account(&username);
            }
        }
        said
    }
}

/// Reads an answer: any reading of the good outcome is a yes, any of another outcome a no.
fn said(
    contract: &Contract,
    operation: Operation,
    username: &str,
    answer: &Response<Bytes>,
) -> Said {
    let good = if operation == Operation::Validation {
        Outcome::Authenticated
    } else {
        Outcome::PasswordReplaced
    };
    let read = recognise::Answer::new(answer);
    if recognise::recognise(contract, operation, good, username, &read).is_ok() {
        return Said::Yes;
    }
    match recognise::whatever(contract, operation, username, &read) {
        Some((outcome, _)) => Said::No(outcome),
        None => Said::Unclear(format!(
            "an answer of status {} that says nothing the documents know",
            answer.status().as_u16()
        )),
    }
}

/// The cases of our own requests: so they are built and judged as any other.
pub(super) fn own_case(operation: Operation) -> Case {
    let (fields, expect) = match operation {
        Operation::Validation => (
            r#"{"username":"«user.username»","password":"«user.password»"}"#,
            Outcome::Authenticated,
        ),
        Operation::SetPassword => (
            r#"{"username":"«user.username»","password":"«user.password»","new_password":"«user.new_password»"}"#,
            Outcome::PasswordReplaced,
        ),
        Operation::SetPasswordByAdmin => (
            r#"{"admin_username":"«admin.username»","admin_password":"«admin.password»","username":"«user.username»","new_password":"«user.new_password»"}"#,
            Outcome::PasswordReplaced,
        ),
    };
    let text = format!(
        r#"{{"id":"undo","title":"undo","effect":"none","steps":[{{"ask":"{operation}","fields":{fields},"expect":"{expect}"}}]}}"#
    );
    serde_json::from_str(&text).expect("the text is a case")
}

/// How long is waited before each time a validation is sent: a target that is just starting is given some seconds.
const PATIENCE: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(2),
];
/// How many passwords are tried where no administrator can set one: each miss counts towards a lock-out.
const MOST_TRIED: usize = 3;
/// What is said where every password was tried in vain.
pub(super) const PUZZLE: &str = "no password this run knows of is accepted";
