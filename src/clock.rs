//! An appliance's own clock: it starts at nought, runs with the wall, and a test may freeze, advance and reset it.
//!
//! Beneath the moments lies an age that never goes back, not even at a reset: what sleeps is counted by it, so that a reset
//! neither wakes nor forgets an answer that is held back.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::time::ClockId;
use tokio::sync::watch;

use crate::{appliance::Moment, journal::Wall};

/// A clock. Clones are the same clock.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Works>);

/// How old a clock is, in nanoseconds: what its sleepers count by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age(u64);

/// One moment, on a clock and on the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Its age, by which sleepers count.
    pub age: Age,
    /// On the clock, since its start or its last reset.
    pub moment: Moment,
    /// On the wall.
    pub wall: Wall,
}

#[derive(Debug)]
struct Works {
    start: Wall,
    /// Twice some nanoseconds, plus 1 if the clock is frozen. Frozen, they are its age; running, what its age is ahead of the wall.
    hand: AtomicI64,
    /// The age at which it showed nought; below nought where it was set ahead.
    noon: AtomicI64,
    /// Held by whoever turns the hand.
    turning: Mutex<()>,
    /// Tells sleepers that the hand was turned.
    turned: watch::Sender<()>,
}

impl Clock {
    /// Starts a clock.
    pub fn start() -> Clock {
        let (turned, _) = watch::channel(());
        Clock(Arc::new(Works {
            start: wall(),
            hand: AtomicI64::new(0),
            noon: AtomicI64::new(0),
            turning: Mutex::new(()),
            turned,
        }))
    }

    /// Starts a clock that shows a moment, frozen or not.
    pub fn start_at(moment: Moment, frozen: bool) -> Clock {
        let clock = Clock::start();
        clock.set(moment, frozen);
        clock
    }

    /// Returns the time since the start or the last reset. Between two resets it never goes back.
    pub fn now(&self) -> Moment {
        self.shows().0
    }

    /// Returns the time since the start or the last reset, and whether it stands still there.
    pub fn shows(&self) -> (Moment, bool) {
        let noon = self.0.noon.load(Ordering::Acquire);
        let (age, frozen) = self.read();
        (age.since(noon), frozen)
    }

    /// Returns the time since the start or the last reset, and the same moment on the wall.
    pub fn stamp(&self) -> Stamp {
        let hand = self.0.hand.load(Ordering::Acquire);
        let wall = wall();
        let noon = self.0.noon.load(Ordering::Acquire);
        let age = age(hand, elapsed(self.0.start, wall));
        Stamp {
            age,
            moment: age.since(noon),
            wall,
        }
    }

    /// Returns the moment on the wall, whatever the clock shows.
    pub fn wall(&self) -> Wall {
        wall()
    }

    /// Returns its age.
    pub fn age(&self) -> Age {
        self.read().0
    }

    /// Tells whether it stands still.
    pub fn is_frozen(&self) -> bool {
        self.read().1
    }

    /// Stops it where it stands.
    pub fn freeze(&self) {
        self.turn(|age, _| (age, true));
    }

    /// Lets it run again, from where it stands.
    pub fn release(&self) {
        self.turn(|age, _| (age, false));
    }

    /// Puts it forward, frozen or not.
    pub fn advance(&self, time: Duration) {
        self.turn(|age, frozen| (age.plus(time), frozen));
    }

    /// Sets it to nought and lets it run. What is held back stays so for as long as was left.
    pub fn reset(&self) {
        self.set(Moment::default(), false);
    }

    /// Sets it to a moment, frozen or not. What is held back stays so for as long as was left.
    pub fn set(&self, moment: Moment, frozen: bool) {
        self.turn(|age, _| {
            let shown = nanoseconds(moment.0).min(OLDEST);
            self.0.noon.store(
                i64::try_from(age.0).unwrap_or(OLDEST) - shown,
                Ordering::Release,
            );
            (age, frozen)
        });
    }

    /// Completes after this much of its time.
    pub fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + use<> {
        self.sleep_until_age(self.age().plus(time))
    }

    /// Completes at this moment, as it lies from the last reset.
    pub fn sleep_until(&self, moment: Moment) -> impl Future<Output = ()> + Send + use<> {
        let due = self
            .0
            .noon
            .load(Ordering::Acquire)
            .saturating_add(nanoseconds(moment.0));
        self.sleep_until_age(Age(u64::try_from(due).unwrap_or(0)))
    }

    /// Completes at this age.
    pub fn sleep_until_age(&self, due: Age) -> impl Future<Output = ()> + Send + use<> {
        let clock = self.clone();
        async move {
            let mut turned = clock.0.turned.subscribe();
            loop {
                let (age, frozen) = clock.read();
                if age >= due {
                    return;
                }
                let left = if frozen {
                    FOR_EVER
                } else {
                    Duration::from_nanos(due.0 - age.0).min(FOR_EVER)
                };
                // The sender lives as long as the clock, which is held here.
                let _ = tokio::time::timeout(left, turned.changed()).await;
            }
        }
    }

    fn read(&self) -> (Age, bool) {
        let hand = self.0.hand.load(Ordering::Acquire);
        (age(hand, since(self.0.start)), hand & 1 == 1)
    }

    fn turn(&self, turn: impl FnOnce(Age, bool) -> (Age, bool)) {
        let _turning: MutexGuard<'_, ()> = self
            .0
            .turning
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (age, frozen) = self.read();
        let (age, frozen) = turn(age, frozen);
        let age = i64::try_from(age.0).unwrap_or(i64::MAX).min(OLDEST);
        let ahead = if frozen {
            age
        } else {
            age - since(self.0.start)
        };
        self.0
            .hand
            .store(ahead << 1 | i64::from(frozen), Ordering::Release);
        self.0.turned.send_replace(());
    }
}

impl Age {
    /// Returns what a clock shows that had this age when it showed nought, or was to have it.
    fn since(self, noon: i64) -> Moment {
        let since = i64::try_from(self.0).unwrap_or(OLDEST).saturating_sub(noon);
        Moment(Duration::from_nanos(u64::try_from(since).unwrap_or(0)))
    }

    /// Returns the age this much later.
    #[must_use]
    pub fn plus(self, time: Duration) -> Age {
        Age(self
            .0
            .saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// Asks the wall: the system's clock that nobody sets. Not through `Instant`, from which a number is had only by taking two apart.
pub fn wall() -> Wall {
    let now = rustix::time::clock_gettime(ClockId::Monotonic);
    // Neither is below nought.
    Wall(now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs())
}

/// Returns a moment on the wall that is yet to come as whatever waits takes it; one that is over is now.
#[expect(clippy::disallowed_methods, reason = "this is where the wall is asked")]
pub fn instant(coming: Wall) -> Instant {
    let ahead = coming.since(wall());
    Instant::now() + ahead
}

fn since(start: Wall) -> i64 {
    elapsed(start, wall())
}

fn elapsed(start: Wall, now: Wall) -> i64 {
    i64::try_from(now.0.saturating_sub(start.0)).unwrap_or(OLDEST)
}

/// What the hand shows after so many nanoseconds on the wall.
fn age(hand: i64, elapsed: i64) -> Age {
    let wall = if hand & 1 == 1 { 0 } else { elapsed };
    Age(u64::try_from(wall.saturating_add(hand >> 1)).unwrap_or(0))
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(OLDEST)
}

/// 73 years: what the hand can show, and nobody waits for.
const OLDEST: i64 = i64::MAX / 4;

/// What no sleeper waits for without looking at the clock again.
const FOR_EVER: Duration = Duration::from_secs(24 * 60 * 60);

#[cfg(test)]
mod tests;
