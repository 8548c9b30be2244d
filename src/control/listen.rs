//! The control API's listener: accepts, serves, and ends in time, with limits that axum's own server lacks.

use std::{future::Future, pin::pin, time::Duration};

use axum::Router;
use hyper::server::conn::http1::Builder;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};
use tokio_io_timeout::TimeoutStream;

/// How many clients may be connected at once; further ones wait. They wait in `journal/wait`, so there are many.
pub(super) const MAX_CONNECTIONS: usize = 1024;

/// Serves until `shutdown` completes; then lets what is being answered end for a second at most.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    stopping: watch::Sender<bool>,
    shutdown: impl Future<Output = ()>,
) {
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve_connection(stream, router.clone(), stopping.subscribe(), TIMES));
                }
                // The client left, or the process is out of descriptors: accepting again at once would spin.
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }
    drop(listener);
    // Long polls end by this, and connections that wait for a request.
    stopping.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    // Answers that are still being sent are cut when the set is dropped.
    let _ = timeout(GRACE, all).await;
}

async fn serve_connection(
    stream: TcpStream,
    router: Router,
    mut stopping: watch::Receiver<bool>,
    [first_byte, stall]: [Duration; 2],
) {
    // Answers are small and whole. Fails if the client has left already.
    let _ = stream.set_nodelay(true);
    let mut first = [0];
    let is_used = tokio::select! {
        peeked = timeout(first_byte, stream.peek(&mut first)) => matches!(peeked, Ok(Ok(1))),
        _ = stopping.wait_for(|stopping| *stopping) => false,
    };
    if !is_used {
        return;
    }
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(stall));
    let mut builder = Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(HEAD_BYTES);
    let (stream, service) = (Box::pin(stream), TowerToHyperService::new(router));
    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // An error is the client's: it left, or broke the protocol, which hyper has answered.
    tokio::select! {
        _ = served.as_mut() => {}
        () = async { drop(stopping.wait_for(|stopping| *stopping).await) } => {
            served.as_mut().graceful_shutdown();
            let _ = served.await;
        }
    }
}

/// How long a connection may send nothing at first, and how long its client may take nothing of an answer: it keeps others out. Linux
/// tells of what was taken only when a third of some megabytes was.
const TIMES: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(300)];
/// How long a connection may be idle, or send its head.
const IDLE: Duration = Duration::from_secs(75);
/// How long what is being answered may go on after the shutdown.
const GRACE: Duration = Duration::from_secs(1);
/// How long accepting pauses when the process is out of descriptors.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest head, in bytes.
const HEAD_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use rstest::rstest;
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[rstest]
    #[case::silent("")]
    #[case::reads_nothing("GET / HTTP/1.1\r\nhost: a\r\n\r\n")]
    #[tokio::test]
    async fn a_client_that_does_nothing_loses_its_place(#[case] request: &str) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(request.as_bytes()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let router = Router::new().route("/", get(|| async { "x".repeat(32 * 1024 * 1024) }));
        let (_stopping, stops) = watch::channel(false);
        let short = Duration::from_millis(50);
        let served = serve_connection(stream, router, stops, [short; 2]);
        assert!(timeout(Duration::from_secs(20), served).await.is_ok());
    }
}
