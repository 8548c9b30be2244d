//! What a request would get, and why; nothing is sent, changed, counted or noted.

use std::net::{IpAddr, Ipv4Addr};

use axum::Json as Answer;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    contract::Operation,
    control::{
        AppState,
        appliance::AppliancePath,
        body::Json,
        problem::{Problem, ProblemKind},
    },
    journal::Finding,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(explain))
}

/// A request that is not sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AskedRequest)]
struct Asked {
    /// The method; POST by default.
    #[serde(default = "post")]
    #[schema(value_type = String, required = false, pattern = "^[A-Za-z]{1,20}$")]
    method: String,
    /// The path, perhaps with a query.
    #[schema(pattern = "^/")]
    path: String,
    /// Headers by their names. With a body that is not a text, the content type is JSON unless one is given.
    #[serde(default)]
    #[schema(value_type = HashMap<String, String>, required = false)]
    headers: Map<String, Value>,
    /// The body: a text as it is sent, or anything else as JSON; none by default.
    #[serde(default)]
    body: Value,
    /// The client's address; 127.0.0.1 by default.
    #[serde(default = "here")]
    #[schema(value_type = String, required = false, format = Ipv4)]
    source: IpAddr,
}

/// What a request would get, and why.
#[derive(Debug, Serialize, ToSchema)]
struct Explained {
    /// The operation it hits; null where it hits none.
    operation: Option<&'static str>,
    /// The outcome that the client would see.
    outcome: &'static str,
    /// Why the appliance comes to that, in words.
    reason: String,
    /// The failure mode that would apply; null for none.
    failure: Option<String>,
    /// Whether a password would be replaced.
    changes: bool,
    /// What is wrong with the request.
    findings: Vec<Fault>,
    /// What may have been meant, where it hits no operation.
    suggestion: Option<String>,
    /// The answer, before anything happens to it on its way.
    answer: Given,
}

/// A fault of a request.
#[derive(Debug, Serialize, ToSchema)]
struct Fault {
    /// Its name.
    name: &'static str,
    /// What is wrong, and what to do.
    advice: &'static str,
}

/// An answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedAnswer)]
struct Given {
    /// Its status.
    status: u16,
    /// Its headers.
    #[schema(value_type = Object)]
    headers: Map<String, Value>,
    /// Its body; invalid UTF-8 is replaced.
    body: String,
}

/// What a request would get now, and why. Nothing is sent, changed, counted or noted in the journal.
#[utoipa::path(post, path = "/v1/appliances/{name}/explain", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    request_body = Asked, responses((status = 200, description = "What it would get", body = Explained)))]
async fn explain(
    AppliancePath(running): AppliancePath,
    Json(asked): Json<Asked>,
) -> Result<Answer<Explained>, Problem> {
    let source = asked.source;
    let explanation = running.appliance().explain(&request(asked)?, source);
    let headers = explanation.answer.headers().iter();
    let headers = headers
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into(),
            )
        })
        .collect();
    let fault = |finding: Finding| Fault {
        name: finding.name(),
        advice: finding.advice(),
    };
    Ok(Answer(Explained {
        operation: explanation.operation.map(Operation::name),
        outcome: explanation.outcome.name(),
        reason: explanation.reason,
        failure: explanation.failure,
        changes: explanation.changes,
        findings: explanation.findings.into_iter().map(fault).collect(),
        suggestion: explanation.suggestion,
        answer: Given {
            status: explanation.answer.status().as_u16(),
            headers,
            body: String::from_utf8_lossy(explanation.answer.body()).into_owned(),
        },
    }))
}

fn request(asked: Asked) -> Result<Request<Bytes>, Problem> {
    let wrong = |pointer: &str, expected: &str| {
        Problem::new(ProblemKind::InvalidBody, format!("expected {expected}"))
            .pointing(pointer.to_owned())
    };
    let method = Some(asked.method.as_bytes()).filter(|method| {
        method.len() <= MAX_METHOD_BYTES && method.iter().all(u8::is_ascii_alphabetic)
    });
    let method = method
        .and_then(|method| Method::from_bytes(method).ok())
        .ok_or_else(|| wrong("/method", "an HTTP method, as `POST`"))?;
    let uri: Uri = asked
        .path
        .parse()
        .ok()
        .filter(|_| asked.path.starts_with('/'))
        .ok_or_else(|| wrong("/path", "a path that begins with `/`"))?;
    let mut request = Request::builder().method(method).uri(uri);
    let is_text = matches!(asked.body, Value::Null | Value::String(_));
    let has_type = asked
        .headers
        .keys()
        .any(|name| name.eq_ignore_ascii_case(header::CONTENT_TYPE.as_str()));
    for (name, value) in &asked.headers {
        let pointer = format!("/headers/{}", name.replace('~', "~0").replace('/', "~1"));
        let name: HeaderName = name
            .parse()
            .map_err(|_| wrong(&pointer, "the name of a header"))?;
        let value = value
            .as_str()
            .and_then(|value| HeaderValue::from_str(value).ok())
            .ok_or_else(|| wrong(&pointer, "a header's value, a text"))?;
        request = request.header(name, value);
    }
    if !is_text && !has_type {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let body = match asked.body {
        Value::Null => Bytes::new(),
        Value::String(text) => Bytes::from(text),
        other => Bytes::from(other.to_string()),
    };
    request
        .body(body)
        .map_err(|_| wrong("/path", "a request that can be sent"))
}

fn post() -> String {
    "POST".to_owned()
}

fn here() -> IpAddr {
    IpAddr::V4(Ipv4Addr::LOCALHOST)
}

/// The longest method, in letters.
const MAX_METHOD_BYTES: usize = 20;
