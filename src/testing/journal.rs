//! A double's journal: what was asked, how often, and waiting for it.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    Double,
    description::{describe_findings, describe_requests},
    runtime,
};
use crate::{
    contract::{Operation, Outcome},
    journal::{EntryFilter, EntryView, Finding, Progress},
};

/// The journal of a double: by default everything since the start or the last reset; each condition narrows it.
///
/// An entry is made when its request has been read, and completed when its answer has gone. No password is in it.
#[derive(Debug)]
#[must_use = "a journal that is not read does nothing"]
pub struct Journal<'a> {
    double: &'a Double,
    filter: EntryFilter,
    within: Duration,
}

/// What was waited for did not happen in time: says what did, nearest first.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WaitTimeout(String);

impl<'a> Journal<'a> {
    pub(super) fn new(double: &'a Double) -> Journal<'a> {
        Journal {
            double,
            filter: EntryFilter::default(),
            within: DEFAULT_WAIT,
        }
    }

    /// Only requests for this operation.
    pub fn operation(mut self, operation: Operation) -> Journal<'a> {
        self.filter.operation = Some(operation);
        self
    }

    /// Only those that the appliance gave this outcome, whatever a failure mode sent instead.
    pub fn judged(mut self, outcome: Outcome) -> Journal<'a> {
        self.filter.judged = Some(outcome);
        self
    }

    /// Only those whose client was told this outcome.
    pub fn outcome(mut self, outcome: Outcome) -> Journal<'a> {
        self.filter.outcome = Some(outcome);
        self
    }

    /// Only those whose answer is as far as this: open, done, cut, or its client left.
    pub fn state(mut self, state: Progress) -> Journal<'a> {
        self.filter.state = Some(state);
        self
    }

    /// Only those that the failure mode of this name changed.
    pub fn failure(mut self, name: impl Into<String>) -> Journal<'a> {
        self.filter.failure = Some(name.into());
        self
    }

    /// Only those about this user: whose password is checked or, by an administrator, set. Entries that were dropped are not counted.
    pub fn user(mut self, username: impl Into<String>) -> Journal<'a> {
        self.filter.user = Some(username.into());
        self
    }

    /// Only those for this path, its query left out. Entries that were dropped are not counted.
    pub fn path(mut self, path: impl Into<String>) -> Journal<'a> {
        self.filter.path = Some(path.into());
        self
    }

    /// Waits this long, in real time, in place of 5 s.
    pub fn within(mut self, time: Duration) -> Journal<'a> {
        self.within = time;
        self
    }

    /// Returns those that are kept, in the order of their arrival.
    pub fn entries(&self) -> Vec<EntryView> {
        self.double
            .appliance()
            .journal(&self.filter, usize::MAX)
            .entries
    }

    /// Returns how many there were, dropped entries too unless of one user or path.
    pub fn count(&self) -> u64 {
        self.double.appliance().count(&self.filter)
    }

    /// Returns what is wrong with the client, and in how many of all requests, of dropped entries too. Conditions do not matter.
    pub fn findings(&self) -> Vec<(Finding, u64)> {
        self.double.appliance().findings()
    }

    /// Removes all entries and restarts the counts.
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

    /// Waits until there were so many since the start or the last reset; returns at once if there were.
    ///
    /// # Errors
    /// There were not in time.
    pub async fn wait(self, count: u64) -> Result<(), WaitTimeout> {
        let is_reached = runtime::on(self.reached(count)).await;
        self.result(is_reached, count)
    }

    /// Waits as [`Journal::wait`] does, and blocks.
    ///
    /// # Errors
    /// There were not so many in time.
    pub fn wait_blocking(self, count: u64) -> Result<(), WaitTimeout> {
        let is_reached = runtime::blocking(self.reached(count));
        self.result(is_reached, count)
    }

    fn reached(&self, count: u64) -> impl Future<Output = bool> + Send + use<> {
        let appliance = Arc::clone(self.double.appliance());
        let (filter, within) = (self.filter.clone(), self.within);
        async move {
            tokio::time::timeout(within, appliance.wait(&filter, count))
                .await
                .is_ok()
        }
    }

    fn result(&self, is_reached: Option<bool>, count: u64) -> Result<(), WaitTimeout> {
        if is_reached == Some(true) {
            return Ok(());
        }
        let Journal {
            double,
            filter,
            within,
        } = self;
        let (appliance, came) = (double.appliance(), self.count());
        let requests = describe_requests(appliance, filter);
        let findings = describe_findings(appliance);
        Err(WaitTimeout(format!(
            "waited {within:?} for {count} × {filter}: {came} came{requests}{findings}"
        )))
    }
}

/// The same: `unwrap` and a test that returns it print this.
impl fmt::Debug for WaitTimeout {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}

const DEFAULT_WAIT: Duration = Duration::from_secs(5);
