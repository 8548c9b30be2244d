//! Wrong credentials that are accepted, required fields that are not, and credentials in answers.

use bytes::Bytes;
use d4iot_double::contract::{
    Operation,
    Operation::{SetPassword, SetPasswordByAdmin, Validation},
    Outcome, Role,
};
use http::Response;

use crate::{
    fake::{Exchange, is_success, json_response},
    tampering::{Tampering, rewritten, with_header},
};

type Given = Option<Response<Bytes>>;

pub(crate) fn rows() -> Vec<Tampering> {
    let (when, costly) = (Tampering::when, Tampering::costly);
    let mut rows = vec![
        when("any password validates", |exchange| {
            any(exchange, Validation, None)
        }),
        costly("any password of an administrator validates", |exchange| {
            any(exchange, Validation, Some(Role::Admin))
        }),
        costly("any password of a read-only user validates", |exchange| {
            any(exchange, Validation, Some(Role::ReadOnly))
        }),
        when("any password of an analyst validates", |exchange| {
            any(exchange, Validation, Some(Role::SecurityAnalyst))
        }),
        when("any password changes", |exchange| {
            any(exchange, SetPassword, None)
        }),
        costly("any password of a read-only user changes", |exchange| {
            any(exchange, SetPassword, Some(Role::ReadOnly))
        }),
        when("any password of an analyst changes", |exchange| {
            any(exchange, SetPassword, Some(Role::SecurityAnalyst))
        }),
        when("any password of an administrator sets others", |exchange| {
            any(exchange, SetPasswordByAdmin, Some(Role::Admin))
        }),
        when("any password at all sets others", |exchange| {
            any(exchange, SetPasswordByAdmin, None)
        }),
        costly("another user's password validates", |exchange| {
            anyones(exchange, Validation)
        }),
        costly("another user's password changes", |exchange| {
            anyones(exchange, SetPassword)
        }),
        costly(
            "the administrator's password changes a user's",
            |exchange| {
                let is_boss = exchange.password("boss")? == exchange.field("password");
                (exchange.is(SetPassword) && is_boss).then(|| exchange.answer_to_anybody())
            },
        ),
        costly(
            "the user's password is taken for the administrator's",
            |exchange| {
                let user = exchange.password(exchange.username())?;
                (exchange.is(SetPasswordByAdmin) && user == exchange.field("admin_password"))
                    .then(|| exchange.answer_to_anybody())
            },
        ),
        costly("users of no name validate", |exchange| {
            let unknown = exchange.is_validation() && exchange.role(exchange.username()).is_none();
            (unknown && !exchange.username().is_empty()).then(|| exchange.succeeded())
        }),
        costly("set_password tells who is unknown", |exchange| {
            let unknown = exchange.is(SetPassword) && exchange.role(exchange.username()).is_none();
            (unknown && !exchange.field("new_password").is_empty()).then(|| {
                exchange.refuse_sign_in();
                let text = format!("The user '{}' doesn't exist", exchange.username());
                json_response(
                    404,
                    serde_json::json!({ "error": { "userDisplayErrorMessage": text } }),
                )
            })
        }),
        when("nobody needs to be an administrator", |exchange| {
            let acts = exchange.role(exchange.field("admin_username"))?;
            let by_other = exchange.is(SetPasswordByAdmin) && acts != Role::Admin;
            (by_other && exchange.is_right()).then(|| {
                exchange.change();
                exchange.succeeded()
            })
        }),
        when("read-only users may set others' passwords", |exchange| {
            let acts = exchange.role(exchange.field("admin_username"))?;
            let by_reader = exchange.is(SetPasswordByAdmin) && acts == Role::ReadOnly;
            (by_reader && exchange.is_right()).then(|| {
                exchange.change();
                exchange.succeeded()
            })
        }),
        when("an administrator may not", |exchange| {
            let right = exchange.is(SetPasswordByAdmin) && exchange.is_right();
            right.then(|| exchange.worded(Outcome::PermissionDenied, 403))
        }),
        when("nobody may change the own password", |exchange| {
            (exchange.is(SetPassword) && exchange.change > 0).then(|| exchange.refused())
        }),
        when(
            "read-only users may not change the own password",
            |exchange| {
                let reader = exchange.role(exchange.username()) == Some(Role::ReadOnly);
                (exchange.is(SetPassword) && exchange.change > 0 && reader)
                    .then(|| exchange.refused())
            },
        ),
        when("nobody validates", |exchange| {
            // All but what the preflight asks first.
            (exchange.is_validation() && exchange.number > 60 && exchange.is_right())
                .then(|| exchange.refused())
        }),
        when("the password in a header", |exchange| {
            leaks(exchange, |answer, secret| {
                with_header(answer, "x-debug", secret)
            })
        }),
        when("the password in a header of failures", |exchange| {
            let answer = exchange.answer();
            let secret = exchange.credentials().1;
            Some(if is_success(&answer) {
                answer
            } else {
                with_header(answer, "x-debug", secret)
            })
        }),
        when("the password in a cookie", |exchange| {
            leaks(exchange, |answer, secret| {
                with_header(answer, "set-cookie", &format!("session={secret}; Secure"))
            })
        }),
        when("the password in a cookie, in base64", |exchange| {
            leaks(exchange, |answer, secret| {
                use base64::{Engine, prelude::BASE64_STANDARD};
                let secret = BASE64_STANDARD.encode(secret);
                with_header(answer, "set-cookie", &format!("session={secret}; Secure"))
            })
        }),
        when("the password in a header, in hexadecimal", |exchange| {
            leaks(exchange, |answer, secret| {
                let digits: String = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
                with_header(answer, "x-debug", &digits)
            })
        }),
        when("the new password in a header", |exchange| {
            let answer = exchange.answer();
            Some(with_header(
                answer,
                "x-debug",
                exchange.field("new_password"),
            ))
        }),
        when("the administrator's password in a header", |exchange| {
            let answer = exchange.answer();
            Some(with_header(
                answer,
                "x-debug",
                exchange.field("admin_password"),
            ))
        }),
        when("the password in a member", |exchange| {
            leaks(exchange, |answer, secret| {
                rewritten(answer, |body| body["password"] = secret.into())
            })
        }),
        when("the password in the internal message", |exchange| {
            leaks(exchange, |answer, secret| {
                rewritten(answer, |body| {
                    if body["error"].is_object() {
                        body["error"]["internalSystemErrorMessage"] = secret.into();
                    }
                })
            })
        }),
        costly("the request in the answer to malformed ones", |exchange| {
            let is_json = !exchange.body.is_null();
            let text = String::from_utf8_lossy(exchange.request.body()).into_owned();
            (exchange.operation.is_some() && !is_json)
                .then(|| json_response(400, serde_json::json!({ "error": text })))
        }),
    ];
    rows.extend(near_misses());
    rows.extend(fields());
    rows
}

/// Passwords that are nearly right.
fn near_misses() -> Vec<Tampering> {
    let costly = Tampering::costly;
    vec![
        costly("the beginning of the password validates", |exchange| {
            near(exchange, Validation, begins)
        }),
        costly("the beginning of the password changes", |exchange| {
            near(exchange, SetPassword, begins)
        }),
        costly(
            "the beginning of the administrator's password sets",
            |exchange| near(exchange, SetPasswordByAdmin, begins),
        ),
        costly("more than the password validates", |exchange| {
            near(exchange, Validation, longer)
        }),
        costly("more than the password changes", |exchange| {
            near(exchange, SetPassword, longer)
        }),
        costly("more than the administrator's password sets", |exchange| {
            near(exchange, SetPasswordByAdmin, longer)
        }),
        costly("the password in another case validates", |exchange| {
            near(exchange, Validation, case)
        }),
        costly("the password in another case changes", |exchange| {
            near(exchange, SetPassword, case)
        }),
        costly(
            "the administrator's password in another case sets",
            |exchange| near(exchange, SetPasswordByAdmin, case),
        ),
    ]
}

/// Required fields that are not required.
fn fields() -> Vec<Tampering> {
    let costly = Tampering::costly;
    vec![
        costly("validates without a password", |exchange| {
            without(exchange, Validation, "password")
        }),
        costly("validates without a user name", |exchange| {
            without(exchange, Validation, "username")
        }),
        costly("changes without a password", |exchange| {
            without(exchange, SetPassword, "password")
        }),
        costly("changes without a user name", |exchange| {
            without(exchange, SetPassword, "username")
        }),
        costly("changes without a new password", |exchange| {
            without(exchange, SetPassword, "new_password")
        }),
        costly("sets without the administrator's password", |exchange| {
            without(exchange, SetPasswordByAdmin, "admin_password")
        }),
        costly("sets without the administrator's name", |exchange| {
            without(exchange, SetPasswordByAdmin, "admin_username")
        }),
        costly("sets without a user name", |exchange| {
            without(exchange, SetPasswordByAdmin, "username")
        }),
        costly("sets without a new password", |exchange| {
            without(exchange, SetPasswordByAdmin, "new_password")
        }),
        costly("validates with an empty password", |exchange| {
            (exchange.is_validation() && exchange.body["password"] == "")
                .then(|| exchange.succeeded())
        }),
        costly("validates with null for a password", |exchange| {
            (exchange.is_validation() && exchange.body.get("password")?.is_null())
                .then(|| exchange.succeeded())
        }),
    ]
}

/// Any password is right, of users with a role.
fn any(exchange: &Exchange<'_>, operation: Operation, role: Option<Role>) -> Given {
    let of = exchange.role(exchange.credentials().0)?;
    let meant = exchange.is(operation) && role.is_none_or(|role| role == of);
    let given = !exchange.credentials().1.is_empty();
    (meant && given).then(|| exchange.answer_to_anybody())
}

/// Any user's password is right.
fn anyones(exchange: &Exchange<'_>, operation: Operation) -> Given {
    let (_, given) = exchange.credentials();
    let known = [
        "boss",
        "lab-user",
        "lab-bystander",
        "lab-readonly",
        "lab-analyst",
    ];
    let someones = known
        .iter()
        .any(|name| exchange.password(name).as_deref() == Some(given));
    (exchange.is(operation) && someones && exchange.role(exchange.credentials().0).is_some())
        .then(|| exchange.answer_to_anybody())
}

/// Passwords that are like the right one are right.
fn near(exchange: &Exchange<'_>, operation: Operation, like: fn(&str, &str) -> bool) -> Given {
    let (name, given) = exchange.credentials();
    let right = exchange.password(name)?;
    (exchange.is(operation) && given != right && like(given, &right))
        .then(|| exchange.answer_to_anybody())
}

fn begins(given: &str, right: &str) -> bool {
    given.len() > 3 && right.starts_with(given)
}

fn longer(given: &str, right: &str) -> bool {
    given.starts_with(right)
}

fn case(given: &str, right: &str) -> bool {
    given.eq_ignore_ascii_case(right)
}

/// A success, though a field is not there.
fn without(exchange: &Exchange<'_>, operation: Operation, field: &str) -> Given {
    let lacks = exchange.is(operation)
        && exchange
            .body
            .as_object()
            .is_some_and(|body| !body.is_empty() && !body.contains_key(field));
    lacks.then(|| exchange.succeeded())
}

/// The answer with whoever's password put into it.
fn leaks(exchange: &Exchange<'_>, put: impl Fn(Response<Bytes>, &str) -> Response<Bytes>) -> Given {
    let answer = exchange.answer();
    let (_, secret) = exchange.credentials();
    Some(if secret.is_empty() {
        answer
    } else {
        put(answer, secret)
    })
}
