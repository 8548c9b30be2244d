//! One test for each request of a run: a sample of them, or all where `D4IOT_EVERY_REQUEST` is set.

use std::{
    env,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

/// Calls `at` with numbers from 1 on, in some threads, until it says that there was nothing at its number. Of a sample each `step`th
/// is asked. Returns how many were.
pub(crate) fn every(step: usize, at: impl Fn(usize) -> bool + Sync) -> usize {
    let step = if env::var_os("D4IOT_EVERY_REQUEST").is_some_and(|value| !value.is_empty()) {
        1
    } else {
        step
    };
    let (next, done, over) = (
        AtomicUsize::new(1),
        AtomicUsize::new(0),
        AtomicBool::new(false),
    );
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let number = next.fetch_add(step, Ordering::Relaxed);
                    if at(number) {
                        done.fetch_add(1, Ordering::Relaxed)
                    } else {
                        usize::from(over.swap(true, Ordering::Relaxed))
                    };
                }
            });
        }
    });
    done.into_inner()
}

/// The processes wait for time-outs, each other and the disk: more of them than there are processors are not too many.
const THREADS: usize = 8;
