//! The exchanges of a capture as anybody may read them, and as an HTTP Archive.
//!
//! It is made anew of what was understood, and nothing is copied that was not: no entry of another host or path, no header but a few,
//! no time of day.

use bytes::Bytes;
use http::{Request, header};
use serde_json::{Value, json};

use crate::{
    contract::{Outcome, is_documented_member},
    runner::capture::{RecordedExchange, SentBody, is_one_host, labels::Labels},
    suite::match_response::MatchContext,
};

/// An exchange without its secrets.
#[derive(Debug)]
pub(super) struct SharedExchange {
    pub(super) number: usize,
    host: String,
    times: Option<(f64, f64)>,
    is_whole: bool,
    pub(super) request: Request<Bytes>,
    pub(super) status: Option<u16>,
    pub(super) content_type: Option<String>,
    headers: Vec<(String, String)>,
    /// The body for who knows the capture, and for anybody.
    pub(super) shown: Vec<u8>,
    body: Vec<u8>,
}

/// Removes the secrets of an exchange; `outcome` is what its answer was recognised as.
pub(super) fn shared(
    exchange: &RecordedExchange,
    labels: &Labels,
    context: &MatchContext<'_>,
    outcome: Option<Outcome>,
) -> SharedExchange {
    let answer = exchange.answer.as_ref().ok();
    let text = |name: header::HeaderName| {
        let value = answer?.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let content_type = text(header::CONTENT_TYPE).map(|value| labels.text(&value));
    let scheme = |value: String| value.split(' ').next().map(|scheme| labels.text(scheme));
    let scheme = text(header::WWW_AUTHENTICATE).and_then(scheme);
    let location = text(header::LOCATION).map(|_| "/other".to_owned());
    let headers = [
        ("content-type", content_type.clone()),
        ("www-authenticate", scheme),
        ("location", location),
    ];
    let headers = headers
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let (shown, body) = match answer {
        Some(answer) => bodies(answer.body(), labels, context, outcome),
        None => (Vec::new(), Vec::new()),
    };
    SharedExchange {
        number: exchange.number,
        host: exchange.host.clone(),
        times: exchange.times,
        is_whole: exchange.sent != SentBody::Missing,
        request: labels.request(exchange),
        status: answer.map(|answer| answer.status().as_u16()),
        content_type,
        headers: headers.collect(),
        shown,
        body,
    }
}

/// Returns a body without what is known to be a secret, and without what may be one. A body that has documented words alone is kept to
/// the letter; of another one, the texts that tell what happened.
fn bodies(
    body: &Bytes,
    labels: &Labels,
    context: &MatchContext<'_>,
    outcome: Option<Outcome>,
) -> (Vec<u8>, Vec<u8>) {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let label = labels.user(context.username);
    let worded = outcome.and_then(|outcome| context.with_user(outcome, json.as_ref()?, label));
    if let (Some(worded), Some(own)) = (worded, &json) {
        let kept = if worded == *own {
            body.to_vec()
        } else {
            worded.to_string().into_bytes()
        };
        return (kept.clone(), kept);
    }
    let shown = match str::from_utf8(body) {
        Ok(text) => labels.text(text).into_bytes(),
        Err(_) => format!("«{} bytes that are not text»", body.len()).into_bytes(),
    };
    let safe = match json {
        Some(json) => masked(&json, true, labels).to_string().into_bytes(),
        None if body.is_empty() => Vec::new(),
        None => format!("«{} bytes that are not JSON»", body.len()).into_bytes(),
    };
    (shown, safe)
}

/// Returns JSON with the texts of documented members, and none of others.
fn masked(value: &Value, is_documented: bool, labels: &Labels) -> Value {
    match value {
        Value::String(text) if is_documented => labels.text(text).into(),
        Value::String(_) => "«text»".into(),
        Value::Array(values) => values
            .iter()
            .map(|value| masked(value, false, labels))
            .collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let is_documented = is_documented_member(name);
                let shown = if is_documented {
                    name.clone()
                } else {
                    labels.text(name)
                };
                (shown, masked(value, is_documented, labels))
            })
            .collect(),
        other => other.clone(),
    }
}

/// Writes an HTTP Archive.
///
/// Where an entry is left out that may have changed a password, there is a gap: an empty entry, since the exchanges around it tell nothing
/// of each other.
pub(super) fn har(shared: &[SharedExchange], gaps: &[usize]) -> Vec<u8> {
    let start = shared
        .iter()
        .filter_map(|one| one.times)
        .map(|(start, _)| start);
    let start = start.min_by(f64::total_cmp).unwrap_or_default();
    let mut hosts: Vec<&str> = Vec::new();
    let mut passed = 0;
    let entries = shared.iter().flat_map(|one| {
        let before = gaps.partition_point(|gap| *gap < one.number);
        let gap = (before > passed).then(|| json!({}));
        passed = before;
        let host = hosts.iter().position(|host| is_one_host(host, &one.host));
        let host = host.unwrap_or_else(|| {
            hosts.push(&one.host);
            hosts.len() - 1
        });
        gap.into_iter().chain([entry(one, host + 1, start)])
    });
    let entries: Vec<Value> = entries.collect();
    let har = json!({ "log": {
        "version": "1.2",
        "creator": { "name": "d4iot-double judge --redact", "version": env!("CARGO_PKG_VERSION") },
        "comment": "made from scratch: the exchanges of the authentication API alone, with labels for users, passwords, tokens and hosts",
        "entries": entries,
    }});
    format!("{har:#}\n").into_bytes()
}

fn entry(one: &SharedExchange, host: usize, first: f64) -> Value {
    let (start, time) = one
        .times
        .map_or((0.0, 0.0), |(start, end)| (start - first, end - start));
    let request = &one.request;
    let pair = |name: &str, value: &str| json!({ "name": name, "value": value });
    let headers = request.headers().iter();
    let headers = headers
        .map(|(name, value)| pair(name.as_str(), &String::from_utf8_lossy(value.as_bytes())));
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let content_type =
        content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let mut sent = json!({
        "method": request.method().as_str(),
        "url": format!("https://appliance{host}.example{}", request.uri()),
        "httpVersion": "HTTP/1.1",
        "headers": headers.collect::<Vec<_>>(),
        "queryString": [],
        "cookies": [],
        "headersSize": -1,
        "bodySize": if one.is_whole { i64::try_from(request.body().len()).unwrap_or(-1) } else { -1 },
    });
    if !request.body().is_empty() {
        let mut data = text(request.body());
        data["mimeType"] = content_type.unwrap_or_default().into();
        sent["postData"] = data;
    }
    let headers = one.headers.iter().map(|(name, value)| pair(name, value));
    let mut content = text(&one.body);
    content["size"] = one.body.len().into();
    content["mimeType"] = one.content_type.clone().unwrap_or_default().into();
    json!({
        "startedDateTime": day_time(start),
        "time": time,
        "request": sent,
        "response": {
            "status": one.status.unwrap_or_default(),
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "headers": headers.collect::<Vec<_>>(),
            "cookies": [],
            "content": content,
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": one.body.len(),
        },
        "cache": {},
        "timings": { "send": 0, "wait": time, "receive": 0 },
    })
}

/// Returns bytes as HAR has them, in base64 where they are no text.
fn text(bytes: &[u8]) -> Value {
    use base64::{Engine, engine::general_purpose::STANDARD};
    match str::from_utf8(bytes) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "text": STANDARD.encode(bytes), "encoding": "base64" }),
    }
}

/// Writes milliseconds as a moment after the beginning of 2000: a capture that is shared does not say when it was made.
fn day_time(millis: f64) -> String {
    let millis = millis.max(0.0) as u64;
    let (seconds, days) = (millis / 1000, millis / 86_400_000);
    format!(
        "2000-01-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        days.min(30) + 1,
        seconds / 3600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        millis % 1000
    )
}
