//! An appliance that follows two readings of one contradiction: each answer passes, and the run does not.

use std::sync::atomic::{AtomicUsize, Ordering};

use d4iot_double::{
    contract::{Kind, Operation, Outcome},
    report::Inconsistency,
};
use rstest::rstest;
use serde_json::Value;

use crate::deviations::runs::{Meddle, bent, failed, json, run_cases, with_body, worded};

#[rstest]
#[case::full_stop("X11", "validation.authenticated.body", ["example", "table"], every_second_full_stop_lost)]
#[case::unknown_user("X14", "set_password_by_admin.user_unknown.body", ["example", "table"], every_second_name_left_out)]
#[case::internal_message("X15", "set_password_by_admin.user_unknown.internal", ["present", "absent"], every_second_internal_message_left_out)]
#[tokio::test]
async fn mixed_readings_are_inconsistent_though_each_answer_passes(
    #[values(Kind::Console, Kind::Sensor)] kind: Kind,
    #[case] register: &str,
    #[case] fact: &str,
    #[case] mixed: [&str; 2],
    #[case] meddle: fn(Kind) -> Meddle,
) {
    let operation = fact.split('.').next().unwrap();
    let run = run_cases(kind, meddle(kind), |id| {
        id.starts_with(&format!("{operation}."))
    })
    .await;
    assert_eq!(failed(&run), Vec::<&str>::new());
    let [
        Inconsistency {
            fact: reported,
            register: number,
            followed,
            ..
        },
    ] = run.summary.inconsistent.as_slice()
    else {
        panic!("{:?}", run.summary.inconsistent)
    };
    assert_eq!(
        (reported.as_str(), number.as_deref()),
        (fact, Some(register))
    );
    let mut readings: Vec<&str> = followed
        .iter()
        .map(|(reading, _)| reading.as_str())
        .collect();
    readings.sort_unstable();
    let mut expected = mixed;
    expected.sort_unstable();
    assert_eq!(readings, expected);
    // Each reading is shown by a case that was run, and the fact has no reading that all agree on.
    assert!(
        followed
            .iter()
            .all(|(_, case)| run.summary.cases.iter().any(|result| result.id == *case))
    );
    assert!(
        run.summary
            .profile
            .iter()
            .any(|followed| followed.fact == fact && followed.readings.is_empty())
    );
}

/// What deviates still utters: the reading it follows counts.
#[tokio::test]
async fn an_answer_that_deviates_counts_among_the_readings() {
    let kind = Kind::Sensor;
    let rejected = worded(
        kind,
        Operation::Validation,
        Outcome::CredentialsRejected,
        None,
        "",
    );
    let table = worded(
        kind,
        Operation::Validation,
        Outcome::Authenticated,
        Some("table"),
        "",
    );
    let run = run_cases(
        kind,
        bent(move |answer| {
            if *answer.body() == rejected {
                with_body(answer, table.clone())
            } else {
                answer
            }
        }),
        |id| id.starts_with("validation."),
    )
    .await;
    assert!(failed(&run).contains(&"validation.credentials_rejected.wrong_password"));
    assert_eq!(
        run.summary
            .inconsistent
            .iter()
            .map(|mixed| mixed.fact.as_str())
            .collect::<Vec<_>>(),
        ["validation.authenticated.body"]
    );
}

/// So does one that nothing was documented for: here a success by GET, and one that is forbidden.
#[rstest]
#[case::undocumented("validation.method.get_with_body", 0)]
#[case::forbidden("validation.password.missing", 1)]
#[tokio::test]
async fn every_answer_counts_among_the_readings(
    #[case] id: &'static str,
    #[case] deviations: usize,
) {
    let kind = Kind::Sensor;
    let (example, table) = ([None, Some("table")])
        .map(|reading| {
            worded(
                kind,
                Operation::Validation,
                Outcome::Authenticated,
                reading,
                "",
            )
        })
        .into();
    let bend = move |answer: http::Response<bytes::Bytes>| {
        if *answer.body() == example {
            answer
        } else {
            with_body(answer, table.clone())
        }
    };
    let run = run_cases(kind, bent(bend), |wanted| {
        wanted == id || wanted == "validation.authenticated"
    })
    .await;
    assert_eq!(run.summary.counts.deviation, deviations);
    let [Inconsistency { fact, followed, .. }] = run.summary.inconsistent.as_slice() else {
        panic!("{:?}", run.summary.inconsistent)
    };
    assert_eq!(fact, "validation.authenticated.body");
    assert_eq!(
        followed,
        &[
            ("example".to_owned(), "validation.authenticated".to_owned()),
            ("table".to_owned(), id.to_owned())
        ]
    );
}

/// Assumed facts, statuses and the order of checks are exempt.
#[rstest]
#[case::statuses(|mut answer: http::Response<bytes::Bytes>, second: bool| { if second { *answer.status_mut() = http::StatusCode::OK; } answer })]
#[case::charsets(|mut answer: http::Response<bytes::Bytes>, second: bool| {
    if second { answer.headers_mut().insert("content-type", "application/json; charset=utf-8".parse().unwrap()); }
    answer
})]
#[tokio::test]
async fn what_the_documents_do_not_quarrel_about_may_be_mixed(
    #[case] bend: fn(http::Response<bytes::Bytes>, bool) -> http::Response<bytes::Bytes>,
) {
    let every = Every::default();
    let run = run_cases(
        Kind::Sensor,
        bent(move |answer| bend(answer, every.second())),
        |id| id.starts_with("validation."),
    )
    .await;
    assert_eq!((failed(&run), run.summary.inconsistent.len()), (vec![], 0));
}

fn every_second_full_stop_lost(kind: Kind) -> Meddle {
    let from = worded(
        kind,
        Operation::Validation,
        Outcome::Authenticated,
        None,
        "",
    );
    let to = worded(
        kind,
        Operation::Validation,
        Outcome::Authenticated,
        Some("table"),
        "",
    );
    let every = Every::default();
    bent(move |answer| {
        if *answer.body() == from && every.second() {
            with_body(answer, to.clone())
        } else {
            answer
        }
    })
}

fn every_second_name_left_out(kind: Kind) -> Meddle {
    let every = Every::default();
    Box::new(move |exchange| {
        let answer = exchange.answer();
        let name = exchange
            .body
            .clone()
            .get("username")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let worded = |reading| {
            worded(
                kind,
                Operation::SetPasswordByAdmin,
                Outcome::UserUnknown,
                reading,
                &name,
            )
        };
        if *answer.body() == worded(None) && every.second() {
            with_body(answer, worded(Some("table")))
        } else {
            answer
        }
    })
}

fn every_second_internal_message_left_out(_: Kind) -> Meddle {
    let every = Every::default();
    bent(move |answer| {
        let mut body = json(answer.body());
        let removed = body
            .get_mut("error")
            .and_then(Value::as_object_mut)
            .and_then(|error| error.remove("internalSystemErrorMessage"));
        if removed.is_some() && every.second() {
            with_body(answer, body.to_string())
        } else {
            answer
        }
    })
}

/// Tells every second of what is asked.
#[derive(Default)]
struct Every(AtomicUsize);

impl Every {
    fn second(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) % 2 == 1
    }
}
