//! Time stands still when a test says so.

use std::time::Duration;

use d4iot_double::{Double, Failure, Operation, Outcome, Progress, Scope};

use crate::library::client;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_delayed_answer_comes_when_the_frozen_clock_is_advanced() {
    let sensor = Double::sensor().start().await.unwrap();
    sensor.clock().freeze();
    sensor.fail(Operation::Validation, Failure::slow(HOUR));
    let target = client::target(&sensor);
    let answer = tokio::spawn(async move {
        client::validate(&target, "test", "Test12345!")
            .await
            .unwrap()
            .status()
    });

    sensor
        .journal()
        .state(Progress::Open)
        .wait_for(Operation::Validation, 1)
        .await
        .unwrap();
    sensor.clock().advance(HOUR - Duration::from_millis(1));
    assert!(!answer.is_finished());
    assert_eq!(sensor.journal().state(Progress::Done).count(), 0);

    sensor.clock().advance(Duration::from_millis(1));
    assert_eq!(answer.await.unwrap(), 200);
    sensor
        .journal()
        .state(Progress::Done)
        .wait(1)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_frozen_double_starts_at_zero_and_stays_there() {
    let sensor = Double::sensor().http().frozen().start().await.unwrap();
    client::validate(&client::target(&sensor), "test", "Test12345!")
        .await
        .unwrap();
    assert_eq!(sensor.journal().entries()[0].at_ms, 0.0);
    assert!(sensor.clock().is_frozen());
    sensor.clock().release();
    client::validate(&client::target(&sensor), "test", "Test12345!")
        .await
        .unwrap();
    assert!(sensor.journal().entries()[1].at_ms > 0.0);
}

#[tokio::test]
async fn a_lock_ends_on_the_double_s_own_clock() {
    let sensor = Double::sensor()
        .frozen()
        .lockout(2, Scope::Source, HOUR)
        .start()
        .await
        .unwrap();
    let target = client::target(&sensor);
    for _ in 0..2 {
        client::validate(&target, "test", "wrong").await.unwrap();
    }
    client::validate(&target, "test", "Test12345!")
        .await
        .unwrap();
    assert_eq!(sensor.journal().outcome(Outcome::LockedOut).count(), 1);
    sensor.clock().advance(HOUR);
    client::validate(&target, "test", "Test12345!")
        .await
        .unwrap();
    assert_eq!(sensor.journal().outcome(Outcome::Authenticated).count(), 1);
}

#[tokio::test]
async fn a_right_password_ends_a_row_of_failures() {
    let sensor = Double::sensor()
        .lockout(2, Scope::Source, HOUR)
        .start()
        .await;
    let sensor = sensor.unwrap();
    let target = client::target(&sensor);
    for _ in 0..3 {
        client::validate(&target, "test", "wrong").await.unwrap();
        // Refused for the new password, not for the old one.
        let refused = client::set_password(&target, "test", "Test12345!", "weak").await;
        assert_eq!(refused.unwrap().status(), 400);
    }
    let right = client::validate(&target, "test", "Test12345!")
        .await
        .unwrap();
    assert_eq!(right.status(), 200);
}

#[tokio::test]
async fn an_administrator_s_change_ends_the_lock_of_an_account() {
    let sensor = Double::sensor()
        .lockout(1, Scope::Account, HOUR)
        .start()
        .await;
    let sensor = sensor.unwrap();
    let target = client::target(&sensor);
    client::validate(&target, "test", "wrong").await.unwrap();
    let locked = client::validate(&target, "test", "Test12345!")
        .await
        .unwrap();
    assert_eq!(
        sensor.journal().judged(Outcome::Authenticated).count(),
        0,
        "{locked:?}"
    );
    let body = serde_json::json!({ "admin_username": "admin", "admin_password": "Test0987", "username": "test", "new_password": "Fresh1234!" });
    let changed = client::ask(&target, Operation::SetPasswordByAdmin, &body).await;
    assert_eq!(changed.unwrap().status(), 200);
    let right = client::validate(&target, "test", "Fresh1234!")
        .await
        .unwrap();
    assert_eq!(right.status(), 200);
}

#[tokio::test]
async fn a_reset_goes_back_to_the_start() {
    let sensor = Double::sensor().start().await.unwrap();
    let target = client::target(&sensor);
    sensor.fail(Operation::Validation, Failure::status(503));
    client::set_password(&target, "test", "Test12345!", "Other-1234!")
        .await
        .unwrap();
    assert!(sensor.password_is("test", "Other-1234!"));
    sensor.reset();
    assert!(sensor.password_is("test", "Test12345!"));
    assert_eq!((sensor.journal().count(), sensor.counters().len()), (0, 0));
}
