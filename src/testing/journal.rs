//! A look into a double's journal: what was asked, how often, and waiting for it.

use std::{fmt, sync::Arc, time::Duration};

use super::{Double, description, filter::RequestFilter, runtime};
use crate::{
    contract::{Operation, Outcome},
    journal::{EntryView, Finding, Progress},
    server::MockAppliance,
};

/// A look into a journal: by default at everything since the start or the last reset; each condition narrows it.
///
/// An entry is made when its request has been read, and completed when its answer has gone. No password is in it.
#[derive(Debug)]
#[must_use = "a look alone does nothing"]
pub struct Journal<'a> {
    double: &'a Double,
    aim: RequestFilter,
    within: Duration,
}

/// What was waited for did not happen in time: says what did, nearest first.
#[derive(Clone, PartialEq, Eq)]
pub struct WaitTimeout(String);

impl<'a> Journal<'a> {
    pub(super) fn new(double: &'a Double) -> Journal<'a> {
        Journal {
            double,
            aim: RequestFilter::default(),
            within: PATIENCE,
        }
    }

    /// Only requests for this operation.
    pub fn operation(mut self, operation: Operation) -> Journal<'a> {
        self.aim.wanted.operation = Some(operation);
        self
    }

    /// Only those with this outcome.
    pub fn outcome(mut self, outcome: Outcome) -> Journal<'a> {
        self.aim.wanted.outcome = Some(outcome);
        self
    }

    /// Only those whose answer is as far as this: open, done, cut, or its client left.
    pub fn state(mut self, state: Progress) -> Journal<'a> {
        self.aim.wanted.state = Some(state);
        self
    }

    /// Only those that the failure mode of this name bent.
    pub fn failure(mut self, name: impl Into<String>) -> Journal<'a> {
        self.aim.wanted.failure = Some(name.into());
        self
    }

    /// Only those about this user: whose password is checked or, by an administrator, set. Entries that were dropped are not counted.
    pub fn user(mut self, username: impl Into<String>) -> Journal<'a> {
        self.aim.user = Some(username.into());
        self
    }

    /// Waits so long, on the wall clock, in place of 5 s.
    pub fn within(mut self, time: Duration) -> Journal<'a> {
        self.within = time;
        self
    }

    /// Returns what is held of them, in the order of their arrival.
    pub fn entries(&self) -> Vec<EntryView> {
        self.aim.entries(self.double.appliance())
    }

    /// Returns how many there were, dropped entries too.
    pub fn count(&self) -> u64 {
        self.aim.count(self.double.appliance())
    }

    /// Returns what is wrong with the client, and in how many of all requests, whatever is looked at: of dropped entries too.
    pub fn findings(&self) -> Vec<(Finding, u64)> {
        self.double.appliance().findings()
    }

    /// Forgets all entries and begins to count anew.
    pub fn clear(&self) {
        self.double.appliance().clear_journal();
    }

    /// Waits for so many requests for an operation: `self.operation(operation).wait(count)`.
    ///
    /// # Errors
    /// There were not so many in time.
    pub async fn wait_for(self, operation: Operation, count: u64) -> Result<(), WaitTimeout> {
        self.operation(operation).wait(count).await
    }

    /// Waits until there were so many since the start or the last reset; at once if there were.
    ///
    /// # Errors
    /// There were not in time.
    pub async fn wait(self, count: u64) -> Result<(), WaitTimeout> {
        let waited = runtime::on(self.waiting(count)).await;
        self.ended(waited, count)
    }

    /// Waits as [`Journal::wait`] does, and blocks.
    ///
    /// # Errors
    /// There were not so many in time.
    pub fn wait_blocking(self, count: u64) -> Result<(), WaitTimeout> {
        let waited = runtime::blocking(self.waiting(count));
        self.ended(waited, count)
    }

    fn waiting(&self, count: u64) -> impl Future<Output = bool> + Send + use<> {
        let (aim, host, within) = (
            self.aim.clone(),
            Arc::clone(self.double.appliance()),
            self.within,
        );
        async move {
            tokio::time::timeout(within, aim.reached(host, count))
                .await
                .is_ok()
        }
    }

    fn ended(&self, waited: Option<bool>, count: u64) -> Result<(), WaitTimeout> {
        if waited == Some(true) {
            Ok(())
        } else {
            Err(WaitTimeout::new(
                self.double.appliance(),
                &self.aim,
                count,
                self.within,
            ))
        }
    }
}

impl WaitTimeout {
    fn new(host: &MockAppliance, aim: &RequestFilter, count: u64, within: Duration) -> WaitTimeout {
        let came = aim.count(host);
        WaitTimeout(format!(
            "waited {within:?} for {count} × {aim}: {came} came{}{}",
            description::told(host, aim),
            description::found(host)
        ))
    }
}

impl fmt::Display for WaitTimeout {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The same: it is what `unwrap` and a test that returns it print.
impl fmt::Debug for WaitTimeout {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for WaitTimeout {}

/// How long is waited unless something else is said.
const PATIENCE: Duration = Duration::from_secs(5);
