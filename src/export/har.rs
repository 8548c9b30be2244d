//! HTTP archives, format 1.2: one of the documented exchanges, and the entries of any other.

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use serde_json::{Value as Json, json};

use super::{ADDRESS, Format, Source, headers, text};

pub(super) const FORMAT: Format = Format {
    name: "har",
    about: "HTTP archive of the documented exchanges",
    has_exchanges: true,
    has_passwords: true,
    render: documented_exchanges,
};

/// What an entry of an archive is made of.
pub(crate) struct HarExchange<'a> {
    /// When the request was sent, RFC 3339.
    pub(crate) started: String,
    /// How long the answer took, in milliseconds.
    pub(crate) time: f64,
    /// What is said of the exchange, if anything.
    pub(crate) comment: String,
    /// The URL that the request's path is appended to.
    pub(crate) target: String,
    pub(crate) request: &'a Request<Bytes>,
    /// Whether the request's body is all that was sent.
    pub(crate) is_whole: bool,
    /// None if there was no answer.
    pub(crate) response: Option<&'a Response<Bytes>>,
}

/// Writes an archive. Its entries are made by [`entry`]; an empty object is an exchange of which nothing is known.
pub(crate) fn archive(creator: &str, comment: &str, entries: Vec<Json>) -> String {
    let mut log = json!({
        "version": "1.2",
        "creator": { "name": creator, "version": env!("CARGO_PKG_VERSION") },
        "entries": entries,
    });
    if !comment.is_empty() {
        log["comment"] = comment.into();
    }
    format!("{:#}\n", json!({ "log": log }))
}

/// Returns an entry of an archive.
pub(crate) fn entry(one: &HarExchange<'_>) -> Json {
    let request = one.request;
    let body_size = match one.is_whole {
        true => json!(request.body().len()),
        false => json!(-1),
    };
    let mut sent = json!({
        "method": request.method().as_str(),
        "url": format!("{}{}", one.target, request.uri()),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers("name", request.headers()),
        "queryString": [],
        "headersSize": -1,
        "bodySize": body_size,
    });
    if !request.body().is_empty() {
        sent["postData"] = content(request.headers(), request.body());
    }
    let (empty, nothing) = (HeaderMap::new(), Bytes::new());
    let status = one.response.map(Response::status);
    let answer_headers = one.response.map_or(&empty, Response::headers);
    let body = one.response.map_or(&nothing, Response::body);
    let mut answer_content = content(answer_headers, body);
    answer_content["size"] = body.len().into();
    let mut entry = json!({
        "startedDateTime": one.started,
        "time": one.time,
        "request": sent,
        "response": {
            "status": status.map_or(0, |status| status.as_u16()),
            "statusText": status.and_then(|status| status.canonical_reason()).unwrap_or_default(),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": headers("name", answer_headers),
            "content": answer_content,
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": body.len(),
        },
        "cache": {},
        "timings": { "send": 0, "wait": one.time, "receive": 0 },
    });
    if !one.comment.is_empty() {
        entry["comment"] = one.comment.as_str().into();
    }
    entry
}

/// Returns a body with its content type, in base64 where it is no text.
fn content(headers: &HeaderMap, body: &[u8]) -> Json {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.map_or_else(String::new, |value| text(value.as_bytes()));
    match str::from_utf8(body) {
        Ok(text) => json!({ "mimeType": kind, "text": text }),
        Err(_) => json!({ "mimeType": kind, "text": STANDARD.encode(body), "encoding": "base64" }),
    }
}

fn documented_exchanges(source: &Source) -> String {
    let (exchanges, _) = source.exchanges();
    let entries = exchanges.iter().enumerate().map(|(second, exchange)| {
        entry(&HarExchange {
            // An archive wants a time. They are in order, and the same at each export.
            started: format!("2000-01-01T00:00:{second:02}.000Z"),
            time: 0.0,
            comment: format!("{}: {}", exchange.case.id, source.description(exchange)),
            target: format!("https://{ADDRESS}"),
            request: &exchange.request,
            is_whole: true,
            response: Some(&exchange.response),
        })
    });
    archive(env!("CARGO_PKG_NAME"), "", entries.collect())
}
