//! What a connection is doing: told by its wire and its exchange, read by whoever may end it.
//!
//! ```text
//! Handshake → Idle → Head → Body → Answering → Idle …        Body ─ too slow ─▶ Overdue → Answering
//!                      └──── refused ────┴──▶ Lingering      Idle ─ too long ─▶ Parting
//!                                  Answering ⇄ Held          a failure mode holds the answer back
//! ```

use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::clock::Age;
use crate::failure::Do;
use crate::server::Limits;

/// The state of one connection, shared by the parts of its task and the accepting one.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    state: Mutex<State>,
    /// Whether there is a script: looked at for every write, set for almost none.
    scripted: AtomicBool,
    script: Mutex<(Vec<Do>, Age)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    phase: Phase,
    /// Counts what restarts a deadline: a new phase, a byte of an answer taken.
    step: u32,
    /// The request was refused: what is left of it has yet to be read away.
    refused: bool,
    /// The server is stopping: nothing further is read.
    leaving: bool,
    /// The connection ends with RST.
    severed: bool,
    /// Whoever ends the connection now, it was us.
    ours: bool,
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
    /// The body took too long; the exchange has yet to notice.
    Overdue,
    /// Being answered, up to the last byte that the system takes.
    Answering,
    /// Held back by a failure mode: no limit holds, and a shutdown cuts it at once.
    Held,
    /// Idle for too long: saying goodbye.
    Parting,
    /// Answered and closed by us, reading away what the client still sends.
    Lingering,
}

/// What to do next with a connection that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watch {
    /// Wait for the same as before.
    Same,
    /// Wait anew, for this long.
    Anew(u32, Duration),
    /// The server is stopping, and nothing is being answered.
    Leave,
}

impl Pulse {
    /// Enters a phase.
    pub(super) fn enter(&self, phase: Phase) {
        let mut state = self.state();
        state.phase = phase;
        state.step = state.step.wrapping_add(1);
    }

    /// Enters a phase if the connection is in a given one.
    pub(super) fn pass(&self, from: Phase, to: Phase) {
        if self.phase() == from {
            self.enter(to);
        }
    }

    /// Leaves a script that is carried out in place of the answer hyper is about to write.
    ///
    /// Its waits count from `asked`, the clock's age before the request was judged: a test that sees it arrive and then puts a frozen
    /// clock forward must never be quicker than whoever begins to wait.
    pub(super) fn leave_script(&self, script: Vec<Do>, asked: Age) {
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = (script, asked);
        self.scripted.store(true, Ordering::Release);
    }

    /// Takes the script, if there is one.
    pub(super) fn take_script(&self) -> Option<(Vec<Do>, Age)> {
        // Both are done by the connection's own task.
        if !self.scripted.load(Ordering::Acquire) {
            return None;
        }
        self.scripted.store(false, Ordering::Release);
        Some(std::mem::take(&mut *self.script.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Notes that the request being read is refused.
    pub(super) fn refuse(&self) {
        self.state().refused = true;
    }

    /// Notes that the client took some of an answer.
    pub(super) fn progress(&self) {
        let mut state = self.state();
        if state.phase == Phase::Answering {
            state.step = state.step.wrapping_add(1);
        }
    }

    /// Returns what the connection is doing.
    pub(super) fn phase(&self) -> Phase {
        self.state().phase
    }

    /// Tells whether the client may still be sending a request that nobody reads: one refused by us, or by hyper in its head.
    pub(super) fn unread(&self) -> bool {
        let state = self.state();
        state.refused || state.phase == Phase::Head
    }

    /// Notes that the connection is to end with RST.
    pub(super) fn sever(&self) {
        let mut state = self.state();
        (state.severed, state.ours) = (true, true);
    }

    /// Notes that we end the connection.
    pub(super) fn end_it(&self) {
        self.state().ours = true;
    }

    /// Tells whether we end the connection, and not the client.
    pub(super) fn is_ours(&self) -> bool {
        self.state().ours
    }

    /// Tells whether the connection is to end with RST.
    pub(super) fn is_severed(&self) -> bool {
        self.state().severed
    }

    /// Asks the connection to end with the answer it is giving; tells whether it is giving one.
    ///
    /// Under the same lock as the phases: either this sees the answer, or the connection sees the request.
    pub(super) fn leave(&self) -> bool {
        let mut state = self.state();
        (state.leaving, state.ours) = (true, true);
        state.phase == Phase::Answering
    }

    /// Returns what the connection now waits for, given the step that was last waited for.
    pub(super) fn watch(&self, step: Option<u32>, limits: &Limits) -> Watch {
        let state = *self.state();
        if state.leaving && state.phase != Phase::Answering {
            Watch::Leave
        } else if step == Some(state.step) {
            Watch::Same
        } else {
            Watch::Anew(state.step, state.phase.limit(limits))
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing here can panic halfway, so a poisoned state is still a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Phase {
    fn limit(self, limits: &Limits) -> Duration {
        match self {
            Phase::Handshake => limits.handshake,
            Phase::Idle => limits.idle,
            Phase::Head => limits.head,
            Phase::Body => limits.body,
            Phase::Overdue | Phase::Answering => limits.stall,
            Phase::Held => FOR_EVER,
            Phase::Parting | Phase::Lingering => limits.linger,
        }
    }
}

/// A year: whoever is held back leaves before that, or the server does.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);
