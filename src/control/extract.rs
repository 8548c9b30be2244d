//! Extractors of the handlers: the appliance named in the path, and bodies of the right content type, whole, in time and not too large.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, RawPathParams, Request},
};
use bytes::{Bytes, BytesMut};
use http::{header, request::Parts};
use http_body_util::BodyExt;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_path_to_error::Segment;

use crate::{
    contract,
    control::{
        AppState,
        problem::{Problem, shorten},
    },
    fixture,
    server::{Registry, RunningAppliance},
};

/// The appliance named in the path; and the second name, a user's or a failure mode's, which is empty in other paths.
pub(super) struct AppliancePath(pub(super) Arc<RunningAppliance>, pub(super) String);

/// A body in JSON or YAML, which the readers of fixtures read.
pub(super) struct RequestText(pub(super) String);

/// A body in JSON.
pub(super) struct RequestJson<T>(pub(super) T);

impl FromRequestParts<Arc<AppState>> for AppliancePath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<AppState>) -> Result<Self, Problem> {
        let names = RawPathParams::from_request_parts(parts, app)
            .await
            .map_err(|_| Problem::unknown_path("a name in the path is not UTF-8"))?;
        let mut names = names.iter().map(|(_, name)| name.to_owned());
        let name = names.next().unwrap_or_default();
        match app.registry.find(&name) {
            Some(running) => Ok(AppliancePath(running, names.next().unwrap_or_default())),
            None => Err(unknown_appliance(&app.registry, &name)),
        }
    }
}

impl<S: Sync> FromRequest<S> for RequestText {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (bytes, is_json) = read(request, true).await?;
        let escape = |text: String| match is_json {
            true => fixture::escape(&text),
            false => text,
        };
        String::from_utf8(bytes.into())
            .map(|text| RequestText(escape(text)))
            .map_err(|error| {
                let place = error.utf8_error().valid_up_to() + 1;
                let detail = format!("the body is not UTF-8, from byte {place} on");
                Problem::malformed_body(detail)
            })
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for RequestJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (bytes, _) = read(request, false).await?;
        let reader = &mut serde_json::Deserializer::from_slice(&bytes);
        serde_path_to_error::deserialize(reader)
            .map(RequestJson)
            .map_err(|error| {
                // Bodies are maps of maps.
                let key = |segment: &Segment| match segment {
                    Segment::Map { key } => pointer(key),
                    _ => String::new(),
                };
                let pointer: String = error.path().iter().map(key).collect();
                let error = error.inner();
                Problem::invalid_body(without_values(&error.to_string()))
                    .at(error.line() as u64, error.column() as u64)
                    .pointer(pointer)
            })
    }
}

/// Returns the problem of a name that no appliance has.
pub(super) fn unknown_appliance(registry: &Registry, name: &str) -> Problem {
    let appliances = registry.appliances();
    let names = appliances.iter().map(|known| known.appliance().name());
    let names: Vec<_> = names.collect();
    Problem::unknown_appliance(format!("no appliance is named `{}`", shorten(name)))
        .did_you_mean(contract::nearest(name, names.iter().map(|name| &**name)))
}

/// Returns the place of a key in a JSON body (RFC 6901).
pub(super) fn pointer(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Reads a body whole, and says whether it is JSON. Where it is, it is well-formed: JSON is YAML, and the JSON reader has better messages.
async fn read(request: Request, takes_yaml: bool) -> Result<(Bytes, bool), Problem> {
    let value = request.headers().get(header::CONTENT_TYPE);
    let value = value.and_then(|value| value.to_str().ok());
    let essence = value.and_then(|value| value.split(';').next());
    let given = essence.unwrap_or_default().trim().to_ascii_lowercase();
    let is_json = given == "application/json";
    if !(is_json || takes_yaml && YAML.contains(&given.as_str())) {
        let expected = ["application/json", "application/json or application/yaml"];
        let expected = expected[usize::from(takes_yaml)];
        let found = if given.is_empty() {
            "there is none"
        } else {
            &format!("found `{given}`")
        };
        let detail = format!("expected the content type {expected}, {found}");
        let hint = "curl -H 'content-type: application/json'; Python's requests: json=…";
        return Err(Problem::unsupported_content_type(detail).hint(hint));
    }
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        let problem = Problem::unsupported_content_type("the body has a Content-Encoding");
        return Err(problem.hint("send it as it is, not compressed"));
    }
    let max_bytes = if takes_yaml { MAX_FIXTURE } else { MAX_BYTES };
    let whole = tokio::time::timeout(MAX_TIME, read_limited(request.into_body(), max_bytes)).await;
    let bytes = whole.map_err(|_| {
        let detail = format!("expected the whole body within {} s", MAX_TIME.as_secs());
        Problem::body_too_slow(detail)
    })??;
    let bytes = bytes
        .strip_prefix(BYTE_ORDER_MARK)
        .map_or(bytes.clone(), |rest| bytes.slice_ref(rest));
    if is_json && bytes.trim_ascii().is_empty() {
        let detail = "the body is empty, expected JSON";
        return Err(Problem::malformed_body(detail));
    }
    if is_json {
        serde_json::from_slice::<IgnoredAny>(&bytes).map_err(|error| {
            // The message has no value where the syntax is wrong.
            let text = error.to_string();
            let reason = text.split(" at line ").next().unwrap_or_default();
            let detail = format!("this is not JSON: {reason}");
            Problem::malformed_body(detail).at(error.line() as u64, error.column() as u64)
        })?;
    }
    Ok((bytes, is_json))
}

/// Reads a body that is too large to its end, so that the client reads the answer.
async fn read_limited(mut body: Body, max_bytes: usize) -> Result<Bytes, Problem> {
    let (mut bytes, mut length) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let broken = "the body ends early, or its chunks are malformed";
        let frame = frame.map_err(|_| Problem::malformed_body(broken))?;
        let data = frame.into_data().unwrap_or_default();
        length += data.len();
        if length > MAX_DRAINED {
            break;
        }
        if length <= max_bytes {
            bytes.extend_from_slice(&data);
        }
    }
    if length > max_bytes {
        let detail = format!("expected at most {max_bytes} bytes");
        return Err(Problem::body_too_large(detail));
    }
    Ok(bytes.freeze())
}

/// Removes from serde's text the value, `invalid type: string "secret", expected a map`, and the place, which a problem has in fields of its own.
fn without_values(text: &str) -> String {
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    let (found, expected) = text.split_at(text.rfind(", expected ").unwrap_or(text.len()));
    match found.split_once(": ") {
        Some((what @ ("invalid type" | "invalid value"), value)) => {
            let kind = value.split(['"', '`']).next().unwrap_or_default();
            format!("{what}: {}{expected}", kind.trim_end())
        }
        _ => text.to_owned(),
    }
}

const YAML: [&str; 4] = [
    "application/yaml",
    "application/x-yaml",
    "text/yaml",
    "text/x-yaml",
];
/// Some editors write it before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// The largest body, in bytes.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The largest fixture, in bytes: several times the state of a hundred thousand users, so that what was read can be put back.
const MAX_FIXTURE: usize = 32 * 1024 * 1024;
/// How much of a larger one is read and dropped.
const MAX_DRAINED: usize = 64 * 1024 * 1024;
/// How long a body may take.
const MAX_TIME: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_type(
        "invalid type: string \"Canary-1\", expected a map at line 1 column 5",
        "invalid type: string, expected a map"
    )]
    #[case::a_number(
        "invalid type: integer `4711`, expected a string",
        "invalid type: integer, expected a string"
    )]
    #[case::a_quote_inside(
        "invalid type: string \"a\\\", expected b\", expected u64",
        "invalid type: string, expected u64"
    )]
    #[case::a_key(
        "unknown field `frozn`, expected `frozen` or `advance`",
        "unknown field `frozn`, expected `frozen` or `advance`"
    )]
    fn no_value_is_repeated(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(without_values(text), expected);
    }
}
