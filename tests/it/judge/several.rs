//! What several exchanges of one user tell, in the order of their times.

use bytes::Bytes;
use d4iot_double::{contract::Kind, report::Conformance};
use http::{Request, Response};
use rstest::rstest;
use serde_json::{Value, json};

use super::recorder::{har, judge};

const YES: &str = r#"{"msg":"Authentication succeeded."}"#;
const NO: &str = r#"{"error":{"userDisplayErrorMessage":"Credentials validation failed"}}"#;
const DONE: &str = r#"{"msg":"Password has been replaced"}"#;
const LOCKED: &str = r#"{"error":{"userDisplayErrorMessage":"Zu viele Versuche"}}"#;

/// A validation of a password, or a change from one to another, with the answer.
fn exchanges(steps: &[(&str, &str)]) -> Value {
    let recorded = steps.iter().map(|(passwords, answer)| {
        let (operation, body) = match passwords.split_once('>') {
            Some((old, new)) => (
                "set_password",
                json!({ "username": "ada", "password": old, "new_password": new }),
            ),
            None => (
                "validation",
                json!({ "username": "ada", "password": passwords }),
            ),
        };
        let request = Request::post(format!("/api/external/authentication/{operation}"));
        let request = request
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()));
        let answer = Response::builder()
            .header("content-type", "application/json")
            .body(Bytes::from((*answer).to_owned()));
        (request.unwrap(), answer.unwrap())
    });
    har("10.0.0.5", &recorded.collect::<Vec<_>>())
}

fn deviations(har: &Value) -> Vec<String> {
    let judged = judge(Kind::Sensor, har);
    let cases = judged.targets.into_iter().flat_map(|target| target.cases);
    let failed = cases.filter(|case| case.conformance == Conformance::Deviation);
    failed
        .map(|case| {
            let hint = case.reasons[0].hint.clone().unwrap_or_default();
            format!("{}: {}; {hint}", case.id, case.reason())
        })
        .collect()
}

const BETWEEN: &str = "unless another client changed it outside of the capture";

#[rstest]
#[case::a_change_then_the_new_password(&[("old-1>new-1", DONE), ("new-1", YES), ("old-1", NO)], &[])]
#[case::the_new_password_is_refused(&[("old-1>new-1", DONE), ("new-1", NO)], &["exchange.00002: credentials_rejected, expected authenticated; exchange 1 set this password to be the right one"])]
#[case::the_old_password_is_accepted(&[("old-1>new-1", DONE), ("old-1", YES)], &["exchange.00002: a success; exchange 1 replaced this password"])]
#[case::another_password_later(&[("one-1", YES), ("two-2", YES)], &[])]
#[case::a_right_password_is_refused(&[("one-1", YES), ("one-1", NO), ("one-1", NO)], &["exchange.00002: credentials_rejected, expected authenticated; exchange 1 showed this password to be the right one"])]
#[case::after_three_failures_it_may_be_locked(&[("one-1", YES), ("x", NO), ("y", NO), ("z", NO), ("one-1", NO), ("one-1", LOCKED)], &[])]
#[case::blanks_and_long_ends_may_not_count(&[("one-1", YES), ("one-1 ", YES), ("one-1", YES)], &[])]
#[case::a_change_without_an_answer_in_words(&[("one-1", YES), ("one-1>two-2", "{}"), ("two-2", YES)], &["exchange.00002: "])]
fn what_exchanges_tell_is_used_and_said(#[case] steps: &[(&str, &str)], #[case] expected: &[&str]) {
    let found = deviations(&exchanges(steps));
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
        assert!(
            found.contains(BETWEEN) || expected.ends_with(": "),
            "{found}"
        );
    }
}

#[test]
fn times_order_exchanges_and_overlap_tells_nothing() {
    let mut har = exchanges(&[("new-1", YES), ("old-1>new-1", DONE), ("old-1", YES)]);
    let entries = har["log"]["entries"].as_array_mut().unwrap();
    // The clock is wrong, and the change is the last: its answer comes after the old password was accepted.
    for (entry, time) in entries.iter_mut().zip([
        "1970-01-01T09:00:09+01:00",
        "1970-01-01T08:00:00Z",
        "1970-01-01T08:00:01Z",
    ]) {
        entry["startedDateTime"] = time.into();
    }
    entries[1]["time"] = 5000.into();
    assert_eq!(deviations(&har), [""; 0]);
    har["log"]["entries"][1]["time"] = 10.into();
    assert_eq!(deviations(&har).len(), 1);
}
