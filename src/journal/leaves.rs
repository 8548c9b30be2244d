//! What a journal holds, on leaves: each has some entries, and the bytes of their requests.
//!
//! ```text
//! ░░▒▒ ▸ ▒▒▒▒ ▸ ▒▒▒▒ ▸ ▒▒··      ░ dropped   ▒ held   · room on the open leaf
//! ```
//!
//! What is written stays where it is. One piece of memory for all of it would be copied whenever it grows, and that of a thousand
//! appliances lies far from the processor; a piece for each request would be looked up there only to be given back.

use std::{collections::VecDeque, fmt, mem};

use crate::journal::{Arrival, Entry, Progress, Recorded, Wall, entry::Held};

/// Entries in the order of their numbers, which leave none out.
#[derive(Debug)]
pub(super) struct Leaves {
    open: Leaf,
    /// Elsewhere, so that what every entry touches lies close together.
    past: Box<Past>,
    /// The number of the oldest entry that is held; of the next, where none is.
    oldest: u64,
    /// How many are held.
    len: usize,
}

#[derive(Debug, Default)]
struct Past {
    /// The leaves before the open one, oldest first, with the number of the first entry of each.
    full: VecDeque<(u64, Leaf)>,
    /// One of the usual size that was used up, for the next.
    blank: Option<Leaf>,
}

/// Some entries. The first may be dropped already.
#[derive(Default)]
pub(super) struct Leaf {
    entries: Vec<Held>,
    /// Passwords are among them, so nothing formats them.
    bytes: Vec<u8>,
}

impl Default for Leaves {
    fn default() -> Leaves {
        Leaves {
            open: Leaf::default(),
            past: Box::default(),
            oldest: 1,
            len: 0,
        }
    }
}

impl Leaves {
    /// Returns how many entries are held.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Writes an entry down behind the others, and returns its number and how many bytes it holds.
    pub(super) fn push(&mut self, arrival: Arrival) -> (u64, usize) {
        let (request, arrival) = arrival.split();
        if !self.open.has_room_for(&request) {
            self.turn();
        }
        let number = self.next();
        let arrival = arrival.with(request.put_down(&mut self.open.bytes));
        let held = Held(Entry {
            number,
            arrival,
            progress: Progress::Open,
            status: None,
            ended: Wall::default(),
        });
        let weight = held.weight();
        self.open.entries.push(held);
        self.len += 1;
        (number, weight)
    }

    /// Opens the next leaf: twice as large as this one, up to the usual size.
    #[cold]
    fn turn(&mut self) {
        let first = self.open_from();
        let entries = (self.open.entries.capacity() * 2).clamp(FEWEST, MOST);
        let next = self.past.blank.take().unwrap_or_else(|| Leaf::of(entries));
        let mut full = mem::replace(&mut self.open, next);
        if !full.entries.is_empty() {
            full.trim();
            self.past.full.push_back((first, full));
        }
    }

    /// Drops the oldest entry, and returns how many bytes it held; none where nothing is held.
    pub(super) fn drop_oldest(&mut self) -> Option<usize> {
        let (first, leaf) = self.oldest_leaf();
        let weight = self.oldest()?.weight();
        let is_last = self.oldest + 1 == first + leaf.entries.len() as u64;
        self.oldest += 1;
        self.len -= 1;
        if is_last {
            self.tear_out();
        }
        Some(weight)
    }

    /// Tears out the oldest leaf, of which every entry was dropped.
    #[cold]
    fn tear_out(&mut self) {
        match self.past.full.pop_front() {
            None => self.open = Leaf::default(),
            Some((_, mut leaf)) if leaf.is_usual() => {
                leaf.entries.clear();
                leaf.bytes.clear();
                self.past.blank = Some(leaf);
            }
            Some(_) => {}
        }
    }

    /// Forgets all entries, and returns the number of the last one. Numbers go on.
    pub(super) fn clear(&mut self) -> u64 {
        *self = Leaves {
            oldest: self.next(),
            ..Leaves::default()
        };
        self.oldest - 1
    }

    /// Returns the oldest entry.
    pub(super) fn oldest(&self) -> Option<&Held> {
        let (first, leaf) = self.oldest_leaf();
        leaf.entries.get(usize::try_from(self.oldest - first).ok()?)
    }

    /// Returns the oldest leaf, with the number of its first entry.
    fn oldest_leaf(&self) -> (u64, &Leaf) {
        self.past
            .full
            .front()
            .map_or((self.open_from(), &self.open), |(first, leaf)| {
                (*first, leaf)
            })
    }

    /// Returns the entry of a number, unless it was dropped.
    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Held> {
        let (full, at) = self.place(number)?;
        let leaf = match full {
            Some(full) => &mut self.past.full[full].1,
            None => &mut self.open,
        };
        leaf.entries.get_mut(at)
    }

    /// Returns the entry of a number with its leaf, unless it was dropped.
    pub(super) fn get(&self, number: u64) -> Option<(&Leaf, &Held)> {
        let (full, at) = self.place(number)?;
        let leaf = full.map_or(&self.open, |full| &self.past.full[full].1);
        Some((leaf, leaf.entries.get(at)?))
    }

    /// Which of the full leaves the entry of a number is on, if not on the open one, and the how-manieth there.
    fn place(&self, number: u64) -> Option<(Option<usize>, usize)> {
        let open = self.open_from();
        let (full, first) = if number < self.oldest {
            return None;
        } else if number < open {
            let full = self
                .past
                .full
                .partition_point(|(first, _)| *first <= number)
                .checked_sub(1)?;
            (Some(full), self.past.full[full].0)
        } else {
            (None, open)
        };
        Some((full, usize::try_from(number - first).ok()?))
    }

    /// Returns the number of the next entry.
    fn next(&self) -> u64 {
        self.oldest + self.len as u64
    }

    /// Returns the number of the first entry of the open leaf, made or yet to be made.
    fn open_from(&self) -> u64 {
        self.next() - self.open.entries.len() as u64
    }

    /// Returns every entry with its leaf, oldest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&Leaf, &Held)> {
        let leaves = self
            .past
            .full
            .iter()
            .map(|(_, leaf)| leaf)
            .chain([&self.open]);
        let all = leaves.flat_map(|leaf| leaf.entries.iter().map(move |held| (leaf, held)));
        all.filter(|(_, held)| held.0.number >= self.oldest)
    }
}

impl Leaf {
    fn of(entries: usize) -> Leaf {
        Leaf {
            entries: Vec::with_capacity(entries),
            bytes: Vec::with_capacity(entries * USUAL_BYTES),
        }
    }

    /// Whether a request can be put down without anything being moved. A leaf that is blank takes a request of any size.
    fn has_room_for(&self, request: &Recorded) -> bool {
        let fits =
            self.entries.is_empty() || request.len() <= self.bytes.capacity() - self.bytes.len();
        fits && self.entries.len() < self.entries.capacity()
    }

    /// Gives room back that nothing will be written in, where it is most of all: after large requests, or before them.
    fn trim(&mut self) {
        if self.entries.len() < self.entries.capacity() / 2 {
            self.entries.shrink_to_fit();
        }
        if self.bytes.len() < self.bytes.capacity() / 2 {
            self.bytes.shrink_to_fit();
        }
    }

    fn is_usual(&self) -> bool {
        (self.entries.capacity(), self.bytes.capacity()) == (MOST, MOST * USUAL_BYTES)
    }

    /// Returns an entry of this leaf with a copy of its request.
    pub(super) fn whole(&self, held: &Held) -> Entry {
        held.0
            .clone()
            .map(|place| Recorded::taken_up(place, &self.bytes))
    }
}

impl fmt::Debug for Leaf {
    /// Shows how much there is of requests and nothing of them.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "Leaf({} entries, {} bytes)",
            self.entries.len(),
            self.bytes.len()
        )
    }
}

/// How many entries the first leaf of a journal has: most appliances are asked a few times only.
const FEWEST: usize = 4;

/// How many entries a leaf has at most.
const MOST: usize = 16;

/// How much room a leaf has for the bytes of each request: about what those of usual clients take.
const USUAL_BYTES: usize = 192;

#[cfg(test)]
mod tests;
