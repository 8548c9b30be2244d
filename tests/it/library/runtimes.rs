//! A double serves whatever its test runs on: a runtime of one thread that blocks, none at all.

use std::time::Duration;

use d4iot_double::{Double, Operation, Progress};

use crate::library::client;

#[test]
fn a_test_without_a_runtime_starts_asks_and_waits() {
    let sensor = Double::sensor().http().start_blocking().unwrap();
    assert!(client::validate_blocking(&sensor, "test", "Test12345!").starts_with("HTTP/1.1 200"));
    sensor
        .journal()
        .state(Progress::Done)
        .operation(Operation::Validation)
        .wait_blocking(1)
        .unwrap();
    let late = sensor
        .journal()
        .operation(Operation::SetPassword)
        .within(Duration::from_millis(20))
        .wait_blocking(1)
        .unwrap_err();
    assert!(
        late.to_string()
            .contains("waited 20ms for 1 × set_password: 0 came"),
        "{late}"
    );
}

#[tokio::test(flavor = "current_thread")]
async fn a_runtime_of_one_thread_may_block_while_the_double_serves() {
    let sensor = Double::sensor().http().start().await.unwrap();
    assert!(client::validate_blocking(&sensor, "test", "wrong").contains("\"error\""));
    sensor
        .journal()
        .wait_for(Operation::Validation, 1)
        .await
        .unwrap();
    sensor
        .journal()
        .operation(Operation::Validation)
        .wait_blocking(1)
        .unwrap();
}

#[test]
fn a_double_outlives_the_runtime_it_was_started_in() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let sensor = runtime.block_on(Double::sensor().http().start()).unwrap();
    drop(runtime);
    assert!(client::validate_blocking(&sensor, "test", "Test12345!").starts_with("HTTP/1.1 200"));
}
