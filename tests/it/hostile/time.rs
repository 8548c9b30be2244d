//! Clients that take their time, or leave: heads and bodies that do not come, and connections that end at every byte.

use std::time::Duration;

use d4iot_double::server::Limits;
use rstest::rstest;
use tokio::io::AsyncWriteExt;

use crate::hostile::{
    client::{GOOD, good, post, soon},
    mock::Mock,
};

/// What is begun and not finished: each waits as long as its limit allows, and no longer.
#[rstest]
#[case::nothing(b"".to_vec(), "nothing")]
#[case::an_empty_line(b"\r\n".to_vec(), "nothing")]
#[case::a_byte(b"P".to_vec(), "nothing")]
#[case::a_request_line(b"POST / HTTP/1.1\r\n".to_vec(), "nothing")]
#[case::a_head_but_for_its_end(good("")[..good("").len() - GOOD.len() - 1].to_vec(), "nothing")]
#[case::a_head(post(&format!("content-length: {}\r\n", GOOD.len()), b""), "408 request_timeout close")]
#[case::a_body_but_for_its_end(good("")[..good("").len() - 1].to_vec(), "408 request_timeout close")]
#[case::half_a_chunk(
    post("transfer-encoding: chunked\r\n", b"5\r\nabc"),
    "408 request_timeout close"
)]
#[case::half_a_size(
    post("transfer-encoding: chunked\r\n", b"5"),
    "408 request_timeout close"
)]
#[case::chunks_without_end(
    post("transfer-encoding: chunked\r\n", b"1\r\na\r\n"),
    "408 request_timeout close"
)]
#[case::half_a_trailer(
    post("transfer-encoding: chunked\r\n", b"1\r\na\r\n0\r\nx: "),
    "408 request_timeout close"
)]
#[case::a_promise(
    post("expect: 100-continue\r\ncontent-length: 9\r\n", b""),
    "100 empty, 408 request_timeout close"
)]
#[case::a_second_head([good(""), b"POST".to_vec()].concat(), "200 authenticated")]
#[case::a_second_body([good(""), post("content-length: 9\r\n", b"")].concat(), "200 authenticated, 408 request_timeout close")]
#[tokio::test]
async fn what_is_not_finished_is_ended_by_its_limit(
    #[case] bytes: Vec<u8>,
    #[case] expected: &str,
    #[values(false, true)] tls: bool,
) {
    let limit = Duration::from_millis(60);
    // A neighbour that idles is ended too, so each asks on a connection of its own.
    let mock = Mock::start(
        tls,
        Limits {
            head: limit,
            body: limit,
            idle: limit,
            ..Limits::default()
        },
    )
    .await;
    let mut client = mock.open().await;
    client.send(&bytes).await.unwrap();
    assert_eq!(client.rest().await, expected);
    assert!(mock.open().await.signs_in().await);
}

/// One byte at a time, each well within the limit, all of them together not.
#[rstest]
#[case::head(b"POST / HTTP/1.1\r\n".to_vec(), b"x: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n".as_slice(), "nothing")]
#[case::empty_lines(b"POST / HTTP/1.1\r\n".to_vec(), b"a:\r\n".as_slice(), "nothing")]
#[case::body(post("content-length: 60000\r\n", b""), b"a".as_slice(), "408 request_timeout close")]
#[case::chunks(post("transfer-encoding: chunked\r\n", b""), b"1\r\na\r\n".as_slice(), "408 request_timeout close")]
#[case::extension(post("transfer-encoding: chunked\r\n", b"1;"), b"a".as_slice(), "408 request_timeout close")]
#[tokio::test]
async fn a_drip_does_not_hold_a_connection(
    #[case] start: Vec<u8>,
    #[case] drip: &[u8],
    #[case] expected: &str,
    #[values(false, true)] tls: bool,
) {
    let limit = Duration::from_millis(150);
    let mut mock = Mock::start(
        tls,
        Limits {
            head: limit,
            body: limit,
            ..Limits::default()
        },
    )
    .await;
    let mut client = mock.open().await;
    client.send(&start).await.unwrap();
    let mut bytes = drip.iter().cycle();
    let mut pace = tokio::time::interval(Duration::from_millis(2));
    let dripping = async {
        loop {
            tokio::select! {
                biased;
                seen = client.answer_or_end() => return seen,
                _ = pace.tick() => {}
            }
            if client.send(&[*bytes.next().unwrap()]).await.is_err() {
                return client.rest().await;
            }
        }
    };
    let seen = soon(dripping).await;
    // The drips that came after the end may have turned it into a reset.
    assert!(
        seen.starts_with(expected) || seen == "ConnectionReset" && expected == "nothing",
        "{seen}"
    );
    mock.is_well().await.unwrap();
}

/// How a client leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leave {
    Fin,
    Rst,
}

/// A client that leaves after each number of bytes costs nobody anything, and no password changes by half a request.
#[rstest]
#[tokio::test]
async fn a_client_may_leave_at_every_byte(#[values(Leave::Fin, Leave::Rst)] leave: Leave) {
    let mut mock = Mock::start(false, Limits::default()).await;
    let body = r#"{"username":"myUser","password":"1234@abcd","new_password":"abcd@1234"}"#;
    let head = "POST /api/external/authentication/set_password HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    let before = mock.double.appliance().state();
    for length in 0..request.len() {
        let mut stream = mock.connect().await;
        stream
            .write_all(&request.as_bytes()[..length])
            .await
            .unwrap();
        if leave == Leave::Rst {
            stream.set_zero_linger().unwrap();
        }
        drop(stream);
        mock.is_well()
            .await
            .unwrap_or_else(|harm| panic!("left after {length} bytes: {harm}"));
        assert_eq!(
            mock.double.appliance().state().directory,
            before.directory,
            "left after {length} bytes"
        );
    }
    println!("left by {leave:?} after each of {} bytes", request.len());
}

/// The same with an answer under way: nobody is there to take it.
#[rstest]
#[tokio::test]
async fn a_client_may_leave_before_its_answer(#[values(false, true)] tls: bool) {
    let mut mock = Mock::start(tls, Limits::default()).await;
    for _ in 0..200 {
        let mut client = mock.open().await;
        client.send(&good("").repeat(20)).await.unwrap();
        drop(client);
    }
    mock.is_well().await.unwrap();
}

/// A client that is slow to send does not make the others wait, however many they are.
#[tokio::test]
async fn two_hundred_slow_clients_hold_nobody_up() {
    let mut mock = Mock::start(false, Limits::default()).await;
    let mut slow = Vec::new();
    for number in 0..200 {
        let mut client = mock.open().await;
        let whole = good("");
        client
            .send(&whole[..whole.len() * number / 200])
            .await
            .unwrap();
        slow.push(client);
    }
    for _ in 0..20 {
        soon(mock.is_well()).await.unwrap();
    }
}
