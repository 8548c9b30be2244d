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
mod kept;
mod recorded;
mod suggestion;
mod tally;
mod view;
mod wall;

use std::collections::VecDeque;

use http::StatusCode;

pub use entry::Arrival;
pub use entry::Entry;
pub use entry::Progress;
pub use entry::Ticket;
pub use finding::Finding;
pub use finding::Findings;
pub use recorded::Recorded;
pub use suggestion::suggestion;
pub use tally::BOUNDS;
pub use tally::Counted;
pub use tally::Latency;
pub use tally::Wanted;
pub use view::FindingView;
pub use view::Lens;
pub use view::RequestView;
pub use view::View;
pub use wall::Wall;

use entry::Held;
use kept::Kept;
use recorded::Place;
use tally::Tally;

/// A bounded ring of entries, and counts that nothing bounds.
#[derive(Debug, Default)]
pub struct Journal {
    entries: VecDeque<Held>,
    /// The bytes of their requests, in the same order.
    kept: Kept,
    /// How many entries were ever made; numbers go on after a [`Journal::clear`].
    made: u64,
    bytes: usize,
    dropped: u64,
    bounds: Bounds,
    tally: Tally,
}

/// How much a journal holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How many entries.
    pub entries: usize,
    /// How many bytes, of requests and of what is kept about them. The room for them may be twice that.
    pub bytes: usize,
}

impl Default for Bounds {
    /// A thousand entries and 8 MiB.
    fn default() -> Bounds {
        Bounds { entries: 1000, bytes: 8 * 1024 * 1024 }
    }
}

impl Journal {
    /// Returns an empty one with these bounds.
    pub fn bounded(bounds: Bounds) -> Journal {
        Journal { bounds, ..Journal::default() }
    }

    /// Makes an entry of a request that has been read. The oldest are dropped for it where a bound is reached; the newest is kept
    /// however large it is.
    pub fn arrive(&mut self, arrival: Arrival) -> Ticket {
        self.made += 1;
        let ticket = Ticket { number: self.made, place: self.tally.arrive(&arrival), arrived: arrival.wall };
        let (request, arrival) = arrival.split();
        let arrival = arrival.with(request.put_down(&mut self.kept));
        let held = Held(Entry { number: self.made, arrival, progress: Progress::Open, status: None, ended: Wall::default() });
        self.bytes += held.weight();
        self.entries.push_back(held);
        while self.entries.len() > 1 && (self.entries.len() > self.bounds.entries || self.bytes > self.bounds.bytes) {
            self.drop_oldest();
        }
        ticket
    }

    /// Completes an entry: its answer, of this status, has gone, was cut, or had nobody to go to. One that was dropped still counts.
    pub fn complete(&mut self, ticket: &Ticket, status: StatusCode, progress: Progress, now: Wall) {
        if let Some(entry) = self.held(ticket.number) {
            (entry.progress, entry.status, entry.ended) = (progress, Some(status), now);
        }
        self.tally.complete(ticket, progress, now.since(ticket.arrived));
    }

    fn held(&mut self, number: u64) -> Option<&mut Entry<Place>> {
        let index = self.index(number)?;
        self.entries.get_mut(index).map(|held| &mut held.0)
    }

    /// Where the entry of a number is held, unless it was dropped.
    fn index(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.entries.front()?.0.number)?).ok()
    }

    /// Forgets all entries and begins to count anew. Numbers, and what [`Journal::totals`] returns, go on.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.kept = Kept::default();
        self.tally.clear(self.made);
        (self.bytes, self.dropped) = (0, 0);
    }

    /// Returns how many requests since the start or the last [`Journal::clear`] are as wanted, dropped ones too.
    pub fn count(&self, wanted: &Wanted) -> u64 {
        self.tally.count(wanted)
    }

    /// Returns the entries that are held, newest first: those wanted, at most so many.
    pub fn newest<'a>(&'a self, wanted: &'a Wanted, most: usize) -> impl Iterator<Item = Entry> {
        self.entries.iter().rev().filter(|held| wanted.admits(&held.0)).take(most).map(|held| self.whole(held))
    }

    /// Returns the entries of requests that replaced a password, as far as they are held: what they tell is no secret of the present
    /// directory any more, and one all the same.
    pub fn changing(&self) -> Vec<Entry> {
        self.entries.iter().filter(|held| held.0.arrival.changed).map(|held| self.whole(held)).collect()
    }

    /// Returns the entry of a ticket, if it is held.
    pub fn entry(&self, ticket: &Ticket) -> Option<Entry> {
        self.entries.get(self.index(ticket.number)?).map(|held| self.whole(held))
    }

    /// Returns an entry with a copy of its request.
    fn whole(&self, held: &Held) -> Entry {
        held.0.clone().map(|place| Recorded::taken_up(place, &self.kept))
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
        self.entries.len()
    }

    /// Tells whether none is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
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
        self.entries.front().map(|held| held.0.arrival.wall)
    }

    /// Drops the oldest entry, and returns how many bytes that freed.
    pub fn drop_oldest(&mut self) -> usize {
        let Some(held) = self.entries.pop_front() else { return 0 };
        self.kept.drop_oldest(held.0.arrival.request.bytes());
        let weight = held.weight();
        self.bytes -= weight;
        self.dropped += 1;
        self.tally.dropped_ever += 1;
        weight
    }
}

#[cfg(test)]
mod tests;
