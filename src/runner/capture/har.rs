//! An entry of an HTTP Archive 1.2, and of what browsers and proxies make of that: much of it is missing somewhere, or null.

use http::HeaderMap;
use serde_json::Value;

use crate::{
    contract::encoding::parse_timestamp,
    runner::capture::{Parts, SentBody, add_header, body, header_text},
};

/// Reads an entry.
///
/// # Errors
/// Why it is not judged; nothing of the entry is in it.
pub(super) fn parts(entry: &Value) -> Result<Parts, &'static str> {
    let (request, response) = (&entry["request"], &entry["response"]);
    let (Some(method), Some(url)) = (request["method"].as_str(), request["url"].as_str()) else {
        return Err("an entry that is not one of HAR");
    };
    let mut request_headers = headers(&request["headers"]);
    add_type(&mut request_headers, &request["postData"]);
    let (sent, request_body) = request_body(request, method, &request_headers);
    let content = &response["content"];
    let mut answer_headers = headers(&response["headers"]);
    add_type(&mut answer_headers, content);
    // A size of -1 is one that is not known.
    let sizes = [&content["size"], &response["bodySize"]].map(Value::as_f64);
    let known = sizes.into_iter().flatten().filter(|size| *size >= 0.0);
    let is_empty = known.reduce(f64::max) == Some(0.0);
    let answer_body = match content["text"].as_str() {
        Some(text) => Some(body::bytes(text, content["encoding"].as_str()).ok_or(NO_BASE64)?),
        None => is_empty.then(Vec::new),
    };
    let start = parse_timestamp(entry["startedDateTime"].as_str().unwrap_or_default());
    let time = entry["time"].as_f64().unwrap_or_default().max(0.0);
    Ok(Parts {
        method: method.to_owned(),
        url: url.to_owned(),
        request_headers,
        sent,
        request_body,
        times: start.map(|start| (start, start + time)),
        status: response["status"].as_f64().unwrap_or_default() as u16,
        lacks_type: answer_headers.is_empty(),
        answer_headers,
        answer_body,
    })
}

fn request_body(request: &Value, method: &str, headers: &HeaderMap) -> (SentBody, Vec<u8>) {
    let data = &request["postData"];
    let params = data["params"].as_array().map_or(&[][..], Vec::as_slice);
    if let Some(text) = data["text"].as_str()
        && (!text.is_empty() || params.is_empty())
    {
        // Not of the standard, and `base64` where it is.
        let encoding = data["encoding"].as_str().or(data["_encoding"].as_str());
        return match body::bytes(text, encoding) {
            Some(body) => (SentBody::Whole, body),
            None => (SentBody::Missing, Vec::new()),
        };
    }
    // A body that the recorder took for a form: JSON is then the name of its one field, as curl sends it.
    let params = params.iter().map(|param| match pair(param) {
        (name, "") => name.to_owned(),
        (name, value) => format!("{name}={value}"),
    });
    let form = params.collect::<Vec<_>>().join("&");
    let length = header_text(headers, "content-length").parse().ok();
    let sizes = [request["bodySize"].as_f64(), length];
    let known = sizes.into_iter().flatten().filter(|size| *size >= 0.0);
    let asks = ["GET", "HEAD", "OPTIONS"].contains(&method);
    let is_empty = known.reduce(f64::max).map_or(asks, |size| size == 0.0);
    match is_empty || !form.is_empty() {
        true => (SentBody::Whole, form.into_bytes()),
        false => (SentBody::Missing, Vec::new()),
    }
}

/// Adds the content type to headers of which none was kept: who keeps no headers may keep it.
fn add_type(headers: &mut HeaderMap, content: &Value) {
    let mime_type = content["mimeType"].as_str().unwrap_or_default();
    if headers.is_empty() && !["", UNKNOWN_TYPE].contains(&mime_type) {
        add_header(headers, "content-type", mime_type.as_bytes());
    }
}

fn headers(pairs: &Value) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in pairs.as_array().into_iter().flatten().map(pair) {
        add_header(&mut map, name, value.as_bytes());
    }
    map
}

fn pair(pair: &Value) -> (&str, &str) {
    let [name, value] = ["name", "value"].map(|key| pair[key].as_str().unwrap_or_default());
    (name, value)
}

/// The type of a body of which a browser knows none.
const UNKNOWN_TYPE: &str = "x-unknown";
const NO_BASE64: &str = "a body that is not the base64 it should be";
