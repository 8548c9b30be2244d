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
    /// As it was written: names alike but for case may be one user or two.
    name: String,
    password: String,
    /// The password before it.
    replaced: Option<String>,
    /// The exchange that told, and whether that set the password.
    source: (usize, bool),
}

/// An exchange that has been judged.
pub(super) struct JudgedExchange<'a> {
    pub(super) number: usize,
    pub(super) operation: Operation,
    pub(super) values: &'a Values,
    pub(super) outcome: Option<Outcome>,
    pub(super) is_success: bool,
    /// Whether it may change a password.
    pub(super) may_change: bool,
    /// Whether it is not clear what was asked, or in what order: nothing is learnt of it.
    pub(super) is_unclear: bool,
}

impl Knowledge {
    /// Forgets every password: any may have been changed.
    pub(super) fn forget(&mut self) {
        self.users.clear();
    }

    /// Returns what is known of credentials, and the exchange that told, with whether that set the password.
    pub(super) fn of(&self, values: &Values) -> (KnownCredentials, Option<(usize, bool)>) {
        let unknown = (KnownCredentials::Unknown, None);
        let Some(user) = self.users.get(&key(&values.account)) else {
            return unknown;
        };
        if user.name != values.account || values.password.is_empty() {
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
            may_change,
            is_unclear,
            ..
        } = *exchange;
        let is_refused = outcome.is_some_and(|outcome| !outcome.is_success()) && !is_success;
        let is_clear_change = is_success && !is_unclear;
        let is_clear_change =
            is_clear_change && !values.target.is_empty() && !values.new_password.is_empty();
        if may_change && !is_refused && !is_clear_change {
            // It may have been done, to whomever.
            return self.forget();
        }
        if is_unclear {
            return;
        }
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
            let known = self.users.get(&key(&values.account));
            let was_right = known.is_some_and(|user| user.password == values.password);
            if is_rejected && was_right && *failures == 1 {
                // Somebody else has changed it.
                self.users.remove(&key(&values.account));
            }
        }
    }

    fn know(&mut self, exchange: &JudgedExchange<'_>, name: &str, password: &str, is_set: bool) {
        if name.is_empty() || password.is_empty() {
            return;
        }
        let before = self.users.remove(&key(name));
        let before = before.filter(|user| user.name == name);
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
            name: name.to_owned(),
            password: password.to_owned(),
            replaced,
            source: source.unwrap_or((exchange.number, is_set)),
        };
        self.users.insert(key(name), user);
    }
}

/// Returns what names have in common that may be one user's.
fn key(name: &str) -> String {
    name.trim().to_lowercase()
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
