//! One entry: a request, how it was evaluated, and what became of the response.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use http::StatusCode;

use crate::{
    appliance::{Moment, Reason},
    contract::{Operation, Outcome, closed_set},
    journal::{Finding, RecordedRequest},
};

/// What is known once a request was evaluated.
#[derive(Clone, Debug)]
pub struct EntryData {
    /// When the request was evaluated, on the appliance's clock.
    pub at: Moment,
    /// The same moment on the machine's clock, from which the response time is measured.
    pub instant: Instant,
    /// The client's address.
    pub source: IpAddr,
    /// The number of the connection.
    pub connection: u64,
    /// How the request is counted.
    pub class: EntryClass,
    /// Why the appliance came to its outcome; `None` if the server rejected the request.
    pub reason: Option<Reason>,
    /// Whether a password was replaced.
    pub changed: bool,
    /// The client's faults.
    pub findings: Vec<Finding>,
    /// The request itself.
    pub request: RecordedRequest,
}

/// What requests have in common that are counted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryClass {
    /// The operation, if the path and method are an operation's.
    pub operation: Option<Operation>,
    /// The outcome that the client was told; `None` if a failure mode sent something else instead.
    pub outcome: Option<Outcome>,
    /// The outcome that the appliance came to.
    pub judged: Outcome,
    /// The failure mode that altered the response.
    pub failure: Option<Arc<str>>,
}

/// An entry of a journal.
#[derive(Clone, Debug)]
pub struct JournalEntry {
    /// The number, counted from 1 at each appliance.
    pub number: u64,
    /// What was known when the entry was added.
    pub data: EntryData,
    /// What became of the response.
    pub progress: Progress,
    /// The status of the response, once it has ended.
    pub status: Option<StatusCode>,
    /// When the response ended; meaningless before that.
    pub(super) ended: Option<Instant>,
}

/// Identifies an entry that is to be completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryId {
    /// The number of the entry.
    pub number: u64,
    /// Where the entry is counted.
    pub place: usize,
}

closed_set! {
    /// What became of a response.
    #[non_exhaustive]
    Progress, "state" {
        /// Cut by the mock: by a failure mode, a limit, or the server's shutdown.
        Cut = "cut",
        /// Sent completely.
        Done = "done",
        /// The client left before the response was sent.
        Left = "left",
        /// Not sent yet.
        Open = "open",
    }
}

/// Selects entries: all conditions that are given must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// The operation.
    pub operation: Option<Operation>,
    /// The outcome that the client was told.
    pub outcome: Option<Outcome>,
    /// The outcome that the appliance came to.
    pub judged: Option<Outcome>,
    /// What became of the response.
    pub state: Option<Progress>,
    /// The name of the failure mode that altered the response.
    pub failure: Option<String>,
}

impl JournalEntry {
    /// Returns the number of bytes: the request's and the entry's own.
    pub(super) fn weight(&self) -> usize {
        size_of::<JournalEntry>() + self.data.request.len()
    }

    /// Returns how long the response took, from the request's last byte to its own last byte.
    pub fn took(&self) -> Option<Duration> {
        let ended = self.ended?;
        Some(ended.saturating_duration_since(self.data.instant))
    }
}

impl EntryFilter {
    /// Returns whether an entry matches.
    pub fn matches(&self, entry: &JournalEntry) -> bool {
        self.selects(&entry.data.class) && self.state.is_none_or(|state| state == entry.progress)
    }

    /// Returns whether entries of a class match, whatever their state.
    pub(super) fn selects(&self, class: &EntryClass) -> bool {
        (self.operation.is_none() || self.operation == class.operation)
            && (self.outcome.is_none() || self.outcome == class.outcome)
            && self.judged.is_none_or(|judged| judged == class.judged)
            && (self.failure.is_none() || self.failure.as_deref() == class.failure.as_deref())
    }
}
