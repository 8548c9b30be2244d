//! One appliance behind a port: its rules, its state and its failure modes under a lock, its clock.
//!
//! A request is read and its answer worded outside the lock; only the judgement, the modes' counting and the change are inside.
//! So of any number of clients that change one password from the same old one at once, exactly one succeeds. A mode that strikes
//! decides inside whether the change is made, and bends the answer outside: no lock is held while anything is held back.

mod budget;
mod connections;
mod ledger;
mod look;
mod manage;
mod service;
mod standing;
mod tell;
mod unmatched;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

pub use budget::Budget;
use connections::Connections;
use ledger::Ledger;
pub use look::{Explanation, Page, Totals};
use tokio::sync::Notify;
pub use unmatched::Unmatched;

use crate::{
    appliance::{Appliance, Moment, Rules, State},
    clock::Clock,
    failure::{Counter, Failure, Schedule},
    journal::Bounds,
};

/// An appliance that can be served.
// Of a thousand appliances none lies in the processor's caches when it is asked, and each line of them that an answer touches takes as
// long as some hundred instructions. So what it touches stands first, here and in all of which this is made, as far as `present`'s
// lock-out: three lines. The users themselves, the clock and the ledger have lines of their own.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Host {
    /// Replaced as a whole when a fixture is read again.
    rules: RwLock<Arc<Rules>>,
    clock: Clock,
    ledger: Arc<Ledger>,
    present: Mutex<Present>,
    /// What a reset goes back to.
    loaded: Mutex<Loaded>,
    /// Tells whoever waits for the next closing of the port that it may be another.
    rescheduled: Notify,
    unmatched: Mutex<Unmatched>,
    connections: Connections,
    /// What it is called where its requests are told.
    name: Box<str>,
}

/// What requests change.
#[derive(Clone, Debug)]
#[repr(C)]
struct Present {
    schedule: Schedule,
    state: State,
}

/// What was loaded: rules, state and modes, and what the clock showed.
#[derive(Clone, Debug)]
struct Loaded {
    rules: Arc<Rules>,
    present: Present,
    shows: (Moment, bool),
}

impl Host {
    /// Takes an appliance in, with its failure modes; its clock starts now.
    pub fn new(appliance: Appliance, schedule: Schedule) -> Host {
        Host::with_clock(appliance, schedule, Clock::start())
    }

    /// Takes an appliance in that goes by this clock.
    pub fn with_clock(appliance: Appliance, schedule: Schedule, clock: Clock) -> Host {
        let present = Present {
            state: appliance.state,
            schedule,
        };
        let loaded = Loaded {
            rules: Arc::clone(&appliance.rules),
            present: present.clone(),
            shows: (Moment::default(), false),
        };
        Host {
            rules: RwLock::new(appliance.rules),
            present: Mutex::new(present),
            loaded: Mutex::new(loaded),
            clock,
            rescheduled: Notify::new(),
            unmatched: Mutex::default(),
            ledger: Ledger::new(Bounds::default(), Budget::of_the_process()),
            connections: Connections::default(),
            name: "".into(),
        }
    }

    /// Is called so where its requests are told.
    #[must_use]
    pub fn named(self, name: &str) -> Host {
        Host {
            name: name.into(),
            ..self
        }
    }

    /// Keeps a journal of these bounds, and shares this budget with other hosts, in place of the defaults: 1,000 entries and 8 MiB,
    /// and 256 MiB over all of the process. What was noted before is forgotten.
    #[must_use]
    pub fn keeping(self, bounds: Bounds, budget: Arc<Budget>) -> Host {
        Host {
            ledger: Ledger::new(bounds, budget),
            ..self
        }
    }

    /// Puts another state in place of the present one, between two requests.
    pub fn put(&self, state: State) {
        lock(&self.present).state = state;
    }

    /// Returns a copy of the present state.
    pub fn state(&self) -> State {
        lock(&self.present).state.clone()
    }

    /// Becomes another appliance between two requests: rules, state, modes, and a clock that begins anew. Connections stay.
    pub fn replace(&self, appliance: Appliance, schedule: Schedule) {
        let present = Present {
            state: appliance.state,
            schedule,
        };
        *lock(&self.loaded) = Loaded {
            rules: appliance.rules,
            present,
            shows: (Moment::default(), false),
        };
        self.reset();
    }

    /// Goes back to what was loaded: readings, users, modes and what they have counted, clock, journal, requests that hit no operation.
    pub fn reset(&self) {
        let loaded = lock(&self.loaded).clone();
        loaded.put_into(self);
        *lock(&self.unmatched) = Unmatched::default();
        self.rescheduled.notify_waiters();
    }

    /// Arms or disarms a failure mode; tells whether there is one of that name.
    pub fn arm(&self, name: &str, armed: bool) -> bool {
        let known = lock(&self.present).schedule.arm(name, armed);
        self.rescheduled.notify_waiters();
        known
    }

    /// Adds a failure mode after the others, armed as it says, until the next reset; tells whether its name was free.
    pub fn add(&self, failure: Failure) -> bool {
        let free = lock(&self.present).schedule.add(failure);
        self.rescheduled.notify_waiters();
        free
    }

    /// Removes a failure mode until the next reset; tells whether there was one of that name.
    pub fn remove(&self, name: &str) -> bool {
        let known = lock(&self.present).schedule.remove(name);
        self.rescheduled.notify_waiters();
        known
    }

    /// Returns what each failure mode has counted since the start or the last reset, in order.
    pub fn counters(&self) -> Vec<Counter> {
        lock(&self.present).schedule.counters()
    }

    /// Returns how many connections there have been since the start, and how many are open.
    pub fn connections(&self) -> (u64, u64) {
        self.connections.counted()
    }

    /// Returns the requests that hit no operation since the start or the last reset.
    pub fn unmatched(&self) -> Unmatched {
        lock(&self.unmatched).clone()
    }

    /// Borrowed rather than cloned: an answer is short, and a count that all share would be written twice for each.
    fn rules(&self) -> RwLockReadGuard<'_, Arc<Rules>> {
        self.rules.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A panic inside a lock would leave what it guards as it was: changes are made last and whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{mem::offset_of, time::Duration};

    use super::*;

    #[test]
    fn what_an_answer_touches_lies_in_three_lines_of_a_cache() {
        let lock = size_of::<Mutex<Present>>() - size_of::<Present>();
        let hold = offset_of!(Host, present) + lock + offset_of!(Present, state.lockout);
        assert!(
            align_of::<Host>() == 64 && hold + size_of::<Duration>() <= 192,
            "{hold}"
        );
    }
}
