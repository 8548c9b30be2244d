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
        let start = match kept.dropped {
            0 => 0,
            // Half a password may stand before the first line feed, or at the beginning of a line without end.
            _ => {
                let mut first = kept.bytes.iter().take(MAX_SPELLING);
                let feed = first.position(|byte| *byte == b'\n');
                feed.map_or(MAX_SPELLING.min(kept.bytes.len()), |feed| feed + 1)
            }
        };
        let mut text = String::from_utf8_lossy(&kept.bytes[start..]).into_owned();
        if start > 0 {
            text = format!("… ({} bytes before)\n{text}", kept.dropped + start);
        }
        if !is_complete {
            text.insert_str(
                0,
                "… (a process that the client has left still had this open)\n",
            );
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn kept(chunks: &[&[u8]]) -> Kept {
        let mut kept = Kept {
            bytes: Vec::new(),
            dropped: 0,
            dropped_password: false,
            redactor: Arc::new(Redactor::of([("Test12345!", "«secret»")])),
        };
        chunks.iter().for_each(|chunk| kept.add(chunk));
        kept
    }

    /// At twice what is kept and some bytes, so much is dropped that the place lies across the password, or just beside it.
    #[rstest]
    #[case::before(MAX_OUTPUT - 10, true)]
    #[case::across(MAX_OUTPUT - 5, true)]
    #[case::across_by_a_byte(MAX_OUTPUT + 4, true)]
    #[case::kept(MAX_OUTPUT + 8192, false)]
    fn a_password_at_the_edge_is_found(#[case] place: usize, #[case] is_found: bool) {
        let mut bytes = vec![b'x'; 2 * MAX_OUTPUT];
        bytes[place..place + 10].copy_from_slice(b"Test12345!");
        let kept = kept(&[&bytes, b"12345"]);
        assert_eq!(
            (kept.dropped, kept.bytes.len()),
            (MAX_OUTPUT + 5, MAX_OUTPUT)
        );
        assert_eq!(kept.dropped_password, is_found);
    }
}
