//! What each pure room needs for its part of the work. `cargo bench --bench rooms`, and a name after it for one alone.

#![expect(clippy::unwrap_used, reason = "a bench stops at a fault")]

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use d4iot_double::{
    appliance::Moment,
    conformance::{
        suite, verdict,
        verdict::{Received, Sent},
    },
    contract,
    contract::{Kind, Readings},
    failure::{Call, Delivery, Schedule},
    fixture,
    journal::RecordedRequest,
    redact::{Fingerprints, Mask},
};
use divan::{Bencher, black_box};
use http::{Request, Response};

fn main() {
    divan::main();
}

/// Parses a request, evaluates it and renders the response.
#[divan::bench(args = ["Test12345!", "another1"])]
fn answer(bencher: Bencher, password: &str) {
    let (appliance, request) = (
        fixture::built_in(Kind::Sensor).appliance(),
        request(password),
    );
    bencher.bench(|| appliance.answer(black_box(&request), SOURCE, NOW));
}

/// The evaluation alone.
#[divan::bench]
fn evaluate(bencher: Bencher) {
    let (appliance, request) = (
        fixture::built_in(Kind::Sensor).appliance(),
        request("Test12345!"),
    );
    let request = appliance.rules.parse_request(&request);
    bencher.bench(|| {
        appliance
            .state
            .evaluate(&appliance.rules, black_box(&request), SOURCE, NOW)
    });
}

/// Asks a schedule with one armed mode, and bends the answer as it says.
#[divan::bench(args = ["slow", "truncated", "html_instead_of_json", "garbled"])]
fn bend(bencher: Bencher, mode: &str) {
    let failure = fixture::ready_made(mode).unwrap();
    let mut schedule = Schedule::new(
        vec![d4iot_double::failure::FailureMode {
            armed: true,
            ..failure
        }],
        1,
    );
    let call = Call {
        operation: None,
        user: None,
        source: SOURCE,
        connection: 1,
        now: NOW,
    };
    bencher.bench_local(|| {
        let answer = Delivery::plain(Response::new(Bytes::from_static(ANSWER.as_bytes())));
        match schedule.request(&call) {
            Some(trigger) => trigger.action.apply(&trigger.random, answer),
            None => answer,
        }
    });
}

/// Judges the answer to the first case's first request.
#[divan::bench]
fn verdict(bencher: Bencher) {
    let case = &suite::all()[0].case;
    let (contract, served) = (contract::of(case.kinds[0]), Readings::default());
    let mut answer = Response::new(Bytes::from_static(ANSWER.as_bytes()));
    answer
        .headers_mut()
        .insert("content-type", "application/json".parse().unwrap());
    let sent = Sent {
        contract,
        served: &served,
        case,
        number: 0,
        username: "test",
    };
    bencher.bench(|| verdict::of_step(black_box(&sent), Received::Answer(&answer)));
}

/// Copies a request for the journal.
#[divan::bench]
fn record(bencher: Bencher) {
    let request = request("Test12345!");
    bencher.bench(|| {
        RecordedRequest::new(
            request.method(),
            request.uri(),
            request.headers(),
            black_box(request.body()),
        )
    });
}

/// Hides what a body holds, by place.
#[divan::bench]
fn redact(bencher: Bencher) {
    let mask = Mask::new(
        Fingerprints::new([7; 16]),
        ["username", "password"].map(str::to_owned),
    );
    let body = request("Test12345!").into_body();
    bencher.bench(|| mask.body(black_box(&body)));
}

/// Reads a fixture, YAML to appliance.
#[divan::bench(args = ["one line", "user-states", "rotation-night"])]
fn load_fixture(bencher: Bencher, name: &str) {
    let text = match name {
        "user-states" => include_str!("../fixtures/user-states.yaml"),
        "rotation-night" => include_str!("../fixtures/scenarios/rotation-night.yaml"),
        _ => "appliance: sensor\n",
    };
    bencher.bench(|| fixture::read("a.yaml", black_box(text)).unwrap());
}

fn request(password: &str) -> Request<Bytes> {
    let body = format!(r#"{{"username":"test","password":"{password}"}}"#);
    let builder =
        Request::post("/api/external/authentication/validation").header("host", "localhost");
    builder
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const NOW: Moment = Moment(std::time::Duration::ZERO);
const ANSWER: &str = r#"{"msg":"authenticated"}"#;
