//! Too many failed sign-ins lock a source address or an account for a time.
//!
//! The product documents five failures and the address. How long, what counts and what resets the count are assumed facts of
//! the contract: `any.lock_minutes`, `any.on_unknown_names`, `any.on_refused_request`, `any.on_locked_target`.

use std::{collections::BTreeMap, mem, net::IpAddr, time::Duration};

use crate::{
    appliance::Moment,
    contract::{Condition, closed_set},
};

/// When failed sign-ins lock, and who is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lockout {
    /// The number of failures in a row that locks, at least 1.
    pub after: u32,
    /// Whom the failures are counted for.
    pub scope: Scope,
    /// How long a lock lasts.
    pub duration: Duration,
    /// By account or address, whichever the scope is.
    failures: BTreeMap<String, FailureCount>,
}

closed_set! {
    /// Whom failures are counted for.
    #[non_exhaustive]
    Scope, "scope" {
        /// The user name that was tried, if there is such a user.
        Account = "account",
        /// The address the request came from.
        Source = "source",
    }
}

/// FailureCount in a row, and the moment of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FailureCount {
    count: u32,
    last: Moment,
}

impl Scope {
    /// Returns the condition of a sign-in that is locked out.
    pub fn condition(self) -> Condition {
        match self {
            Scope::Account => Condition::LockedUser,
            Scope::Source => Condition::LockedSource,
        }
    }
}

impl Lockout {
    /// Returns a lock-out that has counted nothing yet.
    pub fn new(after: u32, scope: Scope, duration: Duration) -> Lockout {
        Lockout {
            after,
            scope,
            duration,
            failures: BTreeMap::new(),
        }
    }

    /// Returns whether a sign-in from this source as this account is locked out.
    pub(super) fn is_locked(&self, source: IpAddr, account: &str, now: Moment) -> bool {
        let failures = self.failures.get(&self.key(source, account));
        failures.is_some_and(|failures| self.locks(failures) && !self.is_over(failures, now))
    }

    /// Counts a failed sign-in. After a lock has ended the count starts again.
    pub(super) fn count_failure(&mut self, source: IpAddr, account: &str, now: Moment) {
        if self.failures.len() >= MAX_COUNTED {
            let mut failures = mem::take(&mut self.failures);
            failures.retain(|_, failures| self.locks(failures) && !self.is_over(failures, now));
            self.failures = failures;
        }
        let key = self.key(source, account);
        let before = self.failures.get(&key);
        let before = before.filter(|before| !(self.locks(before) && self.is_over(before, now)));
        let count = before.map_or(0, |before| before.count).saturating_add(1);
        self.failures.insert(key, FailureCount { count, last: now });
    }

    /// Forgets the failures after a successful sign-in.
    pub(super) fn count_success(&mut self, source: IpAddr, account: &str) {
        self.failures.remove(&self.key(source, account));
    }

    /// Forgets the failures of an account, where accounts are locked.
    pub(super) fn forget_account(&mut self, account: &str) {
        if self.scope == Scope::Account {
            self.failures.remove(account);
        }
    }

    fn locks(&self, failures: &FailureCount) -> bool {
        failures.count >= self.after
    }

    fn is_over(&self, failures: &FailureCount, now: Moment) -> bool {
        now.0.saturating_sub(failures.last.0) >= self.duration
    }

    fn key(&self, source: IpAddr, account: &str) -> String {
        match self.scope {
            Scope::Account => account.to_owned(),
            Scope::Source => source.to_string(),
        }
    }
}

/// The number of sources or accounts from which those that are not locked are forgotten.
const MAX_COUNTED: usize = 10_000;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    fn after_three(scope: Scope) -> Lockout {
        let mut lockout = Lockout::new(3, scope, Duration::from_secs(60));
        (0..3).for_each(|second| lockout.count_failure(HERE, "test", at(second)));
        lockout
    }

    #[test]
    fn a_source_is_locked_for_every_account() {
        let lockout = after_three(Scope::Source);
        assert!(
            lockout.is_locked(HERE, "other", at(3)) && !lockout.is_locked(THERE, "test", at(3))
        );
    }

    #[test]
    fn an_account_is_locked_from_every_source() {
        let lockout = after_three(Scope::Account);
        assert!(
            lockout.is_locked(THERE, "test", at(3)) && !lockout.is_locked(HERE, "other", at(3))
        );
    }

    #[test]
    fn a_lock_ends_and_the_count_restarts() {
        let mut lockout = after_three(Scope::Source);
        assert!(
            lockout.is_locked(HERE, "test", at(61)) && !lockout.is_locked(HERE, "test", at(62))
        );
        lockout.count_failure(HERE, "test", at(62));
        assert!(!lockout.is_locked(HERE, "test", at(62)));
    }

    #[test]
    fn a_successful_sign_in_forgets_the_failures() {
        let mut lockout = Lockout::new(2, Scope::Source, Duration::from_secs(60));
        lockout.count_failure(HERE, "test", at(0));
        lockout.count_success(HERE, "test");
        lockout.count_failure(HERE, "test", at(1));
        assert!(!lockout.is_locked(HERE, "test", at(1)));
    }
}
