//! One appliance behind a port: its rules, its state under a lock, its clock.
//!
//! A request is read and its answer worded outside the lock; only the judgement and the change it makes are inside. So of
//! any number of clients that change one password from the same old one at once, exactly one succeeds.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use bytes::Bytes;
use http::Request;
use http::Response;
use http::request::Parts;

use crate::appliance::Appliance;
use crate::appliance::Rules;
use crate::appliance::State;
use crate::clock::Clock;
use crate::contract::Circumstance;
use crate::contract::Outcome;
use crate::server::Refusal;
use crate::server::Service;

/// An appliance that can be served.
#[derive(Debug)]
pub struct Host {
    rules: Arc<Rules>,
    state: Mutex<State>,
    clock: Clock,
}

impl Host {
    /// Takes an appliance in; its clock starts now.
    pub fn new(appliance: Appliance) -> Host {
        Host { rules: appliance.rules, state: Mutex::new(appliance.state), clock: Clock::start() }
    }

    /// Puts another state in place of the present one, between two requests.
    pub fn put(&self, state: State) {
        *self.lock() = state;
    }

    /// Returns a copy of the present state.
    pub fn state(&self) -> State {
        self.lock().clone()
    }

    /// A panic inside the lock would leave the state as it was: changes are made last and whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service for Host {
    fn answer(&self, request: &Request<Bytes>, source: IpAddr) -> Response<Bytes> {
        let asked = self.rules.read(request);
        let now = self.clock.now();
        let worded = {
            let mut state = self.lock();
            let (worded, change) = state.judge(&self.rules, &asked, source, now);
            if let Some(change) = change {
                state.commit(change);
            }
            worded
        };
        self.rules.word(worded, &asked)
    }

    fn refuse(&self, head: &Parts, refusal: Refusal) -> Response<Bytes> {
        match refusal {
            Refusal::BadRequest => self.rules.refusal(Outcome::BadRequest),
            Refusal::BodyTooLarge => self.rules.refuse_body(head, Circumstance::BodyTooLarge),
            Refusal::HeadTooLarge => self.rules.refusal(Outcome::HeadTooLarge),
            Refusal::RequestTimeout => self.rules.refusal(Outcome::RequestTimeout),
        }
    }
}
