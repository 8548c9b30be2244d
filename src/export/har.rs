//! An HTTP archive, format 1.2: the documented exchanges.

use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use serde_json::{Value as Json, json};

use super::{ADDRESS, Format, Source, headers, text};
use crate::contract::encoding;

pub(super) const FORMAT: Format = Format {
    name: "har",
    about: ABOUT,
    has_exchanges: true,
    has_passwords: true,
    render: |source| format!("{:#}\n", documented(source)),
};

fn documented(source: &Source) -> Json {
    let origin = format!("https://{ADDRESS}");
    let (exchanges, _) = source.exchanges();
    let entries = exchanges.iter().enumerate().map(|(second, exchange)| {
        let mut entry = HarExchange {
            origin: &origin,
            request: &exchange.request,
            has_request_body: true,
            response: Some(&exchange.response),
            start: second as f64 * 1000.0,
            time: 0.0,
        }
        .entry();
        entry["comment"] = format!("{}: {}", exchange.case.id, source.description(exchange)).into();
        entry
    });
    archive(env!("CARGO_PKG_NAME"), ABOUT, entries.collect())
}

/// Returns an archive of entries.
pub(crate) fn archive(creator: &str, comment: &str, entries: Vec<Json>) -> Json {
    let creator = json!({ "name": creator, "version": env!("CARGO_PKG_VERSION") });
    json!({ "log": { "version": "1.2", "creator": creator, "comment": comment, "entries": entries } })
}

/// An exchange that becomes an entry.
pub(crate) struct HarExchange<'a> {
    /// Scheme and host.
    pub(crate) origin: &'a str,
    pub(crate) request: &'a Request<Bytes>,
    /// Whether the request's body is known.
    pub(crate) has_request_body: bool,
    pub(crate) response: Option<&'a Response<Bytes>>,
    /// When it was sent, in milliseconds after the beginning of 2000: an archive wants a time.
    pub(crate) start: f64,
    /// How long it took, in milliseconds.
    pub(crate) time: f64,
}

impl HarExchange<'_> {
    /// Returns the entry.
    pub(crate) fn entry(&self) -> Json {
        let (request, time) = (self.request, self.time);
        let mut sent = json!({
            "method": request.method().as_str(),
            "url": format!("{}{}", self.origin, request.uri()),
            "httpVersion": "HTTP/1.1",
            "cookies": [],
            "headers": headers("name", request.headers()),
            "queryString": [],
            "headersSize": -1,
            "bodySize": -1,
        });
        if self.has_request_body {
            sent["bodySize"] = request.body().len().into();
        }
        if !request.body().is_empty() {
            sent["postData"] = body(request.body(), request.headers());
        }
        let none = Response::new(Bytes::new());
        let response = self.response.unwrap_or(&none);
        let mut content = body(response.body(), response.headers());
        content["size"] = response.body().len().into();
        json!({
            "startedDateTime": day_time(self.start),
            "time": time,
            "request": sent,
            "response": {
                "status": self.response.map_or(0, |response| response.status().as_u16()),
                "statusText": response.status().canonical_reason().unwrap_or_default(),
                "httpVersion": "HTTP/1.1",
                "cookies": [],
                "headers": headers("name", response.headers()),
                "content": content,
                "redirectURL": "",
                "headersSize": -1,
                "bodySize": response.body().len(),
            },
            "cache": {},
            "timings": { "send": 0, "wait": time, "receive": 0 },
        })
    }
}

/// Returns a body with its type, in base64 where it is no text.
fn body(bytes: &[u8], headers: &HeaderMap) -> Json {
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type.map(|value| text(value.as_bytes()));
    let mut body = match str::from_utf8(bytes) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "text": STANDARD.encode(bytes), "encoding": "base64" }),
    };
    body["mimeType"] = content_type.unwrap_or_default().into();
    body
}

/// Writes milliseconds as a moment after the beginning of 2000.
fn day_time(millis: f64) -> String {
    let millis = (millis.max(0.0) as u64).min(MAX_MILLIS);
    let since = Duration::from_secs(YEAR_2000) + Duration::from_millis(millis);
    encoding::timestamp_millis(SystemTime::UNIX_EPOCH + since)
}

const ABOUT: &str = "HTTP archive of the documented exchanges";
/// When the year 2000 began, in seconds since 1970.
const YEAR_2000: u64 = 946_684_800;
/// The longest time that is written, in milliseconds: some thousand years.
const MAX_MILLIS: u64 = 200_000_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_more_than_a_month_apart_stay_apart() {
        assert_eq!(day_time(1.0), "2000-01-01T00:00:00.001Z");
        assert_eq!(
            day_time(41.0 * 86_400_000.0 + 500.0),
            "2000-02-11T00:00:00.500Z"
        );
        assert_eq!(day_time(f64::NAN), "2000-01-01T00:00:00.000Z");
        assert_eq!(day_time(f64::MAX).len(), "8337-10-10T00:00:00.000Z".len());
    }
}
