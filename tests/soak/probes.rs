//! An orchestrator's probes beside a client: none of them is counted, and none meets a failure mode.
//!
//! `D4IOT_SOAK_SECONDS` says for how long, 3 when not given.

use std::{
    env, fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use d4iot_double::cli::ready::Ready;
use serde_json::Value;

use crate::process::{Process, SOON};

const PROGRAM: &str = env!("CARGO_BIN_EXE_d4iot-double");
const SEED: &str = "7";
const TOKEN: &str = "canary-of-the-token";
const BODY: &str = r#"{"username":"test","password":"Test12345!"}"#;

#[test]
#[ignore = "the soak tier: .ci/run runs it"]
fn probes_change_neither_the_schedule_nor_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (ready, token) = (path("ready.json"), path("token"));
    fs::write(&token, TOKEN).unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o444)).unwrap();
    let variables = [
        ("LISTEN", "127.0.0.1:0"),
        ("HTTP", "true"),
        ("KIND", "sensor"),
        ("SEED", SEED),
        ("FAIL", "flaky"),
        ("CONTROL", "127.0.0.1:0"),
        ("CONTROL_TOKEN_FILE", &token),
        ("READY_FILE", &ready),
    ];
    let variables = variables.map(|(name, value)| (format!("D4IOT_DOUBLE_{name}"), value));
    let mut command = Command::new(PROGRAM);
    let command = command.args(["serve", "-q"]).envs(variables.clone());
    let _process = Process::spawn(command);
    let mut waiting = Command::new(PROGRAM);
    let waiting = waiting.args(["healthcheck", "--wait", "30s"]);
    assert!(waiting.envs(variables.clone()).status().unwrap().success());
    let Ready {
        appliances,
        health,
        control,
        ..
    } = serde_json::from_str(&fs::read_to_string(&ready).unwrap()).unwrap();
    let (appliance, control) = (&appliances[0].url, control.unwrap());

    let end = AtomicBool::new(false);
    let probe = |one: &dyn Fn()| {
        let mut count = 0;
        while !end.load(Ordering::Relaxed) {
            let next = Instant::now() + Duration::from_millis(100);
            one();
            count += 1;
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        count
    };
    let by_tcp = || drop(TcpStream::connect(address(appliance)).unwrap());
    let by_http = || assert_eq!(ask(&health, "GET /", "", "").0, 200);
    let by_control = || assert_eq!(ask(&control, "GET /v1/health", "", "").0, 200);
    let by_command = || {
        let mut command = Command::new(PROGRAM);
        let healthy = command.arg("healthcheck").envs(variables.clone()).status();
        assert!(healthy.unwrap().success());
    };
    let (statuses, probes) = thread::scope(|scope| {
        let probes: [&(dyn Fn() + Sync); 4] = [&by_tcp, &by_http, &by_control, &by_command];
        let probes = probes.map(|one| scope.spawn(move || probe(&|| one())));
        let (start, mut statuses) = (Instant::now(), Vec::new());
        while start.elapsed() < seconds() {
            let header = "content-type: application/json\r\n";
            let line = "POST /api/external/authentication/validation";
            statuses.push(ask(appliance, line, header, BODY).0);
            thread::sleep(Duration::from_millis(7));
        }
        end.store(true, Ordering::Relaxed);
        (statuses, probes.map(|probe| probe.join().unwrap()))
    });

    let failed = statuses
        .iter()
        .enumerate()
        .filter(|(_, status)| **status == 503);
    let failed: Vec<String> = failed.map(|(index, _)| (index + 1).to_string()).collect();
    eprintln!(
        "{} requests, {} failed; probes: {probes:?}",
        statuses.len(),
        failed.len()
    );
    let mode = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/failures/flaky.yaml");
    let calls = statuses.len().to_string();
    let schedule = [
        "fixture", "schedule", mode, "--seed", SEED, "--calls", &calls,
    ];
    let listed = Command::new(PROGRAM).args(schedule).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let line = listed
        .lines()
        .find(|line| line.starts_with("flaky: "))
        .unwrap();
    assert_eq!(line.rsplit(": ").next().unwrap(), failed.join(" "));
    let header = format!("authorization: Bearer {TOKEN}\r\n");
    let (status, journal) = ask(&control, "GET /v1/appliances/sensor/journal", &header, "");
    let journal: Value = serde_json::from_str(&journal).unwrap();
    assert_eq!(
        (status, journal["count"].as_u64()),
        (200, Some(statuses.len() as u64))
    );
}

fn seconds() -> Duration {
    let given = env::var("D4IOT_SOAK_SECONDS").ok();
    Duration::from_secs(given.map_or(3, |seconds| seconds.parse().unwrap()))
}

fn address(url: &str) -> &str {
    url.strip_prefix("http://").unwrap()
}

fn ask(url: &str, line: &str, headers: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address(url)).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let length = body.len();
    write!(stream, "{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        head.split(' ').nth(1).unwrap().parse().unwrap(),
        body.to_owned(),
    )
}
