//! Bodies and queries as handlers take them: of the right content type, whole, in time, not too large, and each fault with its place.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Request},
};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header, request::Parts};
use http_body_util::BodyExt;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::control::problem::{Problem, ProblemKind};

/// A body in JSON or YAML, whose text is read by others.
#[derive(Debug)]
pub(super) struct Text(pub(super) String);

/// A body in JSON, read.
#[derive(Debug)]
pub(super) struct Json<T>(pub(super) T);

/// A query, read.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<S: Sync> FromRequest<S> for Text {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Text, Problem> {
        let is_json = match essence(request.headers()).as_deref() {
            Some("application/json") => true,
            Some("application/yaml" | "application/x-yaml" | "text/yaml" | "text/x-yaml") => false,
            given => return Err(unsupported(given, "application/json or application/yaml")),
        };
        let bytes = whole(request).await?;
        if is_json {
            // JSON is YAML except for surrogates; the JSON reader has better messages.
            serde_json::from_slice::<IgnoredAny>(&bytes).map_err(|error| malformed(&error))?;
        }
        let text = String::from_utf8(bytes.into()).map_err(|error| {
            Problem::new(
                ProblemKind::MalformedBody,
                format!(
                    "the body is not UTF-8, from byte {} on",
                    error.utf8_error().valid_up_to() + 1
                ),
            )
        })?;
        Ok(Text(if is_json {
            joined_surrogates(text)
        } else {
            text
        }))
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Json<T>, Problem> {
        match essence(request.headers()).as_deref() {
            Some("application/json") => read(&whole(request).await?).map(Json),
            given => Err(unsupported(given, "application/json")),
        }
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query<T>, Problem> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(query)| Query(query))
            .map_err(|rejection| {
                // Axum's own text begins with its own title.
                let text = rejection.body_text();
                Problem::new(
                    ProblemKind::InvalidQuery,
                    text.split_once("query string: ")
                        .map_or(text.as_str(), |(_, rest)| rest),
                )
            })
    }
}

/// Reads JSON into what a handler takes.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::new(
            ProblemKind::MalformedBody,
            "the body is empty, expected a JSON object",
        ));
    }
    serde_json::from_slice::<IgnoredAny>(bytes).map_err(|error| malformed(&error))?;
    let reader = &mut serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let pointer = pointer(error.path());
        let error = error.into_inner();
        Problem::new(ProblemKind::InvalidBody, without_values(&error.to_string()))
            .at(error.line() as u64, error.column() as u64)
            .pointing(pointer)
    })
}

/// Reads the whole body. One that is too large is read to its end, so that the client reads the answer.
async fn whole(request: Request) -> Result<Bytes, Problem> {
    let reading = read_limited(request.into_body());
    let late = |_| {
        let detail = format!("expected the whole body within {} s", MAX_TIME.as_secs());
        Problem::new(ProblemKind::BodyTooSlow, detail)
    };
    tokio::time::timeout(MAX_TIME, reading)
        .await
        .map_err(late)?
}

async fn read_limited(mut body: Body) -> Result<Bytes, Problem> {
    let (mut bytes, mut length) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let broken = "the body ends early, or its chunks are malformed";
        let frame = frame.map_err(|_| Problem::new(ProblemKind::MalformedBody, broken))?;
        let data = frame.into_data().unwrap_or_default();
        length += data.len();
        if length > MAX_DRAINED {
            break;
        }
        if length <= MAX_BYTES {
            bytes.extend_from_slice(&data);
        }
    }
    if length > MAX_BYTES {
        let detail = format!("expected at most {MAX_BYTES} bytes");
        return Err(Problem::new(ProblemKind::BodyTooLarge, detail));
    }
    Ok(bytes.freeze())
}

fn essence(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(
        value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase(),
    )
}

fn unsupported(given: Option<&str>, expected: &str) -> Problem {
    let found = given.map_or_else(
        || "there is none".to_owned(),
        |given| format!("found `{given}`"),
    );
    Problem::new(
        ProblemKind::UnsupportedContentType,
        format!("expected the content type {expected}, {found}"),
    )
    .hint("curl -H 'content-type: application/json'; Python's requests: json=…")
}

/// The reader's message, which names no value where the syntax is wrong.
fn malformed(error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    Problem::new(
        ProblemKind::MalformedBody,
        format!("this is not JSON: {what}"),
    )
    .at(error.line() as u64, error.column() as u64)
}

/// Takes values out of serde's words, `invalid type: string "secret", expected a map`, and the place, which a problem has in fields of its own.
fn without_values(text: &str) -> String {
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    let expected = text.rfind(", expected ").unwrap_or(text.len());
    let (found, expected) = text.split_at(expected);
    match found.split_once(": ") {
        Some((what @ ("invalid type" | "invalid value"), value)) => {
            let kind = value
                .split(['"', '`'])
                .next()
                .unwrap_or_default()
                .trim_end();
            format!("{what}: {kind}{expected}")
        }
        _ => text.to_owned(),
    }
}

/// Writes a path as RFC 6901 does.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let segment = |segment: &Segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { variant } => format!("/{variant}"),
        Segment::Unknown => String::new(),
    };
    path.iter().map(segment).collect()
}

/// Writes pairs of surrogates, as JSON escapes what lies beyond 16 bits (Python does), in YAML's one escape for it. Columns behind such
/// a pair are two lower than in the body.
fn joined_surrogates(text: String) -> String {
    if !text.contains("\\ud") && !text.contains("\\uD") {
        return text;
    }
    let mut joined = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = rest.find('\\') {
        joined.push_str(&rest[..start]);
        rest = &rest[start..];
        let unit = |at: usize| {
            rest.get(at..at + 6)?
                .strip_prefix("\\u")
                .and_then(|digits| u16::from_str_radix(digits, 16).ok())
        };
        let pair = unit(0).zip(unit(6)).and_then(|(high, low)| {
            char::decode_utf16([high, low])
                .next()?
                .ok()
                .filter(|_| high & 0xfc00 == 0xd800)
        });
        let length = match pair {
            Some(character) => {
                joined.push_str(&format!("\\U{:08x}", u32::from(character)));
                12
            }
            None => {
                // A backslash and what it escapes, which may be another one.
                let length = rest.chars().take(2).map(char::len_utf8).sum();
                joined.push_str(&rest[..length]);
                length
            }
        };
        rest = &rest[length..];
    }
    joined + rest
}

/// The largest body, in bytes: a fixture of some ten thousand users.
const MAX_BYTES: usize = 4 * 1024 * 1024;
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

    #[rstest]
    #[case::none(r#"{"a":"\u00e4\\ud83d"}"#, r#"{"a":"\u00e4\\ud83d"}"#)]
    #[case::a_pair(r#"{"a":"x\ud83d\uDE00y\n"}"#, r#"{"a":"x\U0001f600y\n"}"#)]
    #[case::after_a_backslash(r#"{"a":"\\\ud83d\ude00"}"#, r#"{"a":"\\\U0001f600"}"#)]
    fn a_pair_of_surrogates_is_one_escape(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(joined_surrogates(text.to_owned()), expected);
    }
}
