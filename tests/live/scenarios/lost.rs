//! Answers that are lost, late or no answers, and appliances that restart.

use std::time::Duration;

use crate::{
    fake::{Answer, Exchange, json_response},
    scenarios::{Scenario, locks::ROLES},
};

pub(crate) fn rows() -> Vec<Scenario> {
    vec![
        Scenario::new("never answers", |_| Answer::Hang).check(SHORT, &[3], &["300ms"]),
        Scenario::new("resets every connection", |_| Answer::Reset).check(SHORT, &[3, 4], &[]),
        Scenario::new("answers after the time-out", |exchange| {
            Answer::After(Duration::from_millis(900), exchange.answer())
        })
        .check(SHORT, &[3], &["300ms", "--timeout"]),
        Scenario::new("is silent from the sixtieth request on", |exchange| {
            if exchange.number > 60 {
                Answer::Hang
            } else {
                exchange.answer().into()
            }
        })
        .check(SHORT, &[3, 7], &[]),
        Scenario::new("is silent behind a change", |exchange| {
            if exchange.fake.ledger().changes > 1 && exchange.change != 2 {
                Answer::Hang
            } else {
                exchange.answer().into()
            }
        })
        .check(SHORT_ROLES, &[7], &["lab-", "recover"]),
        Scenario::new("loses one validation in twelve", |exchange| {
            if exchange.is_validation() && exchange.number % 12 == 0 {
                Answer::Reset
            } else {
                exchange.answer().into()
            }
        })
        .check(SHORT, &[0], &[]),
        Scenario::new("loses the answer to one change", |exchange| {
            let answer = exchange.answer();
            if exchange.change == 3 {
                Answer::Hang
            } else {
                answer.into()
            }
        })
        .check(SHORT, &[0], &[]),
        Scenario::new("loses one change", |exchange| {
            if exchange.change == 3 {
                Answer::Reset
            } else {
                exchange.answer().into()
            }
        })
        .check(SHORT, &[0], &[]),
        Scenario::new("loses the answer to every change", |exchange| {
            let answer = exchange.answer();
            if exchange.change > 0 {
                Answer::Reset
            } else {
                answer.into()
            }
        })
        .check(SHORT, &[1, 4], &[]),
        Scenario::new("changes 200 ms after its answer", |exchange| {
            exchange
                .answer_before_change(Duration::from_millis(200))
                .into()
        })
        .check(SHORT_ROLES, &[0, 1, 7], &[]),
        Scenario::new("changes 1.5 s after its answer", |exchange| {
            exchange
                .answer_before_change(Duration::from_millis(1500))
                .into()
        })
        .check(
            &[
                "--timeout",
                "2s",
                "--case",
                "set_password.role.security_analyst",
            ],
            &[0, 1, 7],
            &["lab-analyst"],
        ),
        Scenario::new("changes once after the time-out", |exchange| {
            if exchange.change == 2 {
                exchange.answer_before_change(Duration::from_millis(500));
                Answer::Hang
            } else {
                exchange.answer().into()
            }
        })
        .check(SHORT_ROLES, &[0, 7], &[]),
        Scenario::new("one change takes effect after the run", |exchange| {
            if exchange.change == 2 {
                exchange.answer_before_change(Duration::from_secs(60));
                Answer::Hang
            } else {
                exchange.answer().into()
            }
        })
        .check(SHORT_ROLES, &[0, 7], &[]),
        Scenario::new(
            "answers 503 in JSON three times behind a change",
            |exchange| unavailable(exchange, 3),
        )
        .check(SHORT_ROLES, &[0], &[]),
        Scenario::new("answers 503 in JSON for good behind a change", |exchange| {
            unavailable(exchange, usize::MAX)
        })
        .check(SHORT_ROLES, &[7], &["lab-", "recover"]),
        Scenario::new("answers 503 in JSON to everything", |exchange| {
            if exchange.operation.is_some() {
                json_response(503, r#"{"error":"busy"}"#).into()
            } else {
                exchange.answer().into()
            }
        })
        .check(SHORT, &[3, 4], &["503"]),
        Scenario::new("answers a 503 page to a change that it makes", |exchange| {
            let answer = exchange.answer();
            if exchange.change == 3 {
                page().into()
            } else {
                answer.into()
            }
        })
        .check(&[], &[0], &[]),
        Scenario::new("answers 429 to every seventh request", |exchange| {
            if exchange.number % 7 == 0 {
                let mut answer = json_response(429, r#"{"error":"Too many requests"}"#);
                answer.headers_mut().insert("retry-after", 1.into());
                answer.into()
            } else {
                exchange.answer().into()
            }
        })
        .check(ROLES, &[0, 4], &[]),
        Scenario::new("restarts behind a change", |exchange| {
            let answer = exchange.answer();
            if exchange.change == 2 {
                Answer::Down(Duration::from_millis(400))
            } else {
                answer.into()
            }
        })
        .check(ROLES, &[0], &[]),
        Scenario::new("restarts and stays away behind a change", |exchange| {
            let answer = exchange.answer();
            if exchange.change == 2 {
                Answer::Down(Duration::from_secs(3600))
            } else {
                answer.into()
            }
        })
        .lasting("nobody is there")
        .check(SHORT_ROLES, &[7], &["lab-", "recover"]),
        Scenario::new("is restored from a backup during the run", |exchange| {
            if exchange.change == 4 {
                let original = exchange.fake.ledger().original.clone();
                for (name, password) in original {
                    exchange.fake.set_password(&name, &password);
                }
            }
            exchange.answer().into()
        })
        .check(&[], &[0, 1, 7], &[]),
        Scenario::new("validates the old password for a while", |exchange| {
            // A replica that lags behind by one question.
            if exchange.is_validation() && exchange.number % 2 == 0 && exchange.is_in_past() {
                exchange.succeeded().into()
            } else {
                exchange.answer().into()
            }
        })
        .check(ROLES, &[0, 1, 7], &[]),
        Scenario::new("answers pages to everything", |_| page().into()).check(
            SHORT,
            &[1, 3, 4],
            &[],
        ),
        Scenario::new("redirects everything", |_| {
            http::Response::builder()
                .status(307)
                .header("location", "http://127.0.0.1:1/")
                .body(bytes::Bytes::new())
                .unwrap()
                .into()
        })
        .check(SHORT, &[1, 3, 4, 6], &[]),
    ]
}

/// After the second change so many requests are answered as by a service that is away.
fn unavailable(exchange: &Exchange<'_>, times: usize) -> Answer {
    let since = {
        let mut ledger = exchange.fake.ledger();
        if ledger.changes < 2 || exchange.change == 2 {
            0
        } else {
            ledger.counted += 1;
            ledger.counted
        }
    };
    if since > 0 && since <= times {
        json_response(503, r#"{"error":"Service unavailable"}"#).into()
    } else {
        exchange.answer().into()
    }
}

fn page() -> http::Response<bytes::Bytes> {
    let mut page = json_response(503, "<html><body>Service Unavailable</body></html>");
    let html = http::HeaderValue::from_static("text/html");
    page.headers_mut().insert("content-type", html);
    page
}

const SHORT: &[&str] = &["--timeout", "300ms"];

const SHORT_ROLES: &[&str] = &["--timeout", "300ms", "--case", "set_password.role.*"];
