//! Statuses, texts and content types that nobody assumes: a mock with the profile of a capture answers as the capture did, byte by byte.

use bytes::Bytes;
use d4iot_double::{
    contract::{Kind, Operation, Outcome, Readings},
    report::{Format, ReportStyle, Summary, profile},
};
use http::{Request, Response};
use rstest::rstest;
use serde_json::{Value, json};

use super::recorder::{self, JudgedCapture, Recorded, har, judge, send};

/// An appliance that says each outcome in its own way: status, content type, body, with `{}` for the user's name.
type Words = &'static [(Outcome, u16, &'static str)];

const SPACED: Words = &[
    (
        Outcome::Authenticated,
        200,
        "{\"msg\": \"Authentication succeeded.\"}\n",
    ),
    (
        Outcome::CredentialsRejected,
        200,
        "{ \"error\" : { \"userDisplayErrorMessage\" : \"Credentials validation failed\" } }",
    ),
    (
        Outcome::PasswordReplaced,
        202,
        "{\"msg\":\"Password has been replaced\"}\r\n",
    ),
    (
        Outcome::AuthenticationFailed,
        403,
        "{\"error\": \"User authentication failure\"}",
    ),
    (
        Outcome::UserUnknown,
        410,
        "{\"error\": {\"userDisplayErrorMessage\": \"The user '{}' doesn't exist\", \"internalSystemErrorMessage\": \"The user '{}' doesn't exist\"}}",
    ),
];
const OWN: Words = &[
    (Outcome::Authenticated, 201, "{\"msg\":\"Willkommen, {}!\"}"),
    (
        Outcome::CredentialsRejected,
        422,
        "{\"error\":{\"code\":17,\"text\":\"Anmeldung fehlgeschlagen\"}}",
    ),
    (
        Outcome::PasswordReplaced,
        299,
        "{\"msg\":\"Kennwort geändert\"}",
    ),
    (
        Outcome::AuthenticationFailed,
        418,
        "{\"error\":{\"userDisplayErrorMessage\":\"User authentication failed!\"}}",
    ),
    (
        Outcome::UserUnknown,
        404,
        "{\"error\":{\"userDisplayErrorMessage\":\"The user '{}' doesn't exist here\"}}",
    ),
];

#[rstest]
fn a_mock_with_the_profile_answers_as_the_capture(
    #[values(SPACED, OWN)] words: Words,
    #[values(
        "application/json",
        "application/json;charset=UTF-8",
        "application/vnd.d4iot+json",
        "text/html"
    )]
    content_type: &str,
    #[values(Kind::Sensor, Kind::Console)] kind: Kind,
) {
    let recorded: Vec<Recorded> = session(kind, words, content_type);
    let judged = judge(kind, &har("a.lab", &recorded));
    let readings = readings(kind, &judged);
    let (mut appliance, _) = recorder::appliance(kind, &readings, "");
    for (request, answer) in &recorded {
        let served = send(&mut appliance, request);
        let of = |answer: &Response<Bytes>| {
            let body = String::from_utf8_lossy(answer.body()).into_owned();
            (
                answer.status().as_u16(),
                answer.headers()["content-type"].clone(),
                body,
            )
        };
        assert_eq!(of(&served), of(answer), "{request:?} {readings:?}");
    }
}

#[rstest]
#[case::plain_text(403, "text/plain", "Falsch \u{200b}", true)]
#[case::a_page_of_a_proxy(
    403,
    "text/html; charset=iso-8859-1",
    "<html><b>Forbidden</b></html>",
    false
)]
#[case::a_page_to_sign_in(200, "text/html", "<html>SSO</html>", false)]
#[case::too_many(429, "application/json", r#"{"error":"Too many requests"}"#, false)]
#[case::an_update(
    503,
    "application/json",
    r#"{"error":"Service is being updated"}"#,
    false
)]
fn what_others_answer_is_not_in_the_profile(
    #[case] status: u16,
    #[case] content_type: &'static str,
    #[case] text: &'static str,
    #[case] is_kept: bool,
) {
    let mut recorded = session(Kind::Sensor, OWN, "application/json");
    let answer = &mut recorded[1].1;
    *answer.status_mut() = status.try_into().unwrap();
    *answer.body_mut() = Bytes::from(text);
    let value = http::HeaderValue::from_static(content_type);
    answer.headers_mut().insert("content-type", value);
    recorded.truncate(2);
    let judged = judge(Kind::Sensor, &har("a.lab", &recorded));
    let followed = &judged.targets[0].profile;
    let of_refusal = |fact: &str| fact.starts_with("validation.credentials_rejected.");
    let kept = followed.iter().filter(|it| of_refusal(&it.fact)).count();
    assert_eq!(kept > 0, is_kept, "{followed:?}");
    assert!(
        !followed
            .iter()
            .any(|it| it.fact.starts_with("any.malformed")),
        "{followed:?}"
    );
}

#[rstest]
#[case::masked_with_the_outcome(json!("credentials_rejected"), json!(null), 44, &["validation.credentials_rejected.body", "validation.credentials_rejected.status"])]
#[case::masked_after_a_failure(json!("credentials_rejected"), json!("status"), 44, &[])]
#[case::masked_by_an_unknown_outcome(json!("?"), json!(null), 44, &[])]
#[case::cut(json!("credentials_rejected"), json!(null), 0, &[])]
fn a_journal_says_which_outcome_it_was(
    #[case] outcome: Value,
    #[case] failure: Value,
    #[case] bytes: u64,
    #[case] expected: &[&str],
) {
    let journal = json!({ "entries": [{
        "state": "done", "time": "2026-03-01T09:00:00Z", "took_ms": 1, "status": 401, "content_type": "application/json",
        "judged": "credentials_rejected", "outcome": outcome, "failure": failure, "fingerprints": { "password": "2a990832" },
        "answer": r#"{"error":"Nope"}"#,
        "request": {
            "method": "POST", "target": "/api/external/authentication/validation", "headers": [["content-type", "application/json"]],
            "body": r#"{"username":"ada","password":"«2a990832»"}"#, "body_bytes": 44, "body_cut": bytes == 0,
        },
    }] });
    let judged = judge(Kind::Sensor, &journal);
    let followed = judged.targets[0].profile.iter();
    let own = followed.filter(|it| it.fact.contains(".body") || it.fact.contains(".status"));
    let own: Vec<&str> = own.map(|it| &*it.fact).collect();
    assert_eq!(own, expected);
}

/// The requests of a client that knows what it wants, answered in some words.
fn session(kind: Kind, words: Words, content_type: &str) -> Vec<Recorded> {
    let root = match kind {
        Kind::Sensor => "/api/external/authentication/",
        _ => "/external/authentication/",
    };
    let (mut appliance, _) = recorder::appliance(kind, &Readings::default(), "");
    let requests = [
        (
            Operation::Validation,
            r#"{"username":"test","password":"Test12345!"}"#,
        ),
        (
            Operation::Validation,
            r#"{"username":"test","password":"Wrong-12345"}"#,
        ),
        (
            Operation::SetPassword,
            r#"{"username":"test","password":"Wrong-12345","new_password":"Later-12345!x"}"#,
        ),
        (
            Operation::SetPasswordByAdmin,
            r#"{"admin_username":"admin","admin_password":"Test0987","username":"gone","new_password":"Later-12345!x"}"#,
        ),
        (
            Operation::SetPassword,
            r#"{"username":"test","password":"Test12345!","new_password":"Later-12345!x"}"#,
        ),
        (
            Operation::Validation,
            r#"{"username":"test","password":"Later-12345!x"}"#,
        ),
    ];
    let outcomes = [
        Outcome::Authenticated,
        Outcome::CredentialsRejected,
        Outcome::AuthenticationFailed,
        Outcome::UserUnknown,
        Outcome::PasswordReplaced,
        Outcome::Authenticated,
    ];
    let recorded = requests
        .into_iter()
        .zip(outcomes)
        .map(|((operation, body), outcome)| {
            // The path of the console's validation and of both of the sensor's.
            let request = Request::post(format!("{root}{operation}"));
            let request = request
                .header("content-type", "application/json")
                .body(Bytes::from(body))
                .unwrap();
            let answered = send(&mut appliance, &request);
            let (_, status, text) = words.iter().find(|(known, ..)| *known == outcome).unwrap();
            let user = if operation == Operation::SetPasswordByAdmin {
                "gone"
            } else {
                "test"
            };
            assert_eq!(answered.status() == 200, outcome.is_success(), "{body}");
            let answer = Response::builder()
                .status(*status)
                .header("content-type", content_type);
            (
                request,
                answer.body(Bytes::from(text.replace("{}", user))).unwrap(),
            )
        });
    recorded.collect()
}

/// Writes the profile of a capture and reads it back.
fn readings(kind: Kind, judged: &JudgedCapture) -> Readings {
    let mut summary: Summary = serde_json::from_value(serde_json::json!({
        "version": 1, "tool": "d4iot-double 0.0.0", "trouble": [], "targets": judged.targets,
    }))
    .unwrap();
    summary.causes.clear();
    let text = String::from_utf8(Format::Profile.write(&summary, ReportStyle::default())).unwrap();
    let profiles = profile::read("p.yaml", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut readings = Readings::default();
    for (fact, reading) in profiles[0].served() {
        readings
            .choose(d4iot_double::contract::of(kind), fact, reading)
            .unwrap();
    }
    readings
}
