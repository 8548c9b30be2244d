//! One appliance behind a port: its rules, its state and its failure modes under a lock, its clock.
//!
//! A request is read and its answer worded outside the lock; only the judgement, the modes' counting and the change are inside.
//! So of any number of clients that change one password from the same old one at once, exactly one succeeds. A mode that strikes
//! decides inside whether the change is made, and bends the answer outside: no lock is held while anything is held back.

mod connections;
mod look;
mod manage;
mod service;
mod standing;
mod tell;
mod unmatched;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use connections::Connections;
pub use look::{Explanation, Page, Totals};
use tokio::sync::Notify;
pub use unmatched::Unmatched;

use crate::{
    appliance::{Appliance, Moment, Rules, State},
    clock::Clock,
    failure::{Counter, FailureMode, Schedule},
    journal::{Bounds, MemoryBudget, SharedJournal},
};

/// An appliance that can be served.
#[derive(Debug)]
pub struct Host {
    clock: Clock,
    journal: Arc<SharedJournal>,
    /// Everything that requests and the control API change, under one lock: two would need an order.
    content: Mutex<Content>,
    /// Tells whoever waits for the next closing of the port that it may be another.
    rescheduled: Notify,
    connections: Connections,
    /// What it is called where its requests are told.
    name: Box<str>,
}

/// What an appliance is at the moment, and what a reset goes back to.
#[derive(Debug)]
struct Content {
    present: Present,
    loaded: Loaded,
    unmatched: Unmatched,
}

/// Rules, state and failure modes.
#[derive(Clone, Debug)]
struct Present {
    rules: Arc<Rules>,
    schedule: Schedule,
    state: State,
}

/// What was loaded, and what the clock showed.
#[derive(Clone, Debug)]
struct Loaded {
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
        Host::with_loaded(Loaded::new(appliance, schedule), clock)
    }

    fn with_loaded(loaded: Loaded, clock: Clock) -> Host {
        Host {
            content: Mutex::new(Content {
                present: loaded.present.clone(),
                loaded,
                unmatched: Unmatched::default(),
            }),
            clock,
            rescheduled: Notify::new(),
            journal: SharedJournal::new(Bounds::default(), MemoryBudget::of_the_process()),
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
    pub fn keeping(self, bounds: Bounds, budget: Arc<MemoryBudget>) -> Host {
        Host {
            journal: SharedJournal::new(bounds, budget),
            ..self
        }
    }

    /// Puts another state in place of the present one, between two requests.
    pub fn put(&self, state: State) {
        self.content().present.state = state;
    }

    /// Returns a copy of the present state.
    pub fn state(&self) -> State {
        self.content().present.state.clone()
    }

    /// Becomes another appliance between two requests: rules, state, modes, and a clock that begins anew. Connections stay.
    pub fn replace(&self, appliance: Appliance, schedule: Schedule) {
        self.load(Loaded::new(appliance, schedule));
    }

    /// Goes back to what was loaded: readings, users, modes and what they have counted, clock, journal, requests that hit no operation.
    pub fn reset(&self) {
        self.restore(&mut self.content());
        self.rescheduled.notify_waiters();
    }

    /// Loads other content and goes back to it.
    fn load(&self, loaded: Loaded) {
        let mut content = self.content();
        content.loaded = loaded;
        self.restore(&mut content);
        drop(content);
        self.rescheduled.notify_waiters();
    }

    /// Goes back to what was loaded, with the clock and the journal: no request is judged by the new state and the old time.
    fn restore(&self, content: &mut Content) {
        content.present = content.loaded.present.clone();
        content.unmatched = Unmatched::default();
        let (moment, frozen) = content.loaded.shows;
        self.clock.set(moment, frozen);
        self.journal.clear();
    }

    /// Arms or disarms a failure mode; tells whether there is one of that name.
    pub fn arm(&self, name: &str, armed: bool) -> bool {
        let known = self.content().present.schedule.arm(name, armed);
        self.rescheduled.notify_waiters();
        known
    }

    /// Adds a failure mode after the others, armed as it says, until the next reset; tells whether its name was free.
    pub fn add(&self, failure: FailureMode) -> bool {
        let free = self.content().present.schedule.add(failure);
        self.rescheduled.notify_waiters();
        free
    }

    /// Removes a failure mode until the next reset; tells whether there was one of that name.
    pub fn remove(&self, name: &str) -> bool {
        let known = self.content().present.schedule.remove(name);
        self.rescheduled.notify_waiters();
        known
    }

    /// Returns what each failure mode has counted since the start or the last reset, in order.
    pub fn counters(&self) -> Vec<Counter> {
        self.content().present.schedule.counters()
    }

    /// Returns how many connections there have been since the start, and how many are open.
    pub fn connections(&self) -> (u64, u64) {
        self.connections.counted()
    }

    /// Returns the requests that hit no operation since the start or the last reset.
    pub fn unmatched(&self) -> Unmatched {
        self.content().unmatched.clone()
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.content().present.rules)
    }

    /// A panic inside the lock leaves what it guards as it was: changes are made last and whole.
    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loaded {
    /// What a clock that begins at zero starts with.
    fn new(appliance: Appliance, schedule: Schedule) -> Loaded {
        Loaded {
            present: Present {
                rules: appliance.rules,
                state: appliance.state,
                schedule,
            },
            shows: (Moment::default(), false),
        }
    }
}
