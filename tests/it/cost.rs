//! What an answer costs, in counts that no busy machine changes: allocations; and one ratio of times, held to twice its figure.
//!
//! `benches/run` measures the rest, against a bare server. These here stop a change that would be felt there.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use allocation_counter::measure;
use bytes::Bytes;
use d4iot_double::{
    appliance::Appliance,
    contract::Kind,
    failure::{FailureMode, Schedule},
    fixture::{READY_MADE, built_in, ready_made},
    journal::EntryFilter,
    server::{Client, MockAppliance, RunningAppliance, Service},
};
use http::Request;

const VALIDATION: &str = r#"{"username":"test","password":"Test12345!"}"#;
const REFUSED: &str = r#"{"username":"test","password":"another1"}"#;
const CHANGE: &str = r#"{"admin_username":"admin","admin_password":"Test0987","username":"test","new_password":"Test12345!"}"#;
const NOBODY: Client = Client {
    source: IpAddr::V4(Ipv4Addr::LOCALHOST),
    connection: 1,
};

/// More than the journal's default bound holds: from there on, every entry pushes another out.
const FULL: usize = 1100;

fn appliance() -> Appliance {
    built_in(Kind::Sensor).appliance()
}

fn host(failures: Vec<FailureMode>) -> MockAppliance {
    MockAppliance::new(appliance(), Schedule::new(failures, 1))
}

/// Every ready-made failure mode, none armed.
fn unarmed() -> Vec<FailureMode> {
    READY_MADE
        .iter()
        .filter_map(|name| ready_made(name))
        .map(|failure| FailureMode {
            armed: false,
            ..failure
        })
        .collect()
}

fn request(operation: &str, body: &'static str) -> Request<Bytes> {
    let builder = Request::post(format!("/api/external/authentication/{operation}"))
        .header("host", "localhost");
    builder
        .header("content-type", "application/json")
        .body(Bytes::from_static(body.as_bytes()))
        .expect("it is a request")
}

/// Counts the allocations of one answer by a host whose journal is full.
fn allocations(host: &MockAppliance, request: &Request<Bytes>) -> u64 {
    (0..FULL).for_each(|_| drop(host.answer(request, NOBODY)));
    measure(|| drop(host.answer(request, NOBODY))).count_total
}

#[test]
fn an_answer_makes_few_allocations() {
    let host = host(Vec::new());
    let of = |operation: &str, body| allocations(&host, &request(operation, body));
    let counted = [
        of("validation", VALIDATION),
        of("validation", REFUSED),
        of("set_password_by_admin", CHANGE),
    ];
    // The request's fields, the journal's copies of it and of the answer, and the response with its headers; a
    // change also boxes a name and a password.
    assert_eq!(counted, [5, 5, 7]);
}

#[test]
fn modes_that_are_loaded_and_not_armed_allocate_nothing() {
    let (without, with) = (host(Vec::new()), host(unarmed()));
    let request = request("validation", VALIDATION);
    assert!(with.counters().len() > 30);
    assert_eq!(
        allocations(&with, &request),
        allocations(&without, &request)
    );
}

/// Short turns, many of them, and the best of each: on a busy machine a longer turn is always interrupted, and then what comes second
/// seems slower.
#[test]
#[expect(clippy::disallowed_methods, reason = "this takes the time")]
fn modes_that_are_loaded_and_not_armed_take_no_time() {
    let hosts = [host(Vec::new()), host(unarmed())];
    let request = request("validation", VALIDATION);
    let mut best = [Duration::MAX; 2];
    for _ in 0..1000 {
        for (host, best) in hosts.iter().zip(&mut best) {
            let start = Instant::now();
            (0..10).for_each(|_| drop(host.answer(&request, NOBODY)));
            *best = (*best).min(start.elapsed());
        }
    }
    assert!(
        best[1] < best[0] * 2,
        "{best:?} for ten answers without modes, and with {} unarmed",
        READY_MADE.len()
    );
}

#[test]
fn an_exchange_makes_few_allocations() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let double =
        runtime.block_on(async { RunningAppliance::open(host(Vec::new()), None).unwrap() });
    let mut stream = TcpStream::connect(double.address()).unwrap();
    // Everything the server does is done by this thread, and so counted; the client is another.
    let mut exchanges = |count: usize| {
        std::thread::scope(|scope| {
            let client =
                scope.spawn(|| (0..count).for_each(|_| ask(&mut stream, double.address())));
            let before = double.appliance().count(&EntryFilter::default());
            let counted = measure(|| {
                runtime.block_on(
                    double
                        .appliance()
                        .wait(&EntryFilter::default(), before + count as u64),
                )
            })
            .count_total;
            client.join().unwrap();
            counted
        })
    };
    exchanges(FULL);
    let (few, many) = (exchanges(100), exchanges(600));
    let each = (many - few) as f64 / 500.0;
    // Six: those of the answer, one for the request's body on its way through hyper, which keeps its
    // other buffers, and one for the list of pending answers. Half as many again fails.
    assert!(
        (1.0..=9.0).contains(&each),
        "{each} allocations for a request over HTTP"
    );
}

fn ask(stream: &mut TcpStream, address: SocketAddr) {
    let head = format!(
        "POST /api/external/authentication/validation HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n"
    );
    stream
        .write_all(
            format!(
                "{head}content-length: {}\r\n\r\n{VALIDATION}",
                VALIDATION.len()
            )
            .as_bytes(),
        )
        .expect("the server listens");
    let mut answer = [0; 1024];
    let length = stream.read(&mut answer).expect("the server answers");
    assert!(answer[..length].starts_with(b"HTTP/1.1 200"));
}
