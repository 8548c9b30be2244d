//! One appliance behind a port: its rules, its state and its failure modes under a lock, its clock.
//!
//! A request is read and its answer worded outside the lock; only the judgement, the modes' counting and the change are inside.
//! So of any number of clients that change one password from the same old one at once, exactly one succeeds. A mode that strikes
//! decides inside whether the change is made, and bends the answer outside: no lock is held while anything is held back.

mod manage;
mod standing;
mod unmatched;

use std::pin::pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;
use http::request::Parts;
use tokio::sync::Notify;

use crate::appliance::Appliance;
use crate::appliance::Asked;
use crate::appliance::Lag;
use crate::appliance::Moment;
use crate::appliance::Rules;
use crate::appliance::State;
use crate::appliance::Worded;
use crate::clock::Clock;
use crate::contract::Circumstance;
use crate::contract::Outcome;
use crate::failure::Call;
use crate::failure::Counter;
use crate::failure::Delivery;
use crate::failure::Failure;
use crate::failure::Schedule;
use crate::failure::Stale;
use crate::failure::Strike;
use crate::server::Answered;
use crate::server::Client;
use crate::server::Greeted;
use crate::server::Refusal;
use crate::server::Service;

pub use unmatched::Unmatched;

/// An appliance that can be served.
#[derive(Debug)]
pub struct Host {
    /// Replaced as a whole when a fixture is read again.
    rules: RwLock<Arc<Rules>>,
    present: Mutex<Present>,
    /// What a reset goes back to.
    loaded: Mutex<Loaded>,
    clock: Clock,
    /// Tells whoever waits for the next closing of the port that it may be another.
    rescheduled: Notify,
    unmatched: Mutex<Unmatched>,
}

/// What requests change.
#[derive(Clone, Debug)]
struct Present {
    state: State,
    schedule: Schedule,
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
        let present = Present { state: appliance.state, schedule };
        let loaded = Loaded { rules: Arc::clone(&appliance.rules), present: present.clone(), shows: (Moment::default(), false) };
        Host {
            rules: RwLock::new(appliance.rules),
            present: Mutex::new(present),
            loaded: Mutex::new(loaded),
            clock,
            rescheduled: Notify::new(),
            unmatched: Mutex::default(),
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
        let present = Present { state: appliance.state, schedule };
        *lock(&self.loaded) = Loaded { rules: appliance.rules, present, shows: (Moment::default(), false) };
        self.reset();
    }

    /// Goes back to what was loaded: readings, users, modes and what they have counted, clock, requests that hit no operation.
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

    /// Returns the requests that hit no operation since the start or the last reset.
    pub fn unmatched(&self) -> Unmatched {
        lock(&self.unmatched).clone()
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Strikes with a mode that closes the port by the clock, if now is its time, and returns for how long; else when to ask again.
    fn closure(&self, now: Moment) -> Result<Duration, Option<Moment>> {
        let mut present = lock(&self.present);
        let mut next: Option<Moment> = None;
        for (mode, during, length) in present.schedule.closures() {
            let end = during.from.saturating_add(length);
            if now.0 < during.from {
                let from = Moment(during.from);
                next = Some(next.map_or(from, |next| next.min(from)));
            } else if now.0 < end {
                present.schedule.struck_by_clock(&mode);
                return Ok(end - now.0);
            }
        }
        Err(next)
    }
}

impl Service for Host {
    fn answer(&self, request: &Request<Bytes>, client: Client) -> Answered {
        let rules = self.rules();
        let asked = rules.read(request);
        if asked.operation().is_none() {
            lock(&self.unmatched).note(request.method(), request.uri());
        }
        let (worded, strike) = {
            let mut present = lock(&self.present);
            // Asked inside: whoever comes later is judged by a later time.
            let now = self.clock.now();
            let (worded, change) = present.state.judge(&rules, &asked, client.source, now);
            let call = Call { operation: asked.operation(), user: asked.user(), source: client.source, connection: client.connection, now };
            let strike = present.schedule.request(&call);
            let commits = strike.as_ref().is_none_or(|strike| strike.act.commits());
            if let Some(change) = change.filter(|_| commits) {
                let stale = strike.as_ref().and_then(|strike| strike.act.stale);
                present.state.commit(match stale {
                    Some(stale) => change.lagging(lag(stale, now)),
                    None => change,
                });
            }
            (worded, strike)
        };
        match strike {
            None => Answered::Plain(rules.word(worded, &asked)),
            Some(strike) => Answered::Bent(Box::new(bent(&rules, &strike, worded, &asked))),
        }
    }

    fn refuse(&self, head: &Parts, refusal: Refusal) -> Response<Bytes> {
        let rules = self.rules();
        if !rules.has_path(head.uri.path()) {
            lock(&self.unmatched).note(&head.method, &head.uri);
        }
        match refusal {
            Refusal::BadRequest => rules.refusal(Outcome::BadRequest),
            Refusal::BodyTooLarge => rules.refuse_body(head, Circumstance::BodyTooLarge),
            Refusal::HeadTooLarge => rules.refusal(Outcome::HeadTooLarge),
            Refusal::RequestTimeout => rules.refusal(Outcome::RequestTimeout),
        }
    }

    fn clock(&self) -> &Clock {
        &self.clock
    }

    fn greet(&self, client: Client) -> Greeted {
        let now = self.clock.now();
        let strike = lock(&self.present).schedule.connection(client.source, client.connection, now);
        match strike.as_ref().map(|strike| (strike.act.down, &strike.act.greeting)) {
            Some((Some(time), _)) => Greeted::Down(time),
            Some((None, Some(greeting))) => Greeted::Struck(greeting.clone()),
            Some((None, None)) | None => Greeted::Well,
        }
    }

    fn gone(&self, connection: u64) {
        lock(&self.present).schedule.gone(connection);
    }

    async fn outage(&self) -> Duration {
        loop {
            let mut rescheduled = pin!(self.rescheduled.notified());
            // Before looking: what changes after the look is then not missed.
            rescheduled.as_mut().enable();
            match self.closure(self.clock.now()) {
                Ok(time) => return time,
                Err(None) => rescheduled.await,
                Err(Some(next)) => tokio::select! {
                    () = self.clock.sleep_until(next) => {}
                    () = rescheduled => {}
                },
            }
        }
    }
}

/// Returns the answer a mode gives in place of what the appliance came to, bent.
fn bent(rules: &Rules, strike: &Strike, worded: Worded, asked: &Asked) -> Delivery {
    let answering = &strike.act.answering;
    let rules = answering.rules.as_deref().unwrap_or(rules);
    // Every outcome a mode may name is worded somewhere; were it not, what the appliance came to is.
    let worded = answering.outcome.and_then(|outcome| rules.wording_of(asked.operation(), outcome)).unwrap_or(worded);
    strike.act.bend(&strike.draw, Delivery::plain(rules.word(worded, asked)))
}

fn lag(stale: Stale, now: Moment) -> Lag {
    match stale {
        Stale::For(time) => Lag::Until(Moment(now.0.saturating_add(time))),
        Stale::Requests(count) => Lag::Validations(count),
    }
}

/// A panic inside a lock would leave what it guards as it was: changes are made last and whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
