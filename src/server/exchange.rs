//! One request and its answer: read whole, judged for what the protocol asks, given to the service, handed to hyper.

use std::{
    convert::Infallible,
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::SystemTime,
};

use bytes::{Bytes, BytesMut};
use http::{
    Method, Request, Response, StatusCode, Version, header, header::HeaderValue, request::Parts,
};
use http_body_util::Full;
use hyper::body::{Body, Incoming};

use crate::{
    clock::Age,
    failure::{Delivery, Framing, RequestFlags, WireStep},
    journal::{EntryId, Progress},
    server::{
        Client, Limits, Refusal, Service,
        answered::How,
        lawful,
        owed::Owed,
        pulse::{Phase, Pulse},
    },
};

/// What the requests of one connection meet.
pub(super) struct Exchange<S: Service> {
    pub(super) service: Arc<S>,
    pub(super) limits: Arc<Limits>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) client: Client,
    /// The answers that have been handed to hyper and not yet gone.
    pub(super) owed: Owed,
}

impl<S: Service> Exchange<S> {
    pub(super) fn new(
        service: Arc<S>,
        limits: Arc<Limits>,
        pulse: Arc<Pulse>,
        client: Client,
    ) -> Exchange<S> {
        Exchange {
            service,
            limits,
            pulse,
            client,
            owed: Owed::default(),
        }
    }

    /// Notes that everything handed to hyper has gone to the system.
    pub(super) fn flushed(&self) {
        self.settle(Progress::Done);
    }

    fn owe(&self, ticket: Option<EntryId>, status: StatusCode) {
        if let Some(ticket) = ticket {
            self.owed.add(ticket, status);
        }
    }

    fn settle(&self, progress: Progress) {
        self.owed.settle(
            || self.service.clock().wall(),
            |ticket, status, now| self.service.ended(ticket, status, progress, now),
        );
    }
}

/// A connection that ends owes nothing any longer, however it ends.
impl<S: Service> Drop for Exchange<S> {
    fn drop(&mut self) {
        self.settle(if self.pulse.is_ours() {
            Progress::Cut
        } else {
            Progress::Left
        });
    }
}

/// Returns the answer to one request, once its body has been read or it has been refused.
///
/// A block rather than an `async fn`, which would first move the request to a place of its own.
#[expect(clippy::manual_async_fn, reason = "see above")]
pub(super) fn respond<S: Service>(
    mut request: Request<Incoming>,
    exchange: &Exchange<S>,
) -> impl Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send {
    async move {
        let mut answer = match read(&mut request, exchange).await {
            Ok(body) => answer(request.map(|_| body), exchange),
            Err(refusal) => refuse(&request.into_parts().0, refusal, exchange).map(Full::new),
        };
        make_fit_for_hyper(&mut answer);
        Ok(answer)
    }
}

fn answer<S: Service>(
    mut request: Request<Bytes>,
    exchange: &Exchange<S>,
) -> Response<Full<Bytes>> {
    exchange.pulse.enter(Phase::Answering);
    let answered = exchange.service.answer(&request, exchange.client);
    exchange.owe(answered.ticket, answered.status());
    match answered.how {
        How::Bent(delivery, asked) => bent(&request, *delivery, asked, exchange).map(Full::new),
        How::Plain(reply) => {
            reply.into_response_in(std::mem::take(request.headers_mut()), Full::new)
        }
    }
}

fn refuse<S: Service>(head: &Parts, refusal: Refusal, exchange: &Exchange<S>) -> Response<Bytes> {
    exchange.pulse.refuse();
    exchange.pulse.enter(Phase::Answering);
    let answered = exchange.service.refuse(head, refusal, exchange.client);
    exchange.owe(answered.ticket, answered.status());
    let mut answer = answered.into_response();
    // Where this request ends can no longer be told, or takes too long to find out.
    answer
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// Leaves the script of a delivery to be carried out, and returns the stand-in that hyper is given.
fn bent<S: Service>(
    request: &Request<Bytes>,
    delivery: Delivery,
    begun: Age,
    exchange: &Exchange<S>,
) -> Response<Bytes> {
    if delivery.is_plain() {
        return delivery.response;
    }
    let asked = asked(request);
    let mut script = delivery.script(asked, &date());
    let honest = delivery.framing == Framing::True && delivery.end.is_none();
    if honest && script.last() == Some(&WireStep::Close) {
        // The client asked for the end, and gets it from hyper: with a goodbye over TLS.
        script.pop();
    }
    exchange.pulse.leave_script(script, begun);
    Response::new(Bytes::new())
}

/// Reads from a request what its answer must be like.
fn asked(request: &Request<Bytes>) -> RequestFlags {
    let says = |word: &str| {
        let values = request
            .headers()
            .get_all(header::CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .any(|option| option.trim().eq_ignore_ascii_case(word))
    };
    let http10 = request.version() < Version::HTTP_11;
    // As hyper sees it: an HTTP/1.0 client is kept if it asks for that.
    RequestFlags {
        http10,
        head: request.method() == Method::HEAD,
        close: says("close") || http10 && !says("keep-alive"),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an answer tells the date of the wall, as hyper's own do"
)]
fn date() -> String {
    httpdate::fmt_http_date(SystemTime::now())
}

/// Takes from an answer what hyper cannot bear: the one place through which all pass.
fn make_fit_for_hyper(answer: &mut Response<Full<Bytes>>) {
    // Hyper panics on versions that HTTP/1 does not have, and in debug builds on a length that is not the body's. The length
    // of what we send is the body's; answers that lie about it are made beneath hyper.
    *answer.version_mut() = Version::HTTP_11;
    if answer
        .headers()
        .keys()
        .any(|name| name == header::CONTENT_LENGTH)
    {
        answer.headers_mut().remove(header::CONTENT_LENGTH);
    }
}

async fn read<S: Service>(
    request: &mut Request<Incoming>,
    exchange: &Exchange<S>,
) -> Result<Bytes, Refusal> {
    let limits = &exchange.limits;
    let head = lawful::head(request);
    if head.bytes > limits.head_bytes {
        return Err(Refusal::HeadTooLarge);
    }
    if !head.is_lawful {
        return Err(Refusal::BadRequest);
    }
    let body = request.body_mut();
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    // Known before a byte is read; a client that expects a 100 Continue is spared the sending.
    if body
        .size_hint()
        .exact()
        .is_some_and(|length| length > limits.body_bytes as u64)
    {
        return Err(Refusal::BodyTooLarge);
    }
    exchange.pulse.enter(Phase::Body);
    gather(body, exchange).await
}

async fn gather<S: Service>(body: &mut Incoming, exchange: &Exchange<S>) -> Result<Bytes, Refusal> {
    let mut gathered = Bytes::new();
    loop {
        let frame = poll_fn(|cx| {
            if exchange.pulse.phase() == Phase::Overdue {
                return Poll::Ready(Err(Refusal::RequestTimeout));
            }
            Pin::new(&mut *body)
                .poll_frame(cx)
                .map(|frame| frame.transpose().map_err(|_| Refusal::BadRequest))
        });
        // Trailers are read and dropped: nothing here has a use for them.
        let Some(frame) = frame.await? else {
            return Ok(gathered);
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if gathered.len() + data.len() > exchange.limits.body_bytes {
            return Err(Refusal::BodyTooLarge);
        }
        gathered = joined(gathered, data);
        if body.is_end_stream() {
            exchange.pulse.rang_for_nothing();
            return Ok(gathered);
        }
    }
}

/// Joins two pieces; the usual body comes in one, and is not copied.
fn joined(before: Bytes, after: Bytes) -> Bytes {
    if before.is_empty() {
        return after;
    }
    let mut both = BytesMut::from(before);
    both.extend_from_slice(&after);
    both.freeze()
}
