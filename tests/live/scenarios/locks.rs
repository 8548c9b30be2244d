//! Wrong passwords in the accounts file, and appliances that lock.

use d4iot_double::contract::Outcome;
use http::Method;
use rustix::process::Signal;

use crate::{
    fake::{Answer, Exchange, KillAt, Lock, LockedBy, is_success, json_response},
    scenarios::{Command, Scenario, play::said},
};

pub(crate) fn rows() -> Vec<Scenario> {
    vec![
        Scenario::well("typo in one password").typo().row(1).check(
            QUICK,
            &[6],
            &["lab-user", "lab.yaml"],
        ),
        Scenario::well("typo in one password, without consent")
            .typo()
            .run(Command::Look, &[], &[6], &["lab-user", "lab.yaml"]),
        Scenario::well("typo in one password, at a budget of four")
            .typo()
            .check(&["--max-auth-failures", "4"], &[6], &["1 of 4 failed"])
            .row(1),
        Scenario::well("typo in the administrator's password")
            .accounts("Boss-Password-12345", "Typo-Password-12345")
            .check(QUICK, &[6], &["boss", "lab.yaml"]),
        Scenario::well("typo in a user's name")
            .accounts("username: lab-user", "username: lab-usr")
            .check(QUICK, &[6], &["lab-usr", "lab.yaml"]),
        Scenario::well("typo in two passwords")
            .typo()
            .accounts("Lab-An-Passw0rd:1", "Typo-Passw0rd:2")
            .check(QUICK, &[6], &["lab.yaml"]),
        Scenario::well("typo in all passwords")
            .accounts("Passw", "Typow")
            .check(QUICK, &[6], &["lab.yaml"]),
        Scenario::well("typo, and an appliance that locks after three")
            .typo()
            .locks(AFTER_THREE)
            .check(QUICK, &[6], &["lab-user"]),
        Scenario::well("locks after three")
            .locks(AFTER_THREE)
            .check(QUICK, &[0], &[]),
        Scenario::well("locks accounts after three")
            .locks(Lock {
                by: LockedBy::Account,
                ..AFTER_THREE
            })
            .check(QUICK, &[0], &[]),
        Scenario::well("counts without resetting")
            .locks(NO_RESET)
            .row(3)
            .check(QUICK, &[0], &[]),
        Scenario::well("five runs at one that counts without resetting")
            .locks(NO_RESET)
            .row(3)
            .check(QUICK, &[0], &[])
            .run(Command::Look, &[], &[0], &[])
            .run(Command::Look, &[], &[0], &[])
            .check(QUICK, &[0, 4, 6], &[])
            .check(QUICK, &[0, 4, 6], &[]),
        Scenario::well("typo, run five times")
            .typo()
            .locks(NO_RESET)
            .row(3)
            .check(QUICK, &[6], &["1 of 3 failed"])
            .check(QUICK, &[6], &["2 of 3 failed"])
            .check(QUICK, &[6], &["3 of 3 failed"])
            .check(QUICK, &[6], &["3 of 3 failed", "of 3 allowed (wait"])
            .check(QUICK, &[6], &["3 of 3 failed"]),
        Scenario::well("typo after a run that used up all failures")
            .locks(NO_RESET)
            .row(3)
            .check(QUICK, &[0], &["3 of 3 failed"])
            .edit("Lab-User-Passw0rd:1", "Typo-Passw0rd:1")
            .check(QUICK, &[6], &["3 of 3 failed", "of 3 allowed (wait"]),
        Scenario::new(
            "a run that is stopped before the answer to a wrong password",
            |exchange| {
                let answer = exchange.answer();
                if exchange.is_validation() && !is_success(&answer) {
                    exchange.fake.signal(Signal::INT);
                    Answer::Hang
                } else {
                    answer.into()
                }
            },
        )
        .act(|play| {
            let never = KillAt {
                request: usize::MAX,
                after: true,
            };
            let case = ["--case", "validation.credentials_rejected.wrong_password"];
            let output = play.kill(never, Command::Look, &case);
            let said = said(&output);
            if !said.contains("1 of 3 failed") || !said.contains("interrupted") {
                play.wrong("does not count what was not answered", &output);
            }
        }),
        Scenario::new("a run that is killed at its first POST", |exchange| {
            // Every path answers GET alike, so that the run asks by POST.
            if exchange.request.method() == Method::GET {
                return json_response(405, "{}").into();
            }
            exchange.fake.signal(Signal::KILL);
            Answer::Hang
        })
        .act(|play| {
            let never = KillAt {
                request: usize::MAX,
                after: true,
            };
            let output = play.kill(never, Command::Look, &["--max-auth-failures", "4"]);
            let remembered = play.remembered_failures();
            if output.status.code().is_some() || remembered != 4 {
                play.wrong(&format!("remembers {remembered} failures of 4"), &output);
            }
        }),
        Scenario::new("locked before the run", locked).check(QUICK, &[6], &["lock"]),
        Scenario::new(
            "locked before the run, in the words of wrong credentials",
            |exchange| {
                if exchange.operation.is_some() {
                    exchange.refuse_sign_in().into()
                } else {
                    exchange.answer().into()
                }
            },
        )
        .check(QUICK, &[6], &["lab.yaml"]),
        Scenario::new("locked by another client during the run", |exchange| {
            if exchange.number > 60 {
                locked(exchange)
            } else {
                exchange.answer().into()
            }
        })
        .check(QUICK, &[6, 7], &["lock"]),
        Scenario::new("locked behind a change", |exchange| {
            if exchange.fake.ledger().changes > 1 && exchange.change != 2 {
                locked(exchange)
            } else {
                exchange.answer().into()
            }
        })
        .check(QUICK_ROLES, &[7], &["lab-", "recover"]),
        Scenario::new("a person changes a password during the run", |exchange| {
            if exchange.number == 60 {
                exchange.fake.set_password("lab-user", "Of-A-Person-1!");
            }
            exchange.answer().into()
        })
        .lasting("a person changed it")
        .check(QUICK, &[6, 7], &["lab-user"])
        .act(|play| play.has_password("lab-user", "Of-A-Person-1!")),
        Scenario::new("a person changes a password before the undo", |exchange| {
            // The first change is the dry run, the second one that of the case.
            if exchange.change == 3 {
                exchange
                    .fake
                    .set_password("lab-analyst", "Of-A-Person-1!-2");
            }
            exchange.answer().into()
        })
        .lasting("a person changed it")
        .check(QUICK_CASE, &[7], &["lab-analyst", "somebody else"])
        .act(|play| play.has_password("lab-analyst", "Of-A-Person-1!-2")),
        Scenario::well("no failed sign-in is allowed").row(0).check(
            &["--max-auth-failures", "0"],
            &[6],
            &["no failed sign-in is allowed"],
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

/// The default of half a minute is also how long a run waits for changes that are late.
pub(crate) const QUICK: &[&str] = &["--timeout", "2s"];

pub(crate) const QUICK_ROLES: &[&str] = &["--timeout", "2s", "--case", "set_password.role.*"];

const QUICK_CASE: &[&str] = &[
    "--timeout",
    "2s",
    "--case",
    "set_password.role.security_analyst",
];

pub(crate) const ROLES: &[&str] = &["--case", "set_password.role.*"];

const AFTER_THREE: Lock = Lock {
    after: 3,
    ..Lock::SENSOR
};

const NO_RESET: Lock = Lock {
    resets: false,
    ..Lock::SENSOR
};
