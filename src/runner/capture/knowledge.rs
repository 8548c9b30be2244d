//! What several exchanges of one user tell: which password is right after a change, and which is not any more.

use std::collections::BTreeMap;

use crate::{
    contract::{Condition, Operation, Outcome},
    runner::capture::classify::{Classified, KnownCredentials, Values},
};

/// What is known of the users of one appliance.
#[derive(Default)]
pub(super) struct Knowledge {
    users: BTreeMap<String, KnownUser>,
    /// Who failed to sign in, as often as each did since the last success. After some, the user or the address may be locked.
    failures: Vec<String>,
}

struct KnownUser {
    /// As it was written: names alike but for case may be one user or two.
    name: String,
    password: String,
    /// The password before it.
    replaced: Option<String>,
    source: PasswordSource,
}

/// The exchange that told a password, by its number.
#[derive(Clone, Copy)]
pub(super) enum PasswordSource {
    /// It set the password.
    Set(usize),
    /// It showed the password to be the right one.
    Shown(usize),
}

impl Knowledge {
    /// Forgets every password: any may have been changed.
    pub(super) fn forget(&mut self) {
        self.users.clear();
    }

    /// Returns what is known of credentials, and what told it.
    pub(super) fn of(&self, values: &Values) -> (KnownCredentials, Option<PasswordSource>) {
        let user = self.users.get(&key(&values.account));
        let user = user.filter(|user| user.name == values.account && !values.password.is_empty());
        let Some(user) = user else {
            return (KnownCredentials::Unknown, None);
        };
        let known = match &values.password {
            right if *right == user.password => match self.failures.len() < MAX_FAILURES {
                true => KnownCredentials::Right,
                false => KnownCredentials::Unknown,
            },
            other if is_alike(&user.password, other) => KnownCredentials::Unknown,
            old if user.replaced.as_ref() == Some(old) => KnownCredentials::Replaced,
            _ => KnownCredentials::Other,
        };
        let is_usable = matches!(known, KnownCredentials::Right | KnownCredentials::Replaced);
        (known, is_usable.then_some(user.source))
    }

    /// Takes in what the exchange of a number tells.
    pub(super) fn learn(
        &mut self,
        number: usize,
        request: &Classified,
        outcome: Option<Outcome>,
        is_success: bool,
    ) {
        let (values, operation) = (&request.values, request.operation);
        // It is not clear what was asked.
        let is_unclear = request.has(Condition::UnknownPath);
        let is_refused = !is_success && outcome.is_some_and(|outcome| !outcome.is_success());
        let has_change = !values.target.is_empty() && !values.new_password.is_empty();
        let is_done = is_success && !is_unclear && has_change;
        if (operation.is_change() || is_unclear) && !is_refused && !is_done {
            // It may have been done, to whomever.
            return self.forget();
        }
        if is_unclear {
            return;
        }
        let is_rejected = outcome == Some(operation.rejection());
        if is_success {
            self.failures.retain(|name| *name != values.account);
            if operation != Operation::SetPassword {
                self.show(&values.account, &values.password, number);
            }
            if operation.is_change() {
                self.set(request, number);
            }
        } else if is_rejected || outcome == Some(Outcome::LockedOut) {
            let is_first = !self.failures.contains(&values.account);
            self.failures.push(values.account.clone());
            let user = self.users.get(&key(&values.account));
            let was_right = user.is_some_and(|user| user.password == values.password);
            if is_rejected && was_right && is_first {
                // Somebody else has changed it.
                self.users.remove(&key(&values.account));
            }
        }
    }

    fn show(&mut self, name: &str, password: &str, number: usize) {
        let known = self.users.get(&key(name));
        let is_known = known.is_some_and(|user| user.name == name && user.password == password);
        if !is_known && !name.is_empty() && !password.is_empty() {
            self.know(name, password, None, PasswordSource::Shown(number));
        }
    }

    fn set(&mut self, request: &Classified, number: usize) {
        let values = &request.values;
        let known = self.users.get(&key(&values.target));
        let known = known.filter(|user| user.name == values.target);
        // Who changes the own password tells the old one.
        let old = match request.operation {
            Operation::SetPassword => Some(values.password.clone()),
            _ => known.map(|user| user.password.clone()),
        };
        let old = old.filter(|old| *old != values.new_password);
        let source = PasswordSource::Set(number);
        self.know(&values.target, &values.new_password, old, source);
    }

    fn know(
        &mut self,
        name: &str,
        password: &str,
        replaced: Option<String>,
        source: PasswordSource,
    ) {
        let user = KnownUser {
            name: name.to_owned(),
            password: password.to_owned(),
            replaced,
            source,
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
    let start = |text: &str| text.as_bytes().get(..MAX_COMPARED).map(<[u8]>::to_vec);
    one.trim() == other.trim() || start(one).is_some_and(|one| start(other) == Some(one))
}

/// From how many failures on a lock is possible.
const MAX_FAILURES: usize = 3;
/// How many bytes of a password some appliances compare.
const MAX_COMPARED: usize = 32;
