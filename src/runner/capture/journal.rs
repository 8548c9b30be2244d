//! An entry of the journal of a mock, as the control API shows it: its passwords are fingerprints.

use http::HeaderMap;
use serde_json::Value;

use crate::{
    contract::encoding::parse_timestamp,
    runner::capture::{Parts, SentBody, add_header},
};

/// Tells whether an entry is one of a journal. No entry of HAR has these.
pub(super) fn is_of_journal(entry: &Value) -> bool {
    entry["judged"].is_string() && !entry["fingerprints"].is_null()
}

/// Reads an entry.
///
/// # Errors
/// Why it is not judged.
pub(super) fn parts(entry: &Value) -> Result<Parts, &'static str> {
    let request = &entry["request"];
    let [method, target, body] = ["method", "target", "body"].map(|name| request[name].as_str());
    let (Some(method), Some(target), Some(body)) = (method, target, body) else {
        return Err("an entry that is not one of the journal");
    };
    let mut request_headers = HeaderMap::new();
    for header in request["headers"].as_array().into_iter().flatten() {
        let [name, value] = [0, 1].map(|index| header[index].as_str().unwrap_or_default());
        add_header(&mut request_headers, name, value.as_bytes());
    }
    let mut answer_headers = HeaderMap::new();
    if let Some(value) = entry["content_type"].as_str() {
        add_header(&mut answer_headers, "content-type", value.as_bytes());
    }
    let outcome = entry["outcome"].as_str().and_then(|name| name.parse().ok());
    let sent = match (request["body_bytes"].as_u64(), &request["body_cut"]) {
        (Some(0), _) => SentBody::Whole,
        (_, Value::Bool(true)) => SentBody::Missing,
        // What a failure made of an answer is not the outcome's own.
        _ => SentBody::Masked(outcome.filter(|_| entry["failure"].is_null())),
    };
    let start = parse_timestamp(entry["time"].as_str().unwrap_or_default());
    let time = entry["took_ms"].as_f64().unwrap_or_default();
    let is_whole = entry["state"] == "done";
    let status = entry["status"].as_u64().filter(|_| is_whole);
    Ok(Parts {
        method: method.to_owned(),
        url: target.to_owned(),
        request_headers,
        sent,
        request_body: body.as_bytes().to_vec(),
        times: start.map(|start| (start, start + time)),
        status: status.unwrap_or_default() as u16,
        lacks_type: answer_headers.is_empty(),
        answer_headers,
        answer_body: entry["answer"]
            .as_str()
            .map(|text| text.as_bytes().to_vec()),
    })
}
