//! Which mode strikes which call: every armed mode counts what it admits, the first in order whose conditions hold strikes.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use crate::{
    appliance::Moment,
    contract::Operation,
    failure::{During, FailureAction, FailureMode, Per, RandomSource, Scope, ScopeCounter, When},
};

/// The failure modes of an appliance, with what each has counted.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub struct Schedule {
    /// The places of those that are armed, in order: the others, however many are loaded, cost a call nothing.
    armed: Vec<usize>,
    modes: Vec<Mode>,
    seed: u64,
}

/// A request, as a schedule sees it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The operation; none for a request that is none.
    pub operation: Option<Operation>,
    /// The user it is about, if it could be read.
    pub user: Option<&'a str>,
    /// Where it comes from.
    pub source: IpAddr,
    /// The connection it comes over.
    pub connection: u64,
    /// When.
    pub now: Moment,
}

/// A mode that strikes.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// The mode's name.
    pub mode: Arc<str>,
    /// What it does.
    pub action: Arc<FailureAction>,
    /// Everything random about it.
    pub random: RandomSource,
    /// The ordinal it strikes, counted from 1 in its scope.
    pub ordinal: u64,
}

/// What a mode has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counter {
    /// The mode's name.
    pub mode: String,
    /// Whether it is armed.
    pub armed: bool,
    /// How many calls it admitted while armed.
    pub seen: u64,
    /// How many it fired.
    pub fired: u64,
}

#[derive(Clone, Debug)]
struct Mode {
    name: Arc<str>,
    failure: FailureMode,
    armed: bool,
    seen: u64,
    fired: u64,
    scopes: HashMap<Scope, ScopeCounter>,
}

impl Schedule {
    /// Takes modes in their order, armed as they say.
    pub fn new(failures: Vec<FailureMode>, seed: u64) -> Schedule {
        let mut schedule = Schedule {
            modes: failures.into_iter().map(Mode::new).collect(),
            armed: Vec::new(),
            seed,
        };
        schedule.list_armed();
        schedule
    }

    /// Counts a request at every mode that admits it and returns the first that strikes.
    pub fn request(&mut self, call: &Call<'_>) -> Option<Trigger> {
        let mut trigger = None;
        for place in &self.armed {
            let mode = &mut self.modes[*place];
            if !mode.failure.action.is_connection_level() && mode.admits(call) {
                let scope = Scope::of(
                    mode.failure.when.per,
                    call.user,
                    call.source,
                    call.connection,
                );
                let fired = mode.count(scope, call.now, self.seed, trigger.is_none());
                trigger = trigger.or(fired);
            }
        }
        trigger
    }

    /// Counts a new connection at every mode that concerns connections and returns the first that strikes.
    pub fn connection(&mut self, source: IpAddr, connection: u64, now: Moment) -> Option<Trigger> {
        let mut trigger = None;
        for place in &self.armed {
            let mode = &mut self.modes[*place];
            if mode.failure.action.is_connection_level() {
                let scope = Scope::of(mode.failure.when.per, None, source, connection);
                let fired = mode.count(scope, now, self.seed, trigger.is_none());
                trigger = trigger.or(fired);
            }
        }
        trigger
    }

    /// Returns the armed modes that close the port by the clock alone: with `during` and no condition that counts.
    ///
    /// Each with the span in which it strikes, and for how long the port is then closed. Whoever holds the clock closes the port
    /// when the span begins and tells it by [`Schedule::fired_by_clock`]; a connection made later in the span strikes again.
    pub fn scheduled_outages(&self) -> Vec<(Arc<str>, During, Duration)> {
        let outage = |mode: &Mode| {
            let When {
                times: _,
                calls,
                after: None,
                every: None,
                rate: None,
                during: Some(during),
                per: _,
            } = &mode.failure.when
            else {
                return None;
            };
            (mode.armed && calls.is_empty()).then_some((
                Arc::clone(&mode.name),
                *during,
                mode.failure.action.down?,
            ))
        };
        self.modes.iter().filter_map(outage).collect()
    }

    /// Counts that a mode has fired by the clock, without a connection.
    pub fn fired_by_clock(&mut self, name: &str) {
        if let Some(mode) = self.modes.iter_mut().find(|mode| &*mode.name == name) {
            mode.fired += 1;
            mode.scopes.entry(Scope::Appliance).or_default().fired += 1;
        }
    }

    /// Forgets what was counted for a connection that is gone.
    pub fn connection_closed(&mut self, connection: u64) {
        for mode in self
            .modes
            .iter_mut()
            .filter(|mode| mode.failure.when.per == Per::Connection)
        {
            mode.scopes.remove(&Scope::Connection(connection));
        }
    }

    /// Forgets everything counted; modes are armed as they say.
    pub fn reset(&mut self) {
        for mode in &mut self.modes {
            (mode.armed, mode.seen, mode.fired) = (mode.failure.armed, 0, 0);
            mode.scopes.clear();
        }
        self.list_armed();
    }

    /// Arms or disarms a mode; tells whether there is one of that name.
    pub fn arm(&mut self, name: &str, armed: bool) -> bool {
        let known = self
            .modes
            .iter_mut()
            .find(|mode| &*mode.name == name)
            .map(|mode| mode.armed = armed)
            .is_some();
        self.list_armed();
        known
    }

    /// Returns what each mode has counted, in order.
    pub fn counters(&self) -> Vec<Counter> {
        self.modes
            .iter()
            .map(|mode| Counter {
                mode: mode.name.to_string(),
                armed: mode.armed,
                seen: mode.seen,
                fired: mode.fired,
            })
            .collect()
    }

    /// Returns the modes as they were given, in order.
    pub fn failures(&self) -> impl Iterator<Item = &FailureMode> {
        self.modes.iter().map(|mode| &mode.failure)
    }

    /// Replaces modes by those of the same names; what was counted stays, and whether they are armed.
    pub fn reload(&mut self, failures: Vec<FailureMode>) {
        for failure in failures {
            if let Some(mode) = self
                .modes
                .iter_mut()
                .find(|mode| *mode.name == *failure.name)
            {
                mode.failure = FailureMode {
                    armed: mode.failure.armed,
                    ..failure
                };
            }
        }
    }

    /// Adds a mode after the others, armed as it says; tells whether its name was free.
    pub fn add(&mut self, failure: FailureMode) -> bool {
        let free = self.modes.iter().all(|mode| *mode.name != *failure.name);
        if free {
            self.modes.push(Mode::new(failure));
            self.list_armed();
        }
        free
    }

    /// Removes a mode; tells whether there was one of that name.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.modes.len();
        self.modes.retain(|mode| &*mode.name != name);
        self.list_armed();
        self.modes.len() < before
    }

    /// Tells whether no mode is armed: then nothing has to be read, counted or asked.
    pub fn is_idle(&self) -> bool {
        self.armed.is_empty()
    }

    fn list_armed(&mut self) {
        self.armed = (0..self.modes.len())
            .filter(|place| self.modes[*place].armed)
            .collect();
    }

    /// Returns the seed of everything random.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Tells whether there is no mode at all.
    pub fn is_empty(&self) -> bool {
        self.modes.is_empty()
    }
}

impl Mode {
    fn new(failure: FailureMode) -> Mode {
        Mode {
            name: failure.name.as_str().into(),
            armed: failure.armed,
            seen: 0,
            fired: 0,
            scopes: HashMap::new(),
            failure,
        }
    }

    fn admits(&self, call: &Call<'_>) -> bool {
        self.failure.on.as_ref().is_none_or(|operations| {
            call.operation
                .is_some_and(|operation| operations.contains(&operation))
        }) && self
            .failure
            .user
            .as_ref()
            .is_none_or(|user| call.user == Some(user))
    }

    /// Counts a call in its scope; `free` says that no earlier mode has fired it.
    fn count(&mut self, scope: Scope, now: Moment, seed: u64, free: bool) -> Option<Trigger> {
        if self.scopes.len() >= MOST_SCOPES && !self.scopes.contains_key(&scope) {
            return None;
        }
        self.seen += 1;
        let tally = self.scopes.entry(scope.clone()).or_default();
        tally.seen += 1;
        let ordinal = tally.seen;
        let when = &self.failure.when;
        if !free
            || when.times.is_some_and(|times| tally.fired >= times)
            || !when.holds(ordinal, now)
        {
            return None;
        }
        // A draw is two thousand instructions: made last, and only for a call that may be fired.
        let random = RandomSource::new(seed, &self.name, &scope.label(), ordinal);
        if when.rate.is_some_and(|rate| random.unit("rate") >= rate) {
            return None;
        }
        tally.fired += 1;
        self.fired += 1;
        Some(Trigger {
            mode: Arc::clone(&self.name),
            action: Arc::clone(&self.failure.action),
            random,
            ordinal,
        })
    }
}

impl When {
    /// Tells whether every condition but `rate` and `times` holds for the so-manieth call.
    pub(crate) fn holds(&self, ordinal: u64, now: Moment) -> bool {
        (self.calls.is_empty() || self.calls.contains(&ordinal))
            && self.after.is_none_or(|after| ordinal > after)
            && self.every.is_none_or(|every| ordinal.is_multiple_of(every))
            && self
                .during
                .is_none_or(|during| now.0 >= during.from && now.0 - during.from < during.length)
    }
}

/// How many users, sources or connections a mode counts apart; beyond that, new ones are left in peace.
pub const MOST_SCOPES: usize = 100_000;

#[cfg(test)]
mod tests;
