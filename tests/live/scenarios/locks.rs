//! Wrong passwords in the accounts file, and appliances that lock.

use d4iot_double::contract::Outcome;

use crate::{
    fake::{Answer, Exchange, Lock, LockedBy},
    scenarios::Scenario,
};

pub(crate) fn rows() -> Vec<Scenario> {
    vec![
        Scenario::well("locks after three")
            .locks(AFTER_THREE)
            .check(&[], &[0], &[]),
        Scenario::well("locks accounts after three")
            .locks(Lock {
                by: LockedBy::Account,
                ..AFTER_THREE
            })
            .check(&[], &[0], &[]),
        Scenario::well("counts without resetting")
            .locks(NO_RESET)
            .row(3)
            .check(&[], &[0], &[]),
        Scenario::new("locked by another client during the run", |exchange| {
            if exchange.number > 60 {
                locked(exchange)
            } else {
                exchange.answer().into()
            }
        })
        .check(&[], &[6, 7], &["lock"]),
        Scenario::new("locked behind a change", |exchange| {
            if exchange.fake.ledger().changes > 1 && exchange.change != 2 {
                locked(exchange)
            } else {
                exchange.answer().into()
            }
        })
        .check(ROLES, &[7], &["lab-", "recover"]),
        Scenario::well("no failed sign-in is allowed").row(0).check(
            &["--max-auth-failures", "0"],
            &[0, 4],
            &[],
        ),
        Scenario::well("many failed sign-ins are allowed")
            .row(4)
            .check(&["--max-auth-failures", "40"], &[0], &[]),
    ]
}

/// Answers as an appliance that has locked the address.
fn locked(exchange: &Exchange<'_>) -> Answer {
    if exchange.operation.is_some() {
        exchange.worded(Outcome::LockedOut, 403).into()
    } else {
        exchange.answer().into()
    }
}

pub(crate) const ROLES: &[&str] = &["--case", "set_password.role.*"];

const AFTER_THREE: Lock = Lock {
    after: 3,
    ..Lock::SENSOR
};

const NO_RESET: Lock = Lock {
    resets: false,
    ..Lock::SENSOR
};
