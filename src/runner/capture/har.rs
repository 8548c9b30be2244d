//! An entry of an HTTP Archive 1.2, and of what browsers and proxies make of that: much of it is missing somewhere.

use http::HeaderMap;
use serde::{Deserialize, Deserializer};

use crate::runner::capture::{
    Parts, RecordedExchange, SentBody, add_header, body, header_text, moment,
};

/// Reads an entry.
///
/// # Errors
/// Why it is not judged; nothing of the entry is in it.
pub(super) fn exchange(entry: &[u8], number: usize) -> Result<RecordedExchange, &'static str> {
    let entry: HarEntry =
        serde_json::from_slice(entry).map_err(|_| "an entry that is not one of HAR")?;
    let (request, response) = (entry.request, entry.response.unwrap_or_default());
    let mut request_headers = headers(&request.headers);
    let data = request.post_data.as_ref();
    add_type(
        &mut request_headers,
        data.map_or("", |data| &data.mime_type),
    );
    let (sent, request_body) = request_body(&request, &request_headers);
    let content = response.content;
    let mut answer_headers = headers(&response.headers);
    add_type(&mut answer_headers, &content.mime_type);
    let lacks_type = answer_headers.is_empty();
    // A size of -1 is one that is not known.
    let sizes = [content.size, response.body_size].into_iter().flatten();
    let is_empty = sizes.filter(|size| *size >= 0.0).reduce(f64::max) == Some(0.0);
    let answer_body = match content.text {
        Some(text) => Some(body::bytes(&text, content.encoding.as_deref()).ok_or(NO_BASE64)?),
        None => is_empty.then(Vec::new),
    };
    let times = moment::parse(&entry.started).map(|start| (start, start + entry.time.max(0.0)));
    let parts = Parts {
        number,
        method: request.method,
        url: request.url,
        request_headers,
        sent,
        request_body,
        times,
        status: response.status as u16,
        answer_headers,
        answer_body,
        lacks_type,
    };
    parts.exchange()
}

fn request_body(request: &HarRequest, headers: &HeaderMap) -> (SentBody, Vec<u8>) {
    let data = request.post_data.as_ref();
    let text = data.and_then(|data| data.text.as_deref());
    let params = data.map_or(&[][..], |data| &data.params);
    match text {
        Some(text) if !text.is_empty() || params.is_empty() => {
            let encoding = data.and_then(|data| data.encoding.as_deref());
            match body::bytes(text, encoding) {
                Some(body) => (SentBody::Whole, body),
                None => (SentBody::Missing, Vec::new()),
            }
        }
        // A body that the recorder took for a form: JSON is then the name of its one field, as curl sends it.
        _ if !params.is_empty() => {
            let pair = |param: &HarPair| match param.value.is_empty() {
                true => param.name.clone(),
                false => format!("{}={}", param.name, param.value),
            };
            let pairs: Vec<String> = params.iter().map(pair).collect();
            (SentBody::Whole, pairs.join("&").into_bytes())
        }
        _ => {
            let length = header_text(headers, "content-length")
                .parse()
                .unwrap_or(0.0);
            let is_known = request.body_size >= 0.0 || headers.contains_key("content-length");
            let is_empty = request.body_size <= 0.0 && length <= 0.0;
            let asks = ["GET", "HEAD", "OPTIONS"].contains(&&*request.method);
            match is_empty && (is_known || asks) {
                true => (SentBody::Whole, Vec::new()),
                false => (SentBody::Missing, Vec::new()),
            }
        }
    }
}

/// Adds the content type to headers of which none was kept: who keeps no headers may keep it.
fn add_type(headers: &mut HeaderMap, mime_type: &str) {
    if headers.is_empty() && !["", UNKNOWN_TYPE].contains(&mime_type) {
        add_header(headers, "content-type", mime_type.as_bytes());
    }
}

fn headers(pairs: &[HarPair]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for HarPair { name, value } in pairs {
        add_header(&mut map, name, value.as_bytes());
    }
    map
}

#[derive(Deserialize)]
struct HarEntry {
    #[serde(default, rename = "startedDateTime", deserialize_with = "or_default")]
    started: String,
    #[serde(default, deserialize_with = "or_default")]
    time: f64,
    request: HarRequest,
    response: Option<HarResponse>,
}

#[derive(Deserialize)]
struct HarRequest {
    method: String,
    url: String,
    #[serde(default, deserialize_with = "or_default")]
    headers: Vec<HarPair>,
    #[serde(rename = "postData")]
    post_data: Option<HarPostData>,
    #[serde(
        default = "unknown",
        rename = "bodySize",
        deserialize_with = "or_default"
    )]
    body_size: f64,
}

#[derive(Deserialize)]
struct HarPostData {
    #[serde(default, rename = "mimeType", deserialize_with = "or_default")]
    mime_type: String,
    text: Option<String>,
    /// Not of the standard, and `base64` where it is.
    #[serde(alias = "_encoding")]
    encoding: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    params: Vec<HarPair>,
}

#[derive(Default, Deserialize)]
struct HarResponse {
    #[serde(default, deserialize_with = "or_default")]
    status: f64,
    #[serde(default, deserialize_with = "or_default")]
    headers: Vec<HarPair>,
    #[serde(default, deserialize_with = "or_default")]
    content: HarContent,
    #[serde(rename = "bodySize")]
    body_size: Option<f64>,
}

#[derive(Default, Deserialize)]
struct HarContent {
    text: Option<String>,
    encoding: Option<String>,
    #[serde(default, rename = "mimeType", deserialize_with = "or_default")]
    mime_type: String,
    size: Option<f64>,
}

#[derive(Deserialize)]
struct HarPair {
    name: String,
    #[serde(default, deserialize_with = "or_default")]
    value: String,
}

/// Some write null where there is nothing.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

fn unknown() -> f64 {
    -1.0
}

/// The type of a body of which a browser knows none.
const UNKNOWN_TYPE: &str = "x-unknown";
const NO_BASE64: &str = "a body that is not the base64 it should be";
