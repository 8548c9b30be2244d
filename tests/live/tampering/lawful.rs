//! Behaviour on which the pages are silent, or which RFCs allow.

use std::time::Duration;

use bytes::Bytes;
use d4iot_double::contract::{Operation, Outcome};
use http::Response;
use serde_json::{Value, json};

use crate::{
    fake::{Answer, Exchange, is_success, json_response},
    tampering::{Tampering, replaced, rewritten, status, with_header},
};

pub(crate) fn rows() -> Vec<Tampering> {
    let (new, when, reading) = (Tampering::new, Tampering::when, Tampering::reading);
    let mut rows = vec![
        when("as documented", |_| None).verdict("validation.authenticated", "documented"),
        when("a policy of length alone", |_| None).fixture(
            "policy: product_16",
            "policy: { min_length: 8, classes: 1 }",
        ),
        when("a policy that accepts all", |_| None).fixture(
            "policy: product_16",
            "policy: { min_length: 1, classes: 1 }",
        ),
        when("no symbols in passwords", |_| None).fixture(
            "policy: product_16",
            "policy: { min_length: 8, classes: 3, symbols: '-:' }",
        ),
        when("a minimum age, but for administrators", |exchange| {
            let age = Duration::from_secs(86_400);
            (exchange.is(Operation::SetPassword)
                && exchange.change > 0
                && exchange.is_recently_changed(age))
            .then(|| exchange.worded(Outcome::PolicyRefused, 400))
        }),
        when("a policy of 8 to 12 letters", |_| None)
            .short_passwords()
            .fixture(
                "policy: product_16",
                "policy: { min_length: 8, max_length: 12 }",
            )
            .verdict("set_password.password_replaced", "documented"),
        when("refuses the current password", |exchange| {
            let current = exchange.password(exchange.username());
            let is_current = current.as_deref() == Some(exchange.field("new_password"));
            (exchange.change > 0 && is_current)
                .then(|| exchange.worded(Outcome::PolicyRefused, 400))
        })
        .policy("{ history: 1 }")
        .verdict("set_password.password_replaced", "documented"),
        when(
            "refuses the last password but for administrators",
            |exchange| {
                let is_refused = exchange.is(Operation::SetPassword) && exchange.is_in_history();
                (exchange.change > 0 && is_refused)
                    .then(|| exchange.worded(Outcome::PolicyRefused, 400))
            },
        )
        .verdict("set_password.password_replaced", "documented"),
        new("user names in any case", |exchange| {
            named(exchange, |name| name.to_lowercase())
        }),
        new("blanks around user names", |exchange| {
            named(exchange, |name| name.trim().to_owned())
        }),
        when("JSON that is mended", |exchange| {
            let text = String::from_utf8_lossy(exchange.request.body()).into_owned();
            let mended: Value = serde_json::from_str(&format!("{text}}}")).ok()?;
            let request = exchange.request.clone().map(|_| mended.to_string().into());
            exchange.operation.map(|_| exchange.answer_to(&request))
        }),
        when("the last of two members is not the one", |exchange| {
            let text = String::from_utf8_lossy(exchange.request.body()).into_owned();
            let twice = text.matches("\"password\"").count() > 1;
            (exchange.operation.is_some() && twice).then(|| exchange.refused())
        }),
        when("406 for what it does not speak", |exchange| {
            let accept = exchange.request.headers().get("accept")?.to_str().ok()?;
            let speaks = ["json", "*/*"].iter().any(|words| accept.contains(words));
            (!speaks).then(|| json_response(406, r#"{"error":"Not acceptable"}"#))
        }),
        new("a member errorCode in the error", |exchange| {
            let bend = |body: &mut Value| {
                if body["error"].is_object() {
                    body["error"]["errorCode"] = json!(17);
                }
            };
            rewritten(exchange.answer(), bend).into()
        }),
        new("members beside msg", |exchange| {
            let bend = |body: &mut Value| {
                if body["msg"].is_string() {
                    body["timestamp"] = json!("2026-11-29T00:00:00Z");
                    body["version"] = json!({ "major": 22 });
                }
            };
            rewritten(exchange.answer(), bend).into()
        }),
        new("members beside error", |exchange| {
            let bend = |body: &mut Value| {
                if body["error"].is_object() {
                    body["traceId"] = json!("4711");
                }
            };
            rewritten(exchange.answer(), bend).into()
        }),
        new("200 for everything", |exchange| {
            status(exchange.answer(), |_| 200)
        }),
        new("400, 418 and 500 for failures", |exchange| {
            status(exchange.answer(), |status| match status {
                200 => 200,
                401 => 400,
                403 | 404 => 418,
                _ => 500,
            })
        }),
        new("201 for successes", |exchange| {
            status(
                exchange.answer(),
                |status| if status == 200 { 201 } else { status },
            )
        }),
        new("422 for failures", |exchange| {
            status(
                exchange.answer(),
                |status| if status == 200 { 200 } else { 422 },
            )
        }),
        when("other words for a missing field", |exchange| {
            own_words(exchange, "required field", "Bad Request: parameter missing")
        }),
        when("other words for a malformed request", |exchange| {
            own_words(exchange, "not valid JSON", "Unexpected end of input")
        }),
        when("other words for a type that is not JSON", |exchange| {
            own_words(exchange, "content type", "Unsupported Media Type")
        }),
        when("a page for unknown paths", |exchange| {
            let answer = exchange.answer();
            let page = "<html><body><h1>404 Not Found</h1></body></html>";
            (answer.status() == 404 && exchange.operation.is_none())
                .then(|| with_header(json_response(404, page), "content-type", "text/html"))
        }),
        when("no body for other methods", |exchange| {
            let answer = exchange.answer();
            (answer.status() == 405).then(|| answer.map(|_| Bytes::new()))
        }),
        when("a missing field is a wrong sign-in", |exchange| {
            let missing = exchange.operation.is_some()
                && exchange.body.is_object()
                && exchange.credentials().1.is_empty();
            missing.then(|| exchange.refuse_sign_in())
        }),
        when("Location and Refresh on a success", |exchange| {
            let answer = exchange.answer();
            is_success(&answer).then(|| {
                let answer = with_header(answer, "location", "https://sensor.lab/home");
                with_header(answer, "refresh", "5; url=https://sensor.lab/home")
            })
        }),
        new("headers of a web server", |exchange| {
            let answer = with_header(exchange.answer(), "server", "nginx");
            let answer = with_header(answer, "strict-transport-security", "max-age=1");
            let answer = with_header(answer, "cache-control", "public");
            with_header(answer, "set-cookie", "session=f00; Secure").into()
        }),
        new("a charset", |exchange| {
            let answer = exchange.answer();
            if answer
                .headers()
                .get("content-type")
                .is_some_and(|kind| kind == "application/json")
            {
                with_header(answer, "content-type", "application/json; charset=utf-8").into()
            } else {
                answer.into()
            }
        }),
        new("pretty printed", |exchange| {
            let answer = exchange.answer();
            let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
            answer
                .map(|_| serde_json::to_string_pretty(&body).unwrap().into())
                .into()
        }),
        new("escaped letters", |exchange| {
            replaced(exchange.answer(), "e", "\\u0065").into()
        }),
        new("slow answers", |exchange| {
            Answer::After(Duration::from_millis(5), exchange.answer())
        }),
        when("bodies over a kibibyte are refused", |exchange| {
            (exchange.operation.is_some() && exchange.request.body().len() > 1024)
                .then(|| json_response(413, r#"{"error":"Too large"}"#))
        }),
        when("users with blanks are refused as malformed", |exchange| {
            let blank = exchange.username() != exchange.username().trim();
            (exchange.operation.is_some() && blank)
                .then(|| json_response(400, r#"{"error":"Invalid user name"}"#))
        }),
        when("429 to every seventh request", |exchange| {
            let answer = json_response(429, r#"{"error":"Too many requests"}"#);
            (exchange.number % 7 == 0).then(|| with_header(answer, "retry-after", "0"))
        }),
        when(
            "the sign-in is checked after the fields and the policy",
            |exchange| {
                let short = exchange.field("new_password").len() < 8;
                (exchange.asks_for_change() && !exchange.field("new_password").is_empty() && short)
                    .then(|| exchange.worded(Outcome::PolicyRefused, 400))
            },
        ),
    ];
    rows.extend([
        reading("the table's full stop", "X11", "table")
            .verdict("validation.authenticated", "variant"),
        reading("one path only", "X01", "heading"),
        reading("form types are read", "any.on_form_content_type", "taken"),
        reading("any type is read", "any.on_other_content_type", "taken"),
        reading(
            "further fields are refused",
            "any.on_unknown_field",
            "refused",
        ),
        reading(
            "the first of two fields counts",
            "any.on_duplicate_field",
            "first_counts",
        ),
        reading("a string for an error", "X24", "string"),
        reading(
            "administrators are no objects",
            "any.on_admin_target",
            "denied",
        ),
    ]);
    rows
}

fn named(exchange: &Exchange<'_>, name: fn(&str) -> String) -> Answer {
    let fields: Vec<(&str, String)> = ["username", "admin_username"]
        .into_iter()
        .filter(|field| !exchange.field(field).is_empty())
        .map(|field| (field, name(exchange.field(field))))
        .collect();
    if fields.is_empty() || exchange.operation.is_none() {
        return exchange.answer().into();
    }
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .map(|(field, name)| (*field, name.as_str()))
        .collect();
    exchange.answer_with(&fields).into()
}

/// Other words for an answer whose words are assumed.
fn own_words(exchange: &Exchange<'_>, assumed: &str, own: &str) -> Option<Response<Bytes>> {
    let answer = exchange.answer();
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    let own = json!({ "error": { "userDisplayErrorMessage": own } });
    Some(if text.contains(assumed) {
        answer.map(|_| own.to_string().into())
    } else {
        answer
    })
}
