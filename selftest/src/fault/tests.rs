//! Faults by name, and that each shows where it must and nowhere else.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use d4iot_double::{
    contract::{Condition, Kind, Outcome},
    fixture,
};
use http::HeaderValue;
use rstest::rstest;

use super::*;

fn answer(quirk: &str, on: Option<Operation>, path: &str, body: &str) -> String {
    let fault = Fault {
        kind: quirk.parse().unwrap(),
        on,
    };
    let appliance = fixture::built_in(Kind::Sensor).appliance();
    let mut request = Request::post(path)
        .body(Bytes::from(body.to_owned()))
        .unwrap();
    request
        .headers_mut()
        .insert("content-type", HeaderValue::from_static("application/json"));
    let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let (answer, _) = fault.answer(
        &appliance.rules,
        &appliance.state,
        &request,
        source,
        Moment::default(),
    );
    String::from_utf8(answer.body().to_vec()).unwrap()
}

#[test]
fn a_name_is_of_at_most_one_fault() {
    assert_eq!(
        "chunked".parse(),
        Ok(FaultKind::Response(ResponseFault::Chunked))
    );
    assert_eq!(
        "passwords_cut_at_72".parse(),
        Ok(FaultKind::Logic(LogicFault::PasswordsCutAt72))
    );
    assert_eq!(
        "utf16_read".parse(),
        Ok(FaultKind::Request(RequestFault::Utf16Read))
    );
    assert_eq!(
        "no_such_quirk".parse::<FaultKind>(),
        Err("unknown quirk `no_such_quirk`".to_owned())
    );
}

#[rstest]
#[case::everywhere(None, true)]
#[case::at_its_operation(Some(Operation::Validation), true)]
#[case::nowhere_else(Some(Operation::SetPassword), false)]
fn a_fault_shows_at_its_operation(#[case] on: Option<Operation>, #[case] shows: bool) {
    const VALIDATION: &str = "/api/external/authentication/validation";
    for quirk in ["any_password", "blanks_trimmed", "exclamation_mark"] {
        let given = if quirk == "any_password" {
            "wrong"
        } else {
            " Test12345! "
        };
        let body = format!(r#"{{"username":"test","password":"{given}"}}"#);

        let plain = answer("no_allow", on, VALIDATION, &body);
        let faulty = answer(quirk, on, VALIDATION, &body);

        assert_eq!(faulty != plain, shows, "{quirk}: {faulty}");
    }
}

/// Every fault of writing has a response for every outcome of every operation.
#[rstest]
fn every_fault_renders_every_outcome(#[values(Kind::Sensor, Kind::Console)] kind: Kind) {
    let rules: Arc<Rules> = Rules::with_defaults(kind);
    let places = Operation::ALL.iter().copied().map(Some).chain([None]);
    let keys: Vec<ResponseKey> = places
        .flat_map(|operation| {
            Outcome::ALL
                .iter()
                .map(move |&outcome| ResponseKey { operation, outcome })
        })
        .filter(|key| rules.response_key(key.operation, key.outcome) == Some(*key))
        .collect();
    assert!(keys.len() > Outcome::ALL.len(), "{keys:?}");
    for quirk in RESPONSE_QUIRKS {
        let fault = Fault {
            kind: quirk.parse().unwrap(),
            on: None,
        };
        assert!(matches!(fault.kind, FaultKind::Response(_)), "{quirk}");
        for &key in &keys {
            let parsed = ParsedRequest::Rejected(key, Condition::MalformedBody);
            let answer = fault.render(&rules, key, &parsed);
            assert!(answer.status().as_u16() >= 200, "{quirk} {key:?}");
        }
    }
}

const RESPONSE_QUIRKS: &[&str] = &[
    "another_name_echoed",
    "authentication_text_for_policy",
    "both_keys",
    "capitals",
    "charset_spelt",
    "chunked",
    "closing",
    "echo_decoded",
    "echo_escaped_for_html",
    "echo_filled",
    "echo_quotes_doubled",
    "echo_trimmed",
    "echo_unescaped",
    "echo_without_not_ascii",
    "errors_in_a_list",
    "error_as_text",
    "escaped_letters",
    "exclamation_mark",
    "extra_field",
    "failures_400",
    "further_headers",
    "http_1_0",
    "internals_told",
    "line_end",
    "lower_case_start",
    "message_for_msg",
    "no_allow",
    "no_content_type",
    "password_echoed",
    "permission_hidden",
    "pretty_printed",
    "pages_for_bad_requests",
    "stack_traces",
    "success_as_text",
    "teapot",
    "typographic_apostrophe",
];
