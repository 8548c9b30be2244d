//! Which mode fires on which call: every armed mode counts the calls it applies to, and the first whose
//! conditions hold fires.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use sha2::{Digest, Sha256};

use crate::{
    appliance::Moment,
    contract::{Operation, Outcome, encoding::hex},
    failure::{During, FailureAction, FailureMode, Per, RandomSource, When},
};

/// The failure modes of an appliance, with what each has counted.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
    modes: Vec<ModeState>,
    /// The modes that fired on connections which are still open, by the connection's number.
    connections: HashMap<u64, Arc<str>>,
    seed: u64,
}

/// A request, as a schedule sees it.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The operation; none for a request that is none.
    pub operation: Option<Operation>,
    /// What the appliance came to; none for a connection.
    pub outcome: Option<Outcome>,
    /// The user it is about, if it could be read.
    pub user: Option<&'a str>,
    /// Where it comes from.
    pub source: IpAddr,
    /// The connection it comes over.
    pub connection: u64,
    /// When.
    pub now: Moment,
}

/// A mode that fires on a call.
#[derive(Clone, Debug)]
pub struct Trigger {
    /// The mode's name.
    pub mode: Arc<str>,
    /// What it does.
    pub action: Arc<FailureAction>,
    /// Everything random about it.
    pub random: RandomSource,
    /// Which call it is, counted from 1 in the scope.
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
    /// How many calls it applied to while armed.
    pub seen: u64,
    /// How often it fired.
    pub fired: u64,
}

#[derive(Clone, Debug)]
struct ModeState {
    name: Arc<str>,
    failure: FailureMode,
    counter: Counter,
    /// What was counted together, by its label.
    scopes: HashMap<String, ScopeCounter>,
}

#[derive(Clone, Copy, Debug, Default)]
struct ScopeCounter {
    /// How many calls the mode applied to.
    seen: u64,
    /// How often the mode fired.
    fired: u64,
}

impl Schedule {
    /// Takes modes in order, armed as they say.
    pub fn new(failures: Vec<FailureMode>, seed: u64) -> Schedule {
        Schedule {
            modes: failures.into_iter().map(ModeState::new).collect(),
            connections: HashMap::new(),
            seed,
        }
    }

    /// Counts a request at every mode that applies to it and returns the first that fires.
    pub fn request(&mut self, call: &Call<'_>) -> Option<Trigger> {
        self.count(call, |mode| {
            !mode.action.is_connection_level()
                && mode.applies_to(call.operation, call.outcome, call.user)
        })
    }

    /// Counts a new connection at every mode for connections and returns the first that fires.
    pub fn connection(&mut self, source: IpAddr, connection: u64, now: Moment) -> Option<Trigger> {
        let call = Call {
            operation: None,
            outcome: None,
            user: None,
            source,
            connection,
            now,
        };
        let trigger = self.count(&call, |mode| mode.action.is_connection_level())?;
        let mode = Arc::clone(&trigger.mode);
        self.connections.insert(connection, mode);
        Some(trigger)
    }

    /// Returns the mode that fired when an open connection was made.
    pub fn fired_on_connection(&self, connection: u64) -> Option<Arc<str>> {
        self.connections.get(&connection).cloned()
    }

    fn count(
        &mut self,
        call: &Call<'_>,
        applies: impl Fn(&FailureMode) -> bool,
    ) -> Option<Trigger> {
        let mut trigger = None;
        for mode in self.modes.iter_mut().filter(|mode| mode.counter.armed) {
            if applies(&mode.failure) {
                let fired = mode.count(call, self.seed, trigger.is_none());
                trigger = trigger.or(fired);
            }
        }
        trigger
    }

    fn find(&mut self, name: &str) -> Option<&mut ModeState> {
        self.modes.iter_mut().find(|mode| &*mode.name == name)
    }

    /// Returns the armed modes that close the port by the clock alone: with `during` and no condition that counts.
    ///
    /// Each with the span in which it fires, and for how long the port is then closed. The server closes the
    /// port when the span begins and calls [`Schedule::fired_by_clock`]; a connection made later in the span
    /// makes the mode fire again.
    pub fn scheduled_outages(&self) -> Vec<(Arc<str>, During, Duration)> {
        let outage = |mode: &ModeState| {
            let when = &mode.failure.when;
            let counts = !when.calls.is_empty()
                || when.after.is_some()
                || when.every.is_some()
                || when.rate.is_some();
            let length = mode.failure.action.down?;
            let outage = (Arc::clone(&mode.name), when.during?, length);
            (mode.counter.armed && !counts).then_some(outage)
        };
        self.modes.iter().filter_map(outage).collect()
    }

    /// Counts that a mode has fired by the clock, without a connection.
    pub fn fired_by_clock(&mut self, name: &str) {
        if let Some(mode) = self.find(name) {
            mode.counter.fired += 1;
            mode.scopes.entry(String::new()).or_default().fired += 1;
        }
    }

    /// Forgets what was counted for a connection that is gone.
    pub fn connection_closed(&mut self, connection: u64) {
        self.connections.remove(&connection);
        let modes = self.modes.iter_mut();
        for mode in modes.filter(|mode| mode.failure.when.per == Per::Connection) {
            mode.scopes.remove(&connection.to_string());
        }
    }

    /// Arms or disarms a mode; returns whether there is one of that name.
    pub fn arm(&mut self, name: &str, armed: bool) -> bool {
        let mode = self.find(name);
        mode.map(|mode| mode.counter.armed = armed).is_some()
    }

    /// Returns what each mode has counted, in order.
    pub fn counters(&self) -> Vec<Counter> {
        let counters = self.modes.iter().map(|mode| mode.counter.clone());
        counters.collect()
    }

    /// Returns the modes as they were given, in order.
    pub fn failures(&self) -> impl Iterator<Item = &FailureMode> {
        self.modes.iter().map(|mode| &mode.failure)
    }

    /// Replaces modes by those of the same names; what was counted stays, and whether they are armed.
    pub fn reload(&mut self, failures: Vec<FailureMode>) {
        for failure in failures {
            if let Some(mode) = self.find(&failure.name) {
                let armed = mode.failure.armed;
                mode.failure = FailureMode { armed, ..failure };
            }
        }
    }

    /// Adds a mode after the others, armed as it says; tells whether its name was free.
    pub fn add(&mut self, failure: FailureMode) -> bool {
        let free = self.modes.iter().all(|mode| *mode.name != *failure.name);
        if free {
            self.modes.push(ModeState::new(failure));
        }
        free
    }

    /// Removes a mode; tells whether there was one of that name.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.modes.len();
        self.modes.retain(|mode| &*mode.name != name);
        self.modes.len() < before
    }

    /// Returns the seed of everything random.
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

impl ModeState {
    fn new(failure: FailureMode) -> ModeState {
        ModeState {
            name: failure.name.as_str().into(),
            counter: Counter {
                mode: failure.name.clone(),
                armed: failure.armed,
                seen: 0,
                fired: 0,
            },
            scopes: HashMap::new(),
            failure,
        }
    }

    /// Counts a call in its scope; `is_free` says that no earlier mode has fired.
    fn count(&mut self, call: &Call<'_>, seed: u64, is_free: bool) -> Option<Trigger> {
        let scope = scope(self.failure.when.per, call);
        if self.scopes.len() >= MAX_SCOPES && !self.scopes.contains_key(&scope) {
            return None;
        }
        self.counter.seen += 1;
        let counter = self.scopes.entry(scope.clone()).or_default();
        counter.seen += 1;
        let ordinal = counter.seen;
        let when = &self.failure.when;
        if !is_free
            || when.times.is_some_and(|times| counter.fired >= times)
            || !when.holds(ordinal, call.now)
        {
            return None;
        }
        let random = RandomSource::new(seed, &self.name, &scope, ordinal);
        if when.rate.is_some_and(|rate| random.unit("rate") >= rate) {
            return None;
        }
        counter.fired += 1;
        self.counter.fired += 1;
        Some(Trigger {
            mode: Arc::clone(&self.name),
            action: Arc::clone(&self.failure.action),
            random,
            ordinal,
        })
    }
}

/// Returns the label of what is counted together with a call: an address, a connection's number, a user's name, or nothing.
fn scope(per: Per, call: &Call<'_>) -> String {
    match (per, call.user.unwrap_or_default()) {
        (Per::Appliance, _) => String::new(),
        (Per::Connection, _) => call.connection.to_string(),
        (Per::Source, _) => call.source.to_string(),
        // A client can send names of 64 KiB, and each is kept: of a long one the digest.
        (Per::User, long) if long.len() > MAX_NAME => hex(&Sha256::digest(long)),
        (Per::User, name) => name.to_owned(),
    }
}

impl FailureMode {
    /// Returns whether it applies to requests of this operation, outcome and user, as far as there are any.
    pub(crate) fn applies_to(
        &self,
        operation: Option<Operation>,
        outcome: Option<Outcome>,
        user: Option<&str>,
    ) -> bool {
        let outcomes = &self.when.outcome;
        let operations = self.on.as_ref();
        operations.is_none_or(|on| operation.is_some_and(|one| on.contains(&one)))
            && (outcomes.is_empty() || outcome.is_some_and(|one| outcomes.contains(&one)))
            && self.user.as_deref().is_none_or(|name| user == Some(name))
    }
}

impl When {
    /// Returns whether every condition except `rate` and `times` holds for the n-th call.
    pub(crate) fn holds(&self, ordinal: u64, now: Moment) -> bool {
        (self.calls.is_empty() || self.calls.contains(&ordinal))
            && self.after.is_none_or(|after| ordinal > after)
            && self.every.is_none_or(|every| ordinal.is_multiple_of(every))
            && self
                .during
                .is_none_or(|during| now.0 >= during.from && now.0 - during.from < during.length)
    }
}

/// The longest name, in bytes, that is kept as it is.
const MAX_NAME: usize = 128;
/// How many users, sources or connections a mode counts separately; it ignores new ones beyond that.
pub const MAX_SCOPES: usize = 100_000;

#[cfg(test)]
mod tests;
