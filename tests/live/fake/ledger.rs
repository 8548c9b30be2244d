//! What was done to a fake appliance: failed sign-ins, locks, accounts touched, changes that are due.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use bytes::Bytes;
use d4iot_double::server::MockAppliance;
use http::Response;

use crate::fake::set_password;

/// When failed sign-ins lock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lock {
    pub(crate) after: usize,
    pub(crate) by: LockedBy,
    /// Whether a success resets the count.
    pub(crate) resets: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockedBy {
    Account,
    Source,
}

impl Lock {
    /// Sign-ins may fail as often as they like.
    pub(crate) const NEVER: Lock = Lock {
        after: usize::MAX,
        ..Lock::SENSOR
    };

    /// As a sensor does.
    pub(crate) const SENSOR: Lock = Lock {
        after: 5,
        by: LockedBy::Source,
        resets: true,
    };
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The passwords that users had at first.
    pub(crate) original: BTreeMap<String, String>,
    pub(crate) seen: Vec<Seen>,
    /// Requests so far.
    pub(crate) requests: usize,
    /// Changes of an existing user's password with right credentials so far.
    pub(crate) changes: usize,
    /// Failed sign-ins so far.
    pub(crate) failed: usize,
    /// By address or account: failures in a row now, and at most.
    rows: BTreeMap<String, (usize, usize)>,
    /// Addresses and accounts that were locked.
    pub(crate) locked: BTreeSet<String>,
    /// Existing users whom a request named.
    pub(crate) named: BTreeSet<String>,
    /// Users whose password was changed, or who were created.
    pub(crate) touched: BTreeSet<String>,
    /// Passwords that users have had.
    pub(crate) history: BTreeMap<String, Vec<String>>,
    /// When a user's password was changed last.
    pub(crate) changed_at: BTreeMap<String, Instant>,
    /// Changes that take effect later: when, whose, to what.
    pub(crate) due: Vec<(Instant, String, String)>,
    /// What a behaviour counts.
    pub(crate) counted: usize,
    /// Answers that are given again until a moment.
    pub(crate) cached: BTreeMap<Bytes, (Instant, Response<Bytes>)>,
}

/// A request that was made.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Bytes,
    /// Whether it was a sign-in that failed.
    pub(crate) failed: bool,
}

impl Seen {
    /// Whether it could change a password: it names somebody and brings a new one.
    pub(crate) fn changes(&self) -> bool {
        let body = String::from_utf8_lossy(&self.body);
        self.method == "POST"
            && self.path.contains("set_password")
            && body.contains("new_password")
            && body.contains("\"username\":\"lab-")
    }
}

impl Ledger {
    pub(crate) fn new(original: BTreeMap<String, String>) -> Ledger {
        Ledger {
            original,
            ..Ledger::default()
        }
    }

    /// The most failures in a row of any address or account.
    pub(crate) fn longest_row(&self) -> usize {
        let longest = self.rows.values().map(|(_, longest)| *longest);
        longest.max().unwrap_or(0)
    }

    /// Counts a failed sign-in.
    pub(crate) fn fail(&mut self, lock: Lock, source: &str, account: &str) {
        self.failed += 1;
        for (by, key) in keys(source, account) {
            let row = self.rows.entry(key.clone()).or_default();
            row.0 += 1;
            row.1 = row.1.max(row.0);
            if by == lock.by && row.0 >= lock.after {
                self.locked.insert(key);
            }
        }
    }

    /// Ends the rows of whoever signed in.
    pub(crate) fn succeed(&mut self, lock: Lock, source: &str, account: &str) {
        if lock.resets {
            for (_, key) in keys(source, account) {
                self.rows.entry(key).or_default().0 = 0;
            }
        }
    }

    pub(crate) fn is_locked(&self, source: &str, account: &str) -> bool {
        keys(source, account)
            .iter()
            .any(|(_, key)| self.locked.contains(key))
    }

    /// Makes the changes that are due by now.
    pub(crate) fn settle(&mut self, host: &MockAppliance) {
        let now = Instant::now();
        let (due, later) = std::mem::take(&mut self.due)
            .into_iter()
            .partition(|(at, ..)| *at <= now);
        self.due = later;
        let due: Vec<(Instant, String, String)> = due;
        for (_, username, password) in due {
            set_password(host, &username, &password);
            self.touched.insert(username);
        }
    }

    /// What is due later is due now.
    pub(crate) fn hurry(&mut self) {
        let now = Instant::now();
        self.due.iter_mut().for_each(|(at, ..)| *at = now);
    }

    pub(crate) fn note_changes(
        &mut self,
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
    ) {
        for (username, password) in after {
            let old = before.get(username);
            if old != Some(password) {
                self.touched.insert(username.clone());
                self.changed_at.insert(username.clone(), Instant::now());
                let history = self.history.entry(username.clone()).or_default();
                history.extend(old.cloned());
            }
        }
    }
}

fn keys(source: &str, account: &str) -> [(LockedBy, String); 2] {
    [
        (LockedBy::Source, format!("address {source}")),
        (LockedBy::Account, format!("account {account}")),
    ]
}
