//! What several exchanges of one user tell: which password is right after a change, and which is not any more.

use std::collections::BTreeMap;

use crate::{
    contract::{Operation, Outcome},
    runner::capture::classify::{KnownCredentials, Values},
};

/// What is known of the users of one appliance.
#[derive(Default)]
pub(super) struct Knowledge {
    users: BTreeMap<String, KnownUser>,
    /// How many sign-ins failed in a row, whoever it was: an address may be locked.
    failures: u32,
    /// The same of each user.
    failures_of: BTreeMap<String, u32>,
}

struct KnownUser {
    password: String,
    /// The password before it.
    replaced: Option<String>,
    /// The exchange that told, and whether that set the password.
    source: (usize, bool),
    /// When its answer had come.
    since: Option<f64>,
}

/// An exchange that has been judged.
pub(super) struct JudgedExchange<'a> {
    pub(super) number: usize,
    pub(super) operation: Operation,
    pub(super) values: &'a Values,
    pub(super) outcome: Option<Outcome>,
    pub(super) is_success: bool,
    pub(super) ended: Option<f64>,
}

impl Knowledge {
    /// Returns what is known of credentials at a moment, and the exchange that told, with whether that set the password.
    pub(super) fn of(
        &self,
        values: &Values,
        started: Option<f64>,
    ) -> (KnownCredentials, Option<(usize, bool)>) {
        let unknown = (KnownCredentials::Unknown, None);
        let Some(user) = self.users.get(&values.account) else {
            return unknown;
        };
        let is_before = started
            .zip(user.since)
            .is_some_and(|(started, since)| started < since);
        if is_before || values.account.is_empty() || values.password.is_empty() {
            return unknown;
        }
        let source = Some(user.source);
        if user.password == values.password {
            // After so many failures the user or the address may be locked.
            let failures = self.failures_of.get(&values.account);
            let failures = failures.copied().unwrap_or_default().max(self.failures);
            let is_locked = failures >= MAX_FAILURES;
            return if is_locked {
                unknown
            } else {
                (KnownCredentials::Right, source)
            };
        }
        if is_alike(&user.password, &values.password) {
            return unknown;
        }
        match user.replaced.as_ref() == Some(&values.password) {
            true => (KnownCredentials::Replaced, source),
            false => (KnownCredentials::Other, source),
        }
    }

    /// Takes in what an exchange tells.
    pub(super) fn learn(&mut self, exchange: &JudgedExchange<'_>) {
        let JudgedExchange {
            operation,
            values,
            outcome,
            is_success,
            ..
        } = *exchange;
        if is_success {
            self.failures = 0;
            // An administrator's change may leave a lock of the user as it is.
            self.failures_of.remove(&values.account);
            let is_own_change = operation == Operation::SetPassword;
            if !is_own_change {
                self.know(exchange, &values.account, &values.password, false);
            }
            if operation.is_change() {
                self.know(exchange, &values.target, &values.new_password, true);
            }
            return;
        }
        let is_rejected = outcome == Some(operation.rejection());
        if is_rejected || outcome == Some(Outcome::LockedOut) {
            self.failures += 1;
            let failures = self.failures_of.entry(values.account.clone()).or_default();
            *failures += 1;
            let known = self.users.get(&values.account);
            let was_right = known.is_some_and(|user| user.password == values.password);
            if is_rejected && was_right && *failures == 1 {
                // Somebody else has changed it.
                self.users.remove(&values.account);
            }
        } else if operation.is_change() && outcome.is_none() {
            // It may have been done.
            self.users.remove(&values.target);
        }
    }

    fn know(&mut self, exchange: &JudgedExchange<'_>, name: &str, password: &str, is_set: bool) {
        if name.is_empty() || password.is_empty() {
            return;
        }
        let before = self.users.remove(name);
        let is_same = before
            .as_ref()
            .is_some_and(|user| user.password == password);
        let source = before
            .as_ref()
            .filter(|_| is_same && !is_set)
            .map(|user| user.source);
        let replaced = match before {
            Some(user) if is_same => user.replaced,
            Some(user) if is_set => Some(user.password),
            _ => None,
        };
        // Who changes the own password tells the old one.
        let own = Some(exchange.values.password.clone());
        let replaced = match exchange.operation {
            Operation::SetPassword if is_set => own.filter(|own| own != password),
            _ => replaced,
        };
        let user = KnownUser {
            password: password.to_owned(),
            replaced,
            source: source.unwrap_or((exchange.number, is_set)),
            since: exchange.ended,
        };
        self.users.insert(name.to_owned(), user);
    }
}

/// Tells whether two passwords are one to some appliances: no page says whether blanks count, nor how many bytes.
fn is_alike(one: &str, other: &str) -> bool {
    let start = |text: &str| text.as_bytes()[..text.len().min(MAX_COMPARED)].to_vec();
    one.trim() == other.trim()
        || one.len().min(other.len()) >= MAX_COMPARED && start(one) == start(other)
}

/// After how many failures in a row a lock is possible.
const MAX_FAILURES: u32 = 3;
/// How many bytes of a password some appliances compare.
const MAX_COMPARED: usize = 32;
