//! What a connection is doing: told by its wire and its exchange, read by whoever may end it.
//!
//! ```text
//! Handshake → Idle → Head → Body → Answering → Idle …        Body ─ too slow ─▶ Overdue → Answering
//!                      └──── refused ────┴──▶ Lingering      Idle ─ too long ─▶ Parting
//!                                  Answering ⇄ Held          a failure mode holds the answer back
//! ```

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering, fence},
    },
    time::Duration,
};

use crate::{clock::Age, failure::WireStep, server::Limits};

/// The state of one connection, shared by the parts of its task and the accepting one.
///
/// It is asked several times a request, so it has no lock: what it does is written by its task alone, and marks are only ever set.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    /// A [`Phase`]; written by the connection's own task alone.
    phase: AtomicU8,
    /// Counts what restarts a deadline: a new phase, a byte of an answer taken. The connection's own task's, too.
    step: AtomicU32,
    /// The request was refused: what is left of it has yet to be read away.
    refused: AtomicBool,
    /// The server is stopping: nothing further is read.
    leaving: AtomicBool,
    /// The connection ends with RST.
    severed: AtomicBool,
    /// Whoever ends the connection now, it was us.
    ours: AtomicBool,
    /// How often hyper has rung the connection's bell for nothing since its last poll began. The connection's own task's.
    rung_for_nothing: AtomicUsize,
    /// Whether there is a script: looked at for every write, set for almost none.
    scripted: AtomicBool,
    script: Mutex<(Vec<WireStep>, Age)>,
}

/// What a connection is doing, in the order of its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Agreeing on keys; also before the first poll.
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
    /// Enters a phase. For the connection's own task.
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
        self.restart();
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
    pub(super) fn leave_script(&self, script: Vec<WireStep>, asked: Age) {
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = (script, asked);
        self.scripted.store(true, Ordering::Release);
    }

    /// Takes the script, if there is one.
    pub(super) fn take_script(&self) -> Option<(Vec<WireStep>, Age)> {
        // Both are done by the connection's own task.
        if !self.scripted.load(Ordering::Acquire) {
            return None;
        }
        self.scripted.store(false, Ordering::Release);
        Some(std::mem::take(
            &mut *self.script.lock().unwrap_or_else(PoisonError::into_inner),
        ))
    }

    /// Notes that the last piece of a body was taken: hyper rings for whoever sends the next, and nobody does.
    pub(super) fn rang_for_nothing(&self) {
        self.rung_for_nothing.store(
            self.rung_for_nothing
                .load(Ordering::Relaxed)
                .wrapping_add(1),
            Ordering::Relaxed,
        );
    }

    /// Returns how often, since this was last asked.
    pub(super) fn take_rung_for_nothing(&self) -> usize {
        let rung = self.rung_for_nothing.load(Ordering::Relaxed);
        self.rung_for_nothing.store(0, Ordering::Relaxed);
        rung
    }

    /// Notes that the request being read is refused.
    pub(super) fn refuse(&self) {
        self.refused.store(true, Ordering::Relaxed);
    }

    /// Notes that the client took some of an answer.
    pub(super) fn progress(&self) {
        if self.phase() == Phase::Answering {
            self.restart();
        }
    }

    /// Returns what the connection is doing.
    pub(super) fn phase(&self) -> Phase {
        Phase::ALL[usize::from(self.phase.load(Ordering::Relaxed))]
    }

    /// Tells whether the client may still be sending a request that nobody reads: one refused by us, or by hyper in its head.
    pub(super) fn unread(&self) -> bool {
        self.refused.load(Ordering::Relaxed) || self.phase() == Phase::Head
    }

    /// Notes that the connection is to end with RST.
    pub(super) fn sever(&self) {
        self.end_it();
        self.severed.store(true, Ordering::Release);
    }

    /// Notes that we end the connection.
    pub(super) fn end_it(&self) {
        self.ours.store(true, Ordering::Release);
    }

    /// Tells whether we end the connection, and not the client.
    pub(super) fn is_ours(&self) -> bool {
        self.ours.load(Ordering::Acquire)
    }

    /// Tells whether the connection is to end with RST.
    pub(super) fn is_severed(&self) -> bool {
        self.severed.load(Ordering::Acquire)
    }

    /// Asks the connection to end with the answer it is giving; tells whether it is giving one.
    pub(super) fn leave(&self) -> bool {
        self.end_it();
        self.leaving.store(true, Ordering::Relaxed);
        // With the one in `watch`: either this sees that the answer is over, or the connection sees the request.
        fence(Ordering::SeqCst);
        self.phase() == Phase::Answering
    }

    /// Returns what the connection now waits for, given the step that was last waited for. For the connection's own task.
    pub(super) fn watch(&self, step: Option<u32>, limits: &Limits) -> Watch {
        fence(Ordering::SeqCst);
        let (phase, now) = (self.phase(), self.step.load(Ordering::Relaxed));
        if self.leaving.load(Ordering::Relaxed) && phase != Phase::Answering {
            Watch::Leave
        } else if step == Some(now) {
            Watch::Same
        } else {
            Watch::Anew(now, phase.limit(limits))
        }
    }

    /// Only the connection's own task writes the step, so nothing can come between reading and writing it.
    fn restart(&self) {
        self.step.store(
            self.step.load(Ordering::Relaxed).wrapping_add(1),
            Ordering::Relaxed,
        );
    }
}

impl Phase {
    /// Every one, in the order in which they are declared: the first is that of a new pulse.
    const ALL: [Phase; 9] = [
        Phase::Handshake,
        Phase::Idle,
        Phase::Head,
        Phase::Body,
        Phase::Overdue,
        Phase::Answering,
        Phase::Held,
        Phase::Parting,
        Phase::Lingering,
    ];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_is_found_again_by_its_number() {
        for (number, phase) in Phase::ALL.into_iter().enumerate() {
            assert_eq!(phase as usize, number);
        }
        assert_eq!(Pulse::default().phase(), Phase::Handshake);
    }

    #[test]
    fn a_new_phase_and_a_byte_of_an_answer_restart_the_deadline() {
        let (pulse, limits) = (Pulse::default(), Limits::default());
        let step = |watch| {
            if let Watch::Anew(step, _) = watch {
                Some(step)
            } else {
                None
            }
        };
        let first = step(pulse.watch(None, &limits));
        assert_eq!(pulse.watch(first, &limits), Watch::Same);
        pulse.progress();
        assert_eq!(
            pulse.watch(first, &limits),
            Watch::Same,
            "no answer is being given"
        );
        pulse.enter(Phase::Answering);
        let second = step(pulse.watch(first, &limits));
        pulse.progress();
        assert_eq!(
            pulse.watch(second, &limits),
            Watch::Anew(second.unwrap() + 1, limits.stall)
        );
    }

    #[test]
    fn who_is_asked_to_leave_while_answering_leaves_when_the_answer_is_over() {
        let (pulse, limits) = (Pulse::default(), Limits::default());
        pulse.enter(Phase::Answering);
        assert!(pulse.leave() && pulse.is_ours());
        assert_ne!(pulse.watch(None, &limits), Watch::Leave);
        pulse.pass(Phase::Answering, Phase::Idle);
        assert_eq!(pulse.watch(None, &limits), Watch::Leave);
        assert!(!pulse.leave());
    }
}
