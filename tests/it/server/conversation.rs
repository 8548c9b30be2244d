//! The server as its clients see it: conversation.

use super::*;

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
