//! The server: accepts connections, reads whole requests, gives each to a [`Service`], and stops when told.
//!
//! ```text
//! TcpListener ─ run ─┬─ connection ── wire ── [tls] ── hyper ── exchange ── Service
//!                    │                 └── pulse: what the connection is doing, and since when ──┘
//!                    └─ limits: how many, how big, how long
//! ```
//!
//! What a request means is not known here. A connection is one task, so a panic in the service ends that connection and no other.

mod connection;
mod exchange;
mod handshake;
mod lawful;
mod limits;
mod pulse;
pub mod tls;
mod wire;

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http::Response;
use http::request::Parts;
use tokio::net::TcpListener;
use tokio::net::TcpSocket;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::task::Id;
use tokio::task::JoinError;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::server::connection::Connection;
use crate::server::exchange::Exchange;
use crate::server::limits::Permit;
use crate::server::pulse::Pulse;

pub use limits::Connections;
pub use limits::Limits;
pub use limits::Log;
pub use limits::raise_descriptor_limit;

/// What stands behind a port.
pub trait Service: Send + Sync + 'static {
    /// Answers a whole request. Called once the body has been read; must not block.
    ///
    /// `source` is the client's address; an IPv4 client of an IPv6 listener has its IPv4 address.
    fn answer(&self, request: &Request<Bytes>, source: IpAddr) -> Response<Bytes>;

    /// Words the answer to a request that the server refuses by itself; `parts` is its head (method, uri, headers).
    ///
    /// The server adds `connection: close`.
    fn refuse(&self, parts: &Parts, refusal: Refusal) -> Response<Bytes>;
}

/// Why the server refuses a request by itself. What hyper refuses before us is listed at [`run`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No Host, several, or an invalid one (RFC 9112 section 3.2); a target that is neither a path nor a URL; bytes outside
    /// ASCII in the target; a body that ends early or whose chunks are malformed.
    BadRequest,
    /// A body over [`Limits::body_bytes`].
    BodyTooLarge,
    /// A head over [`Limits::head_bytes`].
    HeadTooLarge,
    /// A body that took longer than [`Limits::body`].
    RequestTimeout,
}

/// Binds one listener to an address; port 0 takes any free port.
///
/// The port may be taken again at once after a restart (`SO_REUSEADDR`). For port 0 that is asked for only after the port was
/// found: before, it would make the kernel's search take seconds once some thousands are in use.
///
/// # Errors
/// The system's, when the address is in use or not ours.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // On Windows the option means something else: it lets two processes share a port.
    let reuse = cfg!(unix);
    socket.set_reuseaddr(reuse && address.port() != 0)?;
    socket.bind(address)?;
    socket.set_reuseaddr(reuse)?;
    socket.listen(BACKLOG)
}

/// Serves a listener until `shutdown` completes; returns when its connections are gone.
///
/// Shutdown closes the listener, cuts at once every connection that is not being answered, and lets running answers finish
/// for [`Limits::grace`].
///
/// At the connection limit, and when the process is out of descriptors, accepting pauses: clients wait in the listener's
/// backlog and are late rather than refused, which is what a busy appliance looks like. A connection accepted just before
/// the limit was reached waits for its place, so each listener may hold one above the limit.
///
/// # What hyper answers by itself
/// The service is not asked, and the answer has no body:
/// - 400: what is no HTTP/1 (request line, header, version), a Content-Length that is no number or given twice with
///   different values, a Transfer-Encoding that does not end in `chunked` or comes with HTTP/1.0;
/// - 431: more than 100 header lines, or a head over about twice [`Limits::head_bytes`];
/// - 414 cannot occur: its limit lies above that of 431;
/// - 100 Continue, when the client asked for it and the body is about to be read;
/// - nothing at all, just the end of the connection: a head that stops early or comes too slowly, HTTP/2's preface.
pub async fn run(
    listener: TcpListener,
    tls: Option<Arc<rustls::ServerConfig>>,
    service: Arc<impl Service>,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let limits = Arc::new(limits);
    let acceptor = tls.map(TlsAcceptor::from);
    let mut open = Open::default();
    {
        let mut shutdown = pin!(shutdown);
        // Kept across the loop's rounds: a connection that was accepted and waits for its place must not be forgotten.
        let mut next = pin!(admit(&listener, &limits));
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(end) = open.tasks.join_next_with_id(), if !open.tasks.is_empty() => open.forget(end, &limits.log),
                (stream, source, permit) = &mut next => {
                    next.set(admit(&listener, &limits));
                    let (acceptor, service, limits) = (acceptor.clone(), Arc::clone(&service), Arc::clone(&limits));
                    open.start(|pulse| Connection { acceptor, exchange: Exchange { service, limits, pulse, source } }.serve(stream, permit));
                }
            }
        }
    }
    drop(listener);
    open.close(&limits).await;
}

/// Waits for a connection, then for a place for it.
async fn admit(listener: &TcpListener, limits: &Limits) -> (TcpStream, IpAddr, Permit) {
    let (stream, address) = accept(listener, limits).await;
    // Answers are small and whole: waiting for more to send would only delay them. Fails if the client has left already.
    let _ = stream.set_nodelay(true);
    (stream, address.ip().to_canonical(), limits.connections.permit().await)
}

async fn accept(listener: &TcpListener, limits: &Limits) -> (TcpStream, SocketAddr) {
    let mut told = false;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // The client left while it waited: nothing is wrong with us.
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted) => {}
            // Out of descriptors or memory: the listener stays readable, so asking again at once would spin.
            Err(error) => {
                if !told {
                    limits.log.line(&format!("accepting connections pauses: {error}"));
                }
                told = true;
                tokio::time::sleep(limits.accept_pause).await;
            }
        }
    }
}

/// The open connections of one listener.
#[derive(Default)]
struct Open {
    tasks: JoinSet<()>,
    pulses: HashMap<Id, (Arc<Pulse>, AbortHandle)>,
}

impl Open {
    fn start<F: Future<Output = ()> + Send + 'static>(&mut self, serve: impl FnOnce(Arc<Pulse>) -> F) {
        let pulse = Arc::new(Pulse::default());
        let task = self.tasks.spawn(serve(Arc::clone(&pulse)));
        self.pulses.insert(task.id(), (pulse, task));
    }

    fn forget(&mut self, end: Result<(Id, ()), JoinError>, log: &Log) {
        let id = match end {
            Ok((id, ())) => id,
            Err(error) => {
                // The panic's own text stays out of the log: it may hold what the request held.
                if error.is_panic() {
                    log.line("a connection ended because its service panicked");
                }
                error.id()
            }
        };
        self.pulses.remove(&id);
    }

    async fn close(mut self, limits: &Limits) {
        for (pulse, task) in self.pulses.values() {
            if !pulse.leave() {
                task.abort();
            }
        }
        let gone = async {
            while let Some(end) = self.tasks.join_next_with_id().await {
                self.forget(end, &limits.log);
            }
        };
        if tokio::time::timeout(limits.grace, gone).await.is_err() {
            self.tasks.shutdown().await;
        }
    }
}

/// How many clients may wait to be accepted; the system may lower it.
const BACKLOG: u32 = 4096;
