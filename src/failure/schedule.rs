//! Which mode strikes which call: every armed mode counts what it admits, the first in order whose conditions hold strikes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sha2::Digest;
use sha2::Sha256;

use crate::appliance::Moment;
use crate::contract::Operation;
use crate::failure::Act;
use crate::failure::Draw;
use crate::failure::During;
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
        Schedule { modes: failures.into_iter().map(Mode::new).collect(), seed }
    }

    /// Counts a request at every mode that admits it and returns the first that strikes.
    pub fn request(&mut self, call: &Call<'_>) -> Option<Strike> {
        let mut strike = None;
        for mode in self.modes.iter_mut().filter(|mode| mode.armed && !mode.failure.act.knows_no_request()) {
            if mode.admits(call) {
                let scope = Scope::of(mode.failure.when.per, call.user, call.source, call.connection);
                let struck = mode.count(scope, call.now, self.seed, strike.is_none());
                strike = strike.or(struck);
            }
        }
        strike
    }

    /// Counts a new connection at every mode that concerns connections and returns the first that strikes.
    pub fn connection(&mut self, source: IpAddr, connection: u64, now: Moment) -> Option<Strike> {
        let mut strike = None;
        for mode in self.modes.iter_mut().filter(|mode| mode.armed && mode.failure.act.knows_no_request()) {
            let scope = Scope::of(mode.failure.when.per, None, source, connection);
            let struck = mode.count(scope, now, self.seed, strike.is_none());
            strike = strike.or(struck);
        }
        strike
    }

    /// Returns the armed modes that close the port by the clock alone: with `during` and no condition that counts.
    ///
    /// Each with the span in which it strikes, and for how long the port is then closed. Whoever holds the clock closes the port
    /// when the span begins and tells it by [`Schedule::struck_by_clock`]; a connection made later in the span strikes again.
    pub fn closures(&self) -> Vec<(Arc<str>, During, Duration)> {
        let closure = |mode: &Mode| {
            let When { times: _, calls, after: None, every: None, rate: None, during: Some(during), per: _ } = &mode.failure.when else {
                return None;
            };
            (mode.armed && calls.is_empty()).then_some((Arc::clone(&mode.name), *during, mode.failure.act.down?))
        };
        self.modes.iter().filter_map(closure).collect()
    }

    /// Counts that a mode has struck by the clock, without a connection.
    pub fn struck_by_clock(&mut self, name: &str) {
        if let Some(mode) = self.modes.iter_mut().find(|mode| &*mode.name == name) {
            mode.struck += 1;
            mode.scopes.entry(Scope::Appliance).or_default().struck += 1;
        }
    }

    /// Forgets what was counted for a connection that is gone.
    pub fn gone(&mut self, connection: u64) {
        for mode in self.modes.iter_mut().filter(|mode| mode.failure.when.per == Per::Connection) {
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

    /// Adds a mode after the others, armed as it says; tells whether its name was free.
    pub fn add(&mut self, failure: Failure) -> bool {
        let free = self.modes.iter().all(|mode| *mode.name != *failure.name);
        if free {
            self.modes.push(Mode::new(failure));
        }
        free
    }

    /// Removes a mode; tells whether there was one of that name.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.modes.len();
        self.modes.retain(|mode| &*mode.name != name);
        self.modes.len() < before
    }

    /// Tells whether no mode is armed: then nothing has to be read, counted or asked.
    pub fn is_idle(&self) -> bool {
        self.modes.iter().all(|mode| !mode.armed)
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
    fn new(failure: Failure) -> Mode {
        Mode { name: failure.name.as_str().into(), armed: failure.armed, seen: 0, struck: 0, scopes: HashMap::new(), failure }
    }

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
        let tally = self.scopes.entry(scope.clone()).or_default();
        tally.seen += 1;
        let ordinal = tally.seen;
        let when = &self.failure.when;
        if !free || when.times.is_some_and(|times| tally.struck >= times) || !when.holds(ordinal, now) {
            return None;
        }
        // A draw is two thousand instructions: made last, and only for a call that may be struck.
        let draw = Draw::of(seed, &self.name, &scope.label(), ordinal);
        if when.rate.is_some_and(|rate| draw.unit("rate") >= rate) {
            return None;
        }
        tally.struck += 1;
        self.struck += 1;
        Some(Strike { mode: Arc::clone(&self.name), act: Arc::clone(&self.failure.act), draw, ordinal })
    }
}

impl When {
    /// Tells whether every condition but `rate` and `times` holds for the so-manieth call.
    pub(crate) fn holds(&self, ordinal: u64, now: Moment) -> bool {
        (self.calls.is_empty() || self.calls.contains(&ordinal))
            && self.after.is_none_or(|after| ordinal > after)
            && self.every.is_none_or(|every| ordinal.is_multiple_of(every))
            && self.during.is_none_or(|during| now.0 >= during.from && now.0 - during.from < during.length)
    }
}

impl Scope {
    /// A request about no user counts in the scope of nobody.
    fn of(per: Per, user: Option<&str>, source: IpAddr, connection: u64) -> Scope {
        match per {
            Per::Appliance => Scope::Appliance,
            Per::Connection => Scope::Connection(connection),
            Per::Source => Scope::Source(source),
            Per::User => match user.unwrap_or_default() {
                // A client can send names of 64 KiB, and each is kept: a long one stands under its digest.
                long if long.len() > LONGEST_NAME => Scope::User(Sha256::digest(long).iter().map(|byte| format!("{byte:02x}")).collect()),
                name => Scope::User(name.to_owned()),
            },
        }
    }

    fn label(&self) -> String {
        match self {
            Scope::Appliance => String::new(),
            Scope::Connection(connection) => connection.to_string(),
            Scope::Source(source) => source.to_string(),
            Scope::User(user) => user.clone(),
        }
    }
}

/// How many users, sources or connections a mode counts apart; beyond that, new ones are left in peace.
const MOST_SCOPES: usize = 100_000;
/// The longest name, in bytes, that is kept as it is.
const LONGEST_NAME: usize = 128;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::failure::Greeting;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
    const CALL: Call<'static> =
        Call { operation: Some(Operation::Validation), user: Some("a"), source: HERE, connection: 1, now: Moment(Duration::ZERO) };

    fn mode(name: &str, when: When) -> Failure {
        Failure { name: name.into(), on: None, user: None, when, act: Arc::default(), armed: true }
    }

    fn schedule(when: When) -> Schedule {
        Schedule::new(vec![mode("m", when)], 7)
    }

    /// Returns which of the first calls are struck.
    fn struck(schedule: &mut Schedule, calls: u64) -> Vec<u64> {
        (1..=calls).filter(|_| schedule.request(&CALL).is_some()).collect::<Vec<_>>()
    }

    #[rstest]
    #[case::always(When::default(), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10])]
    #[case::times(When { times: Some(2), ..When::default() }, &[1, 2])]
    #[case::calls(When { calls: vec![1, 3], ..When::default() }, &[1, 3])]
    #[case::after(When { after: Some(8), ..When::default() }, &[9, 10])]
    #[case::every(When { every: Some(5), ..When::default() }, &[5, 10])]
    #[case::never_by_chance(When { rate: Some(0.0), ..When::default() }, &[])]
    #[case::always_by_chance(When { rate: Some(1.0), after: Some(9), ..When::default() }, &[10])]
    #[case::all_must_hold(When { after: Some(2), every: Some(2), times: Some(2), ..When::default() }, &[4, 6])]
    fn it_strikes(#[case] when: When, #[case] expected: &[u64]) {
        assert_eq!(struck(&mut schedule(when), 10), expected);
    }

    #[test]
    fn a_span_holds_its_beginning_and_not_its_end() {
        let during = During { from: Duration::from_secs(10), length: Duration::from_secs(5) };
        let mut schedule = schedule(When { during: Some(during), ..When::default() });
        let mut at = |milliseconds| schedule.request(&Call { now: Moment(Duration::from_millis(milliseconds)), ..CALL }).is_some();
        assert_eq!([9_999, 10_000, 14_999, 15_000].map(&mut at), [false, true, true, false]);
    }

    #[test]
    fn every_mode_counts_what_it_admits_and_the_first_strikes() {
        let first = mode("first", When { every: Some(2), ..When::default() });
        let second = Failure { on: Some(vec![Operation::Validation]), ..mode("second", When { times: Some(2), ..When::default() }) };
        let other = Failure { on: Some(vec![Operation::SetPassword]), ..mode("other", When::default()) };
        let someone = Failure { user: Some("b".into()), ..mode("someone", When::default()) };
        let unarmed = Failure { armed: false, ..mode("unarmed", When::default()) };
        let mut schedule = Schedule::new(vec![unarmed, other, someone, first, second], 7);
        let struck: Vec<_> = (0..5).map(|_| schedule.request(&CALL).map(|strike| (strike.mode.to_string(), strike.ordinal))).collect();
        let name = |name: &str, ordinal| Some((name.to_owned(), ordinal));
        assert_eq!(struck, [name("second", 1), name("first", 2), name("second", 3), name("first", 4), None]);
        let counted: Vec<_> = schedule.counters().into_iter().map(|counter| (counter.mode, counter.seen, counter.struck)).collect();
        let expected = [("unarmed", 0, 0), ("other", 0, 0), ("someone", 0, 0), ("first", 5, 2), ("second", 5, 2)];
        assert_eq!(counted, expected.map(|(name, seen, struck)| (name.to_owned(), seen, struck)));
    }

    #[rstest]
    #[case::appliance(Per::Appliance, 1)]
    #[case::connection(Per::Connection, 3)]
    #[case::source(Per::Source, 2)]
    #[case::user(Per::User, 4)]
    fn it_counts_per(#[case] per: Per, #[case] scopes: usize) {
        let mut schedule = schedule(When { per, times: Some(1), ..When::default() });
        let there: IpAddr = "10.0.0.1".parse().unwrap();
        let long = "x".repeat(200);
        let calls = [
            CALL,
            Call { user: Some("b"), connection: 2, ..CALL },
            Call { user: None, source: there, connection: 3, ..CALL },
            Call { user: Some(&long), source: there, connection: 3, ..CALL },
        ];
        let twice: Vec<bool> = calls.iter().chain(&calls).map(|call| schedule.request(call).is_some()).collect();
        assert_eq!(twice.iter().filter(|struck| **struck).count(), scopes);
        let kept = schedule.modes[0].scopes.keys().filter_map(|scope| if let Scope::User(name) = scope { Some(name.len()) } else { None });
        assert!(kept.max().unwrap_or(0) <= LONGEST_NAME);
    }

    #[test]
    fn what_a_connection_counted_goes_with_it() {
        let mut schedule = schedule(When { per: Per::Connection, times: Some(1), ..When::default() });
        assert!(schedule.request(&CALL).is_some() && schedule.request(&CALL).is_none());
        schedule.gone(CALL.connection);
        assert!(schedule.modes[0].scopes.is_empty() && schedule.request(&CALL).is_some());
    }

    #[test]
    fn no_more_scopes_are_kept_than_the_most() {
        let mut schedule = schedule(When { per: Per::Connection, ..When::default() });
        let struck = (0..MOST_SCOPES as u64 + 10).filter(|connection| schedule.request(&Call { connection: *connection, ..CALL }).is_some()).count();
        assert_eq!((struck, schedule.modes[0].scopes.len()), (MOST_SCOPES, MOST_SCOPES));
    }

    #[test]
    fn modes_of_connections_and_of_requests_count_apart() {
        let greeting = Failure {
            act: Arc::new(Act { greeting: Some(Greeting::default()), ..Act::default() }),
            ..mode("greeting", When { times: Some(1), ..When::default() })
        };
        let mut schedule = Schedule::new(vec![greeting, mode("request", When::default())], 7);
        assert_eq!(&*schedule.request(&CALL).unwrap().mode, "request");
        assert_eq!(&*schedule.connection(HERE, 1, Moment::default()).unwrap().mode, "greeting");
        assert!(schedule.connection(HERE, 2, Moment::default()).is_none());
        assert_eq!(schedule.counters().iter().map(|counter| counter.seen).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn chance_depends_on_the_seed_and_on_nothing_else() {
        let rate = When { rate: Some(0.3), ..When::default() };
        let decisions = |seed| struck(&mut Schedule::new(vec![mode("flaky", rate.clone())], seed), 10_000);
        let (one, again, other) = (decisions(1), decisions(1), decisions(2));
        assert!(one == again && one != other);
        let error = (10_000.0 * 0.3 * 0.7_f64).sqrt();
        for count in [one.len(), other.len()] {
            assert!((count as f64 - 3_000.0).abs() < 3.0 * error, "{count}");
        }
    }

    #[test]
    fn a_mode_that_is_disarmed_counts_nothing_and_a_reset_forgets() {
        let mut schedule = schedule(When { times: Some(1), ..When::default() });
        assert!(schedule.arm("m", false) && !schedule.arm("n", true) && schedule.is_idle());
        assert!(schedule.request(&CALL).is_none());
        schedule.arm("m", true);
        assert!(schedule.request(&CALL).is_some() && schedule.request(&CALL).is_none());
        schedule.arm("m", false);
        schedule.reset();
        assert_eq!(schedule.counters(), [Counter { mode: "m".into(), armed: true, seen: 0, struck: 0 }]);
        assert!(schedule.request(&CALL).is_some());
    }

    #[test]
    fn modes_come_and_go_by_name() {
        let mut schedule = schedule(When::default());
        assert!(!schedule.add(mode("m", When::default())) && schedule.add(mode("n", When::default())));
        assert!(schedule.remove("m") && !schedule.remove("m"));
        assert_eq!(&*schedule.request(&CALL).unwrap().mode, "n");
    }

    #[rstest]
    #[case::by_the_clock(When { during: Some(SPAN), ..When::default() }, true)]
    #[case::a_few_times(When { during: Some(SPAN), times: Some(1), ..When::default() }, true)]
    #[case::by_connections(When { during: Some(SPAN), after: Some(1), ..When::default() }, false)]
    #[case::by_calls(When { during: Some(SPAN), calls: vec![1], ..When::default() }, false)]
    #[case::by_chance(When { during: Some(SPAN), rate: Some(0.5), ..When::default() }, false)]
    #[case::always(When::default(), false)]
    fn the_port_is_closed_by_the_clock_where_nothing_is_counted(#[case] when: When, #[case] expected: bool) {
        let down = Duration::from_secs(2);
        let failure = Failure { act: Arc::new(Act { down: Some(down), ..Act::default() }), ..mode("down", when) };
        let mut schedule = Schedule::new(vec![failure, mode("other", When { during: Some(SPAN), ..When::default() })], 7);
        let closures: Vec<_> = schedule.closures().into_iter().map(|(name, during, down)| (name.to_string(), during, down)).collect();
        assert_eq!(closures, if expected { vec![("down".to_owned(), SPAN, down)] } else { Vec::new() });
        schedule.struck_by_clock("down");
        assert_eq!(schedule.counters()[0].struck, 1);
    }

    const SPAN: During = During { from: Duration::from_secs(1), length: Duration::from_secs(5) };
}
