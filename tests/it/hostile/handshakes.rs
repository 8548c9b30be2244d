//! TLS: rubbish, changed hellos, handshakes that are begun and left.

use std::{io::Read, sync::Arc, time::Duration};

use d4iot_double::server::Limits;
use rstest::rstest;
use rustls::ClientConnection;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::hostile::{
    client::{good, soon},
    mock::{Mock, localhost},
};

#[rstest]
#[case::http(good(""))]
#[case::http_2(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec())]
#[case::ssl_2(b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10\x01\x00\x80\x02\x00\x80\x03\x00\x80\x04\x00\x80\x05\x00\x80\x06\x00\x40\x07\x00\xc0".to_vec())]
#[case::ssl_3(b"\x16\x03\x00\x00\x2f\x01\x00\x00\x2b\x03\x00".to_vec())]
#[case::a_record_of_no_length(b"\x16\x03\x01\x00\x00".repeat(1_000))]
#[case::a_record_that_is_too_long(b"\x16\x03\x01\xff\xff".to_vec())]
#[case::a_handshake_of_16_mib(b"\x16\x03\x01\x40\x00\x01\xff\xff\xff".to_vec())]
#[case::an_alert(b"\x15\x03\x01\x00\x02\x02\x28".to_vec())]
#[case::warnings_without_end(b"\x15\x03\x01\x00\x02\x01\x00".repeat(10_000))]
#[case::a_change_of_cipher(b"\x14\x03\x03\x00\x01\x01".repeat(10_000))]
#[case::application_data(b"\x17\x03\x03\x00\x05hello".to_vec())]
#[case::a_heartbeat(b"\x18\x03\x02\x00\x03\x01\x40\x00".to_vec())]
#[case::an_unknown_record(b"\x63\x03\x01\x00\x05hello".to_vec())]
#[case::zeros(vec![0; 100_000])]
#[case::ones(vec![0xff; 100_000])]
#[case::ssh(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())]
#[case::a_proxy_s_line(b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n".to_vec())]
#[tokio::test]
async fn rubbish_in_place_of_a_hello_is_refused(#[case] bytes: Vec<u8>) {
    let mut mock = Mock::start(true, Limits::default()).await;
    assert!(!ends_in_http(&mock, &bytes).await);
    mock.is_well().await.unwrap();
    assert!(
        mock.reported()
            .iter()
            .any(|line| line.starts_with("TLS handshake with "))
    );
}

/// A probe of the port.
#[tokio::test]
async fn a_connection_without_a_byte_is_not_reported() {
    let mut mock = Mock::start(true, Limits::default()).await;
    assert!(!ends_in_http(&mock, b"").await);
    mock.is_well().await.unwrap();
    assert!(mock.reported().is_empty());
}

/// Every byte of a hello, once each of its bits turned: some still are hellos, none harms anybody.
#[tokio::test]
async fn a_hello_may_be_changed_in_every_byte() {
    let mut mock = Mock::start(
        true,
        Limits {
            handshake: Duration::from_millis(500),
            ..Limits::default()
        },
    )
    .await;
    let hello = hello(&mock);
    for at in 0..hello.len() {
        let mut changed = hello.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(!ends_in_http(&mock, &changed).await, "byte {at}");
        if at % 16 == 0 {
            mock.is_well()
                .await
                .unwrap_or_else(|harm| panic!("byte {at}: {harm}"));
        }
    }
    mock.is_well().await.unwrap();
    println!("hellos changed in each of {} bytes", hello.len());
}

/// Bytes that a seed makes, in the frame of a handshake record and without.
#[tokio::test]
async fn a_thousand_random_hellos_come_to_nothing() {
    let mut mock = Mock::start(true, Limits::default()).await;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for number in 0..1_000 {
        let length = usize::from(random.byte()) + 1;
        let rest: Vec<u8> = (0..length).map(|_| random.byte()).collect();
        let frame = [0x16, 3, 1, 0, u8::try_from(length.min(255)).unwrap()];
        let bytes = if number % 2 == 0 {
            [&frame, rest.as_slice()].concat()
        } else {
            rest
        };
        assert!(!ends_in_http(&mock, &bytes).await, "{number}: {bytes:?}");
        if number % 32 == 0 {
            mock.is_well()
                .await
                .unwrap_or_else(|harm| panic!("{number}: {harm}"));
        }
    }
    mock.is_well().await.unwrap();
}

/// A whole visit over TLS, cut after each byte that the client sends: hello, end of the handshake, request.
#[tokio::test]
async fn a_client_may_leave_at_every_byte_of_tls() {
    let mut mock = Mock::start(true, Limits::default()).await;
    let whole = visit(&mock, usize::MAX).await;
    assert!(whole > 300, "{whole}");
    for length in 0..whole {
        visit(&mock, length).await;
        if length % 16 == 0 {
            mock.is_well()
                .await
                .unwrap_or_else(|harm| panic!("left after {length} bytes: {harm}"));
        }
    }
    mock.is_well().await.unwrap();
    println!("left after each of {whole} bytes over TLS");
}

/// Handshakes that are begun and held: they end by their limit, and until then cost nobody anything.
#[tokio::test]
async fn two_hundred_handshakes_are_begun_and_left() {
    let mut mock = Mock::start(
        true,
        Limits {
            handshake: Duration::from_millis(300),
            ..Limits::default()
        },
    )
    .await;
    let hello = hello(&mock);
    let mut begun = Vec::new();
    for number in 0..200 {
        let mut stream = mock.connect().await;
        stream
            .write_all(&hello[..hello.len() * number / 200])
            .await
            .unwrap();
        begun.push(stream);
    }
    mock.is_well().await.unwrap();
    for mut stream in begun {
        let mut rest = Vec::new();
        // A reset is an end as well.
        let _ = soon(stream.read_to_end(&mut rest)).await;
        assert_eq!(rest, b"", "what was begun is no handshake");
    }
    mock.is_well().await.unwrap();
    let overdue = mock
        .reported()
        .iter()
        .filter(|line| line.contains("not finished within 300ms"))
        .count();
    assert_eq!(
        overdue, 199,
        "the first has sent nothing, as a probe of the port"
    );
}

/// Bytes beneath TLS, where only sealed ones may come.
#[tokio::test]
async fn rubbish_after_a_good_handshake_ends_that_connection_alone() {
    let mut mock = Mock::start(true, Limits::default()).await;
    for rubbish in [
        b"\x17\x03\x03\x00\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".as_slice(),
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"\x16\x03\x03\x00\x04\x00\x00\x00\x00",
        &[0xff; 40_000],
    ] {
        let stream = mock.connect().await;
        let tls = soon(mock.connector().unwrap().connect(localhost(), stream))
            .await
            .unwrap();
        let (mut stream, _keys) = tls.into_inner();
        stream.write_all(rubbish).await.unwrap();
        let mut rest = Vec::new();
        let _ = soon(stream.read_to_end(&mut rest)).await;
        assert!(!rest.windows(5).any(|five| five == b"HTTP/"));
        mock.is_well().await.unwrap();
    }
}

/// Sends bytes beneath TLS, ends the sending, and tells whether anything like HTTP came back before the end.
async fn ends_in_http(mock: &Mock, bytes: &[u8]) -> bool {
    let mut stream = mock.connect().await;
    // The server may have refused in the middle.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let mut seen = Vec::new();
    let _ = soon(stream.read_to_end(&mut seen)).await;
    seen.windows(5).any(|five| five == b"HTTP/")
}

/// Visits and leaves after a number of bytes; returns how many were sent.
async fn visit(mock: &Mock, most: usize) -> usize {
    let mut tls =
        ClientConnection::new(Arc::clone(mock.connector().unwrap().config()), localhost()).unwrap();
    let mut stream = mock.connect().await;
    let (mut sent, mut asked) = (0, false);
    loop {
        let mut bytes = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut bytes).unwrap();
        }
        let part = &bytes[..bytes.len().min(most - sent)];
        stream.write_all(part).await.unwrap();
        sent += part.len();
        if sent == most || asked {
            return sent;
        }
        if !tls.is_handshaking() {
            std::io::Write::write_all(&mut tls.writer(), &good("")).unwrap();
            asked = true;
            continue;
        }
        receive(&mut tls, &mut stream).await;
    }
}

async fn receive(tls: &mut ClientConnection, stream: &mut TcpStream) {
    let mut space = vec![0; 16 * 1024];
    let count = soon(stream.read(&mut space)).await.unwrap();
    let mut arrived = &space[..count];
    while !arrived.is_empty() {
        tls.read_tls(&mut arrived as &mut dyn Read).unwrap();
        tls.process_new_packets().unwrap();
    }
}

fn hello(mock: &Mock) -> Vec<u8> {
    let mut tls =
        ClientConnection::new(Arc::clone(mock.connector().unwrap().config()), localhost()).unwrap();
    let mut bytes = Vec::new();
    tls.write_tls(&mut bytes).unwrap();
    bytes
}

/// Marsaglia's xorshift: the same bytes on every run.
struct Random(u64);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.to_be_bytes()[0]
    }
}
