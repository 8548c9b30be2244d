//! Password policies, and appliances whose answers to changes or validations prove nothing.

use std::time::Duration;

use d4iot_double::contract::{Operation, Outcome};

use crate::{
    fake::{Answer, Exchange},
    scenarios::{Scenario, locks::ROLES},
};

pub(crate) fn rows() -> Vec<Scenario> {
    vec![
        Scenario::new("a minimum age that holds for everybody", |exchange| {
            refuses_if(exchange, |exchange| exchange.is_recently_changed(AGE))
        })
        .check(ROLES, &[7], &["lab-", "recover"]),
        Scenario::well("a policy of at most 16 characters")
            .fixture(
                "policy: product_16",
                "policy: { min_length: 8, max_length: 16 }",
            )
            .accounts("Boss-", "Boss-")
            .fixture("Lab-User-Passw0rd:1", "Lab-User-Pw0rd:1")
            .accounts("Lab-User-Passw0rd:1", "Lab-User-Pw0rd:1")
            .check(&[], &[0], &[]),
        Scenario::well("a policy that the passwords in use do not meet")
            .fixture("policy: product_16", "policy: { min_length: 30 }")
            .check(&[], &[0, 4], &[]),
        Scenario::new("answers replaced and changes nothing", |exchange| {
            exchange.answer_and_forget().into()
        })
        .check(&[], &[1], &[]),
        Scenario::new("an administrator without rights", |exchange| {
            if exchange.is(Operation::SetPasswordByAdmin) && exchange.is_right() {
                exchange.worded(Outcome::PermissionDenied, 403).into()
            } else {
                exchange.answer().into()
            }
        })
        .check(&[], &[0, 1], &[]),
        Scenario::well("two accounts with one password")
            .fixture("Lab-User-Passw0rd:1", "Boss-Password-12345")
            .accounts("Lab-User-Passw0rd:1", "Boss-Password-12345")
            .check(&[], &[0, 2], &[]),
        Scenario::well("a protected user in the file")
            .accounts("username: lab-user", "username: root")
            .check(&[], &[6], &["root"]),
    ]
}

/// Refuses a change by its policy, if the credentials are right and it is like that.
fn refuses_if(exchange: &Exchange<'_>, like: impl Fn(&Exchange<'_>) -> bool) -> Answer {
    if exchange.change > 0 && like(exchange) {
        exchange.worded(Outcome::PolicyRefused, 400).into()
    } else {
        exchange.answer().into()
    }
}

const AGE: Duration = Duration::from_secs(86_400);
