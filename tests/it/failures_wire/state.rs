//! Failures on the wire: the state.

use super::*;

#[tokio::test]
async fn a_reset_after_the_commit_leaves_the_new_password_in_force() {
    let reset = FailureMode {
        on: Some(vec![Operation::SetPassword]),
        ..mode(times(1), end(CloseKind::Reset, CutPoint::BeforeAnswer))
    };
    let bench = Bench::start(true, vec![reset]);
    let client = bench.reqwest();
    let change = serde_json::json!({ "username": "test", "password": "Test12345!", "new_password": "Later12345!" }).to_string();
    let error = client
        .post(bench.url("set_password"))
        .header("content-type", "application/json")
        .body(change.clone())
        .send()
        .await
        .unwrap_err();
    assert!(
        source_of(&error, io::ErrorKind::ConnectionReset),
        "{error:?}"
    );
    let mut stream = bench.open().await;
    stream
        .write_all(&validation("test", "Test12345!"))
        .await
        .unwrap();
    assert_eq!(read_answer(&mut stream).await.0, 401);
    stream
        .write_all(&validation("test", "Later12345!"))
        .await
        .unwrap();
    assert_eq!(read_answer(&mut stream).await.0, 200);
    let retry = client
        .post(bench.url("set_password"))
        .header("content-type", "application/json")
        .body(change)
        .send()
        .await
        .unwrap();
    assert!(!retry.status().is_success());
    assert!(
        retry
            .text()
            .await
            .unwrap()
            .contains("User authentication failure")
    );
}

#[tokio::test]
async fn an_answer_that_was_not_committed_changes_nothing() {
    let action = FailureAction {
        commit: Some(false),
        ..FailureAction::default()
    };
    let bench = Bench::start(
        false,
        vec![FailureMode {
            on: Some(vec![Operation::SetPassword]),
            ..mode(When::default(), action)
        }],
    );
    let mut stream = bench.open().await;
    stream
        .write_all(&set_password("test", "Test12345!", "Later12345!"))
        .await
        .unwrap();
    assert_eq!(read_answer(&mut stream).await.0, 200);
    stream
        .write_all(&validation("test", "Test12345!"))
        .await
        .unwrap();
    assert_eq!(read_answer(&mut stream).await.0, 200);
}

#[tokio::test]
async fn another_outcome_is_worded_and_nothing_is_done() {
    let action = FailureAction {
        response: ResponseOverride {
            outcome: Some(Outcome::PolicyRefused),
            ..ResponseOverride::default()
        },
        ..FailureAction::default()
    };
    let bench = Bench::start(
        false,
        vec![FailureMode {
            on: Some(vec![Operation::SetPassword]),
            ..mode(times(1), action)
        }],
    );
    let mut stream = bench.open().await;
    stream
        .write_all(&set_password("test", "Test12345!", "Later12345!"))
        .await
        .unwrap();
    assert_ne!(read_answer(&mut stream).await.0, 200);
    stream
        .write_all(&set_password("test", "Test12345!", "Later12345!"))
        .await
        .unwrap();
    assert_eq!(read_answer(&mut stream).await.0, 200);
}

#[rstest]
#[case::for_a_time(Stale::For(HOUR))]
#[case::for_two_validations(Stale::Requests(2))]
#[tokio::test]
async fn stale_password_validates_as_long_as_the_mode_says(#[case] stale: Stale) {
    let action = FailureAction {
        stale: Some(stale),
        ..FailureAction::default()
    };
    let bench = Bench::start(
        false,
        vec![mode(
            When {
                calls: vec![1],
                ..When::default()
            },
            action,
        )],
    );
    let mut stream = bench.open().await;
    let mut ask = async |request: Vec<u8>| {
        stream.write_all(&request).await.unwrap();
        read_answer(&mut stream).await.0
    };
    assert_eq!(
        ask(set_password("test", "Test12345!", "Later12345!")).await,
        200
    );
    assert_ne!(
        ask(set_password("test", "Test12345!", "Other12345!")).await,
        200,
        "only validations lag"
    );
    for _ in 0..2 {
        assert_eq!(ask(validation("test", "Test12345!")).await, 200);
        assert_eq!(ask(validation("test", "Later12345!")).await, 200);
    }
    bench.clock().advance(HOUR);
    assert_eq!(ask(validation("test", "Test12345!")).await, 401);
    assert_eq!(ask(validation("test", "Later12345!")).await, 200);
}

#[tokio::test]
async fn a_reset_goes_back_to_what_was_loaded() {
    let bench = Bench::start(
        false,
        vec![mode(
            times(1),
            FailureAction {
                stale: Some(Stale::For(HOUR)),
                ..FailureAction::default()
            },
        )],
    );
    let mut stream = bench.open().await;
    stream
        .write_all(&set_password("test", "Test12345!", "Later12345!"))
        .await
        .unwrap();
    assert_eq!(read_answer(&mut stream).await.0, 200);
    stream
        .write_all(b"GET /nowhere?password=hidden HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(read_answer(&mut stream).await.0, 404);
    let host = bench.double.appliance();
    host.clock().advance(HOUR);
    assert_eq!(
        (
            host.counters()[0].seen,
            host.counters()[0].fired,
            host.unmatched().count
        ),
        (2, 1, 1)
    );
    assert_eq!(
        host.unmatched().to_string(),
        "1 request hit no operation: GET /nowhere"
    );
    host.reset();
    assert_eq!(
        (
            host.counters()[0].seen,
            host.counters()[0].fired,
            host.unmatched().count
        ),
        (0, 0, 0)
    );
    assert!(host.clock().now().0 < HOUR);
    stream
        .write_all(&validation("test", "Test12345!"))
        .await
        .unwrap();
    assert_eq!(read_answer(&mut stream).await.0, 200);
}
