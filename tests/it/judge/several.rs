//! What several exchanges of one user tell, in the order of their times.

use bytes::Bytes;
use d4iot_double::{
    contract::Kind,
    report::Conformance,
    runner::{capture, capture::Capture},
};
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
fn failures_of_others_before_a_success_explain_nothing() {
    let steps = [
        ("x", NO),
        ("y", NO),
        ("z", NO),
        ("one-1", YES),
        ("one-1", NO),
    ];
    let mut har = exchanges(&steps);
    for number in 0..3 {
        let body = json!({ "username": format!("ghost-{number}"), "password": "x" });
        har["log"]["entries"][number]["request"]["postData"]["text"] = body.to_string().into();
    }
    assert_eq!(deviations(&har).len(), 1, "{:?}", deviations(&har));
}

/// What is set at which place of the entries. Nobody knows then which password is right at the last of them.
#[rstest]
#[case::no_change(&[("/1/request/url", json!("https://10.0.0.5/x")), ("/1/request/method", json!("GET"))], 1)]
#[case::another_case(&[("/1/request/postData/text", json!(r#"{"username":"Ada","password":"old-1","new_password":"new-1"}"#))], 0)]
#[case::another_user(&[("/1/request/postData/text", json!(r#"{"username":"eva","password":"old-1","new_password":"new-1"}"#))], 1)]
#[case::one_host(&[("/1/request/url", json!("HTTPS://10.0.0.5:443/api/external/authentication/set_password"))], 0)]
#[case::another_host(&[("/1/request/url", json!("https://10.0.0.6/api/external/authentication/set_password"))], 1)]
#[case::a_clock_set_back(&[("/1/startedDateTime", json!("2026-03-01T08:00:00Z"))], 0)]
#[case::a_change_without_its_body(&[("/1/request/postData", json!(null))], 0)]
#[case::a_change_of_two_names(&[("/1/request/postData/text", json!(r#"{"username":"eva","username":"ada","password":"old-1","new_password":"new-1"}"#))], 0)]
#[case::a_change_without_an_answer(&[("/1/response/status", json!(0)), ("/1/request/postData", json!(null))], 0)]
#[case::a_change_that_cannot_be_read(&[("/1/response/status", json!("200"))], 0)]
#[case::a_change_elsewhere(&[("/1/request/url", json!("https://10.0.0.5/ui/password"))], 0)]
#[case::a_change_on_an_unknown_path(&[("/1/request/url", json!("https://10.0.0.5/api/external/authentication/change"))], 0)]
fn of_what_is_not_clear_nothing_is_presumed(
    #[case] changes: &[(&str, Value)],
    #[case] expected: usize,
) {
    let mut har = exchanges(&[("old-1", YES), ("old-1>new-1", DONE), ("old-1", NO)]);
    for (place, value) in changes {
        *har["log"]["entries"].pointer_mut(place).unwrap() = value.clone();
    }
    assert_eq!(deviations(&har).len(), expected, "{:?}", deviations(&har));
}

#[rstest]
#[case::one_host(json!("HTTPS://10.0.0.5:443/api/external/authentication/set_password"))]
#[case::a_gap(json!(7))]
fn the_copy_presumes_no_more_than_the_capture(#[case] url: Value) {
    let mut har = exchanges(&[("old-1", YES), ("old-1>new-1", DONE), ("old-1", NO)]);
    har["log"]["entries"][1]["request"]["url"] = url;
    let copy = capture::redacted_har(&judge(Kind::Sensor, &har));
    let copy = serde_json::from_slice(&copy).unwrap();
    assert_eq!(deviations(&har), [""; 0]);
    assert_eq!(deviations(&copy), [""; 0], "{copy}");
}

/// Which of them lasts until after the next ones were sent.
#[rstest]
#[case::the_change(&[("old-1>new-1", DONE), ("old-1", YES), ("old-1", NO)], 0)]
#[case::a_sign_in(&[("old-1", YES), ("old-1", NO), ("old-1>new-1", DONE)], 1)]
#[case::one_of_two_changes(&[("old-1>new-1", DONE), ("new-1>last-1", DONE), ("new-1", YES)], 0)]
fn overlap_tells_nothing(#[case] steps: &[(&str, &str)], #[case] long: usize) {
    let mut har = exchanges(steps);
    assert_ne!(deviations(&har), [""; 0]);
    har["log"]["entries"][long]["time"] = 1500.into();
    assert_eq!(deviations(&har), [""; 0]);
}

#[rstest]
#[case::of_both("https://10.0.0.5/external/authentication/set_password", true)]
#[case::of_a_sensor("https://10.0.0.5/api/external/authentication/validation", false)]
fn what_fits_both_kinds_alike_is_said(#[case] url: &str, #[case] is_said: bool) {
    let mut har = exchanges(&[("old-1>new-1", r#"{"msg":"Hello there"}"#)]);
    har["log"]["entries"][0]["request"]["url"] = url.into();
    let capture = Capture::read(har.to_string().as_bytes()).unwrap();
    let judged = capture::judge(&capture, None, None, "a.har");
    assert!(is_said || judged.targets[0].kind == Kind::Sensor);
    let said = judged.notes.iter();
    let said = said.filter(|note| note.contains("as well: --kind decides"));
    assert_eq!(said.count() == 1, is_said, "{:?}", judged.notes);
}
