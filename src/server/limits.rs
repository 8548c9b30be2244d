//! How many, how big, how long: what one client may take from the others.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Resource;
use rustix::process::Rlimit;
use rustix::process::getrlimit;
use rustix::process::setrlimit;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::Semaphore;

/// The server's limits, and where it reports trouble. All times run on the wall clock.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The longest head, in bytes: request line, header lines and the empty line. Above 65,000 hyper refuses by itself.
    pub head_bytes: usize,
    /// The longest body, in bytes, without its chunks' framing.
    pub body_bytes: usize,
    /// How long a head may take, from its first byte. Where that came in one piece with the request before it (pipelining),
    /// [`Limits::idle`] holds until the next byte: hyper does not tell what it has in store.
    pub head: Duration,
    /// How long a body may take, from the end of its head.
    pub body: Duration,
    /// How long a connection may wait for the first byte of a request, new or kept alive.
    pub idle: Duration,
    /// How long a client may take no byte of an answer (assumed).
    pub stall: Duration,
    /// How long a TLS handshake may take, from the start of the connection (assumed).
    pub handshake: Duration,
    /// How long the rest of a refused request is read and dropped, so that the refusal is not lost to a reset (assumed).
    pub linger: Duration,
    /// How long running answers may take after the shutdown.
    pub grace: Duration,
    /// How long accepting pauses when the process is out of descriptors (assumed).
    pub accept_pause: Duration,
    /// How many connections may be open at once. Clones share one count, so a clone for every listener limits the process.
    pub connections: Connections,
    /// Where failed handshakes and accept errors are reported. Never holds anything of a request.
    pub log: Log,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            head_bytes: 32 * 1024,
            body_bytes: 64 * 1024,
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            idle: Duration::from_secs(75),
            stall: Duration::from_secs(30),
            handshake: Duration::from_secs(10),
            linger: Duration::from_secs(1),
            grace: Duration::from_secs(1),
            accept_pause: Duration::from_millis(100),
            connections: Connections::default(),
            log: Log::default(),
        }
    }
}

/// A number of connections that may be open at once. Clones share it.
#[derive(Clone, Debug)]
pub struct Connections(Arc<Semaphore>);

/// The place of one connection, given back when dropped.
pub(super) type Permit = Option<OwnedSemaphorePermit>;

impl Connections {
    /// Allows this many.
    pub fn at_most(count: usize) -> Connections {
        Connections(Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS))))
    }

    /// Waits for a place.
    pub(super) async fn permit(&self) -> Permit {
        // The semaphore is never closed; were it, no limit would be better than no service.
        Arc::clone(&self.0).acquire_owned().await.ok()
    }
}

impl Default for Connections {
    /// Allows 10,000, or as many as the descriptors at this moment, less some for listeners, files and pipes.
    fn default() -> Connections {
        let descriptors = getrlimit(Resource::Nofile).current.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
        Connections::at_most(descriptors.saturating_sub(SPARE_DESCRIPTORS).clamp(1, MOST_CONNECTIONS))
    }
}

/// Raises the process's limit of open descriptors as far as it may go without privileges, and returns it; `None` is no limit.
///
/// To be called before the first [`Limits::default`]. Where the system refuses, the old limit stays and is returned.
pub fn raise_descriptor_limit() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        Err(_) => current,
    }
}

/// Where the server's troubles are told, one line each; by default nowhere.
#[derive(Clone, Default)]
pub struct Log(Option<Arc<Sink>>);

type Sink = dyn Fn(&str) + Send + Sync;

impl Log {
    /// Tells them to this function. It must not block.
    pub fn to(sink: impl Fn(&str) + Send + Sync + 'static) -> Log {
        Log(Some(Arc::new(sink)))
    }

    pub(super) fn line(&self, text: &str) {
        if let Some(sink) = &self.0 {
            sink(text);
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Log(to a sink)" } else { "Log(nowhere)" })
    }
}

const MOST_CONNECTIONS: usize = 10_000;

/// What the process needs for itself: standard streams, the poller, listeners, fixtures being read.
const SPARE_DESCRIPTORS: usize = 64;
