//! A mock appliance: its rules, state and failure modes under one lock, its journal, its clock.
//!
//! A request is parsed and its response rendered outside the lock; evaluation, the counting of
//! failure modes, the change of the state and the journal entry are inside. So of any number of
//! clients that change one password at once, exactly one succeeds. A failure mode decides inside
//! whether the change is made, and spoils the answer outside.

mod answer;
mod inspect;
mod log;
mod manage;
mod outage;
mod unmatched;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard},
};

pub use inspect::{Explanation, JournalPage};
use outage::Outage;
use tokio::sync::Notify;
pub use unmatched::UnmatchedRequests;

use crate::{
    appliance::{Appliance, Moment, Rules, State},
    clock::Clock,
    contract,
    contract::Kind,
    failure::{Counter, Schedule},
    fixture::Fixture,
    journal::{Bounds, MemoryBudget, SharedJournal, lock},
};

/// A mock appliance, which answers requests.
#[derive(Debug)]
pub struct MockAppliance {
    clock: Clock,
    journal: Arc<SharedJournal>,
    /// Everything that requests and the control API change, under one lock: two need an order.
    content: Mutex<Content>,
    /// Wakes what waits for an outage to begin or end.
    rescheduled: Notify,
}

#[derive(Debug)]
struct Content {
    name: Arc<str>,
    current: ScheduledAppliance,
    /// What a reset goes back to.
    loaded: ScheduledAppliance,
    unmatched: UnmatchedRequests,
    /// The failure modes that fired before other content was loaded.
    fired_before: BTreeSet<String>,
    is_port_closed: bool,
}

/// All that a reset restores.
#[derive(Clone, Debug)]
struct ScheduledAppliance {
    appliance: Appliance,
    schedule: Schedule,
    outage: Option<Outage>,
    /// Whether the clock stands still at its start.
    is_frozen: bool,
}

impl MockAppliance {
    /// Returns an appliance with its failure modes, whose clock starts now.
    pub fn new(appliance: Appliance, schedule: Schedule) -> MockAppliance {
        MockAppliance::with_content("", ScheduledAppliance::new(appliance, schedule, false))
    }

    /// Returns the appliance of a fixture. `seed` decides everything random.
    pub fn from_fixture(fixture: &Fixture, seed: u64) -> MockAppliance {
        MockAppliance::with_content(&fixture.name, ScheduledAppliance::of(fixture, seed))
    }

    fn with_content(name: &str, loaded: ScheduledAppliance) -> MockAppliance {
        MockAppliance {
            clock: Clock::start_at(Moment::default(), loaded.is_frozen),
            content: Mutex::new(Content {
                name: name.into(),
                current: loaded.clone(),
                loaded,
                unmatched: UnmatchedRequests::default(),
                fired_before: BTreeSet::new(),
                is_port_closed: false,
            }),
            journal: SharedJournal::new(Bounds::default(), MemoryBudget::of_the_process()),
            rescheduled: Notify::new(),
        }
    }

    /// Serves every operation below a path, such as `/10.0.0.5`.
    #[must_use]
    pub fn with_path_prefix(self, prefix: &str) -> MockAppliance {
        let mut content = self.lock_content();
        content.loaded.serve_below(prefix);
        content.current = content.loaded.clone();
        drop(content);
        self
    }

    /// Returns what stands before the path of every operation.
    pub fn path_prefix(&self) -> String {
        self.rules().prefix().to_owned()
    }

    /// Replaces the empty journal by one of these bounds, which shares this budget with others; the
    /// default is 1,000 entries and 8 MiB, and 256 MiB for the process.
    #[must_use]
    pub fn with_journal(self, bounds: Bounds, budget: Arc<MemoryBudget>) -> MockAppliance {
        MockAppliance {
            journal: SharedJournal::new(bounds, budget),
            ..self
        }
    }

    /// Becomes the appliance of a fixture between two requests. A reset goes back to this from now on.
    /// Connections stay.
    pub fn load(&self, fixture: &Fixture, seed: u64) {
        let mut content = self.lock_content();
        let counters = content.current.schedule.counters().into_iter();
        let fired = counters.filter(|counter| counter.fired > 0);
        let fired = fired.map(|counter| counter.mode);
        content.fired_before.extend(fired);
        content.name = fixture.name.as_str().into();
        content.loaded = ScheduledAppliance::of(fixture, seed);
        let rules = Arc::clone(&content.current.appliance.rules);
        content.loaded.serve_below(rules.prefix());
        self.restore(&mut content);
    }

    /// Goes back to what was loaded: readings, users, failure modes and counters, clock, journal,
    /// unmatched requests. An outage ends.
    pub fn reset(&self) {
        self.restore(&mut self.lock_content());
    }

    /// One lock round all of it: no request is evaluated by the new state and the old time.
    fn restore(&self, content: &mut Content) {
        content.current = content.loaded.clone();
        self.clock.set(Moment::default(), content.loaded.is_frozen);
        content.unmatched = UnmatchedRequests::default();
        self.clear_journal();
        self.rescheduled.notify_waiters();
    }

    /// Returns the fixture of this appliance as it is between two requests. It is named after its kind,
    /// has no address, and nothing that was counted.
    pub fn export(&self) -> Fixture {
        let content = self.lock_content();
        let current = &content.current;
        Fixture::of(current.appliance.clone(), &current.schedule)
    }

    /// Returns the name.
    pub fn name(&self) -> Arc<str> {
        Arc::clone(&self.lock_content().name)
    }

    /// Returns the kind of appliance.
    pub fn kind(&self) -> Kind {
        self.rules().kind()
    }

    /// Returns the seed of everything random.
    pub fn seed(&self) -> u64 {
        self.lock_content().current.schedule.seed()
    }

    /// Returns the clock of delays, lock-outs and outages.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Replaces the state between two requests.
    pub fn set_state(&self, state: State) {
        self.lock_content().current.appliance.state = state;
    }

    /// Returns a copy of the state.
    pub fn state(&self) -> State {
        self.lock_content().current.appliance.state.clone()
    }

    /// Returns what each failure mode has counted since the start or the last reset, in order.
    pub fn counters(&self) -> Vec<Counter> {
        self.lock_content().current.schedule.counters()
    }

    /// Returns the requests that hit no operation since the start or the last reset.
    pub fn unmatched(&self) -> UnmatchedRequests {
        self.lock_content().unmatched.clone()
    }

    /// Returns the armed failure modes that never fired, before a fixture was loaded neither.
    pub(super) fn idle_modes(&self) -> Vec<Counter> {
        let content = self.lock_content();
        let counters = content.current.schedule.counters().into_iter();
        counters
            .filter(|counter| counter.armed && counter.fired == 0)
            .filter(|counter| !content.fired_before.contains(&counter.mode))
            .collect()
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.lock_content().current.appliance.rules)
    }

    /// A panic inside the lock leaves the content whole: changes are made last.
    fn lock_content(&self) -> MutexGuard<'_, Content> {
        lock(&self.content)
    }
}

impl ScheduledAppliance {
    fn new(appliance: Appliance, schedule: Schedule, is_frozen: bool) -> ScheduledAppliance {
        ScheduledAppliance {
            appliance,
            schedule,
            outage: None,
            is_frozen,
        }
    }

    fn serve_below(&mut self, prefix: &str) {
        let rules = &mut self.appliance.rules;
        if rules.prefix() != prefix {
            let own = Rules::new(contract::of(rules.kind()), rules.readings());
            *rules = Arc::new(own.below(prefix));
        }
    }

    fn of(fixture: &Fixture, seed: u64) -> ScheduledAppliance {
        ScheduledAppliance::new(fixture.appliance(), fixture.schedule(seed), fixture.frozen)
    }
}
