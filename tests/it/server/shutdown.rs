//! The server as its clients see it: shutdown.

use super::*;

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

#[rstest]
#[case::idle(b"")]
#[case::answered_meanwhile(b"GET /big HTTP/1.1\r\nhost: x\r\n\r\n")]
#[tokio::test]
async fn tls_connections_end_with_a_close_notify(#[case] request: &[u8]) {
    let server = Server::begin(Limits::default(), true).await;
    let mut stream = server.greeted().await;
    stream.write_all(request).await.unwrap();
    if !request.is_empty() {
        stream.read_u8().await.unwrap();
    }
    let mut rest = Vec::new();
    // Without a `close_notify` this is an unexpected end.
    let (read, took) = tokio::join!(soon(stream.read_to_end(&mut rest)), server.stop());
    assert_eq!(read.unwrap() > BIG, !request.is_empty());
    assert!(took < Duration::from_millis(900), "took {took:?}");
}
