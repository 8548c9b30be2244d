//! What all journals of a process may hold together; beyond that the oldest entries of all go first.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fmt,
    sync::{
        Arc, LazyLock, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::journal::Wall;

/// What holds entries of which the oldest can go.
pub(super) trait Holder: fmt::Debug + Send + Sync {
    /// Returns when the oldest entry arrived.
    fn oldest(&self) -> Option<Wall>;

    /// Drops entries no younger than a limit until enough bytes are freed; returns how many were, and when the next oldest arrived.
    fn drop_oldest(&self, limit: Option<Wall>, enough: usize) -> (usize, Option<Wall>);
}

/// A number of bytes that journals share.
#[derive(Debug)]
pub struct Budget {
    most: usize,
    used: AtomicUsize,
    holders: Mutex<Vec<Weak<dyn Holder>>>,
}

impl Budget {
    /// Allows this many bytes.
    pub fn of(most: usize) -> Arc<Budget> {
        Arc::new(Budget {
            most,
            used: AtomicUsize::new(0),
            holders: Mutex::default(),
        })
    }

    /// Returns the process's own, of 256 MiB.
    pub fn of_the_process() -> Arc<Budget> {
        static OWN: LazyLock<Arc<Budget>> = LazyLock::new(|| Budget::of(256 * 1024 * 1024));
        Arc::clone(&OWN)
    }

    /// Returns how many bytes are held.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    pub(super) fn join(&self, holder: Weak<dyn Holder>) {
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that are gone are forgotten before the list would have to grow for them.
        if holders.len() == holders.capacity() {
            holders.retain(|holder| holder.strong_count() > 0);
        }
        holders.push(holder);
    }

    /// Takes note that a journal grew or shrank; makes room where it is too much. To be called with no journal locked.
    pub(super) fn changed(&self, before: usize, after: usize) {
        if after == before {
            // As of a full journal of requests that are alike: nothing that all share is written.
        } else if after < before {
            self.used.fetch_sub(before - after, Ordering::Relaxed);
        } else if self.used.fetch_add(after - before, Ordering::Relaxed) + (after - before)
            > self.most
        {
            self.make_room();
        }
    }

    /// Drops the oldest entries of all, somewhat more than needed, so that this is done seldom.
    fn make_room(&self) {
        // Whoever comes while room is being made finds it made.
        let Ok(holders) = self.holders.try_lock() else {
            return;
        };
        let living: Vec<Arc<dyn Holder>> = holders.iter().filter_map(Weak::upgrade).collect();
        drop(holders);
        let enough = self.most - self.most / 16;
        let mut oldest: BinaryHeap<Reverse<(Wall, usize)>> = living
            .iter()
            .enumerate()
            .filter_map(|(index, holder)| Some(Reverse((holder.oldest()?, index))))
            .collect();
        while self.used() > enough
            && let Some(Reverse((_, index))) = oldest.pop()
        {
            let limit = oldest.peek().map(|Reverse((next, _))| *next);
            let excess = self.used().saturating_sub(enough);
            let (freed, next) = living[index].drop_oldest(limit, excess);
            self.used.fetch_sub(freed, Ordering::Relaxed);
            oldest.extend(next.map(|next| Reverse((next, index))));
        }
    }
}
