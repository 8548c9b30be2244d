//! What stands behind a port: the interface between the server and an appliance.

use std::{
    net::IpAddr,
    pin::Pin,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response, request::Parts};

use crate::{
    clock::Clock,
    failure::{Delivery, TlsFailure},
    journal::{EntryId, Progress, SentAnswer},
};

/// What stands behind a port.
pub trait Service: Send + Sync + 'static {
    /// Answers a whole request. Called once the body has been read; must not block.
    fn answer(&self, request: &Request<Bytes>, client: Client) -> ServerAnswer;

    /// Returns the answer to a request that the server refuses by itself, given its head.
    ///
    /// The server adds `connection: close`, and applies no failure.
    fn refuse(&self, head: &Parts, refusal: Refusal, client: Client) -> ServerAnswer;

    /// Called when what a client sends is not HTTP/1, or begins no request.
    fn on_unreadable(&self) {}

    /// Called once for each answer with a journal entry, when it was sent or never will be.
    fn complete(&self, _entry: EntryId, _sent: SentAnswer, _progress: Progress, _now: Instant) {}

    /// Returns the clock of delays and of outages.
    fn clock(&self) -> &Clock;

    /// Decides about a connection when the client's first byte has come, before TLS. [`Service::next_outage`] must complete
    /// after [`AcceptDecision::ClosePort`].
    fn on_accept(&self, _client: Client) -> AcceptDecision {
        AcceptDecision::Serve(None)
    }

    /// Called once for each connection that was decided about, when it is closed.
    fn on_closed(&self, _connection: u64) {}

    /// Completes when the port is to be closed: because of a connection, or by the clock.
    fn next_outage(&self) -> PinnedFuture<'_> {
        Box::pin(std::future::pending())
    }

    /// Completes when the port may listen again.
    fn outage_end(&self) -> PinnedFuture<'_> {
        Box::pin(std::future::ready(()))
    }

    /// Called when the port listens again after an outage.
    fn on_reopened(&self) {}
}

/// A future in a box, so that a service can be used as `dyn Service`.
pub type PinnedFuture<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Who sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client's address; an IPv4 client of an IPv6 listener has its IPv4 address.
    pub source: IpAddr,
    /// The connection's number, counted from 1 at each listener.
    pub connection: u64,
}

/// What happens to a connection.
#[derive(Debug)]
pub enum AcceptDecision {
    /// This and all other connections are reset, and the port is closed until the outage ends.
    ClosePort,
    /// It is served; a failure mode may spoil the TLS handshake.
    Serve(Option<TlsFailure>),
}

/// Why the server refuses a request by itself. What hyper refuses is listed at [`run`](super::run).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No Host, several, or an invalid one (RFC 9112 section 3.2); a target that is neither a path
    /// nor a URL; bytes outside ASCII in the target; a transfer coding beside `chunked`; a body
    /// that ends early or whose chunks are malformed.
    BadRequest,
    /// A body over [`Limits::body_bytes`](super::Limits::body_bytes).
    BodyTooLarge,
    /// A head over [`Limits::head_bytes`](super::Limits::head_bytes).
    HeadTooLarge,
    /// A body that took longer than [`Limits::body`](super::Limits::body).
    RequestTimeout,
}

/// An answer, how it is delivered, and the journal entry that waits for its end.
#[derive(Debug)]
pub struct ServerAnswer {
    /// The response, and what happens to it on its way.
    pub delivery: Delivery,
    /// The clock's age before the request was evaluated: delays count from there.
    pub received: Duration,
    /// The journal entry to complete when the answer has ended.
    pub entry: Option<EntryId>,
    /// What the person who runs the server should know of the request, without a value of it.
    pub note: Option<String>,
}

impl ServerAnswer {
    /// Returns an answer that is sent as it is.
    pub fn plain(response: Response<Bytes>) -> ServerAnswer {
        ServerAnswer {
            delivery: Delivery::plain(response),
            received: Duration::ZERO,
            entry: None,
            note: None,
        }
    }

    /// Returns the response itself, however it is delivered.
    pub fn into_response(self) -> Response<Bytes> {
        self.delivery.response
    }
}
