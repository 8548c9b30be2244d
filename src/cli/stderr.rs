//! Standard error, written by a thread of its own: no other thread ever waits for its reader.
//!
//! Lines wait in a bounded queue until they are written. Lines that do not fit are dropped, and counted in the output.

use std::{
    collections::VecDeque,
    io,
    io::Write,
    mem,
    sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// Queues lines, each ending in a newline.
pub(super) fn write(lines: String) {
    if !*IS_STARTED {
        // Without a thread, waiting for the reader is all that is left.
        drop(io::stderr().write_all(lines.as_bytes()));
        return;
    }
    let mut queue = lock();
    if queue.lines.len() < MAX_LINES {
        queue.lines.push_back(lines);
    } else {
        queue.lost += 1;
    }
    CHANGED.notify_all();
}

/// Waits until all lines are written, or the reader has taken none for a while.
pub(super) fn flush() {
    let mut queue = lock();
    while !queue.lines.is_empty() && !queue.is_stuck {
        let written = queue.written;
        let is_same = |queue: &mut Queue| queue.written == written;
        let waited = CHANGED.wait_timeout_while(queue, MAX_WAIT, is_same);
        let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        queue = guard;
        queue.is_stuck = timeout.timed_out();
    }
}

/// What is still to be written.
struct Queue {
    /// The first of them is being written.
    lines: VecDeque<String>,
    /// How many did not fit since the queue was empty.
    lost: u64,
    /// How many were written.
    written: u64,
    /// Whether a flush gave up and nothing was written since.
    is_stuck: bool,
}

fn run() {
    let mut queue = lock();
    loop {
        queue = CHANGED
            .wait_while(queue, |queue| queue.lines.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        let lines = queue.lines[0].clone();
        drop(queue);
        drop(io::stderr().write_all(lines.as_bytes()));
        queue = lock();
        queue.lines.pop_front();
        if queue.lines.is_empty() && queue.lost > 0 {
            let lost = mem::take(&mut queue.lost);
            queue.lines.push_back(format!(
                "warning: {lost} log lines were dropped: stderr was not read fast enough\n"
            ));
        }
        queue.written += 1;
        queue.is_stuck = false;
        CHANGED.notify_all();
    }
}

fn lock() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue {
    lines: VecDeque::new(),
    lost: 0,
    written: 0,
    is_stuck: false,
});
static CHANGED: Condvar = Condvar::new();
static IS_STARTED: LazyLock<bool> = LazyLock::new(|| {
    let thread = thread::Builder::new().name("stderr".to_owned());
    thread.spawn(run).is_ok()
});

/// How many lines may wait.
const MAX_LINES: usize = 8_192;
/// How long a reader that takes nothing is waited for.
const MAX_WAIT: Duration = Duration::from_secs(2);
