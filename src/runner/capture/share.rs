//! The exchanges of a capture as anybody may read them, and as an HTTP Archive.
//!
//! It is made anew of what was understood, and nothing is copied that was not: no entry of another host or path, no header but a few,
//! no time of day.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use serde_json::{Value, json};

use crate::{
    contract::{encoding, is_documented_member},
    export::har::{self, HarExchange},
    runner::capture::{
        RecordedExchange, SentBody, is_one_host, labels::Labels, media_type::plain_type,
    },
    suite::{match_response::MatchContext, strict_json},
};

/// An exchange without its secrets.
#[derive(Debug)]
pub(super) struct SharedExchange {
    pub(super) number: usize,
    host: String,
    times: Option<(f64, f64)>,
    is_whole: bool,
    pub(super) request: Request<Bytes>,
    /// The answer for anybody.
    pub(super) answer: Option<Response<Bytes>>,
    /// The answer's content type and body for who knows the capture.
    pub(super) content_type: Option<String>,
    pub(super) shown: Vec<u8>,
}

/// Removes the secrets of an exchange.
pub(super) fn shared(
    exchange: &RecordedExchange,
    labels: &Labels,
    context: &MatchContext<'_>,
) -> SharedExchange {
    let answer = exchange.answer.as_ref().ok();
    let text = |name: header::HeaderName| {
        let value = answer?.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let content_type = text(header::CONTENT_TYPE).map(|value| labels.text(&value));
    let plain = text(header::CONTENT_TYPE).map(|value| plain_type(&value));
    let scheme = text(header::WWW_AUTHENTICATE).map(|value| {
        let scheme = value.split(' ').next().unwrap_or_default();
        let known = SCHEMES
            .iter()
            .find(|known| known.eq_ignore_ascii_case(scheme));
        known.map_or("other", |known| known).to_owned()
    });
    let location = text(header::LOCATION).map(|_| "/other".to_owned());
    let headers = [
        (header::CONTENT_TYPE, plain),
        (header::WWW_AUTHENTICATE, scheme),
        (header::LOCATION, location),
    ];
    let (shown, body) = match answer {
        Some(answer) => bodies(answer.body(), labels, context),
        None => (Vec::new(), Vec::new()),
    };
    let answer = answer.map(|recorded| {
        let mut answer = Response::new(Bytes::from(body));
        *answer.status_mut() = recorded.status();
        for (name, value) in headers {
            if let Some(Ok(value)) = value.map(HeaderValue::try_from) {
                answer.headers_mut().insert(name, value);
            }
        }
        answer
    });
    SharedExchange {
        number: exchange.number,
        host: exchange.host.clone(),
        times: exchange.times,
        is_whole: exchange.sent != SentBody::Missing,
        request: labels.request(exchange),
        answer,
        content_type,
        shown,
    }
}

/// Returns a body without what is known to be a secret, and one with nothing but what the documents have. A body of documented texts alone
/// is kept to the letter in both.
fn bodies(body: &Bytes, labels: &Labels, context: &MatchContext<'_>) -> (Vec<u8>, Vec<u8>) {
    let shown = || match str::from_utf8(body) {
        Ok(text) => labels.text(text).into_bytes(),
        Err(_) => format!("«{} bytes that are not text»", body.len()).into_bytes(),
    };
    let Ok(json) = strict_json::parse(body) else {
        let length = body.len();
        let safe = (length > 0).then(|| format!("«{length} bytes that are not JSON»").into_bytes());
        return (shown(), safe.unwrap_or_default());
    };
    let texts = context.all_texts(labels.user(context.username));
    let safe = documented(&json, &texts);
    if safe == json {
        return (body.to_vec(), body.to_vec());
    }
    let safe_text = safe.to_string().into_bytes();
    (shown(), safe_text)
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
pub(super) fn redacted_har(shared: &[SharedExchange], gaps: &[usize]) -> String {
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
    har::archive(
        "d4iot-double judge --redact",
        "made from scratch: the exchanges of the authentication API alone, with labels for users, passwords, tokens and hosts",
        entries.collect(),
    )
}

fn entry(one: &SharedExchange, host: usize, first: f64) -> Value {
    let (start, time) = one
        .times
        .map_or((0.0, 0.0), |(start, end)| (start - first, end - start));
    har::entry(&HarExchange {
        started: day_time(start),
        time,
        comment: String::new(),
        target: format!("https://appliance{host}.example"),
        request: &one.request,
        is_whole: one.is_whole,
        response: one.answer.as_ref(),
    })
}

/// Writes milliseconds as a moment after the beginning of 2000: a capture that is shared does not say when it was made.
fn day_time(millis: f64) -> String {
    let millis = (millis.max(0.0) as u64).min(MAX_MILLIS);
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(YEAR_2000);
    encoding::timestamp_millis(start + Duration::from_millis(millis))
}

/// The schemes of challenges that say nothing of who uses them.
const SCHEMES: [&str; 5] = ["Basic", "Bearer", "Digest", "Negotiate", "NTLM"];
/// When the year 2000 began, in seconds since 1970.
const YEAR_2000: u64 = 946_684_800;
/// The longest time between two exchanges that is written, in milliseconds: some thousand years.
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
