//! One request and its answer: read whole, validated, given to the service, handed to hyper.

use std::{
    convert::Infallible,
    future::poll_fn,
    pin::pin,
    task::{Poll, ready},
};

use bytes::Bytes;
use http::{
    Method, Request, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue},
};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};

use crate::{
    clock,
    failure::{Delivery, Framing, RequestFlags, WireStep},
    journal::SentAnswer,
    server::{
        Refusal, ServerAnswer,
        connection::{Connection, ConnectionPhase, WireScript},
        validate_head,
    },
};

/// Returns the answer to one request, once its body was read or it was refused.
pub(super) async fn respond(
    mut request: Request<Incoming>,
    connection: &Connection,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = read_body(&mut request, connection).await;
    let (head, _) = request.into_parts();
    let client = connection.client;
    connection.state().set(ConnectionPhase::Answering);
    let mut response = match body {
        Ok(_) if head.uri.path() == "*" => {
            // Asks about the server (RFC 9110 section 9.3.7): no appliance notices.
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::NO_CONTENT;
            response
        }
        Ok(body) => {
            let request = Request::from_parts(head, body);
            let answer = connection.service.answer(&request, client);
            hand_to_hyper(answer, &request, connection)
        }
        Err(refusal) => {
            connection.state().is_refused = true;
            let answer = connection.service.refuse(&head, refusal, client);
            let mut response = note_pending(answer, connection).response;
            // Where this request ends is unknown, or takes too long to find out.
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(CONNECTION, close);
            response
        }
    };
    // What makes hyper panic: a version that HTTP/1 does not have, and in debug builds a length that
    // is not the body's. Answers with a false length are sent by a script.
    *response.version_mut() = Version::HTTP_11;
    response.headers_mut().remove(CONTENT_LENGTH);
    Ok(response.map(Full::new))
}

/// Returns what hyper is given: the answer, or a placeholder for the script that replaces it.
fn hand_to_hyper(
    answer: ServerAnswer,
    request: &Request<Bytes>,
    connection: &Connection,
) -> Response<Bytes> {
    let received = answer.received;
    let delivery = note_pending(answer, connection);
    if delivery.is_plain() {
        return delivery.response;
    }
    let date = httpdate::fmt_http_date(clock::wall_time());
    let mut steps = delivery.script(request_flags(request), &date);
    let is_honest = delivery.framing == Framing::True && delivery.end.is_none();
    if is_honest && steps.last() == Some(&WireStep::Close) {
        // The client asked for the end: hyper closes, over TLS with a `close_notify`.
        steps.pop();
    }
    connection.state().script = Some(WireScript { steps, received });
    Response::new(Bytes::new())
}

/// Notes that the entry of an answer is to be completed, and prints what is to be known of the request.
fn note_pending(answer: ServerAnswer, connection: &Connection) -> Delivery {
    if let Some(note) = answer.note {
        connection.limits.log.line(&note);
    }
    if let Some(entry) = answer.entry {
        let response = &answer.delivery.response;
        let sent = SentAnswer {
            status: response.status(),
            content_type: response.headers().get(CONTENT_TYPE).cloned(),
            body: response.body().clone(),
        };
        connection.state().pending.push((entry, sent));
    }
    answer.delivery
}

/// Returns what must be known of a request to send its answer.
fn request_flags(request: &Request<Bytes>) -> RequestFlags {
    let has_option = |wanted: &str| {
        let values = request.headers().get_all(CONNECTION).iter();
        values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|option| option.trim().eq_ignore_ascii_case(wanted))
    };
    let http10 = request.version() < Version::HTTP_11;
    // As hyper does: an HTTP/1.0 client is kept if it asks for that.
    RequestFlags {
        http10,
        head: request.method() == Method::HEAD,
        close: has_option("close") || http10 && !has_option("keep-alive"),
    }
}

/// Validates a head, then reads the whole body.
async fn read_body(
    request: &mut Request<Incoming>,
    connection: &Connection,
) -> Result<Bytes, Refusal> {
    let limits = &connection.limits;
    validate_head(request, limits.head_bytes)?;
    if connection.state().has_fragment() {
        return Err(Refusal::BadRequest);
    }
    let body = request.body_mut();
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    // Known before a byte is read: a client that expects a 100 Continue need not send.
    let length = body.size_hint().exact().unwrap_or_default();
    if length > limits.body_bytes as u64 {
        return Err(Refusal::BodyTooLarge);
    }
    connection.state().set(ConnectionPhase::Body);
    let mut collected = pin!(Limited::new(body, limits.body_bytes).collect());
    poll_fn(|cx| {
        if connection.state().phase == ConnectionPhase::TimedOut {
            return Poll::Ready(Err(Refusal::RequestTimeout));
        }
        let collected = ready!(collected.as_mut().poll(cx));
        // Trailers are dropped.
        Poll::Ready(match collected {
            Ok(whole) => Ok(whole.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => Err(Refusal::BodyTooLarge),
            Err(_) => Err(Refusal::BadRequest),
        })
    })
    .await
}
