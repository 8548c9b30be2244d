//! Failures on the wire: answers: each way of sending × {HTTP, HTTPS} × {fresh, kept alive}.

use super::*;

#[rstest]
#[case::reset_before_answer(
    end(CloseKind::Reset, CutPoint::BeforeAnswer),
    Part::Nothing,
    End::Reset
)]
#[case::reset_after_head(end(CloseKind::Reset, CutPoint::AfterHead), Part::Head, End::Reset)]
#[case::reset_after_bytes(
    end(CloseKind::Reset, CutPoint::AfterBytes(7)),
    Part::Bytes(7),
    End::Reset
)]
#[case::reset_mid_body(end(CloseKind::Reset, CutPoint::MidBody), Part::Body(17), End::Reset)]
#[case::close_before_answer(end(CloseKind::Close, CutPoint::BeforeAnswer), Part::Nothing, End::Fin)]
#[case::close_after_head(end(CloseKind::Close, CutPoint::AfterHead), Part::Head, End::Fin)]
#[case::close_after_bytes(
    end(CloseKind::Close, CutPoint::AfterBytes(9)),
    Part::Bytes(9),
    End::Fin
)]
#[case::hang_before_head(end(CloseKind::Hang, CutPoint::BeforeAnswer), Part::Nothing, End::Open)]
#[case::hang_after_head(end(CloseKind::Hang, CutPoint::AfterHead), Part::Head, End::Open)]
#[case::hang_mid_body(end(CloseKind::Hang, CutPoint::MidBody), Part::Body(17), End::Open)]
#[case::truncated(distorted(Corruption::Truncate(5)), Part::Body(5), End::Fin)]
#[case::length_too_long(distorted(Corruption::ContentLength(5)), Part::Body(35), End::Fin)]
#[case::length_too_short(distorted(Corruption::ContentLength(-5)), Part::Body(35), End::Fin)]
#[case::malformed_chunk(
    distorted(Corruption::MalformedChunk),
    Part::Contains("\r\nxyz\r\n"),
    End::Fin
)]
#[case::empty(distorted(Corruption::Empty), Part::Body(0), End::Open)]
#[case::byte_order_mark(distorted(Corruption::Bom), Part::Contains("\u{feff}{"), End::Open)]
#[case::delayed(delayed(Duration::from_millis(20)), Part::Body(35), End::Open)]
#[case::dribbled(dribbled(9, Duration::from_millis(1)), Part::Body(35), End::Open)]
#[tokio::test]
async fn what_arrives(
    #[case] action: FailureAction,
    #[case] part: Part,
    #[case] expected: End,
    #[values(false, true)] tls: bool,
    #[values(false, true)] kept: bool,
) {
    let bench = Bench::start(
        tls,
        vec![mode(
            When {
                calls: vec![if kept { 2 } else { 1 }],
                ..When::default()
            },
            action,
        )],
    );
    let mut stream = bench.open().await;
    if kept {
        assert_eq!(bench.valid(&mut stream).await, AUTHENTICATED);
    }
    stream
        .write_all(&validation("admin", "Test0987"))
        .await
        .unwrap();
    let (bytes, found) = read_to_the_end(&mut stream).await;
    assert!(
        part.is(&bytes),
        "{part:?}: {:?}",
        String::from_utf8_lossy(&bytes)
    );
    // Over TLS a FIN comes without a goodbye, as from a server that crashed.
    assert_eq!(found, expected);
    if expected == End::Open && !matches!(part, Part::Nothing | Part::Head | Part::Body(17)) {
        assert_eq!(
            bench.valid(&mut stream).await,
            AUTHENTICATED,
            "the connection is kept"
        );
    }
    bench.end().await;
}

#[rstest]
#[tokio::test]
async fn a_client_that_asks_for_the_end_gets_it_with_a_goodbye(#[values(false, true)] tls: bool) {
    let bench = Bench::start(
        tls,
        vec![mode(When::default(), delayed(Duration::from_millis(1)))],
    );
    let mut stream = bench.open().await;
    stream
        .write_all(&with_header(
            &validation("admin", "Test0987"),
            "connection: close",
        ))
        .await
        .unwrap();
    let (bytes, found) = read_to_the_end(&mut stream).await;
    assert!(bytes.ends_with(AUTHENTICATED.1.as_bytes()));
    assert_eq!(found, if tls { End::Goodbye } else { End::Fin });
}

#[rstest]
#[tokio::test]
async fn pipelined_requests_are_answered_in_order(#[values(false, true)] tls: bool) {
    let slow_first = mode(
        When {
            calls: vec![1, 3],
            ..When::default()
        },
        delayed(Duration::from_millis(30)),
    );
    let bench = Bench::start(tls, vec![slow_first]);
    let mut stream = bench.open().await;
    let passwords = ["Test0987", "wrong", "wrong", "Test0987"];
    stream
        .write_all(
            &passwords
                .map(|password| validation("admin", password))
                .concat(),
        )
        .await
        .unwrap();
    for password in passwords {
        assert_eq!(
            read_answer(&mut stream).await.0,
            if password == "wrong" { 401 } else { 200 }
        );
    }
}

#[rstest]
#[tokio::test]
async fn pipelined_request_is_answered_after_a_delayed_answer(#[values(false, true)] tls: bool) {
    let bench = Bench::start(
        tls,
        vec![mode(
            When {
                times: Some(1),
                ..When::default()
            },
            delayed(HOUR),
        )],
    );
    bench.clock().freeze();
    let mut stream = bench.open().await;
    stream
        .write_all(&validation("admin", "Test0987"))
        .await
        .unwrap();
    bench.fired(1).await;
    stream
        .write_all(&validation("admin", "wrong"))
        .await
        .unwrap();
    assert_eq!(read_to_the_end(&mut stream).await, (Vec::new(), End::Open));
    bench.clock().advance(HOUR);
    assert_eq!(read_answer(&mut stream).await.0, 200);
    assert_eq!(read_answer(&mut stream).await.0, 401);
}
