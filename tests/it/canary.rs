//! Passwords that can be told from everything else, sent through all of it: no byte that comes out again holds one, in any spelling.
//!
//! The search is written for this test alone and knows nothing of the redaction it judges. One test shows that it finds what is there.

mod client;
pub(crate) mod search;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use client::{ask, ask_within, requests};
use d4iot_double::fixture::READY_MADE;
use rstest::rstest;
use rustix::process::Signal;
use search::{base64, found};

use crate::{
    process::{PROGRAM, Process},
    sample::sample,
};

/// One for everyone, with what escapes, and long enough to be searched for.
const ADMIN: &str = "Kanarie-Admin<&\"'\\%/+1!";
const TEST: &str = "Kanarie-Test é😀 2!";
const LATER: &str = "Kanarie-Later#3?~";
const NOBODYS: &str = "Kanarie-Nobody*4:";
const BEARER: &str = "Kanarie-Bearer-5-abcdefgh";
const ALL: [&str; 5] = [ADMIN, TEST, LATER, NOBODYS, BEARER];

/// Every failure mode by its ready-made name, armed one after the other; every operation, with passwords wherever a client could
/// put one; then every resource of the control API but the state.
#[rstest]
#[case::text("text")]
#[case::json("json")]
fn a_double_that_tells_everything_tells_no_password(
    #[case] format: &str,
    #[values("sensor", "console")] kind: &str,
) {
    let folder = tempfile::tempdir().unwrap();
    let fixture = folder.path().join("canary.yaml");
    fs::write(&fixture, fixture_text(kind)).unwrap();
    let ready = folder.path().join("ready.json");
    let mut process = Process::start(&[
        "serve",
        fixture.to_str().unwrap(),
        "--http",
        "--listen",
        "127.0.0.1:0",
        "--control",
        "127.0.0.1:0",
        "--ready-file",
        ready.to_str().unwrap(),
        "-v",
        "--log-format",
        format,
    ]);
    let appliance = process.ready(1).remove(0).url;
    let written: serde_json::Value = serde_json::from_slice(&fs::read(&ready).unwrap()).unwrap();
    let control = written["control"].as_str().unwrap();
    let mut produced: Vec<(String, Vec<u8>)> =
        vec![("ready file".into(), fs::read(&ready).unwrap())];
    let prefix = if kind == "sensor" {
        "/api/external/authentication"
    } else {
        "/external/authentication"
    };
    // Each mode is one of a sample's.
    let first = usize::from(format == "json") + 2 * usize::from(kind == "console");
    let modes = sample(READY_MADE.iter().map(Some), first, 4);
    for mode in [None].into_iter().chain(modes) {
        let path = mode.map(|mode| format!("/v1/appliances/canary/failures/{mode}"));
        if let Some(path) = &path {
            let armed = ask(control, "PUT", path, &[], r#"{"armed": true}"#);
            let refused = String::from_utf8_lossy(&armed).starts_with("HTTP/1.1 4");
            produced.push((format!("arming {path}"), armed));
            // Over plain HTTP no certificate can be at fault.
            if refused {
                continue;
            }
        }
        let (mut asked, began) = (0, Instant::now());
        for (index, (target, headers, body)) in requests(prefix).iter().enumerate() {
            // A mode that holds answers back is asked a few times and not waited for: its answers are those of the others.
            if began.elapsed() > PATIENCE && index > 2 {
                break;
            }
            let headers: Vec<(&str, &str)> = headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            produced.push((
                format!("answer {index} under {mode:?}"),
                ask_within(PATIENCE, &appliance, "POST", target, &headers, body),
            ));
            asked += 1;
        }
        assert!(asked > 2, "{mode:?}");
        if let Some(path) = &path {
            produced.push((
                format!("disarming {path}"),
                ask(control, "PUT", path, &[], r#"{"armed": false}"#),
            ));
            // A port that is closed for a time opens again.
            ask(
                control,
                "POST",
                "/v1/appliances/canary/clock",
                &[],
                r#"{"advance": "2h"}"#,
            );
        }
    }
    for resource in RESOURCES {
        let answer = ask(control, "GET", resource, &[], "");
        assert!(
            answer.starts_with(b"HTTP/1.1 200"),
            "{resource}: {}",
            String::from_utf8_lossy(&answer)
        );
        produced.push(((*resource).to_owned(), answer));
    }
    for (target, headers, body) in requests(prefix) {
        let headers: serde_json::Map<String, serde_json::Value> = headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        let request = serde_json::json!({ "method": "POST", "path": target, "headers": headers, "body": body }).to_string();
        produced.push((
            "explain".into(),
            ask(
                control,
                "POST",
                "/v1/appliances/canary/explain",
                &[],
                &request,
            ),
        ));
    }
    // Mistakes of the driver: each is refused with words that name a place, and no value.
    for (method, path, body) in [
        (
            "POST",
            "/v1/appliances/canary/users",
            format!(
                r#"{{"username": "x", "password": {}, "rol": "admin"}}"#,
                quoted(LATER)
            ),
        ),
        (
            "POST",
            "/v1/appliances/canary/users",
            format!(r#"{{"username": "x", "password": [{}]}}"#, quoted(LATER)),
        ),
        (
            "POST",
            "/v1/appliances/canary/users",
            format!(r#"{{"username": "x", "password": {}"#, quoted(LATER)),
        ),
        ("POST", "/v1/appliances", fixture_text(kind)),
        (
            "POST",
            "/v1/appliances",
            fixture_text(kind).replace("role: admin", "rol: admin"),
        ),
        (
            "PUT",
            "/v1/appliances/canary/state",
            fixture_text(kind).replace("password: ", "pasword: "),
        ),
    ] {
        let answer = ask(control, method, path, &[], &body);
        assert!(
            answer.starts_with(b"HTTP/1.1 4"),
            "{path}: {}",
            String::from_utf8_lossy(&answer)
        );
        produced.push((format!("slip at {path}"), answer));
    }
    let state = ask(control, "GET", "/v1/appliances/canary/state", &[], "");
    assert!(
        found(&state, &ALL).is_some(),
        "the state is the one place that gives passwords out"
    );
    produced.push((
        "command line".into(),
        fs::read(format!("/proc/{}/cmdline", process.id())).unwrap(),
    ));
    process.signal(Signal::TERM);
    let end = process.end();
    assert!(
        end.err.matches("set_password").count() > 20,
        "it was talkative: {}",
        end.err
    );
    produced.extend([
        ("stdout".to_owned(), end.out.into_bytes()),
        ("stderr".to_owned(), end.err.into_bytes()),
    ]);
    for (place, bytes) in &produced {
        shows_none(place, bytes);
    }
}

/// The whole suite at a target with its own accounts, passwords changed and given back, in every report there is.
#[rstest]
fn a_run_that_writes_everything_writes_no_password(#[values("sensor", "console")] kind: &str) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("canary.yaml"), fixture_text(kind)).unwrap();
    let accounts = format!(
        "admin: {{ username: admin, password: {} }}\nuser: {{ username: test, password: {} }}\n",
        quoted(ADMIN),
        quoted(TEST)
    );
    fs::write(at("accounts.yaml"), accounts).unwrap();
    fs::set_permissions(at("accounts.yaml"), fs::Permissions::from_mode(0o600)).unwrap();
    let (_process, ready) = Process::serve(1, &["--http", &at("canary.yaml")]);
    let mut command = Command::new(PROGRAM);
    command.args([
        "check",
        &ready[0].url,
        "--kind",
        kind,
        "--accounts",
        &at("accounts.yaml"),
        "--change-passwords-on",
        "127.0.0.1",
        "-v",
    ]);
    command.args([
        "--max-auth-failures",
        "100",
        "--delay",
        "0ms",
        "--snapshots",
        &at("snapshots"),
        "--update",
        "new",
        "--color",
        "always",
    ]);
    for format in [
        "text", "json", "junit", "markdown", "github", "html", "profile",
    ] {
        command.args([
            "--report",
            &format!("{format}={}", at(&format!("report.{format}"))),
        ]);
    }
    // Where CI is set, snapshots that are written for the first time fail the run.
    command
        .env_remove("CI")
        .env("XDG_STATE_HOME", at("state"))
        .env("GITHUB_STEP_SUMMARY", at("summary.md"));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.code().is_some_and(|code| code < 2),
        "{:?} {said}",
        output.status
    );
    let mut produced = vec![
        ("stdout".to_owned(), output.stdout),
        ("stderr".to_owned(), output.stderr),
    ];
    gather(folder.path(), &mut produced);
    assert!(
        produced.len() > 100,
        "reports, snapshots, the state: {}",
        produced.len()
    );
    for (place, bytes) in produced
        .iter()
        .filter(|(place, _)| !place.ends_with("canary.yaml") && !place.ends_with("accounts.yaml"))
    {
        shows_none(place, bytes);
    }
}

#[test]
fn the_search_finds_what_is_there() {
    for secret in ALL {
        for planted in search::spellings(secret) {
            let text = [b"before ".as_slice(), &planted, b" after"].concat();
            assert_eq!(
                found(&text, &ALL),
                Some(secret),
                "{}",
                String::from_utf8_lossy(&planted)
            );
        }
        for before in ["", "u", "us", "use"] {
            let text = base64(format!("{before}:{secret}:after").as_bytes());
            assert_eq!(found(text.as_bytes(), &ALL), Some(secret), "{before}");
        }
    }
    assert_eq!(found(b"Kanarie-Admin, Kanarie-Test, \"pass\"", &ALL), None);
}

/// How long an answer of a mode that may hold it back is waited for.
const PATIENCE: Duration = Duration::from_millis(250);
const RESOURCES: &[&str] = &[
    "/v1/appliances",
    "/v1/appliances/canary",
    "/v1/appliances/canary/users",
    "/v1/appliances/canary/failures",
    "/v1/appliances/canary/journal",
    "/v1/appliances/canary/journal/wait?count=1&timeout=1s",
    "/v1/appliances/canary/findings",
    "/v1/appliances/canary/clock",
    "/v1/appliances/canary/readings",
    "/v1/health",
    "/v1/ready",
    "/v1/openapi.json",
];

fn fixture_text(kind: &str) -> String {
    format!(
        "appliance: {kind}\nname: canary\nusers:\n  - {{ username: admin, password: {}, role: admin }}\n  - {{ username: test, password: {}, role: read_only }}\n",
        quoted(ADMIN),
        quoted(TEST)
    )
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn gather(folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, files)
        } else {
            files.push((path.display().to_string(), fs::read(&path).unwrap()))
        }
    }
}

#[track_caller]
fn shows_none(place: &str, bytes: &[u8]) {
    if let Some(secret) = found(bytes, &ALL) {
        panic!("{place} shows {secret}: {}", String::from_utf8_lossy(bytes));
    }
}
