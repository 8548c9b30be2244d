//! The answers that have been handed to hyper and have not gone yet, and when they did.
//!
//! One task alone writes and reads this. It is borrowed across what that task waits for, so it must be `Sync`: numbers that are
//! atomic are as good as a lock there, and cost no more than plain ones.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU16, AtomicU64, AtomicUsize, Ordering},
};

use http::StatusCode;

use crate::journal::{EntryId, Wall};

/// The answers of one connection that are still owed.
#[derive(Debug, Default)]
pub(super) struct Owed {
    is_one: AtomicBool,
    number: AtomicU64,
    place: AtomicUsize,
    arrived: AtomicU64,
    status: AtomicU16,
    /// More than one only where requests are pipelined: then the later ones.
    is_more: AtomicBool,
    more: Mutex<Vec<(EntryId, StatusCode)>>,
    /// When the last one had gone; nought where nobody is to know any longer.
    gone: AtomicU64,
}

impl Owed {
    /// Owes one more.
    pub(super) fn add(&self, ticket: EntryId, status: StatusCode) {
        if self.is_one.load(Ordering::Relaxed) {
            self.more().push((ticket, status));
            self.is_more.store(true, Ordering::Relaxed);
            return;
        }
        self.number.store(ticket.number, Ordering::Relaxed);
        self.place.store(ticket.place, Ordering::Relaxed);
        self.arrived.store(ticket.arrived.0, Ordering::Relaxed);
        self.status.store(status.as_u16(), Ordering::Relaxed);
        self.is_one.store(true, Ordering::Relaxed);
    }

    /// Owes nothing any longer; hands over what was owed, oldest first, and the moment at which all of it went. Where nothing was
    /// owed the clock is not asked.
    pub(super) fn settle(
        &self,
        clock: impl FnOnce() -> Wall,
        mut each: impl FnMut(EntryId, StatusCode, Wall),
    ) {
        if !self.is_one.load(Ordering::Relaxed) {
            return;
        }
        let now = clock();
        self.is_one.store(false, Ordering::Relaxed);
        self.gone.store(now.0, Ordering::Relaxed);
        let (number, place) = (
            self.number.load(Ordering::Relaxed),
            self.place.load(Ordering::Relaxed),
        );
        let arrived = Wall(self.arrived.load(Ordering::Relaxed));
        // It was one when it came.
        let status = StatusCode::from_u16(self.status.load(Ordering::Relaxed)).unwrap_or_default();
        each(
            EntryId {
                number,
                place,
                arrived,
            },
            status,
            now,
        );
        if self.is_more.load(Ordering::Relaxed) {
            self.is_more.store(false, Ordering::Relaxed);
            self.more()
                .drain(..)
                .for_each(|(ticket, status)| each(ticket, status, now));
        }
    }

    /// Returns when the last one went, if that is news.
    pub(super) fn take_gone(&self) -> Option<Wall> {
        let gone = self.gone.load(Ordering::Relaxed);
        self.gone.store(0, Ordering::Relaxed);
        (gone > 0).then_some(Wall(gone))
    }

    fn more(&self) -> MutexGuard<'_, Vec<(EntryId, StatusCode)>> {
        self.more.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_is_told_once_and_in_order() {
        let owed = Owed::default();
        let ticket = |number| EntryId {
            number,
            place: 7,
            arrived: Wall(number),
        };
        let told = |now| {
            let mut told = Vec::new();
            owed.settle(
                || now,
                |ticket, status, gone| told.push((ticket, status.as_u16(), gone)),
            );
            told
        };
        owed.settle(
            || unreachable!("the clock is not asked"),
            |_, _, _| unreachable!("nothing is owed"),
        );
        assert_eq!(owed.take_gone(), None);
        for (number, status) in [
            (1, StatusCode::OK),
            (2, StatusCode::NOT_FOUND),
            (3, StatusCode::OK),
        ] {
            owed.add(ticket(number), status);
        }
        let now = Wall(1_000_000);
        assert_eq!(
            told(now),
            [
                (ticket(1), 200, now),
                (ticket(2), 404, now),
                (ticket(3), 200, now)
            ]
        );
        assert_eq!(told(now), []);
        assert_eq!((owed.take_gone(), owed.take_gone()), (Some(now), None));
        owed.add(ticket(4), StatusCode::OK);
        assert_eq!(told(now), [(ticket(4), 200, now)]);
    }
}
