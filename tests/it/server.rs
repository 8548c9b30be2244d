//! The server as its clients see it: real sockets, a service of a few lines, limits of milliseconds.

use std::{
    net::SocketAddr,
    sync::{Arc, LazyLock},
    time::{Duration, Instant},
};

use bytes::Bytes;
use d4iot_double::{
    clock::Clock,
    server,
    server::{
        Client, Connections, Limits, Log, Refusal, ServerAnswer, Service,
        tls::{Identity, IdentityError},
    },
};
use http::{Request, Response, request::Parts};
use rstest::rstest;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::own_process::is_own_process;

// — limits —

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
    const TEST: &str = "server::accepting_pauses_without_descriptors_and_goes_on";
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

// — refusals —

#[rstest]
#[case::no_host("GET / HTTP/1.1\r\n\r\n")]
#[case::two_hosts("GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n")]
#[case::bad_host("GET / HTTP/1.1\r\nhost: a b\r\n\r\n")]
#[case::bad_host_in_1_0("GET / HTTP/1.0\r\nhost: a/b\r\n\r\n")]
#[case::star("GET * HTTP/1.1\r\nhost: x\r\n\r\n")]
#[case::authority("GET x:80 HTTP/1.1\r\nhost: x\r\n\r\n")]
#[case::connect("CONNECT x:80 HTTP/1.1\r\nhost: x:80\r\n\r\n")]
#[case::beyond_ascii("GET /\u{e4} HTTP/1.1\r\nhost: x\r\n\r\n")]
#[case::malformed_chunk("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")]
#[tokio::test]
async fn forbidden_http_is_refused_and_closed(#[case] request: &str) {
    let server = Server::start(Limits::default()).await;
    assert_eq!(server.ask(request).await, Answer::new(400, "BadRequest"));
}

#[rstest]
#[case::http_1_0_without_host("GET /a HTTP/1.0\r\n\r\n", "GET /a 0")]
#[case::a_url(
    "GET http://x/a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    "GET /a 0"
)]
#[case::everything(
    "OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    "OPTIONS * 0"
)]
#[case::no_body_of_a_head("HEAD /a HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "")]
#[case::a_false_length_of_the_service(
    "GET /false-length HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    "true"
)]
#[tokio::test]
async fn what_the_protocol_allows_is_answered(#[case] request: &str, #[case] expected: &str) {
    let server = Server::start(Limits::default()).await;
    assert_eq!(server.ask(request).await, Answer::new(200, expected));
}

// — conversation —

#[tokio::test]
async fn connection_is_kept_alive_and_answers_come_in_order() {
    let server = Server::start(Limits::default()).await;
    let mut stream = server.greeted().await;
    let requests = (0..50)
        .map(|number| format!("POST /{number} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nab"))
        .collect::<String>();
    stream.write_all(requests.as_bytes()).await.unwrap();
    for number in 0..50 {
        assert_eq!(
            read_answer(&mut stream).await,
            Answer::new(200, &format!("POST /{number} 2"))
        );
    }
}

#[tokio::test]
async fn a_client_that_closes_its_sending_half_gets_its_answer() {
    let server = Server::start(Limits::default()).await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /half HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(
        parse(&read_all(&mut stream).await),
        Answer::new(200, "GET /half 0")
    );
}

#[tokio::test]
async fn expected_100_continue_comes_before_the_body() {
    let server = Server::start(Limits::default()).await;
    let mut stream = server.connect().await;
    stream
        .write_all(
            b"POST /wait HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n",
        )
        .await
        .unwrap();
    let mut interim = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    soon(stream.read_exact(&mut interim)).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"body").await.unwrap();
    assert_eq!(
        read_answer(&mut stream).await,
        Answer::new(200, "POST /wait 4")
    );
}

#[tokio::test]
async fn expected_100_continue_can_be_refused_before_the_body() {
    let server = Server::start(Limits::default()).await;
    let request =
        "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 65537\r\n\r\n";
    assert_eq!(server.ask(request).await, Answer::new(413, "BodyTooLarge"));
}

#[tokio::test]
async fn a_slow_head_delays_nobody_else() {
    let server = Server::start(Limits::default()).await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET /slow HT").await.unwrap();
    assert_eq!(
        server.ask("GET /quick HTTP/1.0\r\n\r\n").await,
        Answer::new(200, "GET /quick 0")
    );
    slow.write_all(b"TP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert_eq!(
        read_answer(&mut slow).await,
        Answer::new(200, "GET /slow 0")
    );
}

#[tokio::test]
async fn a_panicking_service_harms_only_its_own_connection() {
    let (log, mut lines) = log();
    let server = Server::start(Limits {
        log,
        ..Limits::default()
    })
    .await;
    let mut neighbour = server.greeted().await;
    assert_eq!(
        server
            .ask_raw("GET /panic HTTP/1.1\r\nhost: x\r\n\r\n")
            .await,
        b""
    );
    assert_eq!(
        soon(lines.recv()).await.unwrap(),
        "a connection ended because its service panicked"
    );
    neighbour
        .write_all(b"GET /after HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(
        read_answer(&mut neighbour).await,
        Answer::new(200, "GET /after 0")
    );
    assert_eq!(
        server.ask("GET /new HTTP/1.0\r\n\r\n").await,
        Answer::new(200, "GET /new 0")
    );
}

#[tokio::test]
async fn reqwest_is_answered_over_tls_by_name_and_by_address() {
    let server = Server::begin(Limits::default(), true).await;
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(server.client_config())
        .no_proxy()
        .build()
        .unwrap();
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{}/a", server.address.port());
        let answer = client.post(url).body("four").send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "POST /a 4");
    }
}

// — TLS —

#[rstest]
#[case::rubbish(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".as_slice(), "--http")]
#[case::abandoned(b"".as_slice(), "the client closed the connection")]
#[case::half_a_record(b"\x16\x03\x01".as_slice(), "the client closed the connection")]
#[tokio::test]
async fn a_handshake_that_fails_is_told_and_harms_nobody(
    #[case] bytes: &[u8],
    #[case] expected: &str,
) {
    let (log, mut lines) = log();
    let server = Server::begin(
        Limits {
            log,
            ..Limits::default()
        },
        true,
    )
    .await;
    let mut stream = server.connect().await;
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let line = soon(lines.recv()).await.unwrap();
    assert!(line.contains(expected), "{line}");
    server.greeted().await;
}

#[tokio::test]
async fn a_handshake_that_stalls_is_cut() {
    let (log, mut lines) = log();
    let server = Server::begin(
        Limits {
            handshake: Duration::from_millis(50),
            log,
            ..Limits::default()
        },
        true,
    )
    .await;
    let mut stream = server.connect().await;
    assert_eq!(soon(stream.read(&mut [0])).await.unwrap(), 0);
    assert!(
        soon(lines.recv())
            .await
            .unwrap()
            .contains("not finished within 50ms")
    );
}

#[tokio::test]
async fn a_client_that_does_not_trust_us_is_told_the_way_out() {
    let (log, mut lines) = log();
    let server = Server::begin(
        Limits {
            log,
            ..Limits::default()
        },
        true,
    )
    .await;
    let stranger = client_config(
        Identity::generate(&[]).unwrap().ca_pem().unwrap(),
        rustls::DEFAULT_VERSIONS,
    );
    let stream = server.connect().await;
    let refused = TlsConnector::from(Arc::new(stranger))
        .connect(ServerName::try_from("localhost").unwrap(), stream)
        .await;
    assert!(refused.is_err());
    assert!(soon(lines.recv()).await.unwrap().contains("--ca-out"));
}

#[tokio::test]
async fn a_second_connection_resumes_the_first_ones_session() {
    let server = Server::begin(Limits::default(), true).await;
    let config = Arc::new(server.client_config());
    let mut kinds = Vec::new();
    for _ in 0..2 {
        let mut stream = server.open_with(Arc::clone(&config)).await;
        // The tickets come with the first answer.
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        read_answer(&mut stream).await;
        kinds.push(stream.get_ref().1.handshake_kind().unwrap());
    }
    assert_eq!(
        kinds,
        [rustls::HandshakeKind::Full, rustls::HandshakeKind::Resumed]
    );
}

#[rstest]
#[case::version_1_2(&rustls::version::TLS12)]
#[case::version_1_3(&rustls::version::TLS13)]
#[tokio::test]
async fn both_versions_of_tls_are_spoken_and_http_1_1_is_agreed_on(
    #[case] version: &'static rustls::SupportedProtocolVersion,
) {
    let server = Server::begin(Limits::default(), true).await;
    let mut config = client_config(
        server.identity.as_ref().unwrap().ca_pem().unwrap(),
        &[version],
    );
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = server.open_with(Arc::new(config)).await;
    assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
    assert_eq!(
        stream.get_ref().1.alpn_protocol(),
        Some(b"http/1.1".as_slice())
    );
}

#[tokio::test]
async fn further_names_are_in_the_certificate() {
    let identity = Identity::generate(&[
        "plant-7.example".to_owned(),
        "*.lab.example".to_owned(),
        "10.1.2.3".to_owned(),
    ])
    .unwrap();
    let server = Server::with(Limits::default(), Some(identity)).await;
    for name in ["plant-7.example", "a.lab.example", "10.1.2.3", "::1"] {
        let stream = server.connect().await;
        let name = ServerName::try_from(name).unwrap();
        soon(TlsConnector::from(Arc::new(server.client_config())).connect(name, stream))
            .await
            .unwrap();
    }
}

#[rstest]
#[case::port("host:8443")]
#[case::blank("two words")]
#[case::empty("")]
fn a_name_that_is_none_is_refused(#[case] name: &str) {
    assert!(
        matches!(Identity::generate(&[name.to_owned()]), Err(IdentityError::BadName(bad)) if bad == name)
    );
}

#[test]
fn an_own_certificate_is_taken_or_its_fault_is_named() {
    let (certificate, key) = self_signed();
    let (_, other_key) = self_signed();
    let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
    let cut = key.split("-----END").next().unwrap();
    let fault = |certificate: &str, key: &str| {
        Identity::from_pem(certificate, key)
            .err()
            .map(|error| error.to_string())
    };
    assert_eq!(fault(&certificate, &key), None);
    for (certificate, key, expected) in [
        (
            &*certificate,
            &*other_key,
            "the key does not belong to the first certificate in the file",
        ),
        (
            &*key,
            &*certificate,
            "no BEGIN CERTIFICATE in the certificate file",
        ),
        (
            &*certificate,
            "",
            "no BEGIN PRIVATE KEY, BEGIN RSA PRIVATE KEY or BEGIN EC PRIVATE KEY in the key file",
        ),
        (
            &*certificate,
            &*encrypted,
            "the key is encrypted, expected one without a passphrase (openssl pkey -in KEY -out PLAIN)",
        ),
        (
            &*certificate,
            cut,
            "cannot read the key: a BEGIN line without its END line",
        ),
    ] {
        assert_eq!(fault(certificate, key).as_deref(), Some(expected));
    }
}

fn self_signed() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(["localhost".to_owned()])
        .unwrap()
        .self_signed(&key)
        .unwrap();
    (certificate.pem(), key.serialize_pem())
}

// — shutdown —

#[tokio::test]
async fn shutdown_with_idle_and_reading_connections_is_immediate() {
    let server = Server::start(Limits::default()).await;
    let idle = server.greeted().await;
    let mut in_head = server.greeted().await;
    in_head.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let mut in_body = server.greeted().await;
    in_body
        .write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nfour")
        .await
        .unwrap();
    let address = server.address;
    let took = server.stop().await;
    assert!(took < Duration::from_millis(500), "took {took:?}");
    assert!(
        TcpStream::connect(address).await.is_err(),
        "the port is still open"
    );
    drop((idle, in_head, in_body));
}

#[tokio::test]
async fn shutdown_lets_a_running_answer_finish_and_then_closes() {
    let server = Server::start(Limits {
        grace: Duration::from_secs(4),
        ..Limits::default()
    })
    .await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /big HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    stream.readable().await.unwrap();
    let (received, took) = tokio::join!(read_all(&mut stream), server.stop());
    assert!(received.len() > BIG, "only {} bytes came", received.len());
    assert!(took < Duration::from_secs(3), "took {took:?}");
}

#[tokio::test]
async fn shutdown_cuts_an_answer_that_does_not_finish() {
    let server = Server::start(Limits {
        grace: Duration::from_millis(100),
        ..Limits::default()
    })
    .await;
    let mut stream = server.connect().await;
    stream
        .write_all(b"GET /big HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    stream.readable().await.unwrap();
    let took = server.stop().await;
    assert!(
        took >= Duration::from_millis(90) && took < Duration::from_secs(1),
        "took {took:?}"
    );
}

#[tokio::test]
async fn a_fixed_port_can_be_bound_again_at_once() {
    let server = Server::start(Limits::default()).await;
    let address = server.address;
    // The server's side closes first, so its end of the connection lingers in the kernel.
    assert_eq!(server.ask("GET / HTTP/1.0\r\n\r\n").await.status, 200);
    server.stop().await;
    server::bind(address).unwrap();
}

// — the service, the server, the clients —

struct Dummy;

impl Service for Dummy {
    fn answer(&self, request: &Request<Bytes>, client: Client) -> ServerAnswer {
        assert!(client.source.is_loopback());
        ServerAnswer::plain(match request.uri().path() {
            "/big" => Response::new(Bytes::from(vec![b'b'; BIG])),
            "/false-length" => Response::builder()
                .header("content-length", "7")
                .body(Bytes::from("true"))
                .unwrap(),
            "/panic" => panic!("as the test asked"),
            path => Response::new(Bytes::from(format!(
                "{} {path} {}",
                request.method(),
                request.body().len()
            ))),
        })
    }

    fn clock(&self) -> &Clock {
        static CLOCK: LazyLock<Clock> = LazyLock::new(Clock::start);
        &CLOCK
    }

    fn refuse(&self, _parts: &Parts, refusal: Refusal, _client: Client) -> ServerAnswer {
        let status = match refusal {
            Refusal::BadRequest => 400,
            Refusal::BodyTooLarge => 413,
            Refusal::HeadTooLarge => 431,
            Refusal::RequestTimeout => 408,
        };
        ServerAnswer::plain(
            Response::builder()
                .status(status)
                .body(Bytes::from(format!("{refusal:?}")))
                .unwrap(),
        )
    }
}

struct Server {
    address: SocketAddr,
    identity: Option<Identity>,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Server {
    async fn start(limits: Limits) -> Server {
        Server::with(limits, None).await
    }

    async fn begin(limits: Limits, tls: bool) -> Server {
        Server::with(limits, tls.then(|| Identity::generate(&[]).unwrap())).await
    }

    async fn with(limits: Limits, identity: Option<Identity>) -> Server {
        let listener = server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server::run(
            listener,
            identity.clone(),
            Arc::new(Dummy),
            limits,
            async {
                let _ = stopped.await;
            },
        ));
        Server {
            address,
            identity,
            stop,
            running,
        }
    }

    async fn stop(self) -> Duration {
        let began = Instant::now();
        self.stop.send(()).unwrap();
        soon(self.running).await.unwrap();
        began.elapsed()
    }

    async fn connect(&self) -> TcpStream {
        soon(TcpStream::connect(self.address)).await.unwrap()
    }
    /// Connects with so little room for what arrives that a big answer must wait for its reader.
    async fn connect_narrow(&self) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(32 * 1024).unwrap();
        soon(socket.connect(self.address)).await.unwrap()
    }

    /// Connects, with TLS where the server has it.
    async fn open(&self) -> Box<dyn Stream> {
        match &self.identity {
            Some(_) => Box::new(self.open_with(Arc::new(self.client_config())).await),
            None => Box::new(self.connect().await),
        }
    }

    async fn open_with(&self, config: Arc<rustls::ClientConfig>) -> TlsStream<TcpStream> {
        let name = ServerName::try_from("localhost").unwrap();
        soon(TlsConnector::from(config).connect(name, self.connect().await))
            .await
            .unwrap()
    }

    fn client_config(&self) -> rustls::ClientConfig {
        client_config(
            self.identity.as_ref().unwrap().ca_pem().unwrap(),
            rustls::DEFAULT_VERSIONS,
        )
    }

    /// Connects and waits for a first answer, so that the server is known to hold the connection.
    async fn greeted(&self) -> Box<dyn Stream> {
        let mut stream = self.open().await;
        stream
            .write_all(b"GET /hello HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        assert_eq!(
            read_answer(&mut stream).await,
            Answer::new(200, "GET /hello 0")
        );
        stream
    }

    /// Sends all of a request, then reads until the server closes.
    async fn ask(&self, request: &str) -> Answer {
        parse(&self.ask_raw(request).await)
    }

    async fn ask_raw(&self, request: &str) -> Vec<u8> {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        read_all(&mut stream).await
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    body: String,
}

impl Answer {
    fn new(status: u16, body: &str) -> Answer {
        Answer {
            status,
            body: body.to_owned(),
        }
    }
}

async fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    soon(stream.read_to_end(&mut bytes)).await.unwrap();
    bytes
}

/// Reads one answer whose length is announced, and not a byte more.
async fn read_answer(stream: &mut (impl AsyncRead + Unpin)) -> Answer {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        bytes.push(soon(stream.read_u8()).await.unwrap());
    }
    let head = String::from_utf8(bytes.clone()).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap()
        .parse()
        .unwrap();
    let mut body = vec![0; length];
    soon(stream.read_exact(&mut body)).await.unwrap();
    parse(&[bytes, body].concat())
}

fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {text:?}"));
    Answer::new(head[9..12].parse().unwrap(), body)
}

fn client_config(
    ca: &str,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap())
        .unwrap();
    rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn log() -> (Log, mpsc::UnboundedReceiver<String>) {
    let (sender, lines) = mpsc::unbounded_channel();
    let log = Log::to(move |line| {
        let _ = sender.send(line.to_owned());
    });
    (log, lines)
}

fn head_of(length: usize) -> String {
    let frame = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\npad: \r\n\r\n".len();
    format!(
        "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\npad: {}\r\n\r\n",
        "p".repeat(length - frame)
    )
}

fn chunk(length: usize) -> String {
    format!("{length:x}\r\n{}\r\n", "c".repeat(length))
}

/// Fails a test that hangs, rather than the whole run.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future)
        .await
        .expect("it happens soon")
}

const SOON: Duration = Duration::from_secs(5);
const BIG: usize = 8 << 20;
