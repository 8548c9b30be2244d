//! The task of one connection: the handshake, then hyper, both held to the limits of what they are doing.

use std::{
    future::{self, pending, poll_fn},
    net::IpAddr,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Poll, ready},
};

use hyper::{server::conn::http1::Builder, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep, timeout},
};

use crate::{
    failure::Handshake,
    server::{
        AcceptDecision, Client, Ending, Limits, Service,
        connection::{Connection, ConnectionPhase},
        exchange, handshake,
        handshake::HANDSHAKE_RECORD,
        limits::Permit,
        script::ScriptedStream,
        stream::{TrackedStream, Transport},
        tls::Identity,
    },
};

/// What all connections of a port have in common.
pub(super) struct Port {
    pub(super) service: Arc<dyn Service>,
    pub(super) identity: Option<Identity>,
    pub(super) limits: Arc<Limits>,
    /// How many connections there were over which a client sent something.
    pub(super) count: AtomicU64,
}

/// A client that has connected.
pub(super) struct Accepted {
    pub(super) port: Arc<Port>,
    pub(super) stream: TcpStream,
    pub(super) source: IpAddr,
    /// The first bytes, once they have come.
    pub(super) first: [u8; HTTP2_PREFACE.len()],
}

/// Serves a client until it leaves, a limit ends the connection, or the server stops.
pub(super) async fn serve(
    mut accepted: Accepted,
    mut ending: watch::Receiver<Ending>,
    _permit: Permit,
) {
    if !accepted.sends_before(&mut ending).await {
        return;
    }
    let (connection, decision) = accepted.connection();
    let is_tls = accepted.port.identity.is_some();
    let Accepted { first, source, .. } = accepted;
    let is_plaintext = matches!(
        &decision,
        AcceptDecision::Serve(Some(failure)) if failure.handshake == Some(Handshake::Plaintext)
    );
    // A client that meets plain HTTP in place of TLS does nothing wrong.
    let unreadable = || (!is_plaintext).then(|| explain(source, is_tls, &first));
    let mut served = pin!(async {
        let Accepted { stream, port, .. } = accepted;
        let stream = TrackedStream::new(stream, Arc::clone(&connection));
        let AcceptDecision::Serve(failure) = decision else {
            // The outage that has begun ends it.
            return pending().await;
        };
        let transport: Option<Box<dyn Transport>> = match &port.identity {
            None => Some(Box::new(stream)),
            Some(identity) => handshake::accept(&connection, stream, identity, failure).await,
        };
        if let Some(transport) = transport {
            serve_http(&connection, transport, unreadable).await;
        }
    });
    loop {
        tokio::select! {
            biased;
            Ok(()) = ending.changed() => {
                if has_ended(&connection, *ending.borrow()) {
                    return;
                }
            }
            () = &mut served => return,
        }
    }
}

/// Ends a connection with the server, and says whether it has ended already.
fn has_ended(connection: &Connection, ending: Ending) -> bool {
    let mut state = connection.state();
    state.is_closed_by_server = true;
    match ending {
        Ending::Outage => state.reset(),
        // Nothing was said yet that could be ended.
        Ending::Shutdown if state.phase == ConnectionPhase::Handshake => {}
        Ending::Shutdown => {
            state.is_shutting_down = true;
            return false;
        }
    }
    true
}

impl Accepted {
    /// Waits for a first byte until the server ends the connection, and tells whether there was one.
    async fn sends_before(&mut self, ending: &mut watch::Receiver<Ending>) -> bool {
        tokio::select! {
            biased;
            Ok(()) = ending.changed() => {
                if *ending.borrow() == Ending::Outage {
                    // Closing then sends RST. Fails if the client has left.
                    let _ = self.stream.set_zero_linger();
                    return false;
                }
                ending.mark_changed();
                // A client that has sent something counts, also if it is cut at once.
                tokio::select! {
                    biased;
                    has_byte = self.has_byte() => has_byte,
                    () = future::ready(()) => false,
                }
            }
            has_byte = self.has_byte() => has_byte,
        }
    }

    /// Waits for a first byte. Without one, as from a probe of the port, nothing is counted and no failure mode fires.
    async fn has_byte(&mut self) -> bool {
        let limit = match self.port.identity {
            Some(_) => self.port.limits.handshake,
            None => self.port.limits.idle,
        };
        let peeked = timeout(limit, self.stream.peek(&mut self.first)).await;
        peeked.is_ok_and(|peeked| peeked.is_ok_and(|count| count > 0))
    }

    /// Counts the connection, and asks the service what happens to it.
    fn connection(&self) -> (Arc<Connection>, AcceptDecision) {
        let client = Client {
            source: self.source,
            connection: self.port.count.fetch_add(1, Ordering::Relaxed) + 1,
        };
        let connection = Connection {
            service: Arc::clone(&self.port.service),
            limits: Arc::clone(&self.port.limits),
            client,
            state: Mutex::default(),
        };
        (Arc::new(connection), self.port.service.on_accept(client))
    }
}

/// Says what a client has sent in place of HTTP/1. Its first bytes say nothing of what is inside TLS.
fn explain(source: IpAddr, is_tls: bool, first: &[u8; HTTP2_PREFACE.len()]) -> String {
    let what = match first {
        [HANDSHAKE_RECORD, ..] if !is_tls => {
            "TLS to a port of plain HTTP: leave out --http, or give it an http:// URL"
        }
        first if first == HTTP2_PREFACE => "HTTP/2 with prior knowledge: make it speak HTTP/1.1",
        _ => "what is not HTTP/1.1: make it speak HTTP/1.1",
    };
    format!("the client {source} sent {what}")
}

/// Speaks HTTP until either side ends the connection, and ends it in time.
async fn serve_http(
    connection: &Arc<Connection>,
    transport: Box<dyn Transport>,
    unreadable: impl Fn() -> Option<String>,
) {
    connection.state().set(ConnectionPhase::Idle);
    let mut http = pin!(speak_http(connection, transport, unreadable));
    let mut timer = pin!(sleep(connection.limits.idle));
    let mut last = None;
    poll_fn(|cx| {
        loop {
            if http.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let mut state = connection.state();
            match state.phase {
                ConnectionPhase::Answering | ConnectionPhase::Closing => {}
                // Over TLS it then ends with a `close_notify` (RFC 8446 section 6.1).
                ConnectionPhase::Idle if state.is_shutting_down => {
                    state.set(ConnectionPhase::Closing);
                    continue;
                }
                // Cut at once.
                _ if state.is_shutting_down => return Poll::Ready(()),
                _ => {}
            }
            if last.replace(state.restarts) != Some(state.restarts) {
                let limit = state.phase.limit(&connection.limits);
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

/// Speaks HTTP until the client leaves, a script cuts the connection, or it is closing.
async fn speak_http(
    connection: &Arc<Connection>,
    transport: Box<dyn Transport>,
    unreadable: impl Fn() -> Option<String>,
) {
    let limits = &connection.limits;
    let stream = TokioIo::new(ScriptedStream::new(transport, Arc::clone(connection)));
    let respond = service_fn(|request| exchange::respond(request, connection));
    let mut hyper = hyper_builder(limits).serve_connection(stream, respond);
    let served = poll_fn(|cx| {
        if connection.state().phase == ConnectionPhase::Closing {
            Pin::new(&mut hyper).graceful_shutdown();
        }
        Pin::new(&mut hyper).poll(cx)
    });
    match served.await {
        // Hyper did it, unless the client asked for an upgrade.
        Ok(()) => drop(hyper.into_parts().io.into_inner().shutdown().await),
        // Hyper has answered what can be answered.
        Err(error) if error.is_parse_too_large() => {
            connection.service.on_unreadable();
            limits.log.line(TOO_LARGE);
        }
        Err(error) if error.is_parse() => {
            if let Some(unreadable) = unreadable() {
                connection.service.on_unreadable();
                limits.log.line(&unreadable);
            }
        }
        // The client has left.
        Err(_) => {}
    }
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

const TOO_LARGE: &str = "a client sent a head that is larger than 64 KiB, or of more than 100 lines: an appliance reads 32 KiB (assumed)";
/// RFC 9113 section 3.4.
const HTTP2_PREFACE: &[u8; 14] = b"PRI * HTTP/2.0";
