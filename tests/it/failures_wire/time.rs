//! Failures on the wire: time.

use super::*;

#[tokio::test]
async fn frozen_clock_holds_an_answer_until_each_advance() {
    let bench = Bench::start(false, vec![mode(When::default(), dribbled(100, HOUR))]);
    bench.clock().freeze();
    let mut stream = bench.open().await;
    stream
        .write_all(&validation("admin", "Test0987"))
        .await
        .unwrap();
    let mut received = Vec::new();
    loop {
        let (bytes, found) = read_to_the_end(&mut stream).await;
        received.extend_from_slice(&bytes);
        assert_eq!(found, End::Open);
        if received.ends_with(AUTHENTICATED.1.as_bytes()) {
            break;
        }
        assert_eq!(bytes.len(), 100);
        bench.clock().advance(HOUR);
    }
}

#[tokio::test]
async fn what_is_held_back_does_not_count_as_stalling() {
    let limits = Limits {
        stall: Duration::from_millis(30),
        ..Limits::default()
    };
    let action = FailureAction {
        pace: Some(Pace {
            bytes: 60,
            every: Duration::from_millis(60),
        }),
        ..delayed(Duration::from_millis(100))
    };
    let bench = Bench::with(true, vec![mode(When::default(), action)], limits);
    let mut stream = bench.open().await;
    assert_eq!(bench.valid(&mut stream).await, AUTHENTICATED);
}

#[rstest]
#[tokio::test]
async fn a_client_that_closed_its_half_still_gets_a_late_answer(#[values(false, true)] tls: bool) {
    let bench = Bench::start(
        tls,
        vec![mode(When::default(), delayed(Duration::from_millis(50)))],
    );
    let mut stream = bench.open().await;
    stream
        .write_all(&validation("admin", "Test0987"))
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(read_answer(&mut stream).await.0, 200);
}
