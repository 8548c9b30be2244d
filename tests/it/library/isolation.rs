//! Doubles know nothing of one another, start quickly, and leave nothing behind.

use std::{
    io::ErrorKind,
    net::TcpStream,
    time::{Duration, Instant},
};

use d4iot_double::{Bounds, Double, Failure, Operation, Outcome};
use tokio::task::JoinSet;

use crate::library::client;

/// How long a start after the first may take.
const START: Duration = Duration::from_millis(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_tests_at_once_see_nothing_of_one_another() {
    let mut tests = JoinSet::new();
    (0..100).for_each(|number| drop(tests.spawn(one_of_many(number))));
    assert_eq!(tests.join_all().await.len(), 100);
}

/// Odd ones freeze their clock behind a delay, every third loses an answer; users, passwords and journals are each one's own.
async fn one_of_many(number: usize) {
    let (user, old, new) = (
        format!("user{number}"),
        format!("Old{number}-Password!"),
        format!("New{number}-Password!"),
    );
    let frozen = number % 2 == 1;
    let builder = Double::sensor().user(&user, &old);
    let sensor = if frozen {
        builder.frozen().start().await.unwrap()
    } else {
        builder.start().await.unwrap()
    };
    assert_eq!(sensor.users(), [user.as_str()]);
    let lost = number.is_multiple_of(3);
    if lost {
        sensor.fail(
            Operation::SetPassword,
            Failure::reset_after_commit().times(1),
        );
    }
    if frozen {
        sensor.fail(
            Operation::Validation,
            Failure::slow(Duration::from_secs(3600 + number as u64)).times(1),
        );
    }
    let target = client::target(&sensor);
    let changed = client::set_password(&target, &user, &old, &new).await;
    assert_eq!(changed.is_err(), lost, "{number}");
    let validated = tokio::spawn({
        let (target, user, new) = (target.clone(), user.clone(), new.clone());
        async move {
            client::validate(&target, &user, &new)
                .await
                .unwrap()
                .status()
        }
    });
    sensor
        .journal()
        .wait_for(Operation::Validation, 1)
        .await
        .unwrap();
    if frozen {
        assert!(!validated.is_finished(), "{number}");
        sensor
            .clock()
            .advance(Duration::from_secs(3600 + number as u64));
    }
    assert_eq!(validated.await.unwrap(), 200, "{number}");
    let neighbour = format!("user{}", (number + 1) % 100);
    client::validate(&target, &neighbour, &new).await.unwrap();
    assert!(
        sensor.password_is(&user, &new)
            && !sensor.password_is(&user, &old)
            && !sensor.password_is(&neighbour, &new)
    );
    let users: Vec<_> = sensor
        .journal()
        .entries()
        .into_iter()
        .map(|entry| entry.user.unwrap())
        .collect();
    assert_eq!(
        users,
        [user.as_str(), user.as_str(), neighbour.as_str()],
        "{number}"
    );
    assert_eq!(
        sensor
            .journal()
            .outcome(Outcome::CredentialsRejected)
            .count(),
        1,
        "{number}"
    );
    assert_eq!(
        sensor.counters().len(),
        usize::from(lost) + usize::from(frozen),
        "{number}"
    );
    assert_eq!(sensor.fired("reset_after_commit"), lost.then_some(1));
}

#[tokio::test]
async fn dropping_a_double_closes_its_port_before_it_returns() {
    for held in [false, true] {
        let sensor = Double::sensor().http().start().await.unwrap();
        let address = sensor.url().trim_start_matches("http://").to_owned();
        TcpStream::connect(&address).unwrap();
        let waiting = held.then(|| {
            sensor.fail_any(Failure::hang());
            let target = client::target(&sensor);
            tokio::spawn(async move {
                client::validate(&target, "test", "Test12345!")
                    .await
                    .is_err()
            })
        });
        if held {
            sensor
                .journal()
                .wait_for(Operation::Validation, 1)
                .await
                .unwrap();
        }
        drop(sensor);
        assert_eq!(
            TcpStream::connect(&address).unwrap_err().kind(),
            ErrorKind::ConnectionRefused
        );
        if let Some(waiting) = waiting {
            assert!(
                waiting.await.unwrap(),
                "an answer that was held back is cut"
            );
        }
    }
}

#[tokio::test]
async fn starts_after_the_first_are_quick() {
    drop(Double::sensor().start().await.unwrap());
    let mut took = Vec::new();
    let mut doubles = Vec::new();
    for _ in 0..50 {
        let start = Instant::now();
        let sensor = Double::sensor()
            .user("test", "Test12345!")
            .failure(Failure::reset_after_commit())
            .start()
            .await
            .unwrap();
        took.push(start.elapsed());
        doubles.push(sensor);
    }
    took.sort();
    let (fifth, median) = (took[took.len() / 5], took[took.len() / 2]);
    println!("start: {median:?} in the median of 50, a fifth took {fifth:?} at most");
    // A fifth of them, and ten times the figure: the machine may be busy with other tests, and this is built without optimisation.
    assert!(fifth < START * 10, "{fifth:?}");
}

#[tokio::test]
async fn a_journal_keeps_as_many_entries_as_configured() {
    let sensor = Double::sensor()
        .http()
        .journal_bounds(Bounds::default().with_entries(2))
        .start()
        .await
        .unwrap();
    let target = client::target(&sensor);
    for name in ["a", "b", "c"] {
        client::validate(&target, name, "x").await.unwrap();
    }
    assert_eq!(
        (sensor.journal().entries().len(), sensor.journal().count()),
        (2, 3)
    );
    sensor.journal().clear();
    assert_eq!(sensor.journal().count(), 0);
    sensor.end().await;
}
