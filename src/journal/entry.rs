//! One entry: a request, how it was evaluated, and what became of the response.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use http::StatusCode;

use crate::{
    appliance::Reason,
    contract::{Operation, Outcome, closed_set},
    journal::{Findings, RecordedRequest},
};

/// What is known once a request was evaluated.
#[derive(Clone, Debug)]
pub struct EntryData {
    /// When the request was evaluated, in nanoseconds on the appliance's clock.
    pub at_ns: u64,
    /// The same moment on the machine's clock, from which the response time is measured.
    pub instant: Instant,
    /// The client's address.
    pub source: IpAddr,
    /// The number of the connection.
    pub connection: u64,
    /// The operation, if the path and method are an operation's.
    pub operation: Option<Operation>,
    /// The outcome as the client sees it. A failure mode may replace the appliance's own.
    pub outcome: Outcome,
    /// Why the appliance came to its outcome; `None` if the server rejected the request.
    pub reason: Option<Reason>,
    /// The failure mode that altered the response.
    pub failure: Option<Arc<str>>,
    /// Whether a password was replaced.
    pub changed: bool,
    /// The client's faults.
    pub findings: Findings,
    /// The request itself.
    pub request: RecordedRequest,
}

/// An entry of a journal.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The number, counted from 1 at each appliance.
    pub number: u64,
    /// What was known when the entry was added.
    pub data: EntryData,
    /// What became of the response.
    pub progress: Progress,
    /// The status of the response, once it has ended.
    pub status: Option<StatusCode>,
    /// When the response ended; meaningless before that.
    ended: Option<Instant>,
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

impl Entry {
    /// Creates an open entry.
    pub(super) fn new(number: u64, data: EntryData) -> Entry {
        Entry {
            number,
            data,
            progress: Progress::Open,
            status: None,
            ended: None,
        }
    }

    pub(super) fn complete(&mut self, status: StatusCode, progress: Progress, now: Instant) {
        (self.status, self.progress, self.ended) = (Some(status), progress, Some(now));
    }

    /// Returns the number of bytes: the request's and the entry's own.
    pub(super) fn weight(&self) -> usize {
        size_of::<Entry>() + self.data.request.len()
    }

    /// Returns how long the response took, from the request's last byte to its own last byte.
    pub fn took(&self) -> Option<Duration> {
        let ended = self.ended?;
        Some(ended.saturating_duration_since(self.data.instant))
    }
}
