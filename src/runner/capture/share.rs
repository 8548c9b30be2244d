//! The exchanges of a capture as anybody may read them, and as an HTTP Archive.
//!
//! It is made anew of what was understood, and nothing is copied that was not: no entry of another host or path, no header but a few,
//! no time of day.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use serde_json::{Value, json};

use crate::{
    contract::is_documented_member,
    export::{HarExchange, archive},
    runner::capture::{RecordedExchange, SentBody, labels::Labels, media_type::plain_type},
    suite::{match_response::MatchContext, strict_json},
};

/// An exchange without its secrets.
#[derive(Debug)]
pub(super) struct SharedExchange {
    pub(super) number: usize,
    gaps: usize,
    host: String,
    times: Option<(f64, f64)>,
    has_request_body: bool,
    pub(super) request: Request<Bytes>,
    pub(super) answer: Option<Response<Bytes>>,
}

/// Removes the secrets of an exchange.
pub(super) fn shared(
    exchange: &RecordedExchange,
    labels: &Labels,
    context: &MatchContext<'_>,
) -> SharedExchange {
    let answer = exchange.answer.as_ref().ok();
    SharedExchange {
        number: exchange.number,
        gaps: exchange.gaps,
        host: exchange.host.clone(),
        times: exchange.times,
        has_request_body: exchange.sent != SentBody::Missing,
        request: labels.request(exchange),
        answer: answer.map(|answer| documented_answer(exchange, answer, labels, context)),
    }
}

/// Returns an answer with nothing but what the documents have.
fn documented_answer(
    exchange: &RecordedExchange,
    answer: &Response<Bytes>,
    labels: &Labels,
    context: &MatchContext<'_>,
) -> Response<Bytes> {
    let mut shown = Response::new(body(answer.body(), labels, context));
    *shown.status_mut() = answer.status();
    for (name, value) in answer.headers() {
        let text = String::from_utf8_lossy(value.as_bytes());
        let value = match *name {
            header::CONTENT_TYPE if exchange.lacks_type => continue,
            header::CONTENT_TYPE => plain_type(&text),
            header::WWW_AUTHENTICATE => known_scheme(&text).to_owned(),
            header::LOCATION => "/other".to_owned(),
            _ => continue,
        };
        let value = HeaderValue::try_from(value);
        value
            .map(|value| shown.headers_mut().append(name, value))
            .ok();
    }
    shown
}

/// Returns a body with nothing but what the documents have. One of documented texts alone is kept to the letter.
fn body(body: &Bytes, labels: &Labels, context: &MatchContext<'_>) -> Bytes {
    let Ok(json) = strict_json::parse(body) else {
        return match body.len() {
            0 => Bytes::new(),
            length => format!("«{length} bytes that are not JSON»").into(),
        };
    };
    let texts = context.all_texts(labels.user(context.username));
    let safe = documented(&json, &texts);
    match safe == json {
        true => body.clone(),
        false => safe.to_string().into(),
    }
}

/// Returns JSON of the same shape with documented names and texts, and labels for all others.
fn documented(value: &Value, texts: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => texts.get(text).map_or("«text»", |text| text).into(),
        Value::Number(_) => "«number»".into(),
        Value::Array(values) => values
            .iter()
            .map(|value| documented(value, texts))
            .collect(),
        Value::Object(members) => {
            let named = members.iter().enumerate().map(|(index, (name, value))| {
                let name = match is_documented_member(name) {
                    true => name.clone(),
                    false => format!("«member{}»", index + 1),
                };
                (name, documented(value, texts))
            });
            named.collect()
        }
        Value::Null | Value::Bool(_) => value.clone(),
    }
}

/// Writes an HTTP Archive.
///
/// Where an entry is left out that may have changed a password, there is a gap: an empty entry, since the exchanges around it tell nothing
/// of each other.
pub(super) fn har(shared: &[SharedExchange]) -> Vec<u8> {
    let starts = shared.iter().filter_map(|one| Some(one.times?.0));
    let first = starts.min_by(f64::total_cmp).unwrap_or_default();
    let (mut hosts, mut entries, mut passed): (Vec<&str>, Vec<Value>, usize) = Default::default();
    for one in shared {
        entries.extend((one.gaps > passed).then(|| json!({})));
        passed = one.gaps;
        let host = hosts.iter().position(|host| *host == one.host);
        let host = host.unwrap_or_else(|| {
            hosts.push(&one.host);
            hosts.len() - 1
        });
        let (start, end) = one.times.unwrap_or((first, first));
        let exchange = HarExchange {
            origin: &format!("https://appliance{}.example", host + 1),
            request: &one.request,
            has_request_body: one.has_request_body,
            response: one.answer.as_ref(),
            // A capture that is shared does not say when it was made.
            start: start - first,
            time: end - start,
        };
        entries.push(exchange.entry());
    }
    format!("{:#}\n", archive(CREATOR, COMMENT, entries)).into_bytes()
}

/// Returns the scheme of a challenge, if it says nothing of who uses it.
fn known_scheme(challenge: &str) -> &str {
    let scheme = challenge.split(' ').next().unwrap_or_default();
    let mut known = SCHEMES.into_iter();
    known
        .find(|known| known.eq_ignore_ascii_case(scheme))
        .unwrap_or("other")
}

const SCHEMES: [&str; 5] = ["Basic", "Bearer", "Digest", "Negotiate", "NTLM"];
const CREATOR: &str = "d4iot-double judge --redact";
const COMMENT: &str = "made from scratch: the exchanges of the authentication API alone, with labels for users, passwords, tokens and hosts";
