//! Other words, members, forms and encodings than those documented.

use bytes::Bytes;
use d4iot_double::contract::Operation::{SetPassword, SetPasswordByAdmin, Validation};
use flate2::{Compression, write::GzEncoder};
use http::Response;
use serde_json::{Value, json};

use crate::{
    fake::{Answer, Exchange, is_success, json_response},
    tampering::{Tampering, replaced, rewritten, with_header},
};

pub(crate) fn rows() -> Vec<Tampering> {
    let new = Tampering::new;
    vec![
        new("replaced, in other words", |exchange| {
            says(
                exchange,
                "Password has been replaced",
                "Password was replaced",
            )
        }),
        new("replaced, in one word by set_password", |exchange| {
            if exchange.is(SetPassword) {
                says(exchange, "Password has been replaced", "Changed")
            } else {
                exchange.answer().into()
            }
        }),
        new(
            "replaced, in one word by set_password_by_admin",
            |exchange| {
                if exchange.is(SetPasswordByAdmin) {
                    says(exchange, "Password has been replaced", "Changed")
                } else {
                    exchange.answer().into()
                }
            },
        ),
        new("authenticated, in capitals", |exchange| {
            says(
                exchange,
                "Authentication succeeded",
                "AUTHENTICATION SUCCEEDED",
            )
        }),
        new("rejected, in other words", |exchange| {
            says(
                exchange,
                "Credentials validation failed",
                "Invalid credentials",
            )
        }),
        new("failed, in other words", |exchange| {
            says(exchange, "User authentication failure", "Login failed")
        }),
        new("no permission, in other words", |exchange| {
            says(exchange, "does not have the permissions", "is not allowed")
        }),
        new("unknown user, in other words", |exchange| {
            let answer = exchange.answer();
            let text = String::from_utf8_lossy(answer.body()).into_owned();
            if text.contains("doesn't exist") {
                replaced(answer, "doesn't exist", "is unknown").into()
            } else {
                answer.into()
            }
        }),
        new("unknown user, by another name", |exchange| {
            says(exchange, "The user '", "The user 'x-")
        }),
        new("policy, in other words", |exchange| {
            says(exchange, "security policy", "policy")
        }),
        new("a blank behind the text", |exchange| {
            says(exchange, "has been replaced", "has been replaced ")
        }),
        new("the text of another operation", |exchange| {
            says(
                exchange,
                "Password has been replaced",
                "Authentication succeeded.",
            )
        }),
        new(
            "set_password fails in the words of validation",
            |exchange| {
                says(
                    exchange,
                    "User authentication failure",
                    "Credentials validation failed",
                )
            },
        ),
        new("message instead of msg", |exchange| {
            says(exchange, "\"msg\"", "\"message\"")
        }),
        new("errors instead of error", |exchange| {
            says(exchange, "\"error\"", "\"errors\"")
        }),
        new("another member in the error", |exchange| {
            says(exchange, "userDisplayErrorMessage", "displayMessage")
        }),
        new("msg is a list", |exchange| {
            bent(exchange, |body| {
                if body["msg"].is_string() {
                    body["msg"] = json!([body["msg"].clone()]);
                }
            })
        }),
        new("msg is null", |exchange| {
            bent(exchange, |body| {
                if body["msg"].is_string() {
                    body["msg"] = Value::Null;
                }
            })
        }),
        new("a list around it", |exchange| {
            bent(exchange, |body| *body = json!([body.clone()]))
        }),
        new("msg and error in a success", |exchange| {
            bent(exchange, |body| {
                if body["msg"].is_string() {
                    body["error"] = json!({ "userDisplayErrorMessage": "no" });
                }
            })
        }),
        new("msg and error in a failure", |exchange| {
            bent(exchange, |body| {
                if body["error"].is_object() {
                    body["msg"] = json!("Authentication succeeded.");
                }
            })
        }),
        new("two members msg", |exchange| {
            says(exchange, "{\"msg\"", "{\"msg\":\"x\",\"msg\"")
        }),
        new("the last brace is missing", |exchange| {
            let answer = exchange.answer();
            let length = answer.body().len().saturating_sub(1);
            answer.map(|body| body.slice(..length)).into()
        }),
        new("something behind the JSON", |exchange| {
            exchange
                .answer()
                .map(|body| [&body[..], b";"].concat().into())
                .into()
        }),
        new("no body in a success", |exchange| {
            let answer = exchange.answer();
            if is_success(&answer) {
                answer.map(|_| Bytes::new()).into()
            } else {
                answer.into()
            }
        }),
        new("no body in a failure", |exchange| {
            let answer = exchange.answer();
            if is_success(&answer) {
                answer.into()
            } else {
                answer.map(|_| Bytes::new()).into()
            }
        }),
        new("the text alone", |exchange| {
            let answer = exchange.answer();
            let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
            match body["msg"].as_str() {
                Some(text) => answer.map(|_| text.to_owned().into()).into(),
                None => answer.into(),
            }
        }),
        new("a page for everything", |_| {
            let page = json_response(200, "<html><body>Sign in</body></html>");
            with_header(page, "content-type", "text/html").into()
        }),
        new("msg is hello, and 500", |exchange| {
            if exchange.is(Validation) {
                exchange.answer();
                return json_response(500, r#"{"msg":"hello"}"#).into();
            }
            exchange.answer().into()
        }),
        new("gzip is said of a plain body", |exchange| {
            encoded(exchange.answer(), "gzip").into()
        }),
        new("deflate is said of a plain body", |exchange| {
            encoded(exchange.answer(), "deflate").into()
        }),
        new("br is said of the body of a success", |exchange| {
            let answer = exchange.answer();
            if is_success(&answer) {
                encoded(answer, "br").into()
            } else {
                answer.into()
            }
        }),
        new("gzip is said of the body of a failure", |exchange| {
            let answer = exchange.answer();
            if is_success(&answer) {
                answer.into()
            } else {
                encoded(answer, "gzip").into()
            }
        }),
        new("gzip without a word about it", |exchange| {
            exchange.answer().map(|body| zipped(&body)).into()
        }),
        new("UTF-16", |exchange| {
            let utf16 = |body: Bytes| {
                let text = String::from_utf8_lossy(&body).into_owned();
                text.encode_utf16()
                    .flat_map(u16::to_be_bytes)
                    .collect::<Vec<u8>>()
                    .into()
            };
            exchange.answer().map(utf16).into()
        }),
    ]
}

fn says(exchange: &Exchange<'_>, from: &str, to: &str) -> Answer {
    replaced(exchange.answer(), from, to).into()
}

fn bent(exchange: &Exchange<'_>, bend: impl Fn(&mut Value)) -> Answer {
    rewritten(exchange.answer(), bend).into()
}

fn encoded(answer: Response<Bytes>, encoding: &str) -> Response<Bytes> {
    with_header(answer, "content-encoding", encoding)
}

fn zipped(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut encoder, body).unwrap();
    encoder.finish().unwrap().into()
}
