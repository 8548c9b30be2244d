//! The journal of one appliance: what was asked, what it came to and why, what became of the answer. Bounded, and says what it dropped.
//!
//! ```text
//! request ─ Recorded ─▶ Entry (open) ─ the answer has gone ─▶ done, cut or left ─ view ─▶ redacted, for a reader
//!                          └─▶ Tally: counts that outlive the entries
//! ```
//!
//! What costs time is done when somebody looks: an entry is one copy of the request's bytes until then.

mod entry;
mod finding;
mod leaves;
mod recorded;
mod suggestion;
mod tally;
mod view;
mod wall;

use entry::Held;
pub use entry::{Arrival, Entry, Progress, Ticket};
pub use finding::{Finding, Findings};
use http::StatusCode;
use leaves::Leaves;
pub use recorded::Recorded;
pub use suggestion::suggestion;
use tally::Tally;
pub use tally::{BOUNDS, Counted, Latency, Wanted};
pub use view::{FindingView, Lens, RequestView, View};
pub use wall::Wall;

/// A bounded number of entries, and counts that nothing bounds. What every entry touches stands first, down to the tally's latency.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Journal {
    leaves: Leaves,
    bytes: usize,
    bounds: Bounds,
    tally: Tally,
    dropped: u64,
}

/// How much a journal holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How many entries.
    pub entries: usize,
    /// How many bytes, of requests and of what is kept about them. The room for them may be twice that, and some leaves.
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

impl Journal {
    /// Returns an empty one with these bounds.
    pub fn bounded(bounds: Bounds) -> Journal {
        Journal {
            bounds,
            ..Journal::default()
        }
    }

    /// Makes an entry of a request that has been read. The oldest are dropped for it where a bound is reached; the newest is kept
    /// however large it is.
    pub fn arrive(&mut self, arrival: Arrival) -> Ticket {
        let (place, arrived) = (self.tally.arrive(&arrival), arrival.wall);
        let (number, weight) = self.leaves.push(arrival);
        self.bytes += weight;
        while self.leaves.len() > 1
            && (self.leaves.len() > self.bounds.entries || self.bytes > self.bounds.bytes)
        {
            self.drop_oldest();
        }
        Ticket {
            number,
            place,
            arrived,
        }
    }

    /// Completes an entry: its answer, of this status, has gone, was cut, or had nobody to go to. One that was dropped still counts.
    pub fn complete(&mut self, ticket: &Ticket, status: StatusCode, progress: Progress, now: Wall) {
        if let Some(Held(entry)) = self.leaves.get_mut(ticket.number) {
            (entry.progress, entry.status, entry.ended) = (progress, Some(status), now);
        }
        self.tally
            .complete(ticket, progress, now.since(ticket.arrived));
    }

    /// Forgets all entries and begins to count anew. Numbers, and what [`Journal::totals`] returns, go on.
    pub fn clear(&mut self) {
        self.tally.clear(self.leaves.clear());
        (self.bytes, self.dropped) = (0, 0);
    }

    /// Returns how many requests since the start or the last [`Journal::clear`] are as wanted, dropped ones too.
    pub fn count(&self, wanted: &Wanted) -> u64 {
        self.tally.count(wanted)
    }

    /// Returns the entries that are held, newest first: those wanted, at most so many.
    pub fn newest<'a>(&'a self, wanted: &'a Wanted, most: usize) -> impl Iterator<Item = Entry> {
        self.leaves
            .iter()
            .rev()
            .filter(|(_, held)| wanted.admits(&held.0))
            .take(most)
            .map(|(leaf, held)| leaf.whole(held))
    }

    /// Returns the entries of requests that replaced a password, as far as they are held: what they tell is no secret of the present
    /// directory any more, and one all the same.
    pub fn changing(&self) -> Vec<Entry> {
        self.leaves
            .iter()
            .filter(|(_, held)| held.0.arrival.changed)
            .map(|(leaf, held)| leaf.whole(held))
            .collect()
    }

    /// Returns the entry of a ticket, if it is held.
    pub fn entry(&self, ticket: &Ticket) -> Option<Entry> {
        self.leaves
            .get(ticket.number)
            .map(|(leaf, held)| leaf.whole(held))
    }

    /// Returns how often each finding was made since the start or the last [`Journal::clear`], dropped entries counted.
    pub fn findings(&self) -> Vec<(Finding, u64)> {
        self.tally.findings()
    }

    /// Returns the number of requests of every operation, outcome and failure mode since the start, whatever was cleared.
    pub fn totals(&self) -> Vec<Counted> {
        self.tally.totals()
    }

    /// Returns how long answers took since the start.
    pub fn latency(&self) -> &Latency {
        &self.tally.latency
    }

    /// Returns how many entries are held.
    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// Tells whether none is held.
    pub fn is_empty(&self) -> bool {
        self.leaves.len() == 0
    }

    /// Returns how many bytes are held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns how many entries were dropped since the start or the last [`Journal::clear`].
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Returns how many entries were dropped since the start.
    pub fn dropped_ever(&self) -> u64 {
        self.tally.dropped_ever
    }

    /// Returns when the oldest entry that is held arrived.
    pub fn oldest(&self) -> Option<Wall> {
        self.leaves.oldest().map(|held| held.0.arrival.wall)
    }

    /// Drops the oldest entry, and returns how many bytes that freed.
    pub fn drop_oldest(&mut self) -> usize {
        let Some(weight) = self.leaves.drop_oldest() else {
            return 0;
        };
        self.bytes -= weight;
        self.dropped += 1;
        self.tally.dropped_ever += 1;
        weight
    }
}

#[cfg(test)]
mod tests;
