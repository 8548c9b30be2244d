//! The server: accepts connections, reads whole requests, gives each to a [`Service`], and stops when told.
//!
//! ```text
//! TcpListener ─ run ─┬─ connection ── wire ── [tls] ── carry ── hyper ── exchange ── Service
//!                    │                 └── pulse: what the connection is doing, and since when ──┘
//!                    ├─ limits: how many, how big, how long
//!                    └─ port: closed for a time, and open again on the same number
//! ```
//!
//! What a request means is not known here. A connection is one task, so a panic in the service ends that connection and no other.

mod answered;
mod bell;
mod carry;
mod connection;
mod exchange;
mod handshake;
mod lawful;
mod limits;
mod open;
mod owed;
mod port;
mod pulse;
pub mod tls;
mod wire;

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

pub use answered::Answered;
use bytes::Bytes;
use http::{Request, StatusCode, request::Parts};
pub use limits::{Connections, Limits, Listening, Log, raise_descriptor_limit};
pub use port::bind;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::{
    clock::Clock,
    failure::TlsFailure,
    journal::{EntryId, Progress, Wall},
    server::{
        connection::{Connection, Tls},
        exchange::Exchange,
        limits::Permit,
        open::Open,
        tls::Identity,
    },
};

/// What stands behind a port.
pub trait Service: Send + Sync + 'static {
    /// Answers a whole request. Called once the body has been read; must not block.
    fn answer(&self, request: &Request<Bytes>, client: Client) -> Answered;

    /// Words the answer to a request that the server refuses by itself; `parts` is its head (method, uri, headers).
    ///
    /// The server adds `connection: close`, and does not bend it.
    fn refuse(&self, parts: &Parts, refusal: Refusal, client: Client) -> Answered;

    /// Told once for each answer that has a ticket, when it has gone or never will; with the status it has, and the moment on the wall.
    fn ended(&self, _ticket: EntryId, _status: StatusCode, _progress: Progress, _now: Wall) {}

    /// Returns the clock by which answers are held back and a port stays closed.
    fn clock(&self) -> &Clock;

    /// Says what becomes of a new connection; asked once for each, in the order they are accepted, before TLS.
    fn greet(&self, _client: Client) -> Greeted {
        Greeted::Well
    }

    /// Told once for each connection that was greeted, when it is gone.
    fn gone(&self, _connection: u64) {}

    /// Completes when the port is to be closed though nobody connects, with for how long.
    fn outage(&self) -> impl Future<Output = Duration> + Send {
        std::future::pending()
    }
}

/// Whom the server talks with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client's address; an IPv4 client of an IPv6 listener has its IPv4 address.
    pub source: IpAddr,
    /// The connection's number, counted from 1 at each listener.
    pub connection: u64,
}

/// What becomes of a new connection.
#[derive(Debug)]
pub enum Greeted {
    /// This and all other connections get RST, and the port is closed for so long on the service's clock.
    Down(Duration),
    /// A failure mode strikes the handshake. Without TLS nothing becomes of it.
    Fired(TlsFailure),
    /// Nothing.
    Well,
}

/// Why the server refuses a request by itself. What hyper refuses before us is listed at [`run`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No Host, several, or an invalid one (RFC 9112 section 3.2); a target that is neither a path nor a URL; bytes outside
    /// ASCII in the target; a transfer coding beside `chunked`; a body that ends early or whose chunks are malformed.
    BadRequest,
    /// A body over [`Limits::body_bytes`].
    BodyTooLarge,
    /// A head over [`Limits::head_bytes`].
    HeadTooLarge,
    /// A body that took longer than [`Limits::body`].
    RequestTimeout,
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
/// - 431: more than 100 header lines, a head over about twice [`Limits::head_bytes`], or a Content-Length of 2⁶⁴ - 2 or more;
/// - 414 cannot occur: its limit lies above that of 431;
/// - 100 Continue, when the client asked for it and the body is about to be read;
/// - nothing at all, just the end of the connection: a head that stops early or comes too slowly, HTTP/2's preface.
///
/// # Connections and ports that fail
/// [`Service::greet`] and [`Service::outage`] can close the port: every connection gets RST, the port refuses, and after its time
/// on the service's clock it listens again on the same number. A shutdown ends that at once.
pub async fn run(
    listener: TcpListener,
    identity: Option<Identity>,
    service: Arc<impl Service>,
    limits: impl Into<Arc<Limits>>,
    shutdown: impl Future<Output = ()>,
) {
    let limits = limits.into();
    let tls = identity.map(|identity| Tls {
        acceptor: TlsAcceptor::from(identity.config()),
        identity,
    });
    let gone = Arc::clone(&service);
    let mut server = Server {
        service,
        tls,
        open: Open::new(Arc::clone(&limits), move |connection| gone.gone(connection)),
        limits,
        connections: 0,
    };
    let mut shutdown = pin!(shutdown);
    let mut listener = listener;
    while let Some(time) = server.listen(&listener, shutdown.as_mut()).await {
        let Ok(address) = listener.local_addr() else {
            break;
        };
        drop(listener);
        match server.stay_down(address, time, shutdown.as_mut()).await {
            Some(again) => listener = again,
            None => return server.open.close().await,
        }
    }
    drop(listener);
    server.open.close().await;
}

/// What serves one port.
struct Server<S> {
    service: Arc<S>,
    tls: Option<Tls>,
    limits: Arc<Limits>,
    open: Open,
    connections: u64,
}

impl<S: Service> Server<S> {
    /// Accepts connections until the shutdown, or until the port is to be closed for a time, which is returned.
    async fn listen(
        &mut self,
        listener: &TcpListener,
        mut shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Option<Duration> {
        let service = Arc::clone(&self.service);
        let limits = Arc::clone(&self.limits);
        let mut outage = pin!(service.outage());
        // Kept across the loop's rounds: a connection that was accepted and waits for its place must not be forgotten.
        let mut next = pin!(admit(listener, &limits));
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => return None,
                time = &mut outage => return Some(time),
                () = self.open.tidy() => {}
                (stream, source, permit) = &mut next => {
                    next.set(admit(listener, &limits));
                    if let Some(time) = self.welcome(stream, source, permit) {
                        return Some(time);
                    }
                }
            }
        }
    }

    /// Starts a connection; where it brings the port down, returns for how long.
    fn welcome(&mut self, stream: TcpStream, source: IpAddr, permit: Permit) -> Option<Duration> {
        self.connections += 1;
        let client = Client {
            source,
            connection: self.connections,
        };
        let greeting = match self.service.greet(client) {
            Greeted::Down(time) => {
                // Dropped with RST. Fails if the client has left already.
                let _ = stream.set_zero_linger();
                self.service.gone(client.connection);
                return Some(time);
            }
            Greeted::Fired(greeting) => Some(greeting),
            Greeted::Well => None,
        };
        let (tls, service, limits) = (
            self.tls.clone(),
            Arc::clone(&self.service),
            Arc::clone(&self.limits),
        );
        self.open.start(client.connection, |pulse| {
            Connection {
                tls,
                exchange: Exchange::new(service, limits, pulse, client),
                greeting,
            }
            .serve(stream, permit)
        });
        None
    }

    /// Resets every connection and keeps the port closed for a time; then listens again, or not at all after a shutdown.
    async fn stay_down(
        &mut self,
        address: SocketAddr,
        time: Duration,
        mut shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Option<TcpListener> {
        let over = self.service.clock().sleep(time);
        let limits = Arc::clone(&self.limits);
        let mut again = pin!(port::closed(address, over, &limits));
        self.open.reset();
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => return None,
                () = self.open.tidy() => {}
                listener = &mut again => return Some(listener),
            }
        }
    }
}

/// Waits for a connection, then for a place for it.
async fn admit(listener: &TcpListener, limits: &Limits) -> (TcpStream, IpAddr, Permit) {
    let (stream, address) = accept(listener, limits).await;
    // Answers are small and whole: waiting for more to send would only delay them. Fails if the client has left already.
    let _ = stream.set_nodelay(true);
    (
        stream,
        address.ip().to_canonical(),
        limits.connections.permit().await,
    )
}

async fn accept(listener: &TcpListener, limits: &Limits) -> (TcpStream, SocketAddr) {
    let mut told = false;
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // The client left while it waited: nothing is wrong with us.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted
                ) => {}
            // Out of descriptors or memory: the listener stays readable, so asking again at once would spin.
            Err(error) => {
                if !told {
                    limits
                        .log
                        .line(&format!("accepting connections pauses: {error}"));
                }
                told = true;
                tokio::time::sleep(limits.accept_pause).await;
            }
        }
    }
}
