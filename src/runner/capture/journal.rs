//! An entry of the journal of a mock, as the control API shows it: its passwords are fingerprints.

use http::HeaderMap;
use serde::Deserialize;

use crate::runner::capture::{Parts, RecordedExchange, SentBody, add_header, moment};

/// Tells whether an entry is one of a journal.
pub(super) fn is_of_journal(entry: &[u8]) -> bool {
    serde_json::from_slice::<JournalProbe>(entry).is_ok()
}

/// Reads an entry.
///
/// # Errors
/// Why it is not judged.
pub(super) fn exchange(entry: &[u8], number: usize) -> Result<RecordedExchange, &'static str> {
    let entry: RawJournalEntry =
        serde_json::from_slice(entry).map_err(|_| "an entry that is not one of the journal")?;
    let request = entry.request;
    let mut request_headers = HeaderMap::new();
    for (name, value) in &request.headers {
        add_header(&mut request_headers, name, value.as_bytes());
    }
    let mut answer_headers = HeaderMap::new();
    let content_type = entry.content_type.as_deref();
    if let Some(value) = content_type {
        add_header(&mut answer_headers, "content-type", value.as_bytes());
    }
    let sent = match (request.body_bytes, request.body_cut) {
        (0, _) => SentBody::Whole,
        (_, true) => SentBody::Missing,
        // What a failure made of an answer is not the outcome's own.
        (_, false) if entry.failure.is_none() => {
            SentBody::Masked(entry.outcome.and_then(|name| name.parse().ok()))
        }
        (_, false) => SentBody::Masked(None),
    };
    let is_whole = entry.state == "done";
    let times =
        moment::parse(&entry.time).map(|start| (start, start + entry.took_ms.unwrap_or(0.0)));
    let parts = Parts {
        number,
        method: request.method,
        url: request.target,
        request_headers,
        sent,
        request_body: request.body.into_bytes(),
        times,
        status: entry.status.filter(|_| is_whole).unwrap_or_default(),
        answer_headers,
        answer_body: entry.answer.map(String::into_bytes),
        lacks_type: content_type.is_none(),
    };
    parts.exchange()
}

/// What no entry of HAR has.
#[derive(Deserialize)]
struct JournalProbe {
    #[serde(rename = "judged")]
    _judged: String,
    #[serde(rename = "fingerprints")]
    _fingerprints: serde::de::IgnoredAny,
}

#[derive(Deserialize)]
struct RawJournalEntry {
    state: String,
    time: String,
    took_ms: Option<f64>,
    outcome: Option<String>,
    failure: Option<serde::de::IgnoredAny>,
    status: Option<u16>,
    content_type: Option<String>,
    answer: Option<String>,
    request: RawJournalRequest,
}

#[derive(Deserialize)]
struct RawJournalRequest {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
    body_bytes: u64,
    body_cut: bool,
}
