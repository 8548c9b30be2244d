//! Changes that are answered and not made, made and not answered, or made of something else.

use bytes::Bytes;
use d4iot_double::contract::{
    Operation,
    Operation::{SetPassword, SetPasswordByAdmin},
    Outcome, Role,
};
use http::Response;

use crate::{
    fake::{Exchange, is_success},
    tampering::{Tampering, success_of},
};

pub(crate) fn rows() -> Vec<Tampering> {
    let (when, costly) = (Tampering::when, Tampering::costly);
    vec![
        when("answers replaced and changes nothing", |exchange| {
            Some(exchange.answer_and_forget())
        }),
        when(
            "set_password answers replaced and changes nothing",
            |exchange| {
                exchange
                    .is(SetPassword)
                    .then(|| exchange.answer_and_forget())
            },
        ),
        when(
            "set_password_by_admin answers replaced and changes nothing",
            |exchange| {
                exchange
                    .is(SetPasswordByAdmin)
                    .then(|| exchange.answer_and_forget())
            },
        ),
        when(
            "refuses wrong passwords and changes all the same",
            |exchange| {
                let wrong = exchange.asks_for_change() && !exchange.is_right();
                wrong.then(|| refuse_and_change(exchange))
            },
        ),
        when(
            "set_password refuses wrong passwords and changes",
            |exchange| {
                let wrong = exchange.is(SetPassword) && !exchange.is_right();
                wrong.then(|| refuse_and_change(exchange))
            },
        ),
        when(
            "set_password_by_admin refuses wrong passwords and changes",
            |exchange| {
                let wrong = exchange.is(SetPasswordByAdmin) && !exchange.is_right();
                wrong.then(|| refuse_and_change(exchange))
            },
        ),
        when(
            "refuses whoever is no administrator and changes",
            |exchange| {
                let acts = exchange.role(exchange.field("admin_username"))?;
                let by_other = exchange.is(SetPasswordByAdmin) && acts != Role::Admin;
                by_other.then(|| refuse_and_change(exchange))
            },
        ),
        when("refuses by policy and changes", |exchange| {
            let answer = exchange.answer();
            let text = String::from_utf8_lossy(answer.body()).into_owned();
            if exchange.asks_for_change() && text.contains("policy") {
                exchange.change();
            }
            Some(answer)
        }),
        when(
            "refuses right passwords by policy and changes",
            |exchange| {
                let answer = (exchange.change > 0).then(|| exchange.answer())?;
                Some(if is_success(&answer) {
                    exchange.worded(Outcome::PolicyRefused, 400)
                } else {
                    answer
                })
            },
        )
        .policy("{ history: 1 }"),
        when("refuses right passwords and changes", |exchange| {
            let answer = (exchange.change > 0).then(|| exchange.answer())?;
            Some(if is_success(&answer) {
                exchange.refused()
            } else {
                answer
            })
        }),
        when(
            "a user's change is made for the bystander too",
            |exchange| changed_too(exchange, SetPassword, "lab-bystander"),
        )
        .harmful(),
        when(
            "a user's change is made for the administrator too",
            |exchange| changed_too(exchange, SetPassword, "boss"),
        )
        .harmful(),
        when(
            "an administrator's change is made for the bystander",
            |exchange| {
                let answer = exchange
                    .is(SetPasswordByAdmin)
                    .then(|| exchange.answer_and_forget())?;
                if is_success(&answer) {
                    exchange
                        .fake
                        .set_password("lab-bystander", exchange.field("new_password"));
                }
                Some(answer)
            },
        )
        .harmful(),
        when(
            "an administrator's change is made for the administrator too",
            |exchange| changed_too(exchange, SetPasswordByAdmin, "boss"),
        )
        .harmful(),
        costly(
            "the old password stays valid beside the new one",
            |exchange| {
                (exchange.is_validation() && exchange.is_in_past()).then(|| exchange.succeeded())
            },
        ),
        when("new passwords are cut at eight letters", |exchange| {
            let new: String = exchange.field("new_password").chars().take(8).collect();
            let change = exchange.change > 0 && exchange.asks_for_change();
            change.then(|| {
                let answer = exchange.answer();
                if is_success(&answer) {
                    exchange.fake.set_password(exchange.username(), &new);
                }
                answer
            })
        })
        .harmful(),
        when("new passwords are stored in lower case", |exchange| {
            let new = exchange.field("new_password").to_lowercase();
            let change = exchange.change > 0 && exchange.asks_for_change();
            change.then(|| {
                let answer = exchange.answer();
                if is_success(&answer) {
                    exchange.fake.set_password(exchange.username(), &new);
                }
                answer
            })
        })
        .harmful(),
        when("a validation changes the password", |exchange| {
            let answer = exchange.is_validation().then(|| exchange.answer())?;
            if is_success(&answer) && exchange.username() == "lab-bystander" {
                exchange.fake.set_password("lab-bystander", "Changed-1!");
            }
            Some(answer)
        })
        .harmful(),
        when("an unknown user is created", |exchange| {
            if exchange.is(SetPasswordByAdmin) && exchange.is_right() {
                exchange.create();
            }
            None
        })
        .harmful(),
        when("an unknown user is answered as replaced", |exchange| {
            let unknown = exchange.role(exchange.username()).is_none();
            (exchange.is(SetPasswordByAdmin) && exchange.is_right() && unknown)
                .then(|| exchange.succeeded())
        }),
    ]
}

fn refuse_and_change(exchange: &Exchange<'_>) -> http::Response<bytes::Bytes> {
    let answer = exchange.answer();
    exchange.change();
    answer
}

/// A change that succeeds, and is made for another user as well.
fn changed_too(
    exchange: &Exchange<'_>,
    operation: Operation,
    user: &str,
) -> Option<Response<Bytes>> {
    let answer = success_of(exchange, operation)?;
    let password = exchange.field("new_password");
    exchange.fake.set_password(user, password);
    Some(answer)
}
