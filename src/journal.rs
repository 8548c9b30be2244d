//! The journal of one appliance: each request, why it was answered so, and what became of the
//! response. It is bounded, and counts the entries that it dropped.
//!
//! ```text
//! request ─ RecordedRequest ─▶ Entry (open) ─ response ended ─▶ done, cut or left ─▶ EntryView
//!                                └─▶ Tally: counts that outlive the entries
//! ```
//!
//! An entry keeps a copy of the request's bytes. Parsing and redaction happen when it is read.

mod entry;
mod finding;
mod lock;
mod request;
mod shared;
mod suggestion;
mod tally;
mod view;

use std::{collections::VecDeque, time::Instant};

pub use entry::Progress;
pub(crate) use entry::{Entry, EntryData, EntryId};
pub use finding::{Finding, Findings};
use http::StatusCode;
pub(crate) use lock::lock;
pub use request::RecordedRequest;
pub use shared::MemoryBudget;
pub(crate) use shared::SharedJournal;
pub use suggestion::suggestion;
pub use tally::EntryFilter;
use tally::Tally;
pub use view::{EntryView, FindingView, JournalRedactor, RequestView};

/// A bounded number of entries, and counts without a bound.
#[derive(Debug, Default)]
pub(crate) struct BoundedJournal {
    /// Oldest first. Their numbers have no gaps.
    entries: VecDeque<Entry>,
    /// The number of the newest entry there ever was.
    last_number: u64,
    bytes: usize,
    bounds: Bounds,
    tally: Tally,
    dropped: u64,
}

/// How much a journal holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bounds {
    /// The number of entries.
    pub entries: usize,
    /// The number of bytes, of requests and of what is kept about them.
    pub bytes: usize,
}

impl Default for Bounds {
    /// A thousand entries and 8 MiB.
    fn default() -> Bounds {
        Bounds {
            entries: 1000,
            bytes: 8 * 1024 * 1024,
        }
    }
}

impl Bounds {
    /// Replaces the number of entries.
    #[must_use]
    pub fn with_entries(self, entries: usize) -> Bounds {
        Bounds { entries, ..self }
    }

    /// Replaces the number of bytes.
    #[must_use]
    pub fn with_bytes(self, bytes: usize) -> Bounds {
        Bounds { bytes, ..self }
    }
}

impl BoundedJournal {
    /// Returns an empty journal with these bounds.
    pub(crate) fn with_bounds(bounds: Bounds) -> BoundedJournal {
        BoundedJournal {
            bounds,
            ..BoundedJournal::default()
        }
    }

    /// Adds an entry for a request. Drops the oldest entries if a bound is reached. The newest
    /// entry is kept, whatever its size.
    pub(crate) fn push(&mut self, data: EntryData) -> EntryId {
        self.last_number += 1;
        let id = EntryId {
            number: self.last_number,
            place: self.tally.add(&data),
        };
        let entry = Entry::new(self.last_number, data);
        self.bytes += entry.weight();
        self.entries.push_back(entry);
        while self.len() > 1 && (self.len() > self.bounds.entries || self.bytes > self.bounds.bytes)
        {
            self.drop_oldest();
        }
        id
    }

    /// Completes an entry whose response, with this status, has ended. An entry that was dropped
    /// is counted all the same.
    pub(crate) fn complete(
        &mut self,
        id: &EntryId,
        status: StatusCode,
        progress: Progress,
        now: Instant,
    ) {
        if let Some(index) = self.index(id.number) {
            self.entries[index].complete(status, progress, now);
        }
        self.tally.complete(id, progress);
    }

    /// Drops all entries and restarts the counts. Numbers continue.
    pub(crate) fn clear(&mut self) {
        self.tally.clear(self.last_number);
        self.entries.clear();
        (self.bytes, self.dropped) = (0, 0);
    }

    /// Returns the number of matching requests since the start or the last [`BoundedJournal::clear`],
    /// dropped ones included.
    pub(crate) fn count(&self, filter: &EntryFilter) -> u64 {
        self.tally.count(filter)
    }

    /// Returns the matching entries, newest first.
    pub(crate) fn newest<'a>(&'a self, filter: &'a EntryFilter) -> impl Iterator<Item = &'a Entry> {
        self.entries
            .iter()
            .rev()
            .filter(|entry| filter.matches(entry))
    }

    /// Returns the entries of requests that replaced a password. The passwords in them are no
    /// longer in the directory, and still secret.
    pub(crate) fn password_changes(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.data.changed)
    }

    /// Returns an entry, unless it was dropped.
    pub(crate) fn entry(&self, id: &EntryId) -> Option<&Entry> {
        Some(&self.entries[self.index(id.number)?])
    }

    /// Returns the number of each finding since the start or the last [`BoundedJournal::clear`], dropped
    /// entries included.
    pub(crate) fn findings(&self) -> Vec<(Finding, u64)> {
        self.tally.findings()
    }

    /// Returns the number of entries.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the number of bytes of all entries.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the number of entries dropped since the start or the last [`BoundedJournal::clear`].
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Returns when the oldest entry arrived.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.entries.front().map(|entry| entry.data.instant)
    }

    /// Drops the oldest entry, and returns the number of bytes freed.
    pub(crate) fn drop_oldest(&mut self) -> usize {
        let Some(entry) = self.entries.pop_front() else {
            return 0;
        };
        self.bytes -= entry.weight();
        self.dropped += 1;
        entry.weight()
    }

    /// Returns the index of the entry with this number.
    fn index(&self, number: u64) -> Option<usize> {
        let first = self.entries.front()?.number;
        let index = usize::try_from(number.checked_sub(first)?).ok()?;
        (index < self.entries.len()).then_some(index)
    }
}

#[cfg(test)]
mod tests;
