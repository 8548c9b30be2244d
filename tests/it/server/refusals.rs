//! The server as its clients see it: refusals.

use super::*;

#[rstest]
#[case::no_host("GET / HTTP/1.1\r\n\r\n")]
#[case::two_hosts("GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n")]
#[case::bad_host("GET / HTTP/1.1\r\nhost: a b\r\n\r\n")]
#[case::bad_host_in_1_0("GET / HTTP/1.0\r\nhost: a/b\r\n\r\n")]
#[case::star("GET * HTTP/1.1\r\nhost: x\r\n\r\n")]
#[case::authority("GET x:80 HTTP/1.1\r\nhost: x\r\n\r\n")]
#[case::connect("CONNECT x:80 HTTP/1.1\r\nhost: x:80\r\n\r\n")]
#[case::fragment("GET /a#b HTTP/1.1\r\nhost: x\r\n\r\n")]
#[case::fragment_of_a_query("GET /a?b#c HTTP/1.1\r\nhost: x\r\n\r\n")]
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

#[tokio::test]
async fn options_of_the_whole_server_are_empty() {
    let server = Server::start(Limits::default()).await;
    let asked = server.ask("OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert_eq!(asked.await, Answer::new(204, ""));
}

#[tokio::test]
async fn a_fragment_is_refused_on_any_request_of_a_connection() {
    let server = Server::start(Limits::default()).await;
    let mut stream = server.greeted().await;
    stream
        .write_all(b"GET /a#b HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(
        read_answer(&mut stream).await,
        Answer::new(400, "BadRequest")
    );
    let header = "GET /a HTTP/1.1\r\nx#y: #\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(server.ask(header).await.status, 200, "of the target alone");
}
