//! Which mode strikes which call: every armed mode counts what it admits, the first in order whose conditions hold strikes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::appliance::Moment;
use crate::contract::Operation;
use crate::failure::Act;
use crate::failure::Draw;
use crate::failure::Failure;
use crate::failure::Per;
use crate::failure::When;

/// The failure modes of an appliance, with what each has counted.
#[derive(Clone, Debug, Default)]
pub struct Schedule {
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
pub struct Strike {
    /// The mode's name.
    pub mode: Arc<str>,
    /// What it does.
    pub act: Arc<Act>,
    /// Everything random about it.
    pub draw: Draw,
    /// The ordinal it strikes, counted from 1 in its scope.
    pub ordinal: u64,
}

/// What a mode has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// The mode's name.
    pub mode: String,
    /// Whether it is armed.
    pub armed: bool,
    /// How many calls it admitted while armed.
    pub seen: u64,
    /// How many it struck.
    pub struck: u64,
}

#[derive(Clone, Debug)]
struct Mode {
    name: Arc<str>,
    failure: Failure,
    armed: bool,
    seen: u64,
    struck: u64,
    scopes: HashMap<Scope, Tally>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Scope {
    Appliance,
    Connection(u64),
    Source(IpAddr),
    User(String),
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    seen: u64,
    struck: u64,
}

impl Schedule {
    /// Takes modes in their order, armed as they say.
    pub fn new(failures: Vec<Failure>, seed: u64) -> Schedule {
        let mode =
            |failure: Failure| Mode { name: failure.name.as_str().into(), armed: failure.armed, seen: 0, struck: 0, scopes: HashMap::new(), failure };
        Schedule { modes: failures.into_iter().map(mode).collect(), seed }
    }

    /// Counts a request at every mode that admits it and returns the first that strikes.
    pub fn request(&mut self, call: &Call<'_>) -> Option<Strike> {
        let mut strike = None;
        for mode in self.modes.iter_mut().filter(|mode| mode.armed && !mode.failure.act.knows_no_request()) {
            if mode.admits(call)
                && let Some(struck) =
                    mode.count(scope(mode.failure.when.per, call.user, call.source, call.connection), call.now, self.seed, strike.is_none())
            {
                strike = strike.or(Some(struck));
            }
        }
        strike
    }

    /// Counts a new connection at every mode that concerns connections and returns the first that strikes.
    pub fn connection(&mut self, source: IpAddr, connection: u64, now: Moment) -> Option<Strike> {
        let mut strike = None;
        for mode in self.modes.iter_mut().filter(|mode| mode.armed && mode.failure.act.knows_no_request()) {
            if let Some(struck) = mode.count(scope(mode.failure.when.per, None, source, connection), now, self.seed, strike.is_none()) {
                strike = strike.or(Some(struck));
            }
        }
        strike
    }

    /// Forgets what was counted for a connection that is gone.
    pub fn gone(&mut self, connection: u64) {
        for mode in &mut self.modes {
            mode.scopes.remove(&Scope::Connection(connection));
        }
    }

    /// Forgets everything counted; modes are armed as they say.
    pub fn reset(&mut self) {
        for mode in &mut self.modes {
            (mode.armed, mode.seen, mode.struck) = (mode.failure.armed, 0, 0);
            mode.scopes.clear();
        }
    }

    /// Arms or disarms a mode; tells whether there is one of that name.
    pub fn arm(&mut self, name: &str, armed: bool) -> bool {
        self.modes.iter_mut().find(|mode| &*mode.name == name).map(|mode| mode.armed = armed).is_some()
    }

    /// Returns what each mode has counted, in order.
    pub fn counters(&self) -> Vec<Counter> {
        self.modes.iter().map(|mode| Counter { mode: mode.name.to_string(), armed: mode.armed, seen: mode.seen, struck: mode.struck }).collect()
    }

    /// Tells whether there is no mode at all.
    pub fn is_empty(&self) -> bool {
        self.modes.is_empty()
    }
}

impl Mode {
    fn admits(&self, call: &Call<'_>) -> bool {
        self.failure.on.as_ref().is_none_or(|operations| call.operation.is_some_and(|operation| operations.contains(&operation)))
            && self.failure.user.as_ref().is_none_or(|user| call.user == Some(user))
    }

    /// Counts a call in its scope; `free` says that no earlier mode has struck it.
    fn count(&mut self, scope: Scope, now: Moment, seed: u64, free: bool) -> Option<Strike> {
        if self.scopes.len() >= MOST_SCOPES && !self.scopes.contains_key(&scope) {
            return None;
        }
        self.seen += 1;
        let label = scope.label();
        let tally = self.scopes.entry(scope).or_default();
        tally.seen += 1;
        let draw = Draw::of(seed, &self.name, &label, tally.seen);
        let strikes = free && self.failure.when.holds(tally.seen, now, &draw) && self.failure.when.times.is_none_or(|times| tally.struck < times);
        strikes.then(|| {
            tally.struck += 1;
            self.struck += 1;
            Strike { mode: Arc::clone(&self.name), act: Arc::clone(&self.failure.act), draw, ordinal: tally.seen }
        })
    }
}

impl When {
    /// Tells whether every condition but `times` holds for the so-manieth call.
    fn holds(&self, ordinal: u64, now: Moment, draw: &Draw) -> bool {
        (self.calls.is_empty() || self.calls.contains(&ordinal))
            && self.after.is_none_or(|after| ordinal > after)
            && self.every.is_none_or(|every| ordinal % every == 0)
            && self.during.is_none_or(|during| now.0 >= during.from && now.0 - during.from < during.length)
            && self.rate.is_none_or(|rate| draw.unit("rate") < rate)
    }
}

impl Scope {
    fn label(&self) -> String {
        match self {
            Scope::Appliance => String::new(),
            Scope::Connection(connection) => connection.to_string(),
            Scope::Source(source) => source.to_string(),
            Scope::User(user) => user.clone(),
        }
    }
}

/// A request about no user counts in the scope of nobody.
fn scope(per: Per, user: Option<&str>, source: IpAddr, connection: u64) -> Scope {
    match per {
        Per::Appliance => Scope::Appliance,
        Per::Connection => Scope::Connection(connection),
        Per::Source => Scope::Source(source),
        Per::User => Scope::User(user.unwrap_or_default().to_owned()),
    }
}

/// How many users, sources or connections a mode counts apart; beyond that, new ones are left in peace.
const MOST_SCOPES: usize = 100_000;
