use super::*;

const HOUR: Duration = Duration::from_secs(3600);

fn sleep(clock: &Clock, time: Duration) -> impl Future<Output = ()> + use<> {
    clock.sleep_until_age(clock.timestamp().age + time)
}

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
fn a_reset_clock_begins_at_zero_and_runs() {
    let clock = Clock::start();
    clock.freeze();
    clock.advance(HOUR);
    clock.set(Moment::default(), false);
    assert!(clock.now().0 < HOUR && !clock.is_frozen());
}

#[tokio::test]
async fn a_clock_set_to_a_moment_sleeps_from_there() {
    let moment = Moment(HOUR + Duration::from_nanos(7));
    let clock = Clock::start_at(moment, true);
    assert_eq!((clock.now(), clock.is_frozen()), (moment, true));
    sleep(&clock, Duration::ZERO).await;
    let sleep = sleep(&clock, Duration::from_nanos(2));
    let mut sleep = std::pin::pin!(sleep);
    assert!(
        tokio::time::timeout(Duration::from_millis(5), sleep.as_mut())
            .await
            .is_err()
    );
    clock.advance(Duration::from_nanos(2));
    sleep.await;
    clock.set(Moment(HOUR), false);
    assert!(clock.now().0 >= HOUR && clock.now().0 < 2 * HOUR && !clock.is_frozen());
    let latest = Clock::start_at(Moment(Duration::MAX), true).now();
    assert_eq!(latest.0, MAX_MOMENT);
}

#[tokio::test]
async fn a_sleeper_of_a_frozen_clock_wakes_when_it_is_advanced() {
    let clock = Clock::start();
    clock.freeze();
    let mut sleep = std::pin::pin!(sleep(&clock, Duration::from_millis(1)));
    assert!(
        tokio::time::timeout(Duration::from_millis(20), sleep.as_mut())
            .await
            .is_err()
    );
    clock.advance(Duration::from_millis(1));
    sleep.await;
}

#[tokio::test]
async fn a_reset_leaves_a_sleeper_what_it_had_left() {
    let clock = Clock::start();
    clock.advance(HOUR);
    let sleep = sleep(&clock, HOUR);
    clock.set(Moment::default(), false);
    clock.freeze();
    clock.advance(HOUR);
    sleep.await;
}

#[tokio::test]
async fn a_running_clock_wakes_with_the_machines() {
    sleep(&Clock::start(), Duration::from_millis(2)).await;
    let clock = Clock::start();
    sleep(&clock, Duration::from_millis(2)).await;
    assert!(clock.now().0 >= Duration::from_millis(2));
}
