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
    pub fn operation(self, operation: Operation) -> Journal<'a> {
        self.set(|filter| filter.operation = Some(operation))
    }

    /// Only those that the appliance gave this outcome, whatever a failure mode sent instead.
    pub fn judged(self, outcome: Outcome) -> Journal<'a> {
        self.set(|filter| filter.judged = Some(outcome))
    }

    /// Only those whose client was told this outcome.
    pub fn outcome(self, outcome: Outcome) -> Journal<'a> {
        self.set(|filter| filter.outcome = Some(outcome))
    }

    /// Only those whose answer is as far as this: open, done, cut, or its client left.
    pub fn state(self, state: Progress) -> Journal<'a> {
        self.set(|filter| filter.state = Some(state))
    }

    /// Only those that the failure mode of this name changed.
    pub fn failure(self, name: impl Into<String>) -> Journal<'a> {
        self.set(|filter| filter.failure = Some(name.into()))
    }

    /// Only those about this user: whose password is checked or, by an administrator, set. Entries that were dropped are not counted.
    pub fn user(self, username: impl Into<String>) -> Journal<'a> {
        self.set(|filter| filter.user = Some(username.into()))
    }

    /// Only those for this path, its query left out. Entries that were dropped are not counted.
    pub fn path(self, path: impl Into<String>) -> Journal<'a> {
        self.set(|filter| filter.path = Some(path.into()))
    }

    /// Waits this long, in real time, in place of 5 s.
    pub fn within(mut self, time: Duration) -> Journal<'a> {
        self.within = time;
        self
    }

    /// Returns those that are kept, in the order of their arrival.
    pub fn entries(&self) -> Vec<EntryView> {
        let appliance = self.double.appliance();
        appliance.journal(&self.filter, usize::MAX).entries
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

    /// Changes the filter.
    fn set(mut self, set: impl FnOnce(&mut EntryFilter)) -> Journal<'a> {
        set(&mut self.filter);
        self
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
        let (filter, within) = (&self.filter, self.within);
        let (appliance, came) = (self.double.appliance(), self.count());
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
