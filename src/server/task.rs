//! The task of one connection: the handshake, then hyper, both held to the limits of what they are doing.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Poll, ready},
};

use hyper::{server::conn::http1::Builder, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep},
};

use crate::{
    failure::TlsFailure,
    server::{
        Ending, Limits,
        connection::{Connection, ConnectionPhase},
        exchange, handshake,
        limits::Permit,
        script::ScriptedStream,
        stream::{TrackedStream, Transport},
        tls::Identity,
    },
};

/// Serves a client until it leaves, a limit ends the connection, or the server stops.
pub(super) async fn serve(
    connection: Arc<Connection>,
    stream: TcpStream,
    identity: Option<Identity>,
    failure: Option<TlsFailure>,
    mut ending: watch::Receiver<Ending>,
    _permit: Permit,
) {
    let mut served = pin!(async {
        let stream = TrackedStream::new(stream, Arc::clone(&connection));
        let transport: Option<Box<dyn Transport>> = match &identity {
            None => Some(Box::new(stream)),
            Some(identity) => handshake::accept(&connection, stream, identity, failure).await,
        };
        if let Some(transport) = transport {
            serve_http(&connection, transport).await;
        }
    });
    loop {
        tokio::select! {
            biased;
            Ok(()) = ending.changed() => {
                let mut state = connection.state();
                state.is_closed_by_server = true;
                match *ending.borrow() {
                    Ending::Outage => return state.reset(),
                    // Cut at once, unless an answer is being sent.
                    Ending::Shutdown if state.phase != ConnectionPhase::Answering => return,
                    Ending::Shutdown => state.is_shutting_down = true,
                }
            }
            () = &mut served => return,
        }
    }
}

/// Speaks HTTP until either side ends the connection, and ends it in time.
async fn serve_http(connection: &Arc<Connection>, transport: Box<dyn Transport>) {
    let limits = &connection.limits;
    connection.state().set(ConnectionPhase::Idle);
    let mut http = pin!(async {
        let stream = TokioIo::new(ScriptedStream::new(transport, Arc::clone(connection)));
        let respond = service_fn(|request| exchange::respond(request, connection));
        let mut hyper = hyper_builder(limits).serve_connection(stream, respond);
        let served = poll_fn(|cx| {
            if connection.state().phase == ConnectionPhase::Closing {
                Pin::new(&mut hyper).graceful_shutdown();
            }
            Pin::new(&mut hyper).poll(cx)
        });
        // An error is the client's, and hyper has answered what can be answered.
        if served.await.is_ok() {
            // Hyper did it, unless the client asked for an upgrade.
            let _ = hyper.into_parts().io.into_inner().shutdown().await;
        }
    });
    let mut timer = pin!(sleep(limits.idle));
    let mut last = None;
    poll_fn(|cx| {
        loop {
            if http.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let mut state = connection.state();
            if state.is_shutting_down && state.phase != ConnectionPhase::Answering {
                return Poll::Ready(());
            }
            if last.replace(state.restarts) != Some(state.restarts) {
                let limit = state.phase.limit(limits);
                timer.as_mut().reset(Instant::now() + limit);
            }
            ready!(timer.as_mut().poll(cx));
            if !state.on_timeout() {
                return Poll::Ready(());
            }
        }
    })
    .await;
}

fn hyper_builder(limits: &Limits) -> Builder {
    let mut builder = Builder::new();
    // A head above our limit gets the service's answer, one above this limit gets hyper's.
    // It must stay below 65,536: hyper panics in debug builds on a longer header name.
    let max_bytes = limits.head_bytes.saturating_mul(2).clamp(8192, 65_000);
    builder
        // A client may close its sending half and still wait for its answer.
        .half_close(true)
        .max_buf_size(max_bytes)
        .max_header_size(max_bytes)
        // Answers are small: a copy behind the head costs less than a list of two pieces.
        .writev(false)
        // Hyper's starts at the end of the last answer, ours with the first byte of a head.
        .header_read_timeout(None);
    builder
}
