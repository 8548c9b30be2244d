//! Failures on the wire: the port.

use super::*;

#[rstest]
#[tokio::test]
async fn port_that_goes_down_resets_refuses_and_comes_back(#[values(false, true)] tls: bool) {
    let bench = Bench::start(
        tls,
        vec![mode(
            When {
                calls: vec![3],
                ..When::default()
            },
            FailureAction {
                down: Some(HOUR),
                ..FailureAction::default()
            },
        )],
    );
    bench.clock().freeze();
    let mut idle = bench.open().await;
    assert_eq!(bench.valid(&mut idle).await, AUTHENTICATED);
    let mut in_head = bench.open().await;
    assert_eq!(bench.valid(&mut in_head).await, AUTHENTICATED);
    in_head.write_all(b"POST / HTTP/1.1\r\n").await.unwrap();
    let mut firing = bench.connect().await;
    firing.write_all(b"P").await.unwrap();
    for stream in [&mut firing as &mut dyn Stream, &mut *idle, &mut *in_head] {
        assert_eq!(read_to_the_end(stream).await, (Vec::new(), End::Reset));
    }
    let refused = TcpStream::connect(bench.address()).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    // One who insists, with SO_REUSEADDR, could still take it; one who looks for a free port does not find it.
    assert_eq!(
        TcpSocket::new_v4()
            .unwrap()
            .bind(bench.address())
            .unwrap_err()
            .kind(),
        io::ErrorKind::AddrInUse,
        "the number is held"
    );
    bench.clock().advance(HOUR);
    let mut again = bench.reopened().await;
    assert_eq!(bench.valid(&mut again).await, AUTHENTICATED);
}

#[rstest]
#[tokio::test]
async fn a_port_goes_down_by_the_clock_without_any_request(#[values(false, true)] tls: bool) {
    let during = Some(During {
        from: HOUR,
        length: HOUR,
    });
    let bench = Bench::start(
        tls,
        vec![mode(
            When {
                during,
                ..When::default()
            },
            FailureAction {
                down: Some(HOUR),
                ..FailureAction::default()
            },
        )],
    );
    bench.clock().freeze();
    let mut stream = bench.open().await;
    assert_eq!(bench.valid(&mut stream).await, AUTHENTICATED);
    bench.clock().advance(HOUR);
    assert_eq!(read_to_the_end(&mut stream).await, (Vec::new(), End::Reset));
    assert_eq!(
        TcpStream::connect(bench.address())
            .await
            .unwrap_err()
            .kind(),
        io::ErrorKind::ConnectionRefused
    );
    assert_eq!(bench.double.appliance().counters()[0].fired, 1);
    bench.clock().advance(HOUR);
    let mut again = bench.reopened().await;
    assert_eq!(bench.valid(&mut again).await, AUTHENTICATED);
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_port_that_is_down() {
    let bench = Bench::start(
        false,
        vec![mode(
            When::default(),
            FailureAction {
                down: Some(HOUR),
                ..FailureAction::default()
            },
        )],
    );
    let mut firing = bench.connect().await;
    firing.write_all(b"P").await.unwrap();
    assert_eq!(read_to_the_end(&mut firing).await.1, End::Reset);
    let took = bench.end().await;
    assert!(took < Duration::from_secs(1), "took {took:?}");
}
