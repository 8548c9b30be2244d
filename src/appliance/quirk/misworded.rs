//! What is answered in other words, in another form, or with something that was not asked for; lawful forms among them.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, Version, header};
use serde_json::Value;

use super::percent;
use crate::{
    appliance::{Asked, Rules, Worded},
    contract::{Field, Outcome, closed_set},
};

closed_set! {
    /// A way to word, or to send, otherwise.
    Misworded, "quirk" {
        /// The unknown user's answer names somebody else.
        AnotherNameEchoed = "another_name_echoed",
        /// A new password that is refused is called a failed authentication.
        AuthenticationTextForPolicy = "authentication_text_for_policy",
        /// Both keys stand in every answer.
        BothKeys = "both_keys",
        /// Texts in capitals.
        Capitals = "capitals",
        /// A charset in another spelling. Lawful.
        CharsetSpelt = "charset_spelt",
        /// The body is sent in chunks. Lawful.
        Chunked = "chunked",
        /// The connection is closed behind every answer. Lawful.
        Closing = "closing",
        /// `%41` in an echoed name is decoded.
        EchoDecoded = "echo_decoded",
        /// Markup in an echoed name is escaped.
        EchoEscapedForHtml = "echo_escaped_for_html",
        /// Braces in an echoed name are filled.
        EchoFilled = "echo_filled",
        /// Single quotes in an echoed name are doubled.
        EchoQuotesDoubled = "echo_quotes_doubled",
        /// Blanks around an echoed name are lost.
        EchoTrimmed = "echo_trimmed",
        /// An echoed name stands in the JSON as it was sent.
        EchoUnescaped = "echo_unescaped",
        /// Letters beyond ASCII are lost from an echoed name.
        EchoWithoutNotAscii = "echo_without_not_ascii",
        /// A failure is a list of failures.
        ErrorsInAList = "errors_in_a_list",
        /// A failure is a plain text under `error`.
        ErrorAsText = "error_as_text",
        /// Letters are `\u` escapes. Lawful.
        EscapedLetters = "escaped_letters",
        /// An exclamation mark behind every text.
        ExclamationMark = "exclamation_mark",
        /// A field that nobody knows stands in every answer.
        ExtraField = "extra_field",
        /// Every failure has the status 400. Lawful.
        Failures400 = "failures_400",
        /// Headers of proxies and frameworks. Lawful.
        FurtherHeaders = "further_headers",
        /// HTTP/1.0, and the connection is closed. Lawful.
        Http10 = "http_1_0",
        /// The internal message tells what went on inside.
        InternalsTold = "internals_told",
        /// A line end behind the body. Lawful.
        LineEnd = "line_end",
        /// Texts begin in lower case, as the edition of 2020 has them.
        LowerCaseStart = "lower_case_start",
        /// `message` in place of `msg`.
        MessageForMsg = "message_for_msg",
        /// No `Allow` where a method is refused.
        NoAllow = "no_allow",
        /// No content type.
        NoContentType = "no_content_type",
        /// The internal message repeats the new password.
        PasswordEchoed = "password_echoed",
        /// Who may not is told that the user does not exist.
        PermissionHidden = "permission_hidden",
        /// The body is indented. Lawful.
        PrettyPrinted = "pretty_printed",
        /// What is no lawful request gets a web server's page.
        PagesForBadRequests = "pages_for_bad_requests",
        /// A body that is no JSON gets a stack trace.
        StackTraces = "stack_traces",
        /// A success is a text, and no object.
        SuccessAsText = "success_as_text",
        /// Every answer has the status 418.
        Teapot = "teapot",
        /// A typographic apostrophe, as the edition of 2020 has it.
        TypographicApostrophe = "typographic_apostrophe",
    }
}

impl Misworded {
    pub(super) fn word(self, rules: &Rules, worded: Worded, asked: &Asked) -> Response<Bytes> {
        let instead = |outcome, other| {
            // Where nothing words the other outcome, this one stays.
            let other = (worded.outcome == outcome)
                .then(|| rules.wording_of(worded.operation, other))
                .flatten();
            rules.speak(other.unwrap_or(worded), asked).into_response()
        };
        let mut answer = rules.speak(worded, asked).into_response();
        let name = match asked {
            Asked::Fields(_, values) => values.of(Field::Username),
            Asked::Refused(..) => "",
        };
        let echo = |answer, other: String| {
            if worded.outcome == Outcome::UserUnknown {
                texts(answer, |text| text.replace(name, &other))
            } else {
                answer
            }
        };
        match self {
            Misworded::AnotherNameEchoed => echo(answer, "somebody".to_owned()),
            Misworded::AuthenticationTextForPolicy => {
                instead(Outcome::PolicyRefused, Outcome::AuthenticationFailed)
            }
            Misworded::BothKeys => json(answer, |body| {
                if let Value::Object(object) = body {
                    object.entry("msg").or_insert_with(|| "".into());
                    object.entry("error").or_insert(Value::Null);
                }
            }),
            Misworded::Capitals => texts(answer, str::to_uppercase),
            Misworded::CharsetSpelt => with_header(
                answer,
                header::CONTENT_TYPE,
                "application/json;charset=UTF-8",
            ),
            Misworded::Chunked => with_header(answer, header::TRANSFER_ENCODING, "chunked"),
            Misworded::Closing => with_header(answer, header::CONNECTION, "close"),
            Misworded::EchoDecoded => echo(answer, percent::decoded(name)),
            Misworded::EchoEscapedForHtml => {
                echo(answer, name.replace('&', "&amp;").replace('<', "&lt;"))
            }
            Misworded::EchoFilled => echo(answer, name.replace("{username}", name)),
            Misworded::EchoQuotesDoubled => echo(answer, name.replace('\'', "''")),
            Misworded::EchoTrimmed => echo(answer, name.trim().to_owned()),
            Misworded::EchoUnescaped => {
                let escaped = Value::from(name).to_string();
                let body = String::from_utf8_lossy(answer.body())
                    .replace(&escaped[1..escaped.len() - 1], name);
                answer.map(|_| Bytes::from(body))
            }
            Misworded::EchoWithoutNotAscii => {
                echo(answer, name.chars().filter(char::is_ascii).collect())
            }
            Misworded::ErrorAsText => json(answer, |body| {
                if let Some(text) = body.pointer("/error/userDisplayErrorMessage").cloned() {
                    body["error"] = text;
                }
            }),
            Misworded::ErrorsInAList => json(answer, |body| {
                if let Some(error) = body.get_mut("error") {
                    *error = Value::Array(vec![error.take()]);
                }
            }),
            Misworded::EscapedLetters => {
                let body = String::from_utf8_lossy(answer.body()).replace('e', "\\u0065");
                answer.map(|_| Bytes::from(body))
            }
            Misworded::ExclamationMark => texts(answer, |text| format!("{text}!")),
            Misworded::ExtraField => json(answer, |body| {
                if let Value::Object(object) = body {
                    object.insert("code".to_owned(), 0.into());
                }
            }),
            Misworded::Failures400 => {
                if !worded.outcome.is_success() {
                    *answer.status_mut() = StatusCode::BAD_REQUEST;
                }
                answer
            }
            Misworded::FurtherHeaders => {
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
            Misworded::Http10 => {
                *answer.version_mut() = Version::HTTP_10;
                with_header(answer, header::CONNECTION, "close")
            }
            Misworded::InternalsTold => internal(
                answer,
                "java.lang.IllegalStateException at CredentialService.check",
            ),
            Misworded::LineEnd => answer.map(|body| Bytes::from([&body[..], b"\r\n"].concat())),
            Misworded::LowerCaseStart => texts(answer, |text| {
                let mut letters = text.chars();
                letters
                    .next()
                    .into_iter()
                    .flat_map(char::to_lowercase)
                    .chain(letters)
                    .collect()
            }),
            Misworded::MessageForMsg => json(answer, |body| {
                if let Some(text) = body.as_object_mut().and_then(|object| object.remove("msg")) {
                    body["message"] = text;
                }
            }),
            Misworded::NoAllow => {
                answer.headers_mut().remove(header::ALLOW);
                answer
            }
            Misworded::NoContentType => {
                answer.headers_mut().remove(header::CONTENT_TYPE);
                answer
            }
            Misworded::PasswordEchoed => match asked {
                Asked::Fields(_, values) if !worded.outcome.is_success() => {
                    let [one, other] =
                        [Field::Password, Field::AdminPassword].map(|field| values.of(field));
                    internal(answer, if one.is_empty() { other } else { one })
                }
                Asked::Fields(..) | Asked::Refused(..) => answer,
            },
            Misworded::PermissionHidden => instead(Outcome::PermissionDenied, Outcome::UserUnknown),
            Misworded::PrettyPrinted => {
                let pretty = serde_json::from_slice::<Value>(answer.body())
                    .and_then(|body| serde_json::to_string_pretty(&body));
                pretty.map_or(answer.clone(), |pretty| answer.map(|_| Bytes::from(pretty)))
            }
            Misworded::PagesForBadRequests
                if [Outcome::BadRequest, Outcome::HeadTooLarge].contains(&worded.outcome) =>
            {
                let answer = with_header(answer, header::CONTENT_TYPE, "text/html");
                answer.map(|_| {
                    Bytes::from_static(
                        b"<html><head><title>400 Bad Request</title></head></html>\n",
                    )
                })
            }
            Misworded::PagesForBadRequests => answer,
            Misworded::StackTraces if worded.outcome == Outcome::MalformedBody => {
                *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                let answer = with_header(answer, header::CONTENT_TYPE, "text/plain");
                answer.map(|_| Bytes::from_static(b"Traceback (most recent call last):\n  File \"views.py\", line 42, in post\n"))
            }
            Misworded::StackTraces => answer,
            Misworded::SuccessAsText => json(answer, |body| {
                if let Some(text) = body.get("msg").cloned() {
                    *body = text;
                }
            }),
            Misworded::Teapot => {
                *answer.status_mut() = StatusCode::IM_A_TEAPOT;
                answer
            }
            Misworded::TypographicApostrophe => {
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
