//! How many, how big, how long: what one client may take from the others.

use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::system;

/// The server's limits, and where it reports trouble. All times are the machine's.
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
    /// How long a TLS handshake may take, and before it the first byte (assumed).
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
pub struct Connections {
    permits: Arc<Semaphore>,
    /// Descriptors that no connection may take: listeners that are made while the process runs live on these first.
    rest: Arc<Semaphore>,
}

/// The place of one connection or listener, given back when dropped.
pub(super) type Permit = Option<OwnedSemaphorePermit>;

impl Connections {
    /// Allows this many, however many descriptors the process has.
    pub fn at_most(count: usize) -> Connections {
        Connections::of(count, usize::MAX)
    }

    /// Allows 10,000, or as many as the descriptors at this moment, less some for listeners, files and pipes, and less `reserved` or a quarter of them.
    pub fn with_reserved(reserved: usize) -> Connections {
        let descriptors = system::descriptor_limit();
        let descriptors = descriptors.and_then(|count| usize::try_from(count).ok());
        let descriptors = descriptors.unwrap_or(usize::MAX);
        let kept = RESERVED_DESCRIPTORS.saturating_add(reserved.min(descriptors / 4));
        let left = descriptors.saturating_sub(kept);
        let count = left.clamp(1, MAX_CONNECTIONS);
        Connections::of(count, left.saturating_sub(count))
    }

    fn of(count: usize, rest: usize) -> Connections {
        let semaphore = |count: usize| Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS)));
        Connections {
            permits: semaphore(count),
            rest: semaphore(rest),
        }
    }

    /// Waits for a place.
    pub(super) async fn permit(&self) -> Permit {
        // The semaphore is never closed; were it, no limit would be better than no service.
        Arc::clone(&self.permits).acquire_owned().await.ok()
    }

    /// Takes a descriptor for a further listener: of the rest, else that of a connection; none where too few would be
    /// left for its clients.
    pub(super) fn listening(&self) -> Permit {
        if let Ok(permit) = Arc::clone(&self.rest).try_acquire_owned() {
            return Some(permit);
        }
        let permits = Arc::clone(&self.permits);
        let is_enough = permits.available_permits() > MIN_CONNECTIONS;
        permits.try_acquire_owned().ok().filter(|_| is_enough)
    }
}

impl Default for Connections {
    /// Allows what [`Connections::with_reserved`] none allows.
    fn default() -> Connections {
        Connections::with_reserved(0)
    }
}

/// Where the server reports trouble, one line each; by default nowhere.
#[derive(Clone, Default)]
pub struct Log(Option<Arc<Sink>>);

type Sink = dyn Fn(&str) + Send + Sync;

impl Log {
    /// Reports to this function, which must not block.
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
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Log")
    }
}

const MAX_CONNECTIONS: usize = 10_000;

/// What the process needs for itself: standard streams, the poller, listeners, fixtures being read.
const RESERVED_DESCRIPTORS: usize = 64;

/// How many connections stay possible, whatever is listened on.
const MIN_CONNECTIONS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_keeps_descriptors_for_listeners() {
        let connections = Connections::of(MIN_CONNECTIONS + 1, 1);
        let left = || connections.permits.available_permits();

        let first = connections.listening().unwrap();
        assert_eq!(left(), MIN_CONNECTIONS + 1);
        let second = connections.listening().unwrap();
        assert_eq!(left(), MIN_CONNECTIONS);
        assert!(connections.listening().is_none());

        drop(first);
        let third = connections.listening().unwrap();
        assert_eq!(left(), MIN_CONNECTIONS);
        drop((second, third));
        assert_eq!(left(), MIN_CONNECTIONS + 1);
    }
}
