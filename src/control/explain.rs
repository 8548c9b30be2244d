//! What a request would get, and why; nothing is sent, changed, counted or entered in the journal.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use axum::{Json, extract::State};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    control::{
        AppState,
        extract::{AppliancePath, RequestJson, pointer},
        problem::{JsonResult, Problem},
    },
    server,
    server::Refusal,
};

/// A request that is not sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExplainRequest {
    #[serde(default = "post")]
    method: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Value,
    #[serde(default = "localhost")]
    source: IpAddr,
}

pub(super) async fn explain(
    State(app): State<Arc<AppState>>,
    AppliancePath(running, _): AppliancePath,
    RequestJson(asked): RequestJson<ExplainRequest>,
) -> JsonResult {
    let (source, limits) = (asked.source, &app.registry.settings().limits);
    let request = request(asked)?;
    let is_large = request.body().len() > limits.body_bytes;
    let refusal = server::validate_head(&request, limits.head_bytes).err();
    let explanation = match refusal.or(is_large.then_some(Refusal::BodyTooLarge)) {
        Some(refusal) => running.appliance().explain_refusal(&request, refusal),
        None => running.appliance().explain(&request, source),
    };
    let findings = explanation.findings.iter();
    let findings: Value = findings
        .map(|finding| json!({ "name": finding.name(), "advice": finding.advice() }))
        .collect();
    let (head, body) = explanation.answer.into_parts();
    let lossy = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes));
    let headers = head.headers.iter();
    let headers: Map<String, Value> = headers
        .map(|(name, value)| (name.to_string(), lossy(value.as_bytes())))
        .collect();
    Ok(Json(json!({
        "operation": explanation.operation,
        "outcome": explanation.outcome,
        "judged": explanation.judged,
        "reason": explanation.reason,
        "failure": explanation.failure,
        "changes": explanation.changes,
        "findings": findings,
        "suggestion": explanation.suggestion,
        "answer": { "status": head.status.as_u16(), "headers": headers, "body": lossy(&body) },
    })))
}

fn request(asked: ExplainRequest) -> Result<Request<Bytes>, Problem> {
    let wrong = |pointer: &str, expected: &str| {
        Problem::invalid_body(format!("expected {expected}")).pointer(pointer.to_owned())
    };
    let is_text = matches!(asked.body, Value::Null | Value::String(_));
    let mut request = Request::new(match asked.body {
        Value::Null => Bytes::new(),
        Value::String(text) => Bytes::from(text),
        other => Bytes::from(other.to_string()),
    });
    let method = asked.method.as_bytes();
    let is_word = method.len() <= MAX_METHOD_BYTES && method.iter().all(u8::is_ascii_alphabetic);
    let method = Method::from_bytes(method).ok().filter(|_| is_word);
    *request.method_mut() = method.ok_or_else(|| wrong("/method", "an HTTP method, as `POST`"))?;
    let is_path = asked.path.starts_with('/') && !asked.path.contains('#');
    let uri: Option<Uri> = asked.path.parse().ok().filter(|_| is_path);
    *request.uri_mut() =
        uri.ok_or_else(|| wrong("/path", "a path that begins with `/`, without a fragment"))?;
    let headers = request.headers_mut();
    if !is_text {
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
    }
    for (name, value) in &asked.headers {
        let place = format!("/headers{}", pointer(name));
        let name: HeaderName = name
            .parse()
            .map_err(|_| wrong(&place, "the name of a header"))?;
        let value = value
            .parse()
            .map_err(|_| wrong(&place, "the value of a header"))?;
        headers.insert(name, value);
    }
    let host = HeaderValue::from_static("localhost");
    headers.entry(header::HOST).or_insert(host);
    Ok(request)
}

fn post() -> String {
    "POST".to_owned()
}

fn localhost() -> IpAddr {
    IpAddr::V4(Ipv4Addr::LOCALHOST)
}

const MAX_METHOD_BYTES: usize = 20;
