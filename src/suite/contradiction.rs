//! Answers that contradict themselves: no reading of the documents allows them.

use bytes::Bytes;
use http::{Response, header};
use serde_json::Value;

use crate::contract::{ERROR, MSG};

/// Returns what an answer should have been and what it is, if it contradicts itself.
pub(super) fn of(answer: &Response<Bytes>) -> Option<(&'static str, String)> {
    let coding = content_coding(answer);
    let json: Option<Value> = serde_json::from_slice(answer.body()).ok();
    if let Some(coding) = coding.filter(|_| json.is_some()) {
        let received = format!("plain JSON under `Content-Encoding: {coding}`");
        return Some((OWN_CODING, received));
    }
    let has_both = json.is_some_and(|body| body.get(MSG).and(body.get(ERROR)).is_some());
    has_both.then(|| {
        let received = "both, which states two outcomes".to_owned();
        ("either `msg` or `error`", received)
    })
}

/// Returns the content coding of an answer, if it names one.
pub(super) fn content_coding(answer: &Response<Bytes>) -> Option<String> {
    let coding = answer.headers().get(header::CONTENT_ENCODING)?;
    let coding = String::from_utf8_lossy(coding.as_bytes()).into_owned();
    let is_plain = coding.trim().is_empty() || coding.trim().eq_ignore_ascii_case("identity");
    (!is_plain).then_some(coding)
}

const OWN_CODING: &str = "a body in the coding that its own header names (RFC 9110 section 8.4)";
