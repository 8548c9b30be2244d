//! Statuses, texts and content types that nobody assumes: a mock with the profile of a capture answers as the capture did, byte by byte.

use bytes::Bytes;
use d4iot_double::{
    contract::{Kind, Operation, Outcome, Readings},
    report::{Format, ReportStyle, Summary, profile},
};
use http::{Request, Response};
use rstest::rstest;

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

#[test]
fn a_page_is_served_as_it_came() {
    let mut recorded = session(Kind::Sensor, OWN, "text/html; charset=iso-8859-1");
    let page = "<html>\n\t<b>Falsch \u{200b}</b></html>";
    *recorded[1].1.body_mut() = Bytes::from(page);
    let judged = judge(Kind::Sensor, &har("a.lab", &recorded));
    let (mut appliance, _) =
        recorder::appliance(Kind::Sensor, &readings(Kind::Sensor, &judged), "");
    send(&mut appliance, &recorded[0].0);
    assert_eq!(send(&mut appliance, &recorded[1].0).body(), page);
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
