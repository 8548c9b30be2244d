//! Expectations: what is met is silent, what is not panics when the double is dropped, with a text one can read.

use std::panic::{AssertUnwindSafe, catch_unwind};

use d4iot_double::{Double, Expectation, Failure, Operation, Outcome};
use rstest::rstest;
use serde_json::json;

use crate::library::client;

/// A double that was asked this and that: 2 validations, a change that was refused, a wrong path, a wrong field.
async fn asked() -> Double {
    let sensor = Double::sensor()
        .user("test", "canary-Old-1")
        .user("other", "canary-Other-1")
        .start()
        .await
        .unwrap();
    let target = client::target(&sensor);
    client::validate(&target, "test", "canary-Old-1")
        .await
        .unwrap();
    client::validate(&target, "test", "canary-Guess-1")
        .await
        .unwrap();
    client::set_password(&target, "test", "canary-Guess-2", "canary-New-1")
        .await
        .unwrap();
    target
        .send(&client::post(
            "/external/authentication/validation?password=canary-Query-1",
            "{}",
        ))
        .await
        .unwrap();
    let body = json!({ "admin_user": "test", "admin_password": "canary-Old-1", "username": "other", "new_password": "canary-New-2" });
    client::ask(&target, Operation::SetPasswordByAdmin, &body)
        .await
        .unwrap();
    sensor
}

/// Drops a double and returns what that says.
fn dropped(sensor: Double) -> Option<String> {
    catch_unwind(AssertUnwindSafe(|| drop(sensor)))
        .err()
        .map(|panic| *panic.downcast::<String>().unwrap())
}

/// Leaves out where in this file an expectation stands.
fn without_lines(text: &str) -> String {
    let place = |line: &str| {
        line.split_once(".rs:").map_or_else(
            || line.to_owned(),
            |(file, _)| format!("{file}.rs:LINE:COLUMN"),
        )
    };
    text.lines()
        .map(|line| {
            if line.starts_with(" --> ") {
                place(line)
            } else {
                line.to_owned()
            }
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[rstest]
#[case::at_least_once(|expected: Expectation| expected)]
#[case::twice(|expected: Expectation| expected.times(2))]
#[case::one_to_three(|expected: Expectation| expected.at_least(1).at_most(3))]
#[case::with_an_outcome(|expected: Expectation| expected.outcome(Outcome::CredentialsRejected).times(1))]
#[case::with_another(|expected: Expectation| expected.outcome(Outcome::LockedOut).never())]
#[case::of_a_user(|expected: Expectation| expected.with_user("test").times(2))]
#[case::of_nobody(|expected: Expectation| expected.with_user("other").never())]
#[case::at_a_path(|expected: Expectation| expected.with_path("/api/external/authentication/validation").times(2))]
#[case::at_no_path(|expected: Expectation| expected.with_path("/other").never())]
#[case::unbent(|expected: Expectation| expected.with_failure("slow").never())]
#[case::well_behaved(|expected: Expectation| expected.no_findings())]
#[tokio::test]
async fn what_is_met_is_silent(#[case] expect: fn(Expectation) -> Expectation) {
    let sensor = asked().await;
    expect(sensor.expect(Operation::Validation));
    assert_eq!(dropped(sensor), None);
}

#[tokio::test]
async fn what_is_not_met_tells_the_nearest_thing_that_did_happen() {
    let sensor = asked().await;
    sensor
        .expect(Operation::SetPassword)
        .outcome(Outcome::PasswordReplaced)
        .with_user("test")
        .times(2);
    sensor
        .expect(Operation::SetPasswordByAdmin)
        .at_most(1)
        .no_findings();
    sensor.expect(Operation::Validation).with_user("other");
    sensor.expect_any().at_least(3);
    let text = dropped(sensor).unwrap();
    assert!(!text.contains("canary"), "{text}");
    insta::assert_snapshot!(without_lines(&text));
}

#[tokio::test]
async fn a_double_that_nobody_asked_says_so() {
    let sensor = Double::from_yaml("{ appliance: console, name: plant-7 }")
        .start()
        .await
        .unwrap();
    sensor.expect(Operation::Validation);
    let text = dropped(sensor).unwrap();
    insta::assert_snapshot!(without_lines(&text));
}

#[tokio::test]
async fn too_many_requests_are_summarised_with_their_failure() {
    let sensor = Double::sensor()
        .http()
        .failure(Failure::status(503).calls([2]))
        .start()
        .await
        .unwrap();
    let target = client::target(&sensor);
    for number in 0..20 {
        client::validate(
            &target,
            &format!("line\nbreak{}", number % 10),
            "canary-1234",
        )
        .await
        .unwrap();
    }
    sensor.expect(Operation::Validation).at_most(3);
    let text = dropped(sensor).unwrap();
    assert!(!text.contains("canary"), "{text}");
    insta::assert_snapshot!(without_lines(&text));
}

#[tokio::test]
async fn verify_returns_unmet_expectations_and_drop_is_silent() {
    let sensor = asked().await;
    sensor.expect(Operation::SetPassword).never();
    let unmet = sensor.verify().unwrap_err().to_string();
    assert!(
        unmet.contains(
            "expected set_password never: it came once\n --> tests/it/library/expectations.rs:"
        ),
        "{unmet}"
    );
    assert_eq!(dropped(sensor), None);
}

#[tokio::test]
async fn a_test_that_panics_already_gets_no_second_message() {
    let sensor = asked().await;
    sensor.expect(Operation::SetPassword).never();
    let panic = catch_unwind(AssertUnwindSafe(move || {
        let _held = sensor;
        panic!("the test's own words");
    }));
    assert_eq!(
        *panic.unwrap_err().downcast::<&str>().unwrap(),
        "the test's own words"
    );
}

#[tokio::test]
async fn a_wait_in_vain_says_what_did_happen() {
    let sensor = asked().await;
    let wait = sensor
        .journal()
        .operation(Operation::SetPassword)
        .user("other")
        .within(std::time::Duration::from_millis(10))
        .wait(1);
    let text = wait.await.unwrap_err().to_string();
    assert!(!text.contains("canary"), "{text}");
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn a_wait_for_one_user_s_requests_ends_when_they_come() {
    let sensor = Double::sensor().http().start().await.unwrap();
    let target = client::target(&sensor);
    let asking = tokio::spawn(async move {
        for user in ["admin", "test", "admin", "test"] {
            client::validate(&target, user, "x").await.unwrap();
        }
    });
    sensor.journal().user("test").wait(2).await.unwrap();
    asking.await.unwrap();
    assert_eq!(
        (
            sensor.journal().user("test").count(),
            sensor.journal().user("admin").entries().len()
        ),
        (2, 2)
    );
}
