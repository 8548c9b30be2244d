//! Records what an appliance in this process answers, as an HTTP Archive.

use std::net::Ipv4Addr;

use bytes::Bytes;
pub(crate) use d4iot_double::runner::capture::JudgedCapture;
use d4iot_double::{
    appliance::{Appliance, Lockout, Moment, Scope},
    contract,
    contract::{Kind, Outcome, Readings},
    fixture,
    runner::{Accounts, Seed, capture, capture::Capture},
    suite::{Case, Need, Placeholder, Property, StepError, request},
};
use http::{Request, Response};
use serde_json::{Value, json};

/// A request and what was answered.
pub(crate) type Recorded = (Request<Bytes>, Response<Bytes>);

/// An appliance of the documents' users and of one user for each account of the suite, whose names begin with a prefix.
pub(crate) fn appliance(kind: Kind, readings: &Readings, prefix: &str) -> (Appliance, Accounts) {
    let mut fixture = fixture::built_in(kind);
    fixture.readings = readings.clone();
    let mut appliance = fixture.appliance();
    let accounts = Accounts::for_mock(&Seed::random());
    for mut user in accounts.users() {
        user.username.insert_str(0, prefix);
        appliance.state.directory.put(user);
    }
    (appliance, accounts)
}

/// Sends a request.
pub(crate) fn send(appliance: &mut Appliance, request: &Request<Bytes>) -> Response<Bytes> {
    if request.body().len() > 64 * 1024 {
        let head = request.clone().into_parts().0;
        return appliance
            .rules
            .render_rejection(&head, Outcome::BodyTooLarge);
    }
    let parsed = appliance.rules.parse_request(request);
    let (rules, state) = (appliance.rules.clone(), &mut appliance.state);
    let source = Ipv4Addr::LOCALHOST.into();
    let evaluation = state.evaluate(&rules, &parsed, source, Moment::default());
    let answer = rules.render_response(evaluation.key, &parsed);
    if let Some(change) = evaluation.change {
        state.commit(change);
    }
    answer
}

/// Sends the requests of a case. Its users have names of their own, so that a capture can have several cases.
pub(crate) fn case(kind: Kind, readings: &Readings, case: &Case, prefix: &str) -> Vec<Recorded> {
    let (mut appliance, accounts) = appliance(kind, readings, prefix);
    for need in &case.needs {
        let mut lock_by = |scope| {
            let quarter = std::time::Duration::from_secs(900);
            appliance.state.lockout = Some(Lockout::new(3, scope, quarter));
        };
        match need {
            Need::AccountLockout => lock_by(Scope::Account),
            Need::Lockout => lock_by(Scope::Source),
            Need::AnySymbol | Need::Page => {}
        }
    }
    let fill = |placeholder: Placeholder| -> Result<String, StepError> {
        let text = accounts.text(placeholder)?;
        let is_name = placeholder.property == Property::Username;
        Ok(if is_name {
            format!("{prefix}{text}")
        } else {
            text
        })
    };
    let steps = case.steps.iter().map(|step| {
        let request = request::build(step, contract::of(kind), readings, &fill).unwrap();
        let answer = send(&mut appliance, &request);
        (request, answer)
    });
    steps.collect()
}

/// Writes an HTTP Archive, as a browser does.
pub(crate) fn har(host: &str, recorded: &[Recorded]) -> Value {
    let entries = recorded.iter().enumerate().map(|(number, (request, answer))| {
        let text = |bytes: &Bytes| match str::from_utf8(bytes) {
            Ok(text) => json!({ "text": text }),
            Err(_) => {
                use base64::{Engine, engine::general_purpose::STANDARD};
                json!({ "text": STANDARD.encode(bytes), "encoding": "base64" })
            }
        };
        let headers = |headers: &http::HeaderMap| -> Value {
            let pair = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
                json!({ "name": name.as_str(), "value": String::from_utf8_lossy(value.as_bytes()) })
            };
            headers.iter().map(pair).collect()
        };
        let mut entry = json!({
            "startedDateTime": format!("2026-03-01T{:02}:{:02}:{:02}.000Z", number / 3600, number / 60 % 60, number % 60),
            "time": 3.5,
            "request": {
                "method": request.method().as_str(),
                "url": format!("https://{host}{}", request.uri()),
                "headers": headers(request.headers()),
                "bodySize": request.body().len(),
            },
            "response": {
                "status": answer.status().as_u16(),
                "headers": headers(answer.headers()),
                "content": text(answer.body()),
            },
        });
        if !request.body().is_empty() {
            entry["request"]["postData"] = text(request.body());
        }
        entry
    });
    json!({ "log": { "version": "1.2", "pages": [], "entries": entries.collect::<Vec<_>>() } })
}

/// Judges an HTTP Archive.
pub(crate) fn judge(kind: Kind, har: &Value) -> JudgedCapture {
    let capture = Capture::read(har.to_string().as_bytes()).unwrap();
    capture::judge(&capture, Some(kind), None, "capture.har")
}
