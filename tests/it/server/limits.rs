//! The server as its clients see it: limits.

use super::*;

#[tokio::test]
async fn a_head_up_to_the_limit_is_taken_and_one_byte_more_is_refused() {
    let server = Server::start(Limits::default()).await;
    assert_eq!(
        server.ask(&head_of(32 * 1024)).await,
        Answer::new(200, "GET / 0")
    );
    assert_eq!(
        server.ask(&head_of(32 * 1024 + 1)).await,
        Answer::new(431, "HeadTooLarge")
    );
    assert_eq!(
        server.ask(&head_of(40_000)).await,
        Answer::new(431, "HeadTooLarge")
    );
}

#[rstest]
#[case::far_too_long(head_of(200_000), 431)]
#[case::one_name_of_70_000_bytes(format!("GET / HTTP/1.1\r\nhost: x\r\n{}: y\r\n\r\n", "n".repeat(70_000)), 431)]
#[case::too_many_lines(format!("GET / HTTP/1.1\r\nhost: x\r\n{}\r\n", "a: b\r\n".repeat(101)), 431)]
#[case::no_http("rubbish\r\n\r\n".to_owned(), 400)]
#[case::length_is_no_number("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: x\r\n\r\n".to_owned(), 400)]
#[case::length_beyond_64_bits("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\n".to_owned(), 400)]
#[case::two_lengths("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n".to_owned(), 400)]
#[case::not_chunked_at_last("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n".to_owned(), 400)]
#[case::target_too_long(format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(66_000)), 431)]
#[tokio::test]
async fn what_hyper_refuses_has_no_body(#[case] request: String, #[case] status: u16) {
    let server = Server::start(Limits::default()).await;
    assert_eq!(server.ask(&request).await, Answer::new(status, ""));
}

#[rstest]
#[case::announced("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 65537\r\n\r\n".to_owned())]
#[case::as_much_as_can_be_announced("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 18446744073709551613\r\n\r\n".to_owned())]
// More than the kernel keeps in store: the client is still sending when it is refused, and must not find the connection reset.
#[case::announced_and_sent(format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 20000000\r\n\r\n{}", "b".repeat(20_000_000)))]
#[case::sent_with_an_upgrade(format!("POST / HTTP/1.1\r\nhost: x\r\nupgrade: h2c\r\ncontent-length: 20000000\r\n\r\n{}", "b".repeat(20_000_000)))]
#[case::chunked(format!("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk(1000).repeat(66)))]
#[case::chunked_and_long(format!("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{}", chunk(1000).repeat(2000)))]
#[tokio::test]
async fn a_body_over_the_limit_is_refused(#[case] request: String) {
    let server = Server::start(Limits::default()).await;
    assert_eq!(server.ask(&request).await, Answer::new(413, "BodyTooLarge"));
}

#[rstest]
#[case::announced(format!("POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 65536\r\n\r\n{}", "b".repeat(65_536)), "POST / 65536")]
#[case::chunked(format!("POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n", chunk(1000).repeat(65)), "POST / 65000")]
#[tokio::test]
async fn a_body_up_to_the_limit_is_taken(#[case] request: String, #[case] expected: &str) {
    let server = Server::start(Limits::default()).await;
    assert_eq!(server.ask(&request).await, Answer::new(200, expected));
}

#[tokio::test]
async fn unfinished_head_is_cut_even_if_bytes_keep_coming() {
    let server = Server::start(Limits {
        head: Duration::from_millis(100),
        ..Limits::default()
    })
    .await;
    // Kept alive first: the far deadline of an idle connection must give way to the near one of a head.
    let mut stream = server.greeted().await;
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let began = Instant::now();
    let mut byte = [0];
    // Each further byte comes well within the limit; all of them together do not.
    while let Err(_waiting) =
        tokio::time::timeout(Duration::from_millis(20), stream.read(&mut byte)).await
    {
        let _ = stream.write_all(b"a").await;
        assert!(began.elapsed() < SOON, "the head is still being read");
    }
    assert!(began.elapsed() >= Duration::from_millis(90));
}

#[tokio::test]
async fn a_late_head_is_given_its_whole_time_from_its_first_byte() {
    let server = Server::start(Limits {
        head: Duration::from_millis(150),
        ..Limits::default()
    })
    .await;
    let mut stream = server.connect().await;
    assert!(
        tokio::time::timeout(Duration::from_millis(200), stream.read_u8())
            .await
            .is_err(),
        "the silence was not borne"
    );
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(read_answer(&mut stream).await, Answer::new(200, "GET / 0"));
}

#[tokio::test]
async fn a_body_that_takes_too_long_is_refused() {
    let server = Server::start(Limits {
        body: Duration::from_millis(50),
        ..Limits::default()
    })
    .await;
    assert_eq!(
        server
            .ask("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nfour")
            .await,
        Answer::new(408, "RequestTimeout")
    );
}

#[rstest]
#[case::fresh("")]
#[case::kept_alive("GET / HTTP/1.1\r\nhost: x\r\n\r\n")]
#[tokio::test]
async fn an_idle_connection_is_closed(#[case] before: &str, #[values(false, true)] tls: bool) {
    let server = Server::begin(
        Limits {
            idle: Duration::from_millis(150),
            ..Limits::default()
        },
        tls,
    )
    .await;
    let mut stream = server.open().await;
    stream.write_all(before.as_bytes()).await.unwrap();
    if !before.is_empty() {
        assert_eq!(read_answer(&mut stream).await, Answer::new(200, "GET / 0"));
    }
    // A clean end: with TLS, a missing goodbye would be an error here.
    assert_eq!(soon(stream.read(&mut [0])).await.unwrap(), 0);
}

#[tokio::test]
async fn an_answer_that_is_not_taken_is_cut() {
    let server = Server::start(Limits {
        stall: Duration::from_millis(100),
        connections: Connections::at_most(1),
        ..Limits::default()
    })
    .await;
    let mut stream = server.connect_narrow().await;
    stream
        .write_all(b"GET /big HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    // Nothing is read until the server has given up, which shows by its only place being free again.
    server.greeted().await;
    let mut received = Vec::new();
    let _ = soon(stream.read_to_end(&mut received)).await;
    assert!(received.len() < BIG, "all {} bytes came", received.len());
}

#[tokio::test]
async fn a_slow_but_steady_reader_gets_all_of_a_big_answer() {
    let stall = Duration::from_millis(500);
    let server = Server::start(Limits {
        stall,
        ..Limits::default()
    })
    .await;
    let mut stream = server.connect_narrow().await;
    stream
        .write_all(b"GET /big HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let began = Instant::now();
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    let (mut received, mut space) = (0, vec![0; 64 * 1024]);
    loop {
        pace.tick().await;
        match soon(stream.read(&mut space)).await.unwrap() {
            0 => break,
            count => received += count,
        }
    }
    assert!(received > BIG, "only {received} bytes came");
    assert!(began.elapsed() > stall * 2, "the reader was not slow");
}

#[tokio::test]
async fn at_the_connection_limit_a_client_waits_for_its_turn() {
    let server = Server::start(Limits {
        connections: Connections::at_most(2),
        ..Limits::default()
    })
    .await;
    let (first, second) = (server.greeted().await, server.greeted().await);
    let mut third = server.connect().await;
    third
        .write_all(b"GET /third HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    assert!(
        tokio::time::timeout(Duration::from_millis(50), third.read_u8())
            .await
            .is_err(),
        "there was a third place"
    );
    drop(first);
    assert_eq!(
        read_answer(&mut third).await,
        Answer::new(200, "GET /third 0")
    );
    drop(second);
}

#[tokio::test]
async fn five_hundred_connections_are_served_at_once() {
    let server = Server::start(Limits::default()).await;
    let mut streams = Vec::new();
    for _ in 0..500 {
        streams.push(server.connect().await);
    }
    for stream in &mut streams {
        stream
            .write_all(b"GET /many HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
    }
    for stream in &mut streams {
        assert_eq!(read_answer(stream).await, Answer::new(200, "GET /many 0"));
    }
}

#[test]
fn accepting_pauses_without_descriptors_and_goes_on() {
    const TEST: &str = "server::limits::accepting_pauses_without_descriptors_and_goes_on";
    if !is_own_process(TEST) {
        return;
    }
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(64),
            maximum,
        },
    )
    .unwrap();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async {
            let (log, mut lines) = log();
            let server = Server::start(Limits {
                accept_pause: Duration::from_millis(20),
                log,
                ..Limits::default()
            })
            .await;
            let mut taken: Vec<_> =
                std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
            // One is left, and the client has it.
            taken.pop();
            let mut stream = server.connect().await;
            stream
                .write_all(b"GET /at-last HTTP/1.1\r\nhost: x\r\n\r\n")
                .await
                .unwrap();
            assert!(
                soon(lines.recv())
                    .await
                    .unwrap()
                    .starts_with("accepting connections pauses: ")
            );
            let busy = || {
                tokio::runtime::Handle::current()
                    .metrics()
                    .worker_total_busy_duration(0)
            };
            let before = busy();
            assert!(
                tokio::time::timeout(Duration::from_millis(200), stream.read_u8())
                    .await
                    .is_err(),
                "it was served by a descriptor too many"
            );
            assert!(
                busy() - before < Duration::from_millis(100),
                "accepting spins"
            );
            drop(taken);
            assert_eq!(
                read_answer(&mut stream).await,
                Answer::new(200, "GET /at-last 0")
            );
        });
}
