//! What a connection is doing, and what has yet to be sent over it.
//!
//! ```text
//! Handshake → Idle → Head → Body → Answering → Idle …    Body ─ too slow ─▶ TimedOut → Answering
//!                      └─ refused ──┴──▶ Draining        Idle ─ too long ─▶ Closing
//!                            Answering ⇄ Delayed         a failure mode delays the answer
//! ```

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use http::StatusCode;

use crate::{
    clock::ClockAge,
    failure::WireStep,
    journal::{EntryId, lock},
    server::Limits,
};

/// The state of one connection, shared by the parts of its task and the accepting task.
#[derive(Debug, Default)]
pub(super) struct ConnectionState(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    phase: Phase,
    /// Counts what restarts the time limit: a new phase, a byte of an answer that was sent.
    restarts: u64,
    /// The request was refused: what is left of it has yet to be read.
    is_refused: bool,
    /// The server is stopping: nothing further is read.
    is_shutting_down: bool,
    /// The connection ends with RST.
    is_reset: bool,
    /// The server ends the connection, and not the client.
    is_closed_by_server: bool,
    script: Option<Script>,
    /// The answers that were given to hyper and are not sent yet.
    pending: Vec<(EntryId, StatusCode)>,
}

/// What is sent in place of an answer, and the clock's age from which its waits count.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) steps: Vec<WireStep>,
    /// From before the request was evaluated. A test may see the request arrive and put a frozen
    /// clock forward before the wait begins.
    pub(super) received: ClockAge,
}

/// What a connection is doing, in the order of its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
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

/// What a connection waits for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NextWait {
    /// The same as before.
    Same,
    /// Something else, for at most this long.
    New(u64, Duration),
    /// Nothing: the server is stopping, and no answer is being sent.
    End,
}

impl ConnectionState {
    /// Enters a phase.
    pub(super) fn set(&self, phase: Phase) {
        self.inner().set(phase);
    }

    /// Enters a phase if the connection is in a given one.
    pub(super) fn transition(&self, from: Phase, to: Phase) {
        let mut inner = self.inner();
        if inner.phase == from {
            inner.set(to);
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.inner().phase
    }

    /// Sets the script that replaces the answer hyper is about to write.
    pub(super) fn set_script(&self, script: Script) {
        self.inner().script = Some(script);
    }

    pub(super) fn take_script(&self) -> Option<Script> {
        self.inner().script.take()
    }

    /// Adds an answer that was given to hyper.
    pub(super) fn add_pending(&self, entry: EntryId, status: StatusCode) {
        self.inner().pending.push((entry, status));
    }

    /// Takes the answers that were given to hyper, oldest first.
    pub(super) fn take_pending(&self) -> Vec<(EntryId, StatusCode)> {
        std::mem::take(&mut self.inner().pending)
    }

    /// Notes that the request being read is refused.
    pub(super) fn refuse(&self) {
        self.inner().is_refused = true;
    }

    /// Notes that some of an answer was sent.
    pub(super) fn progress(&self) {
        let mut inner = self.inner();
        if inner.phase == Phase::Answering {
            inner.restarts += 1;
        }
    }

    /// Tells whether the client may still be sending a request that nobody reads.
    pub(super) fn is_unread(&self) -> bool {
        let inner = self.inner();
        inner.is_refused || inner.phase == Phase::Head
    }

    /// Notes that the connection is to end with RST.
    pub(super) fn reset(&self) {
        let mut inner = self.inner();
        inner.is_closed_by_server = true;
        inner.is_reset = true;
    }

    pub(super) fn is_reset(&self) -> bool {
        self.inner().is_reset
    }

    /// Notes that the server ends the connection.
    pub(super) fn close_by_server(&self) {
        self.inner().is_closed_by_server = true;
    }

    pub(super) fn is_closed_by_server(&self) -> bool {
        self.inner().is_closed_by_server
    }

    /// Ends the connection after the answer it is sending; tells whether it is sending one.
    pub(super) fn begin_shutdown(&self) -> bool {
        let mut inner = self.inner();
        inner.is_closed_by_server = true;
        inner.is_shutting_down = true;
        inner.phase == Phase::Answering
    }

    /// Returns what the connection waits for, given what it last waited for.
    pub(super) fn next_wait(&self, last: Option<u64>, limits: &Limits) -> NextWait {
        let inner = self.inner();
        if inner.is_shutting_down && inner.phase != Phase::Answering {
            NextWait::End
        } else if last == Some(inner.restarts) {
            NextWait::Same
        } else {
            NextWait::New(inner.restarts, inner.phase.limit(limits))
        }
    }

    /// Notes that a time limit has passed; tells whether the connection goes on all the same.
    pub(super) fn on_timeout(&self) -> bool {
        let mut inner = self.inner();
        match inner.phase {
            // The request is refused at the next poll.
            Phase::Body => inner.set(Phase::TimedOut),
            Phase::Idle => inner.set(Phase::Closing),
            _ => {
                inner.is_closed_by_server = true;
                return false;
            }
        }
        true
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        lock(&self.0)
    }
}

impl Inner {
    fn set(&mut self, phase: Phase) {
        self.phase = phase;
        self.restarts += 1;
    }
}

impl Phase {
    fn limit(self, limits: &Limits) -> Duration {
        match self {
            Phase::Handshake => limits.handshake,
            Phase::Idle => limits.idle,
            Phase::Head => limits.head,
            Phase::Body => limits.body,
            Phase::TimedOut | Phase::Answering => limits.stall,
            Phase::Delayed => NO_LIMIT,
            Phase::Closing | Phase::Draining => limits.linger,
        }
    }
}

/// A year: the client or the server ends the connection before that.
const NO_LIMIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_phase_and_a_byte_of_an_answer_restart_the_limit() {
        let (state, limits) = (ConnectionState::default(), Limits::default());
        let restarts = |wait| match wait {
            NextWait::New(restarts, _) => Some(restarts),
            NextWait::Same | NextWait::End => None,
        };
        assert_eq!(state.phase(), Phase::Handshake);

        let first = restarts(state.next_wait(None, &limits));
        assert_eq!(state.next_wait(first, &limits), NextWait::Same);
        state.progress();
        assert_eq!(
            state.next_wait(first, &limits),
            NextWait::Same,
            "no answer is being sent"
        );

        state.set(Phase::Answering);
        let second = restarts(state.next_wait(first, &limits));
        state.progress();
        assert_eq!(
            state.next_wait(second, &limits),
            NextWait::New(second.unwrap() + 1, limits.stall)
        );
    }

    #[test]
    fn a_shutdown_lets_the_running_answer_end() {
        let (state, limits) = (ConnectionState::default(), Limits::default());
        state.set(Phase::Answering);
        assert!(state.begin_shutdown() && state.is_closed_by_server());
        assert_ne!(state.next_wait(None, &limits), NextWait::End);

        state.transition(Phase::Answering, Phase::Idle);
        assert_eq!(state.next_wait(None, &limits), NextWait::End);
        assert!(!state.begin_shutdown());
    }
    #[test]
    fn pending_answers_are_taken_once_and_in_order() {
        let state = ConnectionState::default();
        let entry = |number| EntryId { number, place: 7 };
        assert_eq!(state.take_pending(), []);

        state.add_pending(entry(1), StatusCode::OK);
        state.add_pending(entry(2), StatusCode::NOT_FOUND);

        let expected = [
            (entry(1), StatusCode::OK),
            (entry(2), StatusCode::NOT_FOUND),
        ];
        assert_eq!(state.take_pending(), expected);
        assert_eq!(state.take_pending(), []);
    }
}
