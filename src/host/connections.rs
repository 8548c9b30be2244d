//! How many connections an appliance has had, and has.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts connections.
#[derive(Debug, Default)]
pub(super) struct Connections {
    came: AtomicU64,
    went: AtomicU64,
}

impl Connections {
    pub(super) fn came(&self) {
        self.came.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn went(&self) {
        self.went.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how many there have been since the start, and how many are open.
    pub(super) fn counted(&self) -> (u64, u64) {
        // What has gone is read first: it had come before.
        let went = self.went.load(Ordering::Acquire);
        let came = self.came.load(Ordering::Acquire);
        (came, came.saturating_sub(went))
    }
}
