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
};

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
                    connections.spawn(serve_connection(stream, router.clone(), stopping.subscribe()));
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
    let _ = tokio::time::timeout(GRACE, all).await;
}

async fn serve_connection(stream: TcpStream, router: Router, mut stopping: watch::Receiver<bool>) {
    // Answers are small and whole. Fails if the client has left already.
    let _ = stream.set_nodelay(true);
    let mut builder = Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(HEAD_BYTES);
    let mut served =
        pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
    // An error is the client's: it left, or broke the protocol, which hyper has answered.
    tokio::select! {
        _ = served.as_mut() => {}
        () = async { drop(stopping.wait_for(|stopping| *stopping).await) } => {
            served.as_mut().graceful_shutdown();
            let _ = served.await;
        }
    }
}

/// How long a connection may be idle, or send its head.
const IDLE: Duration = Duration::from_secs(75);
/// How long what is being answered may go on after the shutdown.
const GRACE: Duration = Duration::from_secs(1);
/// How long accepting pauses when the process is out of descriptors.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest head, in bytes.
const HEAD_BYTES: usize = 64 * 1024;
