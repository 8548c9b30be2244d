//! Standard error, written by a thread of its own: no other thread ever waits for its reader.
//!
//! Lines wait in a bounded queue. Lines that do not fit are dropped, and counted in the output.

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
    while !queue.is_idle() && !queue.is_stuck {
        let written = queue.written;
        let in_progress = |queue: &mut Queue| !queue.is_idle() && queue.written == written;
        let waited = CHANGED.wait_timeout_while(queue, MAX_WAIT, in_progress);
        let (guard, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        queue = guard;
        queue.is_stuck = timeout.timed_out();
    }
}

/// What is still to be written.
#[derive(Default)]
struct Queue {
    lines: VecDeque<String>,
    /// How many did not fit since the last write.
    lost: u64,
    /// How many writes there were.
    written: u64,
    is_writing: bool,
    /// Whether a flush gave up and nothing was written since.
    is_stuck: bool,
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.lost == 0
    }

    fn is_idle(&self) -> bool {
        self.is_empty() && !self.is_writing
    }

    /// Takes the next lines, as many as are written at once.
    fn take(&mut self) -> String {
        let mut text = String::new();
        while text.len() < MAX_WRITE
            && let Some(lines) = self.lines.pop_front()
        {
            text.push_str(&lines);
        }
        if self.lines.is_empty() && self.lost > 0 {
            let lost = mem::take(&mut self.lost);
            text.push_str(&format!(
                "warning: {lost} log lines were dropped: stderr was not read fast enough\n"
            ));
        }
        text
    }
}

fn run() {
    loop {
        let mut queue = CHANGED
            .wait_while(lock(), |queue| queue.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        let text = queue.take();
        queue.is_writing = true;
        drop(queue);
        // A closed stderr is no reason to stop.
        drop(io::stderr().write_all(text.as_bytes()));
        let mut queue = lock();
        queue.is_writing = false;
        queue.is_stuck = false;
        queue.written += 1;
        CHANGED.notify_all();
    }
}

fn lock() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

static QUEUE: LazyLock<Mutex<Queue>> = LazyLock::new(Mutex::default);
static CHANGED: Condvar = Condvar::new();
static IS_STARTED: LazyLock<bool> = LazyLock::new(|| {
    let thread = thread::Builder::new().name("stderr".to_owned());
    thread.spawn(run).is_ok()
});

/// How many messages wait at most.
const MAX_LINES: usize = 8_192;
/// How many bytes one write has, unless a single message is longer.
const MAX_WRITE: usize = 16 * 1024;
/// How long a flush waits for a reader that takes nothing.
const MAX_WAIT: Duration = Duration::from_secs(2);
