//! An appliance's own clock. It starts at zero and runs with the machine's; a test may freeze, advance and reset it.
//!
//! Beneath the moments lies an age that never goes back, not even at a reset. What sleeps counts by
//! it, so that a reset neither wakes nor forgets a delayed answer.

use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::{appliance::Moment, journal::lock};

/// A clock. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct Clock(Arc<ClockInner>);

/// How old a clock is: what its sleepers count by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockAge(Duration);

/// One moment, on an appliance's clock and on the machine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// The clock's age.
    pub age: ClockAge,
    /// The time since the clock's start or last reset.
    pub moment: Moment,
    /// The machine's time.
    pub instant: Instant,
}

#[derive(Debug)]
struct ClockInner {
    state: Mutex<ClockState>,
    /// Wakes sleepers when the clock was changed.
    changed: watch::Sender<()>,
}

/// What the clock showed when it was last changed.
#[derive(Clone, Copy, Debug)]
struct ClockState {
    at: Instant,
    age: Duration,
    moment: Duration,
    is_frozen: bool,
}

impl Clock {
    /// Starts a clock.
    pub fn start() -> Clock {
        Clock::start_at(Moment::default(), false)
    }

    /// Starts a clock that shows a moment, frozen or not.
    pub fn start_at(moment: Moment, is_frozen: bool) -> Clock {
        let (changed, _) = watch::channel(());
        let state = ClockState {
            at: instant(),
            age: Duration::ZERO,
            moment: moment.0.min(MAX_MOMENT),
            is_frozen,
        };
        Clock(Arc::new(ClockInner {
            state: Mutex::new(state),
            changed,
        }))
    }

    /// Returns the time since the start or the last reset. Between two resets it never goes back.
    pub fn now(&self) -> Moment {
        self.timestamp().moment
    }

    /// Returns the time since the start or the last reset, and whether the clock is frozen.
    pub fn shows(&self) -> (Moment, bool) {
        let state = self.state().at(instant());
        (Moment(state.moment), state.is_frozen)
    }

    /// Returns the time since the start or the last reset, and the same moment on the machine's clock.
    pub fn timestamp(&self) -> Timestamp {
        let state = self.state();
        // Under the lock: a later timestamp is no earlier moment.
        let instant = instant();
        let ClockState { age, moment, .. } = state.at(instant);
        Timestamp {
            age: ClockAge(age),
            moment: Moment(moment),
            instant,
        }
    }

    /// Returns the clock's age.
    pub fn age(&self) -> ClockAge {
        self.timestamp().age
    }

    /// Tells whether the clock is frozen.
    pub fn is_frozen(&self) -> bool {
        self.state().is_frozen
    }

    /// Stops the clock where it is.
    pub fn freeze(&self) {
        self.change(|state| state.is_frozen = true);
    }

    /// Lets the clock run again, from where it is.
    pub fn release(&self) {
        self.change(|state| state.is_frozen = false);
    }

    /// Puts the clock forward, frozen or not.
    pub fn advance(&self, time: Duration) {
        self.change(|state| {
            state.age = state.age.saturating_add(time);
            state.moment = state.moment.saturating_add(time).min(MAX_MOMENT);
        });
    }

    /// Sets the clock to zero and lets it run. Delays keep what they have left.
    pub fn reset(&self) {
        self.set(Moment::default(), false);
    }

    /// Sets the clock to a moment, frozen or not. Delays keep what they have left.
    pub fn set(&self, moment: Moment, is_frozen: bool) {
        self.change(|state| {
            state.moment = moment.0.min(MAX_MOMENT);
            state.is_frozen = is_frozen;
        });
    }

    /// Completes after this much of the clock's time.
    pub fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + use<> {
        self.sleep_until_age(self.age().plus(time))
    }

    /// Completes at this moment, counted from the last reset.
    pub fn sleep_until(&self, moment: Moment) -> impl Future<Output = ()> + Send + use<> {
        let now = self.timestamp();
        let left = moment.0.saturating_sub(now.moment.0);
        self.sleep_until_age(now.age.plus(left))
    }

    /// Completes at this age.
    pub fn sleep_until_age(&self, due: ClockAge) -> impl Future<Output = ()> + Send + use<> {
        let clock = self.clone();
        async move {
            let mut changed = clock.0.changed.subscribe();
            loop {
                let state = clock.state().at(instant());
                let left = due.0.saturating_sub(state.age);
                if left.is_zero() {
                    return;
                }
                let limit = if state.is_frozen {
                    MAX_SLEEP
                } else {
                    left.min(MAX_SLEEP)
                };
                // The sender lives as long as the clock, which is held here.
                let _ = tokio::time::timeout(limit, changed.changed()).await;
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut ClockState)) {
        let mut state = self.state();
        *state = state.at(instant());
        change(&mut state);
        drop(state);
        self.0.changed.send_replace(());
    }

    fn state(&self) -> MutexGuard<'_, ClockState> {
        lock(&self.0.state)
    }
}

impl ClockState {
    /// Returns what the clock shows at a moment of the machine's clock.
    fn at(self, instant: Instant) -> ClockState {
        let elapsed = if self.is_frozen {
            Duration::ZERO
        } else {
            instant.saturating_duration_since(self.at)
        };
        ClockState {
            at: instant,
            age: self.age.saturating_add(elapsed),
            moment: self.moment.saturating_add(elapsed),
            ..self
        }
    }
}

impl ClockAge {
    /// Returns the age this much later.
    #[must_use]
    pub fn plus(self, time: Duration) -> ClockAge {
        ClockAge(self.0.saturating_add(time))
    }
}

/// Returns the machine's time, which nobody sets.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that asks the machine"
)]
pub fn instant() -> Instant {
    Instant::now()
}

/// 73 years: the latest moment that a clock can be set to.
const MAX_MOMENT: Duration = Duration::from_nanos(i64::MAX as u64 / 4);

/// How long a sleeper waits at most before it looks at the clock again.
const MAX_SLEEP: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests;
