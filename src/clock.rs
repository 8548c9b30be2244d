//! An appliance's own clock: it starts at nought, runs with the wall, and a test may freeze, advance and reset it.
//!
//! Beneath the moments lies an age that never goes back, not even at a reset: what sleeps is counted by it, so that a reset
//! neither wakes nor forgets an answer that is held back.

use std::future::Future;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use tokio::sync::watch;

use crate::appliance::Moment;

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
    pub wall: Instant,
}

#[derive(Debug)]
struct Works {
    start: Instant,
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
    #[expect(clippy::disallowed_methods, reason = "this is where the wall is asked")]
    pub fn start() -> Clock {
        let (turned, _) = watch::channel(());
        Clock(Arc::new(Works { start: Instant::now(), hand: AtomicI64::new(0), noon: AtomicI64::new(0), turning: Mutex::new(()), turned }))
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
        let wall = self.wall();
        let elapsed = wall.saturating_duration_since(self.0.start);
        let noon = self.0.noon.load(Ordering::Acquire);
        let age = age(hand, elapsed);
        Stamp { age, moment: age.since(noon), wall }
    }

    /// Returns the moment on the wall, whatever the clock shows.
    #[expect(clippy::disallowed_methods, reason = "this is where the wall is asked")]
    pub fn wall(&self) -> Instant {
        Instant::now()
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
            self.0.noon.store(i64::try_from(age.0).unwrap_or(OLDEST) - shown, Ordering::Release);
            (age, frozen)
        });
    }

    /// Completes after this much of its time.
    pub fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + use<> {
        self.sleep_until_age(self.age().plus(time))
    }

    /// Completes at this moment, as it lies from the last reset.
    pub fn sleep_until(&self, moment: Moment) -> impl Future<Output = ()> + Send + use<> {
        let due = self.0.noon.load(Ordering::Acquire).saturating_add(nanoseconds(moment.0));
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
                let left = if frozen { FOR_EVER } else { Duration::from_nanos(due.0 - age.0).min(FOR_EVER) };
                // The sender lives as long as the clock, which is held here.
                let _ = tokio::time::timeout(left, turned.changed()).await;
            }
        }
    }

    fn read(&self) -> (Age, bool) {
        let hand = self.0.hand.load(Ordering::Acquire);
        (age(hand, self.0.start.elapsed()), hand & 1 == 1)
    }

    fn turn(&self, turn: impl FnOnce(Age, bool) -> (Age, bool)) {
        let _turning: MutexGuard<'_, ()> = self.0.turning.lock().unwrap_or_else(PoisonError::into_inner);
        let (age, frozen) = self.read();
        let (age, frozen) = turn(age, frozen);
        let age = i64::try_from(age.0).unwrap_or(i64::MAX).min(OLDEST);
        let ahead = if frozen { age } else { age - nanoseconds(self.0.start.elapsed()) };
        self.0.hand.store(ahead << 1 | i64::from(frozen), Ordering::Release);
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
        Age(self.0.saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// What the hand shows after so much time on the wall.
fn age(hand: i64, elapsed: Duration) -> Age {
    let wall = if hand & 1 == 1 { 0 } else { nanoseconds(elapsed) };
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
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_frozen_clock_stands_until_it_is_advanced() {
        let clock = Clock::start();
        clock.freeze();
        let stands = clock.now();
        assert_eq!(clock.now(), stands);
        clock.advance(HOUR);
        assert_eq!(clock.now().0, stands.0 + HOUR);
    }

    #[test]
    fn a_released_clock_goes_on_from_where_it_stood() {
        let clock = Clock::start();
        clock.freeze();
        clock.advance(HOUR);
        let stood = clock.now();
        clock.release();
        assert!(clock.now() >= stood && clock.now().0 < stood.0 + HOUR);
        assert!(!clock.is_frozen());
    }

    #[test]
    fn a_reset_clock_begins_at_nought_and_runs() {
        let clock = Clock::start();
        clock.freeze();
        clock.advance(HOUR);
        clock.reset();
        assert!(clock.now().0 < HOUR && !clock.is_frozen());
    }

    #[tokio::test]
    async fn a_clock_set_to_a_moment_shows_it_and_sleeps_from_there() {
        let moment = Moment(HOUR + Duration::from_nanos(7));
        let clock = Clock::start_at(moment, true);
        assert_eq!(clock.shows(), (moment, true));
        clock.sleep_until(Moment(HOUR)).await;
        let sleep = clock.sleep_until(Moment(HOUR + Duration::from_nanos(9)));
        let mut sleep = std::pin::pin!(sleep);
        assert!(tokio::time::timeout(Duration::from_millis(5), sleep.as_mut()).await.is_err());
        clock.advance(Duration::from_nanos(2));
        sleep.await;
        clock.set(Moment(HOUR), false);
        assert!(clock.now().0 >= HOUR && clock.now().0 < 2 * HOUR && !clock.is_frozen());
        assert_eq!(Clock::start_at(Moment(Duration::MAX), true).now().0.as_nanos(), OLDEST as u128);
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_advanced_and_not_by_the_wall() {
        let clock = Clock::start();
        clock.freeze();
        let mut sleep = std::pin::pin!(clock.sleep(Duration::from_millis(1)));
        assert!(tokio::time::timeout(Duration::from_millis(20), sleep.as_mut()).await.is_err());
        clock.advance(Duration::from_millis(1));
        sleep.await;
    }

    #[tokio::test]
    async fn a_reset_leaves_a_sleeper_what_it_had_left() {
        let clock = Clock::start();
        clock.advance(HOUR);
        let sleep = clock.sleep(HOUR);
        clock.reset();
        clock.freeze();
        clock.advance(HOUR);
        sleep.await;
    }

    #[tokio::test]
    async fn a_running_clock_wakes_by_the_wall() {
        Clock::start().sleep(Duration::from_millis(2)).await;
        let clock = Clock::start();
        clock.sleep_until(Moment(Duration::from_millis(2))).await;
        assert!(clock.now().0 >= Duration::from_millis(2));
    }
}
