//! A journal that several threads share: entries are added and completed under its lock, and
//! tasks can wait for them. All journals of a process share a memory budget.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    pin::pin,
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::Notify;

use crate::journal::{BoundedJournal, Bounds, lock};

/// A journal, its share of the memory budget, and those who wait for it.
///
/// The budget never counts less than what the journals hold: bytes are added to it under the
/// journal's lock and subtracted after the lock is released.
#[derive(Debug)]
pub(crate) struct SharedJournal {
    journal: Mutex<BoundedJournal>,
    budget: Arc<MemoryBudget>,
    changed: Notify,
}

impl SharedJournal {
    pub(crate) fn new(bounds: Bounds, budget: Arc<MemoryBudget>) -> Arc<SharedJournal> {
        let shared = Arc::new(SharedJournal {
            journal: Mutex::new(BoundedJournal::with_bounds(bounds)),
            budget,
            changed: Notify::new(),
        });
        shared.budget.join(&shared);
        shared
    }

    /// Changes the journal, and makes room if all journals together hold too much. May be called under the appliance's lock, so
    /// that entries are in the order of evaluation.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut BoundedJournal) -> T) -> T {
        let mut journal = self.lock();
        let before = journal.bytes;
        let result = change(&mut journal);
        let after = journal.bytes;
        let added = after.saturating_sub(before);
        self.budget.used.fetch_add(added, Ordering::Relaxed);
        drop(journal);
        self.budget.subtract(before.saturating_sub(after));
        self.budget.make_room();
        self.changed.notify_waiters();
        result
    }

    /// Reads the journal under its lock; `read` must be short.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&BoundedJournal) -> T) -> T {
        read(&self.lock())
    }

    /// Completes when the condition holds. It is asked at once and after each change, without a
    /// lock.
    pub(crate) async fn wait_until(&self, mut holds: impl FnMut() -> bool) {
        loop {
            let mut changed = pin!(self.changed.notified());
            // Enabled before the condition is asked, so that no change in between is missed.
            changed.as_mut().enable();
            if holds() {
                return;
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BoundedJournal> {
        lock(&self.journal)
    }
}

impl Drop for SharedJournal {
    fn drop(&mut self) {
        let held = self.lock().bytes;
        self.budget.subtract(held);
    }
}

/// A number of bytes that journals share. Beyond it the oldest entries of all are dropped.
#[derive(Debug)]
pub struct MemoryBudget {
    max: usize,
    used: AtomicUsize,
    journals: Mutex<Vec<Weak<SharedJournal>>>,
}

impl MemoryBudget {
    /// Creates a budget of this many bytes.
    pub fn new(max: usize) -> Arc<MemoryBudget> {
        Arc::new(MemoryBudget {
            max,
            used: AtomicUsize::new(0),
            journals: Mutex::default(),
        })
    }

    /// Returns the process's own budget of 256 MiB.
    pub fn of_the_process() -> Arc<MemoryBudget> {
        static OWN: LazyLock<Arc<MemoryBudget>> =
            LazyLock::new(|| MemoryBudget::new(256 * 1024 * 1024));
        Arc::clone(&OWN)
    }

    /// Returns the number of bytes in use.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn join(&self, journal: &Arc<SharedJournal>) {
        let mut journals = lock(&self.journals);
        // Dropped journals are removed before the list would have to grow.
        if journals.len() == journals.capacity() {
            journals.retain(|journal| journal.strong_count() > 0);
        }
        journals.push(Arc::downgrade(journal));
    }

    fn subtract(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Drops the oldest entries of all journals if they hold too much. A sixteenth of the budget
    /// is freed as well, so that this is rare. No journal may be locked by the caller.
    fn make_room(&self) {
        if self.used() <= self.max {
            return;
        }
        // If another thread is making room, nothing is left to do.
        let Ok(journals) = self.journals.try_lock() else {
            return;
        };
        let journals: Vec<Arc<SharedJournal>> = journals.iter().filter_map(Weak::upgrade).collect();
        let arrival = |journal: &BoundedJournal| Some(journal.entries.front()?.data.instant);
        let oldest = |(index, journal): (usize, &Arc<SharedJournal>)| {
            Some(Reverse((arrival(&journal.lock())?, index)))
        };
        let mut oldest: BinaryHeap<_> = journals.iter().enumerate().filter_map(oldest).collect();
        while self.used() > self.max - self.max / 16
            && let Some(Reverse((_, index))) = oldest.pop()
        {
            let mut journal = journals[index].lock();
            let freed = journal.drop_oldest();
            let next = arrival(&journal);
            drop(journal);
            self.subtract(freed);
            oldest.extend(next.map(|next| Reverse((next, index))));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::journal::tests::plain;

    #[test]
    fn budget_survives_a_clear_beside_traffic() {
        let budget = MemoryBudget::new(usize::MAX);
        let shared = SharedJournal::new(Bounds::default(), Arc::clone(&budget));

        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..5_000 {
                        shared.change(|journal| journal.push(plain()));
                    }
                });
            }
            scope.spawn(|| {
                for _ in 0..20_000 {
                    shared.change(BoundedJournal::clear);
                    assert!(budget.used() < usize::MAX / 2, "{}", budget.used());
                }
            });
        });

        assert_eq!(budget.used(), shared.read(|journal| journal.bytes));
    }
}
