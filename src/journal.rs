//! The journal of one appliance: each request, why it was answered so, and what became of the
//! response. It is bounded, and counts the entries that it dropped.
//!
//! ```text
//! request ─ RecordedRequest ─▶ JournalEntry (open) ─ response ended ─▶ done, cut or left ─▶ EntryView
//!                                └─▶ Tally: counts that outlive the entries
//! ```
//!
//! An entry keeps a copy of the request's bytes. Parsing and redaction happen when it is read.

mod entry;
mod finding;
mod request;
mod shared;
mod suggestion;
mod view;

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

pub(crate) use entry::{EntryClass, EntryData, EntryId, JournalEntry};
pub use entry::{EntryFilter, Progress, SentAnswer};
pub use finding::Finding;
pub use request::RecordedRequest;
pub use shared::MemoryBudget;
pub(crate) use shared::SharedJournal;
pub use suggestion::suggestion;
pub use view::{EntryView, FindingView, JournalRedactor, OTHER_ANSWER, RequestView, named_user};

/// Locks a mutex, also after a panic of a thread that held it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A bounded number of entries, and counts that outlive them.
#[derive(Debug, Default)]
pub(crate) struct BoundedJournal {
    /// Oldest first. Their numbers have no gaps.
    entries: VecDeque<JournalEntry>,
    /// The number of the newest entry there ever was.
    last_number: u64,
    bytes: usize,
    bounds: Bounds,
    /// One for each class of requests. One appliance has few.
    tallies: Vec<Tally>,
    findings: [u64; Finding::ALL.len()],
    /// The number of the last entry before the last clear.
    cleared: u64,
    dropped: u64,
}

/// The number of requests of a class, by progress.
#[derive(Debug)]
struct Tally {
    class: EntryClass,
    counts: [u64; Progress::ALL.len()],
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
        let number = self.last_number;
        for finding in &data.findings {
            self.findings[*finding as usize] += 1;
        }
        let place = self.place(&data.class);
        self.tallies[place].counts[Progress::Open as usize] += 1;
        let entry = JournalEntry {
            number,
            data,
            progress: Progress::Open,
            sent: None,
            ended: None,
        };
        self.bytes += entry.weight();
        self.entries.push_back(entry);
        self.keep_bounds();
        EntryId { number, place }
    }

    fn keep_bounds(&mut self) {
        let is_over = |journal: &BoundedJournal| {
            let Bounds { entries, bytes } = journal.bounds;
            journal.entries.len() > entries || journal.bytes > bytes
        };
        while self.entries.len() > 1 && is_over(self) {
            self.drop_oldest();
        }
    }

    /// Returns where a request is counted.
    fn place(&mut self, class: &EntryClass) -> usize {
        let same = |tally: &Tally| tally.class == *class;
        self.tallies.iter().position(same).unwrap_or_else(|| {
            self.tallies.push(Tally {
                class: class.clone(),
                counts: [0; _],
            });
            self.tallies.len() - 1
        })
    }

    /// Completes an entry whose response has ended. An entry that was dropped
    /// is counted all the same; one from before the last clear is not.
    pub(crate) fn complete(
        &mut self,
        id: &EntryId,
        sent: SentAnswer,
        progress: Progress,
        now: Instant,
    ) {
        if let Some(index) = self.index(id.number) {
            let entry = &mut self.entries[index];
            self.bytes -= entry.weight();
            (entry.sent, entry.progress, entry.ended) = (Some(sent), progress, Some(now));
            self.bytes += entry.weight();
        }
        if id.number > self.cleared {
            let counts = &mut self.tallies[id.place].counts;
            counts[Progress::Open as usize] -= 1;
            counts[progress as usize] += 1;
        }
        self.keep_bounds();
    }

    /// Drops all entries and restarts the counts. Numbers continue.
    pub(crate) fn clear(&mut self) {
        *self = BoundedJournal {
            last_number: self.last_number,
            cleared: self.last_number,
            bounds: self.bounds,
            ..BoundedJournal::default()
        };
    }

    /// Returns the number of matching requests since the start or the last [`BoundedJournal::clear`],
    /// dropped ones included, unless they are of one user or path.
    pub(crate) fn count(&self, filter: &EntryFilter) -> u64 {
        if filter.needs_entries() {
            return self.newest(filter).count() as u64;
        }
        let in_state = |tally: &Tally| match filter.state {
            None => tally.counts.iter().sum(),
            Some(state) => tally.counts[state as usize],
        };
        let tallies = self.tallies.iter();
        tallies
            .filter(|tally| filter.selects(&tally.class))
            .map(in_state)
            .sum()
    }

    /// Returns the matching entries, newest first.
    pub(crate) fn newest<'a>(
        &'a self,
        filter: &'a EntryFilter,
    ) -> impl Iterator<Item = &'a JournalEntry> {
        let newest = self.entries.iter().rev();
        newest.filter(|entry| filter.matches(entry))
    }

    /// Returns the entries of requests that replaced a password. The passwords in them are no
    /// longer in the directory, and still secret.
    pub(crate) fn password_changes(&self) -> impl Iterator<Item = &JournalEntry> {
        self.entries.iter().filter(|entry| entry.data.changed)
    }

    /// Returns an entry, unless it was dropped.
    pub(crate) fn entry(&self, id: &EntryId) -> Option<&JournalEntry> {
        Some(&self.entries[self.index(id.number)?])
    }

    /// Returns the number of each finding since the start or the last [`BoundedJournal::clear`], dropped
    /// entries included.
    pub(crate) fn findings(&self) -> Vec<(Finding, u64)> {
        let all = Finding::ALL.iter().copied().zip(self.findings);
        all.filter(|(_, count)| *count > 0).collect()
    }

    /// Returns the number of entries dropped since the start or the last [`BoundedJournal::clear`].
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
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
