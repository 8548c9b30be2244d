//! The journal of a host, shared: entries made and completed under its lock, and whoever waits for them told.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::StatusCode;
use tokio::sync::Notify;

use super::budget::{Budget, Holder};
use crate::journal::{Arrival, Bounds, Journal, Progress, Ticket, Wall, Wanted};

/// A journal and those who wait for it. What every answer touches stands first, as in `Host`.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Ledger {
    /// How many wait: nearly always none, and then nobody is told.
    waiting: AtomicUsize,
    budget: Arc<Budget>,
    journal: Mutex<Journal>,
    changed: Notify,
}

impl Ledger {
    pub(super) fn new(bounds: Bounds, budget: Arc<Budget>) -> Arc<Ledger> {
        let ledger = Arc::new(Ledger {
            journal: Mutex::new(Journal::bounded(bounds)),
            waiting: AtomicUsize::new(0),
            changed: Notify::new(),
            budget,
        });
        let holder: Weak<Ledger> = Arc::downgrade(&ledger);
        ledger.budget.join(holder);
        ledger
    }

    /// Makes an entry. May be called under the host's lock, so that entries stand in the order of the judgements; what is left to
    /// do afterwards without it is [`Ledger::arrived`].
    pub(super) fn arrive(&self, arrival: Arrival) -> (Ticket, Growth) {
        let mut journal = self.lock();
        let before = journal.bytes();
        let ticket = journal.arrive(arrival);
        (
            ticket,
            Growth {
                before,
                after: journal.bytes(),
            },
        )
    }

    /// Tells whoever waits, and makes room where all journals together hold too much.
    pub(super) fn arrived(&self, growth: &Growth) {
        self.budget.changed(growth.before, growth.after);
        self.tell();
    }

    pub(super) fn complete(
        &self,
        ticket: &Ticket,
        status: StatusCode,
        progress: Progress,
        now: Wall,
    ) {
        self.lock().complete(ticket, status, progress, now);
        self.tell();
    }

    pub(super) fn clear(&self) {
        let before = {
            let mut journal = self.lock();
            let before = journal.bytes();
            journal.clear();
            before
        };
        self.budget.changed(before, 0);
        self.tell();
    }

    /// Looks at the journal. Nothing that takes time may be done in there.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Journal) -> T) -> T {
        look(&self.lock())
    }

    /// Completes when so many are as wanted; at once if they are.
    pub(super) async fn wait(&self, wanted: &Wanted, count: u64) {
        self.wait_until(|| self.look(|journal| journal.count(wanted)) >= count)
            .await;
    }

    /// Completes when this holds: asked at once, and again after each change, with no lock held.
    pub(super) async fn wait_until(&self, mut holds: impl FnMut() -> bool) {
        let _waiting = Waiting::new(&self.waiting);
        loop {
            let mut changed = pin!(self.changed.notified());
            // Before looking: what changes after the look is then not missed.
            changed.as_mut().enable();
            if holds() {
                return;
            }
            changed.await;
        }
    }

    fn tell(&self) {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.changed.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holder for Ledger {
    fn oldest(&self) -> Option<Wall> {
        self.look(Journal::oldest)
    }

    fn drop_oldest(&self, limit: Option<Wall>, enough: usize) -> (usize, Option<Wall>) {
        let mut journal = self.lock();
        let mut freed = 0;
        while freed < enough
            && let Some(oldest) = journal.oldest()
            && limit.is_none_or(|limit| oldest <= limit)
        {
            freed += journal.drop_oldest();
        }
        (freed, journal.oldest())
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        let held = self.lock().bytes();
        self.budget.changed(held, 0);
    }
}

/// By how much a journal grew or shrank.
#[must_use]
pub(super) struct Growth {
    before: usize,
    after: usize,
}

/// Counted for as long as somebody waits, and no longer where they stop waiting.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Waiting<'a> {
        count.fetch_add(1, Ordering::SeqCst);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
