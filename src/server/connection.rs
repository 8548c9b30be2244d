//! One connection: what its parts share, and what it is doing.
//!
//! ```text
//! Handshake → Idle → Head → Body → Answering → Idle …    Body ─ too slow ─▶ TimedOut → Answering
//!                      └─ refused ──┴──▶ Draining        Idle ─ too long ─▶ Closing
//!                            Answering ⇄ Delayed         a failure mode delays the answer
//! ```

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use crate::{
    clock,
    failure::WireStep,
    journal::{EntryId, Progress, SentAnswer, lock},
    server::{Client, Limits, Service},
};

/// What the parts of one connection share.
pub(super) struct Connection {
    pub(super) service: Arc<dyn Service>,
    pub(super) limits: Arc<Limits>,
    pub(super) client: Client,
    pub(super) state: Mutex<ConnectionState>,
}

/// What a connection is doing, and what it has yet to send.
#[derive(Default)]
pub(super) struct ConnectionState {
    pub(super) phase: ConnectionPhase,
    /// Counts what restarts the time limit: a new phase, a byte of an answer that was sent.
    pub(super) restarts: u64,
    /// The request was refused: what is left of it has yet to be read.
    pub(super) is_refused: bool,
    /// The server is stopping: nothing further is read.
    pub(super) is_shutting_down: bool,
    /// The connection ends with RST.
    pub(super) is_reset: bool,
    /// The server ends the connection, and not the client.
    pub(super) is_closed_by_server: bool,
    /// The line of the request that is being read, as far as that has come.
    request_line: Vec<u8>,
    /// What replaces the answer that hyper is about to write.
    pub(super) script: Option<WireScript>,
    /// The answers that were given to hyper and are not sent yet, oldest first.
    pub(super) pending: Vec<(EntryId, SentAnswer)>,
}

/// What is sent in place of an answer, and the clock's age from which its waits count.
pub(super) struct WireScript {
    pub(super) steps: Vec<WireStep>,
    /// From before the request was evaluated. A test may see the request arrive and put a frozen
    /// clock forward before the wait begins.
    pub(super) received: Duration,
}

/// What a connection is doing, in the order of its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ConnectionPhase {
    /// Agreeing on keys; also before the first poll.
    #[default]
    Handshake,
    /// Waiting for the first byte of a request.
    Idle,
    /// Reading a head.
    Head,
    /// Reading a body.
    Body,
    /// The body took too long; the request has yet to be refused.
    TimedOut,
    /// Being answered, up to the last byte that the system takes.
    Answering,
    /// Delayed by a failure mode: no limit holds, and a shutdown cuts it at once.
    Delayed,
    /// Idle for too long, and closing.
    Closing,
    /// Answered and closed by the server, which reads and drops what the client still sends.
    Draining,
}

impl Connection {
    pub(super) fn state(&self) -> MutexGuard<'_, ConnectionState> {
        lock(&self.state)
    }

    /// Completes the journal entries of the answers that were given to hyper.
    pub(super) fn complete_pending(&self, progress: Progress) {
        let pending = mem::take(&mut self.state().pending);
        if pending.is_empty() {
            return;
        }
        let now = clock::instant();
        for (entry, sent) in pending {
            self.service.complete(entry, sent, progress, now);
        }
    }
}

/// However a connection ends, its answers have ended.
impl Drop for Connection {
    fn drop(&mut self) {
        let is_closed_by_server = self.state().is_closed_by_server;
        self.complete_pending(if is_closed_by_server {
            Progress::Cut
        } else {
            Progress::Left
        });
        self.service.on_closed(self.client.connection);
    }
}

impl ConnectionState {
    /// Enters a phase.
    pub(super) fn set(&mut self, phase: ConnectionPhase) {
        if phase == ConnectionPhase::Idle {
            self.request_line.clear();
        }
        self.phase = phase;
        self.restarts += 1;
    }

    /// Notes bytes that were read, the line of a request first.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        if !self.request_line.ends_with(b"\n") {
            let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
            self.request_line
                .extend_from_slice(lines.next().unwrap_or_default());
        }
    }

    /// Returns whether the target has a fragment (RFC 9112 section 3.2), which the parser drops unseen.
    pub(super) fn has_fragment(&self) -> bool {
        let mut words = self.request_line.split(|byte| *byte == b' ');
        words.nth(1).is_some_and(|target| target.contains(&b'#'))
    }

    /// Enters a phase if the connection is in a given one.
    pub(super) fn transition(&mut self, from: ConnectionPhase, to: ConnectionPhase) {
        if self.phase == from {
            self.set(to);
        }
    }

    /// Ends the connection with RST.
    pub(super) fn reset(&mut self) {
        self.is_closed_by_server = true;
        self.is_reset = true;
    }

    /// Notes that a time limit has passed; tells whether the connection goes on all the same.
    pub(super) fn on_timeout(&mut self) -> bool {
        match self.phase {
            // The request is refused at the next poll.
            ConnectionPhase::Body => self.set(ConnectionPhase::TimedOut),
            ConnectionPhase::Idle => self.set(ConnectionPhase::Closing),
            _ => {
                self.is_closed_by_server = true;
                return false;
            }
        }
        true
    }
}

impl ConnectionPhase {
    pub(super) fn limit(self, limits: &Limits) -> Duration {
        match self {
            ConnectionPhase::Handshake => limits.handshake,
            ConnectionPhase::Idle => limits.idle,
            ConnectionPhase::Head => limits.head,
            ConnectionPhase::Body => limits.body,
            ConnectionPhase::TimedOut | ConnectionPhase::Answering => limits.stall,
            ConnectionPhase::Delayed => NO_LIMIT,
            ConnectionPhase::Closing | ConnectionPhase::Draining => limits.linger,
        }
    }
}

/// A year: the client or the server ends the connection before that.
const NO_LIMIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_is_found_in_any_pieces_of_the_target() {
        let has_fragment = |pieces: &[&str]| {
            let mut state = ConnectionState::default();
            pieces.iter().for_each(|piece| state.read(piece.as_bytes()));
            state.has_fragment()
        };
        assert!(has_fragment(&["GET /a", "#", "b HTTP/1.1\r\n"]));
        assert!(has_fragment(&["GET /#"]));
        assert!(!has_fragment(&["G#T /a HTTP/1.1\r\n", "x: #\r\n"]));
        assert!(!has_fragment(&["GET /a HTTP/1.1#\n# #"]));
    }
}
