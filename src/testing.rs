//! The library's API for tests: a double that a test starts, makes fail, inspects, and drops.
//!
//! ```text
//! Builder ─ read as a fixture ─▶ Double ── RunningAppliance ── MockAppliance
//!                                  ├─ fail: Failure ─ read as a fixture's mode ─▶ Schedule
//!                                  ├─ journal: wait, count, entries
//!                                  └─ expect: held against the journal when it is dropped
//! ```

mod builder;
mod description;
pub(crate) mod error;
mod expectation;
mod failure;
mod journal;
pub(crate) mod runtime;

use std::{
    io::Read,
    net::{Shutdown, TcpStream},
    panic::Location,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

pub use builder::Builder;
pub(crate) use builder::read_fixture;
pub use error::Error;
use expectation::Expectations;
pub use expectation::{Expectation, UnmetExpectations};
pub use failure::Failure;
pub use journal::{Journal, WaitTimeout};
use serde_json::{Map, Value};
use tokio::time::timeout;

use crate::{
    clock::Clock,
    contract,
    contract::{Kind, Operation},
    failure::Counter,
    fixture,
    fixture::ModeContext,
    server::{MockAppliance, RunningAppliance},
};

/// A test double of an appliance: it answers on a port of its own, with users, failures, journal and clock of its own.
///
/// Dropping it closes the port, and panics where an expectation was not met. It runs on threads that all doubles of a process share:
/// a test may block, in whatever runtime, or have none.
#[derive(Debug)]
pub struct Double {
    /// None once it has stopped.
    running: Option<RunningAppliance>,
    appliance: Arc<MockAppliance>,
    url: String,
    ca_pem: String,
    expectations: Expectations,
}

impl Double {
    /// A sensor, with the four built-in users unless others are named.
    #[track_caller]
    pub fn sensor() -> Builder {
        Builder::new(Ok(fixture::built_in(Kind::Sensor)))
    }

    /// An on-premises management console, with the four built-in users unless others are named.
    #[track_caller]
    pub fn console() -> Builder {
        Builder::new(Ok(fixture::built_in(Kind::Console)))
    }

    /// The appliance of a fixture in a file. What is wrong with the file is an error of [`Builder::start`].
    #[track_caller]
    pub fn fixture(path: impl Into<PathBuf>) -> Builder {
        Builder::new(builder::read_fixture(&path.into()))
    }

    /// The appliance of a fixture in a text, YAML or JSON: `appliance: console`.
    #[track_caller]
    pub fn from_yaml(text: impl Into<String>) -> Builder {
        let fixture = fixture::read("fixture", &text.into());
        let place = Location::caller();
        Builder::new(fixture.map_err(|error| Error::of_text(place, "the fixture", error)))
    }

    fn new(running: RunningAppliance) -> Double {
        Double {
            appliance: Arc::clone(running.appliance()),
            url: running.url(),
            ca_pem: running.ca_pem().unwrap_or_default().to_owned(),
            running: Some(running),
            expectations: Expectations::default(),
        }
    }

    /// Returns its URL, `https://127.0.0.1:41234`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the certificate of the CA to trust, as PEM text; empty over plain HTTP.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Arms a failure mode for an operation, behind those that are there, until the next reset; returns its name. The first in
    /// order whose conditions hold bends an answer.
    ///
    /// # Panics
    /// Where the failure means nothing, at the caller's line: [`Double::try_fail`] returns that.
    #[track_caller]
    pub fn fail(&self, operation: Operation, failure: Failure) -> String {
        self.fail_any(failure.on([operation]))
    }

    /// Arms a failure mode for the operations that it names itself, by [`Failure::on`] or as a ready-made one, or else any request.
    ///
    /// # Panics
    /// As [`Double::fail`].
    #[track_caller]
    pub fn fail_any(&self, failure: Failure) -> String {
        self.try_fail(failure)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Arms a failure mode as [`Double::fail_any`] does.
    ///
    /// # Errors
    /// The failure means nothing, or not here: an unknown name, a number out of its range, a user the double has not, a fault of
    /// TLS over plain HTTP, a given name that is taken.
    #[track_caller]
    pub fn try_fail(&self, failure: Failure) -> Result<String, Error> {
        let https = self.url.starts_with("https:");
        let add = |text: &str, keys: &Map<String, Value>| {
            let read = |context: &ModeContext<'_>| failure::read(text, keys, context, https);
            self.appliance.add_failure("failure", read)
        };
        Ok(failure.add(Location::caller(), add)?.name)
    }

    /// Disarms a failure mode; tells whether there is one of that name.
    pub fn disarm(&self, name: &str) -> bool {
        self.appliance.set_armed(name, false)
    }

    /// Arms a failure mode that was disarmed, or that a fixture has unarmed; tells whether there is one of that name.
    pub fn arm(&self, name: &str) -> bool {
        self.appliance.set_armed(name, true)
    }

    /// Returns what each failure mode has counted since the start or the last reset, in the order in which they are asked.
    pub fn counters(&self) -> Vec<Counter> {
        self.appliance.counters()
    }

    /// Returns how often the failure mode of a name fired; none for an unknown mode.
    pub fn fired(&self, name: &str) -> Option<u64> {
        let mut counters = self.counters().into_iter();
        Some(counters.find(|counter| counter.mode == name)?.fired)
    }

    /// Returns the clock of delays, lock-outs and the like: it can be frozen, advanced and released. What the server itself does,
    /// and [`Journal::wait`], go by the wall's.
    pub fn clock(&self) -> &Clock {
        self.appliance.clock()
    }

    /// Looks into the journal.
    pub fn journal(&self) -> Journal<'_> {
        Journal::new(self)
    }

    /// Serves another reading from the next request on, until a reset: a fact's name, a glob or a register number, and the reading's name.
    ///
    /// # Errors
    /// The contract has no such fact, or no such reading of it.
    #[track_caller]
    pub fn reading(&self, fact: &str, name: &str) -> Result<(), Error> {
        let place = Location::caller();
        let mut readings = self.appliance.readings();
        readings
            .choose(contract::of(self.appliance.kind()), fact, name)
            .map_err(|unknown| Error::at(place, unknown.to_string()))?;
        self.appliance
            .set_readings(&readings)
            .map_err(|error| Error::of_value(place, error))
    }

    /// Returns whether this is a user's password now: no password is given out. False for an unknown user.
    pub fn password_is(&self, username: &str, password: &str) -> bool {
        self.appliance.password_is(username, password) == Some(true)
    }

    /// Returns the users' names, in alphabetical order.
    pub fn users(&self) -> Vec<String> {
        let users = self.appliance.users().into_iter();
        users.map(|user| user.username).collect()
    }

    /// Goes back to what it was at the start: users, clock, counters, journal; failures armed since are gone. Expectations stay.
    pub fn reset(&self) {
        self.appliance.reset();
    }

    /// Expects requests for an operation, at least one unless the expectation says otherwise. Held against what happened when the
    /// double is dropped, or by [`Double::verify`].
    #[track_caller]
    pub fn expect(&self, operation: Operation) -> Expectation {
        self.expectations.add(Some(operation), Location::caller())
    }

    /// Expects requests of any kind, those that hit no operation among them.
    #[track_caller]
    pub fn expect_any(&self) -> Expectation {
        self.expectations.add(None, Location::caller())
    }

    /// Holds every expectation against what happened so far. None is checked a second time.
    ///
    /// # Errors
    /// What was not as expected, each with its line in the test and what did happen instead, nearest first.
    pub fn verify(&self) -> Result<(), UnmetExpectations> {
        self.expectations.verify(&self.appliance)
    }

    /// Closes the port, and completes when the connections are gone; expectations are then held against what happened.
    pub async fn end(mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// Waits until the port has taken every client that connected before. It makes a connection that sends nothing: those are taken in
    /// their order, and it is closed at once.
    pub(crate) fn await_clients(&self) {
        let address = self.running.as_ref().map(RunningAppliance::address);
        // Nobody waits where a failure mode has closed the port.
        let connect = |address| TcpStream::connect_timeout(&address, MAX_CLOSE);
        if let Some(Ok(mut last)) = address.map(connect) {
            let closing = last.shutdown(Shutdown::Write);
            let limited = last.set_read_timeout(Some(MAX_CLOSE));
            if closing.and(limited).is_ok() {
                // An error is an end as well.
                let _ = last.read(&mut [0]);
            }
        }
    }

    /// Returns the appliance behind the port. Not part of the API.
    #[doc(hidden)]
    pub fn appliance(&self) -> &Arc<MockAppliance> {
        &self.appliance
    }
}

impl Drop for Double {
    /// Closes the port, which takes a moment, as idle connections and held answers are cut at once. A test that panics already is told
    /// nothing more.
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            let stopped = running.stop();
            runtime::blocking(async move { timeout(MAX_CLOSE, stopped).await });
        }
        if !std::thread::panicking()
            && let Err(unmet) = self.verify()
        {
            panic!("{unmet}");
        }
    }
}

/// Longer than the server lets running answers finish.
const MAX_CLOSE: Duration = Duration::from_secs(3);
