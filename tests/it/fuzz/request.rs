//! Requests at both appliances, one after the other: each is answered in JSON, with a status of the contract, and none panics.
use std::{net::Ipv4Addr, time::Duration};

use bytes::Bytes;
use d4iot_double::{appliance::Moment, contract::Kind, fixture};
use http::Request;

pub(crate) fn run(data: &[u8]) {
    let [which, rest @ ..] = data else { return };
    let kind = Kind::ALL[usize::from(which & 1)];
    let mut appliance = fixture::built_in(kind).appliance();
    for (second, part) in (0..).zip(rest.split(|byte| *byte == 0xff)) {
        let [how, body @ ..] = part else { continue };
        let path = PATHS[usize::from(how & 7) % PATHS.len()];
        let mut request = Request::builder()
            .method(if how & 8 == 0 { "POST" } else { "GET" })
            .uri(path);
        request = match how >> 4 & 3 {
            0 => request.header("content-type", "application/json"),
            1 => request.header("content-type", "application/x-www-form-urlencoded"),
            2 => request,
            _ => match http::HeaderValue::from_bytes(
                body.split(|byte| *byte == b'\n').next().unwrap_or_default(),
            ) {
                Ok(value) => request.header("content-type", value),
                Err(_) => request,
            },
        };
        let request = request
            .body(Bytes::copy_from_slice(body))
            .expect("a request can be made");
        let (rules, state) = (&appliance.rules, &mut appliance.state);
        let now = Moment(Duration::from_secs(second));
        let parsed = rules.parse_request(&request);
        let evaluation = state.evaluate(rules, &parsed, Ipv4Addr::LOCALHOST.into(), now);
        let answer = rules.render_response(evaluation.key, &parsed);
        let change = evaluation.change;
        let said: serde_json::Value =
            serde_json::from_slice(answer.body()).expect("an answer is JSON");
        assert!(
            said.get("msg").is_some() != said.get("error").is_some(),
            "{said}"
        );
        assert!(
            matches!(
                answer.status().as_u16(),
                200 | 400 | 401 | 403 | 404 | 405 | 413 | 415 | 422 | 423 | 429
            ),
            "{}",
            answer.status()
        );
        assert!(answer.status().is_success() || change.is_none() || said.get("error").is_some());
        if let Some(change) = change {
            state.commit(change);
        }
    }
}

const PATHS: [&str; 7] = [
    "/api/external/authentication/validation",
    "/api/external/authentication/set_password",
    "/api/external/authentication/set_password_by_admin",
    "/external/authentication/validation",
    "/external/authentication/set_password",
    "/external/authentication/set_password_by_admin",
    "/?username=test&password=Test12345!",
];
