//! One request and its answer: read whole, judged for what the protocol asks, given to the service, handed to hyper.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use bytes::BytesMut;
use http::Request;
use http::Response;
use http::Version;
use http::header;
use http::header::HeaderValue;
use http::request::Parts;
use http_body_util::Full;
use hyper::body::Body;
use hyper::body::Incoming;

use crate::server::Limits;
use crate::server::Refusal;
use crate::server::Service;
use crate::server::lawful;
use crate::server::pulse::Phase;
use crate::server::pulse::Pulse;

/// What the requests of one connection meet.
pub(super) struct Exchange<S> {
    pub(super) service: Arc<S>,
    pub(super) limits: Arc<Limits>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) source: IpAddr,
}

impl<S: Service> Exchange<S> {
    /// Returns the answer to one request, once its body has been read or it has been refused.
    pub(super) async fn respond(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let (parts, body) = request.into_parts();
        let answer = match self.read(&parts, body).await {
            Ok(body) => {
                self.pulse.enter(Phase::Answering);
                self.service.answer(&Request::from_parts(parts, body), self.source)
            }
            Err(refusal) => {
                self.pulse.refuse();
                self.pulse.enter(Phase::Answering);
                let mut answer = self.service.refuse(&parts, refusal);
                // Where this request ends can no longer be told, or takes too long to find out.
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                answer
            }
        };
        Ok(hand_over(answer))
    }

    async fn read(&self, parts: &Parts, body: Incoming) -> Result<Bytes, Refusal> {
        let limits = &self.limits;
        if lawful::head_bytes(parts) > limits.head_bytes {
            return Err(Refusal::HeadTooLarge);
        }
        if !lawful::is_lawful(parts) {
            return Err(Refusal::BadRequest);
        }
        if body.is_end_stream() {
            return Ok(Bytes::new());
        }
        // Known before a byte is read; a client that expects a 100 Continue is spared the sending.
        if body.size_hint().exact().is_some_and(|length| length > limits.body_bytes as u64) {
            return Err(Refusal::BodyTooLarge);
        }
        self.pulse.enter(Phase::Body);
        self.gather(body).await
    }

    async fn gather(&self, mut body: Incoming) -> Result<Bytes, Refusal> {
        let mut gathered = Bytes::new();
        loop {
            let frame = poll_fn(|cx| {
                if self.pulse.phase() == Phase::Overdue {
                    return Poll::Ready(Err(Refusal::RequestTimeout));
                }
                Pin::new(&mut body).poll_frame(cx).map(|frame| frame.transpose().map_err(|_| Refusal::BadRequest))
            });
            // Trailers are read and dropped: nothing here has a use for them.
            let Some(frame) = frame.await? else { return Ok(gathered) };
            let Ok(data) = frame.into_data() else { continue };
            if gathered.len() + data.len() > self.limits.body_bytes {
                return Err(Refusal::BodyTooLarge);
            }
            gathered = joined(gathered, data);
        }
    }
}

/// Gives an answer to hyper: the one place through which all pass.
fn hand_over(mut answer: Response<Bytes>) -> Response<Full<Bytes>> {
    // Hyper panics on versions that HTTP/1 does not have, and in debug builds on a length that is not the body's. The length
    // of what we send is the body's; answers that lie about it are made beneath hyper.
    *answer.version_mut() = Version::HTTP_11;
    answer.headers_mut().remove(header::CONTENT_LENGTH);
    answer.map(Full::new)
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
