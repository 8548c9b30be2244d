//! What a client prints: read to its end, and kept in part.

use std::{
    io,
    io::Read,
    sync::{Arc, Mutex, mpsc, mpsc::Receiver},
    thread,
    time::Duration,
};

use crate::{journal::lock, redact::Redactor};

/// What a client prints: its end is kept, the rest is read and dropped.
pub(super) struct Output {
    kept: Arc<Mutex<Kept>>,
    ended: Receiver<()>,
}

struct Kept {
    bytes: Vec<u8>,
    dropped: usize,
    /// Whether there was a password in what was dropped.
    dropped_password: bool,
    redactor: Arc<Redactor>,
}

impl Output {
    pub(super) fn keep(
        source: Option<impl Read + Send + 'static>,
        redactor: &Arc<Redactor>,
    ) -> io::Result<Output> {
        let kept = Arc::new(Mutex::new(Kept {
            bytes: Vec::new(),
            dropped: 0,
            dropped_password: false,
            redactor: Arc::clone(redactor),
        }));
        let target = Arc::clone(&kept);
        let ended = on_thread(move || {
            let mut chunk = vec![0; 8192];
            let Some(mut source) = source else { return };
            while let Ok(count @ 1..) = source.read(&mut chunk) {
                lock(&target).add(&chunk[..count]);
            }
        })?;
        Ok(Output { kept, ended })
    }

    /// Returns the end of what was printed, and whether there was a password before it. What a process outside the group prints later
    /// than `time` is not waited for.
    pub(super) fn end(self, time: Duration) -> (String, bool) {
        let is_complete = self.ended.recv_timeout(time).is_ok();
        let kept = lock(&self.kept);
        let mut text = String::from_utf8_lossy(&kept.bytes).into_owned();
        if kept.dropped > 0 {
            // Half a password may stand before the first line feed.
            let start = text.find('\n').map_or(text.len(), |place| place + 1);
            text = format!(
                "… ({} bytes before)\n{}",
                kept.dropped + start,
                &text[start..]
            );
        }
        if !is_complete {
            text.push_str("\n… (a process outside the client's group still had this open)");
        }
        (text, kept.dropped_password)
    }
}

/// Does something on a thread of its own; what is returned then receives a message.
pub(super) fn on_thread(work: impl FnOnce() + Send + 'static) -> io::Result<Receiver<()>> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().spawn(move || {
        work();
        // Perhaps nobody waits any longer.
        let _ = sender.send(());
    })?;
    Ok(receiver)
}

impl Kept {
    fn add(&mut self, chunk: &[u8]) {
        self.bytes.extend_from_slice(chunk);
        if self.bytes.len() > 2 * MAX_OUTPUT {
            let excess = self.bytes.len() - MAX_OUTPUT;
            let edge = (excess + MAX_SPELLING).min(self.bytes.len());
            self.dropped_password =
                self.dropped_password || self.redactor.finds(&self.bytes[..edge]);
            self.bytes.drain(..excess);
            self.dropped += excess;
        }
    }
}

/// How much of an output is kept, in bytes.
const MAX_OUTPUT: usize = 65_536;
/// How long a password is at most, in any spelling, in bytes.
const MAX_SPELLING: usize = 4096;
