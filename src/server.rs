//! The server: accepts connections, reads whole requests, gives each to a [`Service`], and stops on request.
//!
//! ```text
//! TcpListener ─ run ─ task ─ stream ─ [TLS] ─ script ─ hyper ─ exchange ─ Service
//!                       └─ connection: what it is doing, and since when
//! ```
//!
//! Nothing here knows what a request means. A connection is one task, so a panic in the service ends
//! that connection and no other.

mod appliance;
mod connection;
mod exchange;
mod handshake;
mod limits;
mod port;
mod ports;
mod registry;
mod running;
mod script;
mod service;
mod stream;
mod task;
pub mod tls;
mod validate_head;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::{Pin, pin},
    sync::{Arc, atomic::AtomicU64},
};

pub use appliance::{Explanation, JournalPage, MockAppliance, UnmatchedRequests};
pub use limits::{Connections, Limits, Log};
pub use port::bind;
pub use ports::{BoundPort, InvalidPorts, Ports};
pub use registry::{BindError, Registry, RegistryError, RegistrySettings};
pub use running::{RunningAppliance, bracketed, reachable, url};
pub use service::{AcceptDecision, Client, PinnedFuture, Refusal, ServerAnswer, Service};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinError, JoinSet},
};
pub(crate) use validate_head::validate_head;

use crate::server::{
    limits::Permit,
    task::{Accepted, Port},
    tls::Identity,
};
pub use crate::system::raise_descriptor_limit;

/// Serves a listener until `shutdown` completes; returns when its connections are gone.
///
/// Shutdown closes the listener, cuts at once every connection that is not being answered, and lets
/// running answers finish for [`Limits::grace`].
///
/// At the connection limit, and when the process is out of descriptors, accepting pauses: clients
/// wait in the listener's backlog, as they do at a busy appliance. A connection accepted just before
/// the limit was reached waits for its permit, so each listener may hold one above the limit.
///
/// # What hyper answers by itself
/// The service is not asked, and the answer has no body:
/// - 400: what is not HTTP/1 (request line, header, version), a Content-Length that is not a number
///   or given twice with different values, a Transfer-Encoding that does not end in `chunked` or
///   comes with HTTP/1.0;
/// - 431: more than 100 header lines, a head over about twice [`Limits::head_bytes`], or a
///   Content-Length of 2⁶⁴ - 2 or more;
/// - 414 cannot occur: its limit lies above that of 431;
/// - 100 Continue, when the client asked for it and the body is about to be read;
/// - the end of the connection: a head that stops early or comes too slowly, HTTP/2's preface.
///
/// # Outages
/// [`Service::next_outage`] closes the port: the listener is closed, then every connection gets RST. At [`Service::outage_end`] the port listens again on the same number.
pub async fn run(
    mut listener: TcpListener,
    identity: Option<Identity>,
    service: Arc<dyn Service>,
    limits: impl Into<Arc<Limits>>,
    shutdown: impl Future<Output = ()>,
) {
    let mut server = Server {
        port: Arc::new(Port {
            service,
            identity,
            limits: limits.into(),
            count: AtomicU64::default(),
        }),
        tasks: JoinSet::new(),
        ending: watch::Sender::new(Ending::Outage),
        accepted: None,
    };
    let mut shutdown = pin!(shutdown);
    while server.listen(&listener, shutdown.as_mut()).await == Ending::Outage
        && let Ok(address) = listener.local_addr()
    {
        // Before any connection is reset: a client that connects again at once is refused.
        drop(listener);
        server.reset_all();
        match server.reopen(address, shutdown.as_mut()).await {
            Some(reopened) => listener = reopened,
            None => return server.close().await,
        }
    }
    drop(listener);
    server.close().await;
}

/// What serves one port.
struct Server {
    port: Arc<Port>,
    /// One for each open connection.
    tasks: JoinSet<()>,
    /// Tells the connections that they end.
    ending: watch::Sender<Ending>,
    /// A connection that waits for its permit.
    accepted: Option<(TcpStream, IpAddr)>,
}

/// Why accepting stops, and connections end.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Outage,
    Shutdown,
}

impl Server {
    async fn listen(
        &mut self,
        listener: &TcpListener,
        mut shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Ending {
        let port = Arc::clone(&self.port);
        let (service, limits) = (&port.service, &port.limits);
        let mut outage = service.next_outage();
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => return Ending::Shutdown,
                () = &mut outage => return Ending::Outage,
                Some(end) = self.tasks.join_next() => self.log_panic(end),
                permit = limits.connections.permit(), if self.accepted.is_some() => {
                    if let Some((stream, source)) = self.accepted.take() {
                        self.spawn(stream, source, permit);
                    }
                }
                accepted = accept(listener, limits), if self.accepted.is_none() => {
                    self.accepted = Some(accepted);
                }
            }
        }
    }

    fn spawn(&mut self, stream: TcpStream, source: IpAddr, permit: Permit) {
        let accepted = Accepted {
            port: Arc::clone(&self.port),
            stream,
            source,
            first: Default::default(),
        };
        let ending = self.ending.subscribe();
        self.tasks.spawn(task::serve(accepted, ending, permit));
    }

    /// Ends every connection with RST.
    fn reset_all(&mut self) {
        if let Some((stream, _)) = self.accepted.take() {
            // Closing then sends RST. Fails if the client has left.
            let _ = stream.set_zero_linger();
        }
        self.ending.send_replace(Ending::Outage);
    }

    /// Keeps the port closed until the outage ends, then listens again; none after a shutdown.
    async fn reopen(
        &mut self,
        address: SocketAddr,
        mut shutdown: Pin<&mut impl Future<Output = ()>>,
    ) -> Option<TcpListener> {
        let port = Arc::clone(&self.port);
        let (service, limits) = (&port.service, &port.limits);
        let mut reopened = pin!(port::reopen(address, service.outage_end(), limits));
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => return None,
                Some(end) = self.tasks.join_next() => self.log_panic(end),
                listener = &mut reopened => {
                    service.on_reopened();
                    return Some(listener);
                }
            }
        }
    }

    /// Cuts at once what is idle, being read or delayed, and lets running answers finish for [`Limits::grace`].
    async fn close(mut self) {
        self.ending.send_replace(Ending::Shutdown);
        let grace = self.port.limits.grace;
        let all = async {
            while let Some(end) = self.tasks.join_next().await {
                self.log_panic(end);
            }
        };
        if tokio::time::timeout(grace, all).await.is_err() {
            self.tasks.shutdown().await;
        }
    }

    /// Reports that a connection ended by a panic, whose own text may hold what the request held.
    fn log_panic(&self, end: Result<(), JoinError>) {
        if end.is_err_and(|error| error.is_panic()) {
            let log = &self.port.limits.log;
            log.line("a connection ended because its service panicked");
        }
    }
}

/// Waits for a connection.
async fn accept(listener: &TcpListener, limits: &Limits) -> (TcpStream, IpAddr) {
    use io::ErrorKind::{ConnectionAborted, Interrupted};
    let mut is_logged = false;
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                // Answers are small and whole. Fails if the client has left.
                let _ = stream.set_nodelay(true);
                return (stream, address.ip().to_canonical());
            }
            // The client left while it waited.
            Err(error) if matches!(error.kind(), ConnectionAborted | Interrupted) => {}
            // Out of descriptors or memory: the listener stays readable, so asking again spins.
            Err(error) => {
                if !is_logged {
                    let log = &limits.log;
                    log.line(&format!("accepting connections pauses: {error}"));
                }
                is_logged = true;
                tokio::time::sleep(limits.accept_pause).await;
            }
        }
    }
}
