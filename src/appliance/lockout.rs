//! Too many failed sign-ins lock a source address or an account for a time.
//!
//! The product documents five failures and the address (see the README); how long and what resets the count is assumed.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use crate::{
    appliance::Moment,
    contract::{Circumstance, closed_set},
};

/// When failed sign-ins lock, and who is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Lockout {
    /// How long a lock holds.
    // First, for by its bytes an `Option` tells whether there is a lock-out at all: see `Host`.
    pub hold: Duration,
    /// After how many failures in a row, at least 1.
    pub after: u32,
    /// Whom the failures are counted for.
    pub scope: Scope,
    failures: BTreeMap<Counted, Count>,
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

/// One for whom failures are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Counted {
    /// A user name.
    Account(String),
    /// An address.
    Source(IpAddr),
}

/// The failures of one, in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub failures: u32,
    /// When the last one was.
    pub last: Moment,
}

impl Scope {
    /// Returns the circumstance of one who is locked out.
    pub fn circumstance(self) -> Circumstance {
        match self {
            Scope::Account => Circumstance::LockedUser,
            Scope::Source => Circumstance::LockedSource,
        }
    }
}

impl Lockout {
    /// Returns a lock-out that has seen nothing yet.
    pub fn new(after: u32, scope: Scope, hold: Duration) -> Lockout {
        Lockout {
            after,
            scope,
            hold,
            failures: BTreeMap::new(),
        }
    }

    /// Tells whether a sign-in from this source as this account is barred at this moment.
    pub fn bars(&self, source: IpAddr, account: &str, now: Moment) -> bool {
        self.failures
            .get(&self.key(source, account))
            .is_some_and(|count| count.failures >= self.after && !self.is_over(count, now))
    }

    /// Counts a failed sign-in. One that comes after a lock has ended starts anew.
    pub fn failed(&mut self, source: IpAddr, account: &str, now: Moment) {
        if self.failures.len() >= MOST_COUNTED {
            let (after, hold) = (self.after, self.hold);
            self.failures.retain(|_, count| {
                count.failures >= after && now.0.saturating_sub(count.last.0) < hold
            });
        }
        let key = self.key(source, account);
        let over = self
            .failures
            .get(&key)
            .is_some_and(|count| count.failures >= self.after && self.is_over(count, now));
        let count = self.failures.entry(key).or_insert(Count {
            failures: 0,
            last: now,
        });
        *count = Count {
            failures: if over {
                1
            } else {
                count.failures.saturating_add(1)
            },
            last: now,
        };
    }

    /// Forgets the failures after a sign-in that was right.
    pub fn succeeded(&mut self, source: IpAddr, account: &str) {
        if !self.failures.is_empty() {
            let key = self.key(source, account);
            self.failures.remove(&key);
        }
    }

    fn is_over(&self, count: &Count, now: Moment) -> bool {
        now.0.saturating_sub(count.last.0) >= self.hold
    }

    fn key(&self, source: IpAddr, account: &str) -> Counted {
        match self.scope {
            Scope::Account => Counted::Account(account.to_owned()),
            Scope::Source => Counted::Source(source),
        }
    }
}

/// How many sources or accounts are counted before those that are not locked are forgotten.
const MOST_COUNTED: usize = 10_000;

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
        (0..3).for_each(|second| lockout.failed(HERE, "test", at(second)));
        lockout
    }

    #[test]
    fn a_source_is_barred_whatever_the_account() {
        let lockout = after_three(Scope::Source);
        assert!(lockout.bars(HERE, "other", at(3)) && !lockout.bars(THERE, "test", at(3)));
    }

    #[test]
    fn an_account_is_barred_wherever_it_comes_from() {
        let lockout = after_three(Scope::Account);
        assert!(lockout.bars(THERE, "test", at(3)) && !lockout.bars(HERE, "other", at(3)));
    }

    #[test]
    fn a_lock_ends_and_the_count_starts_anew() {
        let mut lockout = after_three(Scope::Source);
        assert!(lockout.bars(HERE, "test", at(61)) && !lockout.bars(HERE, "test", at(62)));
        lockout.failed(HERE, "test", at(62));
        assert!(!lockout.bars(HERE, "test", at(62)));
    }

    #[test]
    fn a_right_sign_in_forgets_the_failures() {
        let mut lockout = Lockout::new(2, Scope::Source, Duration::from_secs(60));
        lockout.failed(HERE, "test", at(0));
        lockout.succeeded(HERE, "test");
        lockout.failed(HERE, "test", at(1));
        assert!(!lockout.bars(HERE, "test", at(1)));
    }
}
