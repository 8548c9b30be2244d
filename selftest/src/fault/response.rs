//! Faults of writing: other words, another form, additions. Valid forms are among them.

use bytes::Bytes;
use d4iot_double::{
    appliance::{ParsedRequest, ResponseKey, Rules},
    contract::{Field, Outcome},
};
use http::{HeaderValue, Response, StatusCode, Version, header};
use serde::Deserialize;
use serde_json::Value;

use super::percent;

/// A fault of writing. Some are valid: a control has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseFault {
    /// The unknown user's answer names somebody else.
    AnotherNameEchoed,
    /// A new password that is refused is called a failed authentication.
    AuthenticationTextForPolicy,
    /// Both keys stand in every answer.
    BothKeys,
    /// Texts in capitals.
    Capitals,
    /// A charset in another spelling. Valid.
    CharsetSpelt,
    /// The body is sent in chunks. Valid.
    Chunked,
    /// The connection is closed behind every answer. Valid.
    Closing,
    /// `%41` in an echoed name is decoded.
    EchoDecoded,
    /// Markup in an echoed name is escaped.
    EchoEscapedForHtml,
    /// Braces in an echoed name are filled.
    EchoFilled,
    /// Single quotes in an echoed name are doubled.
    EchoQuotesDoubled,
    /// Blanks around an echoed name are lost.
    EchoTrimmed,
    /// An echoed name stands in the JSON as it was sent.
    EchoUnescaped,
    /// Letters beyond ASCII are lost from an echoed name.
    EchoWithoutNotAscii,
    /// A failure is a list of failures.
    ErrorsInAList,
    /// A failure is a plain text under `error`.
    ErrorAsText,
    /// Letters are `\u` escapes. Valid.
    EscapedLetters,
    /// An exclamation mark behind every text.
    ExclamationMark,
    /// A field that nobody knows stands in every answer.
    ExtraField,
    /// Every failure has the status 400. Valid.
    #[serde(rename = "failures_400")]
    Failures400,
    /// Headers of proxies and frameworks. Valid.
    FurtherHeaders,
    /// HTTP/1.0, and the connection is closed. Valid.
    #[serde(rename = "http_1_0")]
    Http10,
    /// The internal message tells what went on inside.
    InternalsTold,
    /// A line end behind the body. Valid.
    LineEnd,
    /// Texts begin in lower case, as the edition of 2020 has them.
    LowerCaseStart,
    /// `message` in place of `msg`.
    MessageForMsg,
    /// No `Allow` where a method is refused.
    NoAllow,
    /// No content type.
    NoContentType,
    /// The internal message repeats the new password.
    PasswordEchoed,
    /// A cookie has the password that was sent.
    PasswordInACookie,
    /// A header repeats the password that was sent.
    PasswordInAHeader,
    /// Who may not is told that the user does not exist.
    PermissionHidden,
    /// The body is indented. Valid.
    PrettyPrinted,
    /// A request that is not valid HTTP gets a web server's page.
    PagesForBadRequests,
    /// A body that is no JSON gets a stack trace.
    StackTraces,
    /// A success is a text, and no object.
    SuccessAsText,
    /// Every answer has the status 418.
    Teapot,
    /// A typographic apostrophe, as the edition of 2020 has it.
    TypographicApostrophe,
}

impl ResponseFault {
    pub(super) fn apply(
        self,
        mut answer: Response<Bytes>,
        rules: &Rules,
        worded: ResponseKey,
        asked: &ParsedRequest<'_>,
    ) -> Response<Bytes> {
        let instead = |outcome, other| {
            // Where nothing words the other outcome, this one stays.
            let other = (worded.outcome == outcome)
                .then(|| rules.response_key(worded.operation, other))
                .flatten();
            rules.render_response(other.unwrap_or(worded), asked)
        };
        let name = match asked {
            ParsedRequest::Fields(_, values) => values.get(Field::Username),
            ParsedRequest::Rejected(..) => "",
        };
        let echo = |answer, other: String| {
            if worded.outcome == Outcome::UserUnknown {
                texts(answer, |text| text.replace(name, &other))
            } else {
                answer
            }
        };
        match self {
            ResponseFault::AnotherNameEchoed => echo(answer, "somebody".to_owned()),
            ResponseFault::AuthenticationTextForPolicy => {
                instead(Outcome::PolicyRefused, Outcome::AuthenticationFailed)
            }
            ResponseFault::BothKeys => json(answer, |body| {
                if let Value::Object(object) = body {
                    object.entry("msg").or_insert_with(|| "".into());
                    object.entry("error").or_insert(Value::Null);
                }
            }),
            ResponseFault::Capitals => texts(answer, str::to_uppercase),
            ResponseFault::CharsetSpelt => with_header(
                answer,
                header::CONTENT_TYPE,
                "application/json;charset=UTF-8",
            ),
            ResponseFault::Chunked => with_header(answer, header::TRANSFER_ENCODING, "chunked"),
            ResponseFault::Closing => with_header(answer, header::CONNECTION, "close"),
            ResponseFault::EchoDecoded => echo(answer, percent::decoded(name)),
            ResponseFault::EchoEscapedForHtml => {
                echo(answer, name.replace('&', "&amp;").replace('<', "&lt;"))
            }
            ResponseFault::EchoFilled => echo(answer, name.replace("{username}", name)),
            ResponseFault::EchoQuotesDoubled => echo(answer, name.replace('\'', "''")),
            ResponseFault::EchoTrimmed => echo(answer, name.trim().to_owned()),
            ResponseFault::EchoUnescaped => {
                let escaped = Value::from(name).to_string();
                let body = String::from_utf8_lossy(answer.body())
                    .replace(&escaped[1..escaped.len() - 1], name);
                answer.map(|_| Bytes::from(body))
            }
            ResponseFault::EchoWithoutNotAscii => {
                echo(answer, name.chars().filter(char::is_ascii).collect())
            }
            ResponseFault::ErrorAsText => json(answer, |body| {
                if let Some(text) = body.pointer("/error/userDisplayErrorMessage").cloned() {
                    body["error"] = text;
                }
            }),
            ResponseFault::ErrorsInAList => json(answer, |body| {
                if let Some(error) = body.get_mut("error") {
                    *error = Value::Array(vec![error.take()]);
                }
            }),
            ResponseFault::EscapedLetters => {
                let body = String::from_utf8_lossy(answer.body()).replace('e', "\\u0065");
                answer.map(|_| Bytes::from(body))
            }
            ResponseFault::ExclamationMark => texts(answer, |text| format!("{text}!")),
            ResponseFault::ExtraField => json(answer, |body| {
                if let Value::Object(object) = body {
                    object.insert("code".to_owned(), 0.into());
                }
            }),
            ResponseFault::Failures400 => {
                if !worded.outcome.is_success() {
                    *answer.status_mut() = StatusCode::BAD_REQUEST;
                }
                answer
            }
            ResponseFault::FurtherHeaders => {
                let further = [
                    ("server", "Apache"),
                    ("x-request-id", "7"),
                    ("strict-transport-security", "max-age=63072000"),
                    ("vary", "accept"),
                ];
                for (name, value) in further {
                    answer
                        .headers_mut()
                        .insert(name, HeaderValue::from_static(value));
                }
                answer
            }
            ResponseFault::Http10 => {
                *answer.version_mut() = Version::HTTP_10;
                with_header(answer, header::CONNECTION, "close")
            }
            ResponseFault::InternalsTold => internal(
                answer,
                "java.lang.IllegalStateException at CredentialService.check",
            ),
            ResponseFault::LineEnd => answer.map(|body| Bytes::from([&body[..], b"\r\n"].concat())),
            ResponseFault::LowerCaseStart => texts(answer, |text| {
                let mut letters = text.chars();
                letters
                    .next()
                    .into_iter()
                    .flat_map(char::to_lowercase)
                    .chain(letters)
                    .collect()
            }),
            ResponseFault::MessageForMsg => json(answer, |body| {
                if let Some(text) = body.as_object_mut().and_then(|object| object.remove("msg")) {
                    body["message"] = text;
                }
            }),
            ResponseFault::NoAllow => {
                answer.headers_mut().remove(header::ALLOW);
                answer
            }
            ResponseFault::NoContentType => {
                answer.headers_mut().remove(header::CONTENT_TYPE);
                answer
            }
            ResponseFault::PasswordEchoed => match asked {
                ParsedRequest::Fields(_, values) if !worded.outcome.is_success() => {
                    let [one, other] =
                        [Field::Password, Field::AdminPassword].map(|field| values.get(field));
                    internal(answer, if one.is_empty() { other } else { one })
                }
                ParsedRequest::Fields(..) | ParsedRequest::Rejected(..) => answer,
            },
            ResponseFault::PasswordInACookie | ResponseFault::PasswordInAHeader => {
                let ParsedRequest::Fields(_, values) = asked else {
                    return answer;
                };
                let [one, other] =
                    [Field::Password, Field::AdminPassword].map(|field| values.get(field));
                let sent = if one.is_empty() { other } else { one };
                let (name, value) = match self {
                    ResponseFault::PasswordInACookie => (header::SET_COOKIE, format!("p={sent}")),
                    _ => (header::WARNING, sent.to_owned()),
                };
                if let Ok(value) = HeaderValue::try_from(value) {
                    answer.headers_mut().insert(name, value);
                }
                answer
            }
            ResponseFault::PermissionHidden => {
                instead(Outcome::PermissionDenied, Outcome::UserUnknown)
            }
            ResponseFault::PrettyPrinted => {
                let pretty = serde_json::from_slice::<Value>(answer.body())
                    .and_then(|body| serde_json::to_string_pretty(&body));
                pretty.map_or(answer.clone(), |pretty| answer.map(|_| Bytes::from(pretty)))
            }
            ResponseFault::PagesForBadRequests
                if [Outcome::BadRequest, Outcome::HeadTooLarge].contains(&worded.outcome) =>
            {
                let answer = with_header(answer, header::CONTENT_TYPE, "text/html");
                answer.map(|_| {
                    Bytes::from_static(
                        b"<html><head><title>400 Bad Request</title></head></html>\n",
                    )
                })
            }
            ResponseFault::PagesForBadRequests => answer,
            ResponseFault::StackTraces if worded.outcome == Outcome::MalformedBody => {
                *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                let answer = with_header(answer, header::CONTENT_TYPE, "text/plain");
                answer.map(|_| Bytes::from_static(b"Traceback (most recent call last):\n  File \"views.py\", line 42, in post\n"))
            }
            ResponseFault::StackTraces => answer,
            ResponseFault::SuccessAsText => json(answer, |body| {
                if let Some(text) = body.get("msg").cloned() {
                    *body = text;
                }
            }),
            ResponseFault::Teapot => {
                *answer.status_mut() = StatusCode::IM_A_TEAPOT;
                answer
            }
            ResponseFault::TypographicApostrophe => {
                texts(answer, |text| text.replace('\'', "\u{2019}"))
            }
        }
    }
}

fn json(answer: Response<Bytes>, change: impl FnOnce(&mut Value)) -> Response<Bytes> {
    match serde_json::from_slice::<Value>(answer.body()) {
        Ok(mut body) => {
            change(&mut body);
            answer.map(|_| Bytes::from(body.to_string()))
        }
        Err(_) => answer,
    }
}

fn texts(answer: Response<Bytes>, other: impl Fn(&str) -> String) -> Response<Bytes> {
    json(answer, |body| each_text(body, &other))
}

fn each_text(body: &mut Value, other: &dyn Fn(&str) -> String) {
    match body {
        Value::String(text) if !text.is_empty() => *text = other(text),
        Value::Object(object) => object
            .values_mut()
            .for_each(|value| each_text(value, other)),
        Value::Array(_) | Value::Bool(_) | Value::Null | Value::Number(_) | Value::String(_) => {}
    }
}

/// Puts an internal message beside the one for users.
fn internal(answer: Response<Bytes>, text: &str) -> Response<Bytes> {
    json(answer, |body| {
        if let Some(Value::Object(error)) = body.get_mut("error") {
            error.insert("internalSystemErrorMessage".to_owned(), text.into());
        }
    })
}

fn with_header(
    mut answer: Response<Bytes>,
    name: header::HeaderName,
    value: &'static str,
) -> Response<Bytes> {
    answer
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    answer
}
