//! An appliance's own clock. It starts at zero and runs with the machine's; a test may freeze, advance and reset it.
//!
//! Beneath the moments lies an age that never goes back, not even at a reset. What sleeps counts by
//! it, so that a reset neither wakes nor forgets a delayed answer.

use std::{
    future::Future,
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::watch;

use crate::appliance::Moment;

/// A clock. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct Clock(watch::Sender<Timestamp>);

/// One moment, on an appliance's clock and on the machine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// The machine's time.
    pub instant: Instant,
    /// How old the clock is: what its sleepers count by.
    pub age: Duration,
    /// The time since the clock's start or last reset.
    pub moment: Moment,
    /// Whether the clock is frozen.
    pub is_frozen: bool,
}

impl Clock {
    /// Starts a clock.
    pub fn start() -> Clock {
        Clock::start_at(Moment::default(), false)
    }

    /// Starts a clock that shows a moment, frozen or not.
    pub fn start_at(moment: Moment, is_frozen: bool) -> Clock {
        Clock(watch::Sender::new(Timestamp {
            instant: instant(),
            age: Duration::ZERO,
            moment: Moment(moment.0.min(MAX_MOMENT)),
            is_frozen,
        }))
    }

    /// Returns the time since the start or the last reset. Between two resets it never goes back.
    pub fn now(&self) -> Moment {
        self.timestamp().moment
    }

    /// Returns what the clock shows, and the same moment on the machine's clock.
    pub fn timestamp(&self) -> Timestamp {
        let last = self.0.borrow();
        // Under the lock: a later timestamp is no earlier moment.
        last.at(instant())
    }

    /// Returns whether the clock is frozen.
    pub fn is_frozen(&self) -> bool {
        self.0.borrow().is_frozen
    }

    /// Stops the clock where it is.
    pub fn freeze(&self) {
        self.change(|now| now.is_frozen = true);
    }

    /// Lets the clock run again, from where it is.
    pub fn release(&self) {
        self.change(|now| now.is_frozen = false);
    }

    /// Puts the clock forward, frozen or not.
    pub fn advance(&self, time: Duration) {
        self.change(|now| {
            now.age = now.age.saturating_add(time);
            now.moment = Moment(now.moment.0.saturating_add(time).min(MAX_MOMENT));
        });
    }

    /// Sets the clock to a moment, frozen or not. Delays keep what they have left.
    pub fn set(&self, moment: Moment, is_frozen: bool) {
        self.change(|now| {
            now.moment = Moment(moment.0.min(MAX_MOMENT));
            now.is_frozen = is_frozen;
        });
    }

    /// Completes at this age.
    pub fn sleep_until_age(&self, due: Duration) -> impl Future<Output = ()> + Send + use<> {
        let clock = self.clone();
        async move {
            let mut changed = clock.0.subscribe();
            loop {
                let now = changed.borrow_and_update().at(instant());
                let left = due.saturating_sub(now.age);
                if left.is_zero() {
                    return;
                }
                let left = if now.is_frozen { MAX_SLEEP } else { left };
                // The sender lives as long as the clock, which is held here.
                let _ = tokio::time::timeout(left.min(MAX_SLEEP), changed.changed()).await;
            }
        }
    }

    /// Changes what the clock shows, and wakes its sleepers.
    fn change(&self, change: impl FnOnce(&mut Timestamp)) {
        self.0.send_modify(|last| {
            *last = last.at(instant());
            change(last);
        });
    }
}

impl Timestamp {
    /// Returns what the clock shows at a moment of the machine's clock.
    fn at(self, instant: Instant) -> Timestamp {
        let elapsed = match self.is_frozen {
            true => Duration::ZERO,
            false => instant.saturating_duration_since(self.instant),
        };
        Timestamp {
            instant,
            age: self.age.saturating_add(elapsed),
            moment: Moment(self.moment.0.saturating_add(elapsed)),
            ..self
        }
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

/// Returns the time of day as the system has it, which people and programs may set.
#[expect(
    clippy::disallowed_methods,
    reason = "what clients and readers compare with their own clocks"
)]
pub fn wall_time() -> SystemTime {
    SystemTime::now()
}

/// 73 years: the latest moment that a clock can be set to.
pub const MAX_MOMENT: Duration = Duration::from_nanos(i64::MAX as u64 / 4);

/// How long a sleeper waits at most before it looks at the clock again.
const MAX_SLEEP: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests;
