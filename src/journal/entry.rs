//! One entry: a request, how it was evaluated, and what became of the response.

use std::{
    fmt,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use http::{HeaderValue, StatusCode};

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
    /// The same moment as the time of day.
    pub time: SystemTime,
    /// The client's address.
    pub source: IpAddr,
    /// The number of the connection.
    pub connection: u64,
    /// The user it is about, if it names one.
    pub user: Option<Box<str>>,
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
    /// The failure mode of the connection's certificate or TLS.
    pub connection_failure: Option<Arc<str>>,
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
    /// The response, once it has ended.
    pub sent: Option<SentAnswer>,
    /// When the response ended; meaningless before that.
    pub(super) ended: Option<Instant>,
}

/// What a failure mode and the appliance made of a response, whole, wherever its delivery ended.
#[derive(Clone, Debug)]
pub struct SentAnswer {
    /// Its status.
    pub status: StatusCode,
    /// Its content type, if it has one.
    pub content_type: Option<HeaderValue>,
    /// Its body.
    pub body: Bytes,
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
    /// The name of a failure mode that altered the response, or the TLS connection.
    pub failure: Option<String>,
    /// The user that the request is about.
    pub user: Option<String>,
    /// The path of the request, without its query.
    pub path: Option<String>,
}

impl JournalEntry {
    /// Returns the number of bytes: the request's, the response's and the entry's own.
    pub(super) fn weight(&self) -> usize {
        let user = self.data.user.as_ref().map_or(0, |user| user.len());
        let body = self.sent.as_ref().map_or(0, |sent| sent.body.len());
        size_of::<JournalEntry>() + self.data.request.len() + user + body
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
        let data = &entry.data;
        let is_path = |path: &String| path == data.request.path();
        self.selects(&data.class)
            && self.state.is_none_or(|state| state == entry.progress)
            && (self.user.is_none() || self.user.as_deref() == data.user.as_deref())
            && self.path.as_ref().is_none_or(is_path)
    }

    /// Returns whether only entries that are kept can be counted.
    pub(super) fn needs_entries(&self) -> bool {
        self.user.is_some() || self.path.is_some()
    }

    /// Returns whether entries of a class match, whatever their state.
    pub(super) fn selects(&self, class: &EntryClass) -> bool {
        let is_failure = |name: &String| {
            [&class.failure, &class.connection_failure]
                .into_iter()
                .any(|failure| failure.as_deref() == Some(name))
        };
        (self.operation.is_none() || self.operation == class.operation)
            && (self.outcome.is_none() || self.outcome == class.outcome)
            && self.judged.is_none_or(|judged| judged == class.judged)
            && self.failure.as_ref().is_none_or(is_failure)
    }
}

/// As text: ``set_password → password_replaced by "test", under failure mode `slow` ``.
impl fmt::Display for EntryFilter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.operation.map_or("any request", Operation::name);
        let parts = [
            self.outcome.map(|outcome| format!(" → {outcome}")),
            self.judged.map(|judged| format!(" judged {judged}")),
            self.user.as_ref().map(|user| format!(" by {user:?}")),
            self.path.as_ref().map(|path| format!(" at {path:?}")),
            self.failure.as_ref().map(|failure| {
                let name = failure.escape_debug();
                format!(", under failure mode `{name}`")
            }),
            self.state.map(|state| format!(", {state}")),
        ];
        out.write_str(operation)?;
        parts
            .iter()
            .flatten()
            .try_for_each(|part| out.write_str(part))
    }
}
