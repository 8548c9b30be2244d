//! Password policies, and appliances whose answers to changes or validations prove nothing.

use std::{fs, time::Duration};

use d4iot_double::contract::{Operation, Outcome};
use serde_json::Value;

use crate::{
    fake::{Answer, Exchange, is_success},
    scenarios::{
        Command, Scenario,
        locks::{QUICK, QUICK_ROLES},
    },
};

pub(crate) fn rows() -> Vec<Scenario> {
    vec![
        Scenario::new("a minimum age that holds for everybody", |exchange| {
            refuses_if(exchange, |exchange| exchange.is_recently_changed(AGE))
        })
        .check(QUICK_ROLES, &[7], &["lab-", "recover"]),
        Scenario::new(
            "a minimum age that does not hold for administrators",
            |exchange| {
                refuses_if(exchange, |exchange| {
                    exchange.is(Operation::SetPassword) && exchange.is_recently_changed(AGE)
                })
            },
        )
        .check(QUICK, &[0], &[]),
        Scenario::new("refuses passwords that a user has had", |exchange| {
            refuses_if(exchange, |exchange| exchange.is_in_history())
        })
        .check(QUICK, &[4], &[]),
        Scenario::new(
            "refuses passwords that a user has had, not the current one",
            |exchange| {
                refuses_if(exchange, |exchange| {
                    exchange.is_in_history()
                        && exchange.password(exchange.username()).as_deref()
                            != Some(exchange.field("new_password"))
                })
            },
        )
        .lasting("the history refuses the old password")
        .check(QUICK_ROLES, &[7], &["lab-", "set another one"]),
        Scenario::well("a policy of length alone")
            .fixture(
                "policy: product_16",
                "policy: { min_length: 8, classes: 1 }",
            )
            .check(QUICK, &[0], &["no baseline", "--snapshots DIR"]),
        Scenario::well("a policy of at most 20 characters")
            .fixture(
                "policy: product_16",
                "policy: { min_length: 8, max_length: 20 }",
            )
            .check(&["--timeout", "2s", "--report", "json=r.json"], &[0], &[])
            .act(|play| {
                let report = fs::read(play.folder.path().join("r.json")).unwrap();
                let report: Value = serde_json::from_slice(&report).unwrap();
                let cases = report["targets"][0]["cases"].as_array().unwrap();
                let has_both = |case: &Value| {
                    let outcomes = case["exchanges"].as_array().unwrap().iter();
                    let mut outcomes = outcomes.map(|one| one["outcome"].as_str());
                    case["conformance"] == "documented"
                        && outcomes.next() == Some(Some("password_replaced"))
                        && outcomes.any(|outcome| outcome == Some("policy_refused"))
                };
                if !cases.iter().any(has_both) {
                    play.note("no case has the exchanges of the attempt that was refused");
                }
            }),
        Scenario::new(
            "a policy of length alone, and no weak password in the file",
            |exchange| exchange.answer().into(),
        )
        .fixture(
            "policy: product_16",
            "policy: { min_length: 1, classes: 1 }",
        )
        .check(WEAK, &[4], &["accepted every weak password", "`policy`"]),
        Scenario::new(
            "weak change takes effect late, no admin",
            weak_change_is_late,
        )
        .accounts(
            "admin: { username: boss, password: \"Boss-Password-12345\" }",
            "",
        )
        .fixture(
            "policy: product_16",
            "policy: { min_length: 8, classes: 1 }",
        )
        .check(WEAK, &[1], &["the old password still validates"])
        .changed(&[]),
        Scenario::new("a policy that refuses one symbol", |exchange| {
            refuses_if(exchange, |exchange| {
                exchange.field("new_password").contains("%41")
            })
        })
        .check(
            &[
                "--case",
                "set_password.characters.percent_plus_braces",
                "--case",
                "set_password.role.*",
            ],
            &[0],
            &[],
        ),
        Scenario::well("a policy that the passwords in use do not meet")
            .fixture("policy: product_16", "policy: { min_length: 30 }")
            .check(QUICK, &[0, 4], &[]),
        Scenario::new("a policy that refuses every password", |exchange| {
            refuses_if(exchange, |_| true)
        })
        .check(QUICK, &[4], &["policy"]),
        Scenario::new("refuses everybody who changes a password", |exchange| {
            if exchange.asks_for_change() && !exchange.field("new_password").is_empty() {
                exchange.refused().into()
            } else {
                exchange.answer().into()
            }
        })
        .check(QUICK, &[1], &["User authentication failure"]),
        Scenario::new(
            "refuses everybody who changes a password, and counts",
            |exchange| {
                if exchange.asks_for_change() && !exchange.field("new_password").is_empty() {
                    exchange.refuse_sign_in().into()
                } else {
                    exchange.answer().into()
                }
            },
        )
        .check(QUICK, &[1, 6], &[]),
        Scenario::new("refuses changes and makes them", |exchange| {
            let answer = exchange.answer();
            if exchange.change > 0 {
                exchange.refused().into()
            } else {
                answer.into()
            }
        })
        .check(QUICK, &[1, 7], &[]),
        Scenario::new("answers replaced and changes nothing", |exchange| {
            exchange.answer_and_forget().into()
        })
        .check(
            QUICK,
            &[1],
            &["note: waiting 2s: a lost change may still take effect"],
        ),
        Scenario::new("validates everybody", |exchange| {
            if exchange.is_validation() {
                exchange.succeeded().into()
            } else {
                exchange.answer().into()
            }
        })
        .check(QUICK, &[1, 6], &[])
        .act(|play| play.is_untouched()),
        Scenario::new("validates from a cache by user name", |exchange| {
            if exchange.is_validation() {
                exchange.cached(Duration::from_secs(60))
            } else {
                exchange.answer().into()
            }
        })
        .check(QUICK, &[1, 6], &[])
        .act(|play| play.is_untouched()),
        Scenario::new("creates users whom it does not know", |exchange| {
            if exchange.is(Operation::SetPasswordByAdmin) && exchange.is_right() {
                exchange.create();
            }
            exchange.answer().into()
        })
        .created(1)
        .check(QUICK, &[1, 6], &["nobody"]),
        Scenario::new("an administrator without rights", |exchange| {
            if exchange.is(Operation::SetPasswordByAdmin) && exchange.is_right() {
                exchange.worded(Outcome::PermissionDenied, 403).into()
            } else {
                exchange.answer().into()
            }
        })
        .check(QUICK, &[0, 1], &[]),
        Scenario::well("two entries with one user name")
            .accounts("username: lab-analyst", "username: lab-user")
            .check(QUICK, &[2], &["lab-user"]),
        Scenario::well("two accounts with one password")
            .fixture("Lab-User-Passw0rd:1", "Boss-Password-12345")
            .accounts("Lab-User-Passw0rd:1", "Boss-Password-12345")
            .check(QUICK, &[0, 2], &[]),
        Scenario::well("a protected user in the file")
            .accounts("username: lab-user", "username: root")
            .check(QUICK, &[6], &["root"]),
        Scenario::well("a short password in the file")
            .fixture("Lab-User-Passw0rd:1", "Sh0rt!a")
            .accounts("Lab-User-Passw0rd:1", "Sh0rt!a")
            .fixture("policy: product_16", "policy: { min_length: 1 }")
            .check(QUICK, &[0], &["`user`", "8 characters"]),
        Scenario::new("a short password that is echoed", |exchange| {
            let answer = exchange.answer();
            let echo = format!("{{\"password\":\"{}\",", exchange.field("password"));
            let text = String::from_utf8_lossy(answer.body()).into_owned();
            answer.map(|_| text.replacen('{', &echo, 1).into()).into()
        })
        .fixture("Lab-User-Passw0rd:1", "Sh0rt!a")
        .accounts("Lab-User-Passw0rd:1", "Sh0rt!a")
        .check(
            &[
                "--report",
                "json=r.json",
                "--report",
                "html=r.html",
                "--timeout",
                "2s",
            ],
            &[1, 4],
            &[],
        )
        .act(|play| play.shows_nowhere("Sh0rt!a")),
        Scenario::well("a port that is not the one consented to")
            .run(
                Command::Look,
                &["--change-passwords-on", "127.0.0.1:9"],
                &[6],
                &["127.0.0.1:9"],
            )
            .act(|play| play.is_untouched()),
    ]
}

/// Makes the change to the first weak password only when it has been looked at three times, and seemed not made.
fn weak_change_is_late(exchange: &Exchange<'_>) -> Answer {
    const FIRST: &str = "abcdefgh1234";
    if exchange.field("new_password") == FIRST {
        exchange.fake.ledger().counted = 1;
        return exchange.answer_and_forget().into();
    }
    let answer = exchange.answer();
    if exchange.is_validation() && is_success(&answer) {
        let mut ledger = exchange.fake.ledger();
        ledger.counted += usize::from(ledger.counted > 0);
        let looks = ledger.counted;
        drop(ledger);
        if looks == 4 {
            exchange.fake.set_password("lab-user", FIRST);
        }
    }
    answer.into()
}

/// Refuses a change by its policy, if the credentials are right and it is like that.
fn refuses_if(exchange: &Exchange<'_>, like: impl Fn(&Exchange<'_>) -> bool) -> Answer {
    if exchange.change > 0 && like(exchange) {
        exchange.worded(Outcome::PolicyRefused, 400).into()
    } else {
        exchange.answer().into()
    }
}

const WEAK: &[&str] = &[
    "--max-auth-failures",
    "6",
    "--timeout",
    "300ms",
    "--case",
    "set_password.policy_refused.weak",
];
const AGE: Duration = Duration::from_secs(86_400);
