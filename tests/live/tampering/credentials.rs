//! Wrong credentials that are accepted, required fields that are not, and credentials in answers.

use bytes::Bytes;
use d4iot_double::contract::{
    Operation,
    Operation::{SetPassword, SetPasswordByAdmin, Validation},
    Outcome, Role,
};
use http::Response;

use crate::{
    fake::{Exchange, is_success},
    tampering::{Tampering, rewritten, with_header},
};

type Given = Option<Response<Bytes>>;

pub(crate) fn rows() -> Vec<Tampering> {
    let when = Tampering::when;
    let mut rows = vec![
        when("any password validates", |exchange| {
            any(exchange, Validation, None)
        }),
        when("any password of an analyst validates", |exchange| {
            any(exchange, Validation, Some(Role::SecurityAnalyst))
        }),
        when("any password changes", |exchange| {
            any(exchange, SetPassword, None)
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
    ];
    rows.extend(near_misses());
    rows.extend(fields());
    rows
}

/// Passwords that are nearly right.
fn near_misses() -> Vec<Tampering> {
    let _when = Tampering::when;
    vec![]
}

/// Required fields that are not required.
fn fields() -> Vec<Tampering> {
    let _when = Tampering::when;
    vec![]
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
