//! Every message of the documents, provoked and compared byte for byte.

use std::{collections::BTreeSet, net::IpAddr};

use bytes::Bytes;
use d4iot_double::{
    appliance::Moment,
    contract,
    contract::{Echo, Envelope, Internal, Kind, Operation, Outcome},
    fixture,
};
use http::Request;
use rstest::rstest;
use serde_json::{Value as Json, json};

use super::ABOUT;

#[rstest]
#[case::sensor(Kind::Sensor)]
#[case::console(Kind::Console)]
fn every_documented_message_arrives_to_the_letter(#[case] kind: Kind) {
    let mut messages = BTreeSet::new();
    for (operation, clause) in &contract::of(kind).operations {
        for (outcome, spec) in &clause.outcomes {
            let name = |point: &str| format!("{operation}.{outcome}.{point}");
            for body in spec
                .body
                .readings()
                .iter()
                .filter(|reading| reading.is_documented())
            {
                let envelopes = spec
                    .envelope
                    .as_ref()
                    .map_or(&[][..], |fact| fact.readings());
                let internals = spec
                    .internal
                    .as_ref()
                    .map_or(&[][..], |fact| fact.readings());
                for (envelope, internal) in pairs(envelopes.len(), internals.len()) {
                    let (envelope, internal) = (
                        envelope.map(|index| &envelopes[index]),
                        internal.map(|index| &internals[index]),
                    );
                    let mut choices = vec![(name("body"), body.name.as_str())];
                    choices
                        .extend(envelope.map(|reading| (name("envelope"), reading.name.as_str())));
                    choices
                        .extend(internal.map(|reading| (name("internal"), reading.name.as_str())));
                    let said = Echo { username: ABOUT };
                    let envelope = envelope.map_or(Envelope::Object, |reading| reading.is);
                    let expected = body.is.body(
                        envelope,
                        internal.map_or(&Internal::Absent, |reading| &reading.is),
                        said,
                    );
                    let answer = provoked(kind, *operation, *outcome, &choices);
                    assert_eq!(answer, expected.to_string(), "{choices:?}");
                    let text = body.is.text().replace("{username}", ABOUT);
                    assert!(
                        answer.contains(&format!("\"{text}\"")),
                        "{text} is not in {answer}"
                    );
                    messages.insert(text);
                }
            }
        }
    }
    // Counted on the pages: seven messages, four of which are worded in two ways.
    assert_eq!(messages.len(), 11, "{messages:#?}");
}

/// Each envelope with each internal message; a success has neither.
fn pairs(envelopes: usize, internals: usize) -> Vec<(Option<usize>, Option<usize>)> {
    let each = |count: usize| {
        if count == 0 {
            vec![None]
        } else {
            (0..count).map(Some).collect()
        }
    };
    each(envelopes)
        .into_iter()
        .flat_map(|envelope| {
            each(internals)
                .into_iter()
                .map(move |internal| (envelope, internal))
        })
        .collect()
}

/// Brings the built-in appliance, under a choice of readings, to an outcome, and returns the body of its answer.
fn provoked(
    kind: Kind,
    operation: Operation,
    outcome: Outcome,
    choices: &[(String, &str)],
) -> String {
    let contract = contract::of(kind);
    let mut fixture = fixture::built_in(kind);
    for (fact, reading) in choices {
        fixture.readings.choose(contract, fact, reading).unwrap();
    }
    let body = match (operation, outcome) {
        (Operation::Validation, Outcome::Authenticated) => {
            json!({ "username": "test", "password": "Test12345!" })
        }
        (Operation::Validation, Outcome::CredentialsRejected) => {
            json!({ "username": "test", "password": "test" })
        }
        (Operation::SetPassword, Outcome::PasswordReplaced) => own("Test12345!", "Test54321!"),
        (Operation::SetPassword, Outcome::AuthenticationFailed) => own("test", "Test54321!"),
        (Operation::SetPassword, Outcome::PolicyRefused) => own("Test12345!", "a"),
        (Operation::SetPasswordByAdmin, Outcome::PasswordReplaced) => {
            by("admin", "Test0987", "test", "Test54321!")
        }
        (Operation::SetPasswordByAdmin, Outcome::AuthenticationFailed) => {
            by("admin", "test", "test", "Test54321!")
        }
        (Operation::SetPasswordByAdmin, Outcome::PolicyRefused) => {
            by("admin", "Test0987", "test", "a")
        }
        (Operation::SetPasswordByAdmin, Outcome::UserUnknown) => {
            by("admin", "Test0987", ABOUT, "Test54321!")
        }
        (Operation::SetPasswordByAdmin, Outcome::PermissionDenied) => {
            by("test", "Test12345!", "myUser", "Test54321!")
        }
        _ => panic!("nothing here provokes {outcome} of {operation}"),
    };
    let path = contract.clause(operation).path.default_reading().is.0[0].as_str();
    let request = Request::post(path)
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_string()))
        .unwrap();
    let source = IpAddr::from([127, 0, 0, 1]);
    let appliance = fixture.appliance();
    let parsed = appliance.rules.parse_request(&request);
    let evaluation = appliance
        .state
        .evaluate(&appliance.rules, &parsed, source, Moment::default());
    let response = appliance.rules.render_response(evaluation.key, &parsed);
    String::from_utf8(response.body().to_vec()).unwrap()
}

fn own(password: &str, new: &str) -> Json {
    json!({ "username": "test", "password": password, "new_password": new })
}

fn by(admin: &str, password: &str, username: &str, new: &str) -> Json {
    json!({ "admin_username": admin, "admin_password": password, "username": username, "new_password": new })
}
