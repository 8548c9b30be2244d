//! Where the documents are silent on a part: what that silence covers, and what it must not swallow.

use d4iot_double::{
    contract::{Kind, Operation, Outcome},
    report::Conformance,
};
use http::{HeaderValue, header};
use rstest::rstest;

use crate::deviations::runs::{Meddle, bent, failed, run_cases, verdicts, with_body, worded};

/// The order of checks is never judged, also where it is one that no reading names.
#[rstest]
#[case::policy(Outcome::PolicyRefused)]
#[case::permission(Outcome::PermissionDenied)]
#[case::user(Outcome::UserUnknown)]
#[tokio::test]
async fn any_of_the_documents_refusals_may_come_first(#[case] outcome: Outcome) {
    let kind = Kind::Sensor;
    let meddle: Meddle = Box::new(move |exchange| {
        let name = exchange.body.clone()["username"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let body = worded(kind, Operation::SetPasswordByAdmin, outcome, None, &name);
        with_body(exchange.answer(), body)
    });
    let run = run_cases(kind, meddle, |id| {
        id.starts_with("set_password_by_admin.order.")
    })
    .await;
    assert!(
        verdicts(&run)
            .values()
            .all(|verdict| *verdict == Conformance::Undocumented),
        "{:?}",
        verdicts(&run)
    );
}

#[rstest]
#[case::words_of_its_own(r#"{"error":{"userDisplayErrorMessage":"No"}}"#)]
#[case::no_json("No")]
#[case::an_undocumented_refusal(
    r#"{"error":{"userDisplayErrorMessage":"The request body is not valid JSON"}}"#
)]
#[tokio::test]
async fn undocumented_refusal_deviates_in_any_order(#[case] body: &'static str) {
    let run = run_cases(
        Kind::Sensor,
        bent(move |answer| with_body(answer, body)),
        |id| id.contains(".order."),
    )
    .await;
    assert_eq!(failed(&run).len(), run.summary.cases.len());
}

/// Two paths are documented; which of them is served was found out first, and there nothing is left open.
#[tokio::test]
async fn a_path_that_is_served_is_judged() {
    let meddle: Meddle = Box::new(|exchange| {
        let answer = exchange.answer();
        if exchange.operation.is_some() && exchange.request.uri().path().starts_with("/external/") {
            with_body(answer, "{}")
        } else {
            answer
        }
    });
    let run = run_cases(Kind::Sensor, meddle, |id| {
        id.contains(".path.heading") || id.contains(".path.curl")
    })
    .await;
    let expected = [
        "set_password.path.heading",
        "set_password_by_admin.path.heading",
        "set_password.path.heading_refuses_too",
        "set_password_by_admin.path.heading_refuses_too",
    ];
    assert_eq!(failed(&run), expected);
}

/// A gateway that routes `/api` elsewhere has two ways to say that there is nothing, and one that names what is not there.
#[tokio::test]
async fn a_path_is_not_served_because_its_absence_is_worded_otherwise() {
    let meddle: Meddle = Box::new(|exchange| {
        let nowhere = http::Request::get("/nowhere")
            .body(bytes::Bytes::new())
            .unwrap();
        let path = exchange.request.uri().path();
        if !path.starts_with("/api/") || path.ends_with("/validation") {
            return exchange.answer();
        }
        let mut answer = with_body(
            exchange.answer_to(&nowhere),
            format!("<html>{path} is not here</html>"),
        );
        answer
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
        answer
    });
    let run = run_cases(Kind::Sensor, meddle, |_| true).await;
    assert_eq!(failed(&run), Vec::<&str>::new());
    let reported = run.summary.profile.iter().filter(|followed| {
        followed.fact.ends_with("password.path") || followed.fact.ends_with("admin.path")
    });
    assert_eq!(
        reported
            .map(|followed| followed.readings.join(" or "))
            .collect::<Vec<_>>(),
        ["heading", "heading"]
    );
}

/// GET, duplicate keys, other paths: a success there is recorded, and no more.
#[tokio::test]
async fn a_success_that_nothing_forbids_is_undocumented() {
    let kind = Kind::Sensor;
    let success = worded(
        kind,
        Operation::Validation,
        Outcome::Authenticated,
        None,
        "",
    );
    let ids = [
        "validation.method.get_with_body",
        "validation.password.duplicate",
        "validation.path.trailing_slash.sensor",
        "validation.body.cut",
    ];
    let run = run_cases(
        kind,
        bent(move |answer| with_body(answer, success.clone())),
        |id| ids.contains(&id),
    )
    .await;
    assert_eq!(
        verdicts(&run).into_values().collect::<Vec<_>>(),
        [Conformance::Undocumented; 4]
    );
}
