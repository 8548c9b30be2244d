//! What only an unlucky moment shows, made to happen every time.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use d4iot_double::{
    client::{Target, TargetOptions},
    clock::Clock,
    fixture, server,
    server::{Client, Limits, MockAppliance, Refusal, ServerAnswer, Service},
};
use http::{Request, request::Parts};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpSocket,
    time::timeout,
};

use crate::control::control_server::{ControlServer, SOON, validation};

/// A host whose clock is put forward the moment a request has been judged: as by a test that saw it arrive and was quick.
struct Hasty(MockAppliance);

impl Service for Hasty {
    fn answer(&self, request: &Request<Bytes>, client: Client) -> ServerAnswer {
        let answered = self.0.answer(request, client);
        self.0.clock().advance(DELAY);
        answered
    }

    fn refuse(&self, parts: &Parts, refusal: Refusal, client: Client) -> ServerAnswer {
        self.0.refuse(parts, refusal, client)
    }

    fn clock(&self) -> &Clock {
        self.0.clock()
    }
}

#[tokio::test]
async fn a_clock_put_forward_between_arrival_and_wait_is_not_missed() {
    let text = "appliance: sensor\nfailures:\n  - { name: late, do: { delay: 5s } }\n";
    let host = MockAppliance::from_fixture(&fixture::read("late", text).unwrap(), 7);
    host.clock().freeze();
    let listener = server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = tokio::spawn(server::run(
        listener,
        None,
        Arc::new(Hasty(host)),
        Limits::default(),
        std::future::pending(),
    ));
    let target = Target::new(&url, &TargetOptions::default()).unwrap();
    let answer = timeout(SOON / 3, target.send(&validation("test", "Test12345!")))
        .await
        .expect("the time is over already");
    assert_eq!(answer.unwrap().status(), 200);
    served.abort();
}

#[tokio::test]
async fn delete_answers_when_the_last_connection_is_gone() {
    let api = ControlServer::http();
    let large = json!({ "failures": [{ "name": "large", "do": { "body": "x".repeat(ANSWER) } }] });
    let url = api.sensor("s", large).await;
    // A client that takes nothing of an answer is still being answered, and has a second from the end on.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket
        .connect(url.strip_prefix("http://").unwrap().parse().unwrap())
        .await
        .unwrap();
    stream
        .write_all(
            "GET /x HTTP/1.1\r\nhost: localhost\r\n\r\n"
                .repeat(ASKED)
                .as_bytes(),
        )
        .await
        .unwrap();
    // The system takes some of them; then none goes any more.
    let (mut gone, mut same) = (0, 0);
    while same < 4 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = api.get("/v1/appliances/s/journal?limit=0").await.body["count"]
            .as_u64()
            .unwrap();
        same = if now == gone && now > 0 { same + 1 } else { 0 };
        gone = now;
    }
    assert!(gone < ASKED as u64, "the system takes all of them: {gone}");
    let begun = Instant::now();
    assert_eq!(api.delete("/v1/appliances/s").await.status, 204);
    assert!(
        begun.elapsed() > Duration::from_millis(500),
        "it did not wait: {:?}",
        begun.elapsed()
    );
    let mut received = Vec::new();
    // The end may be a reset.
    let _ = timeout(SOON, stream.read_to_end(&mut received))
        .await
        .expect("it is gone");
    assert!(received.len() < ASKED * ANSWER, "{}", received.len());
    api.end().await;
}

/// How many are asked for at once, and how long each answer's body is, in bytes: more than a system buffers.
const ASKED: usize = 500;
const ANSWER: usize = 60_000;
const DELAY: Duration = Duration::from_secs(5);
