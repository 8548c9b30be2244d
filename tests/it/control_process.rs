//! `serve --control` as a process: its ready line and file, its token, how it refuses to start, how it ends; and a test in Python.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    time::Instant,
};

use d4iot_double::cli::ready::Ready;
use rstest::rstest;
use rustix::process::Signal;

use crate::{
    process,
    process::{Process, SOON},
};

#[test]
fn control_api_is_announced_and_ends_with_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ready.json");
    let path = file.to_str().unwrap();
    let (mut process, _) = Process::serve(2, &["--control", "127.0.0.1:0", "--ready-file", path]);
    let url = process.control();
    let ready: Ready = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(ready.control.as_deref(), Some(url.as_str()));
    assert_eq!(ask(&url, "GET /v1/health", "", "").0, 200);
    let (status, body) = ask(
        &url,
        "POST /v1/appliances",
        "content-type: application/json\r\n",
        r#"{"appliance":"sensor","name":"made"}"#,
    );
    assert_eq!(
        (status, body.contains("\"url\":\"https://127.0.0.1:")),
        (201, true),
        "{body}"
    );
    let check = Command::new(process::PROGRAM)
        .args(["healthcheck", "--ready-file", path])
        .output()
        .unwrap();
    assert_eq!(check.status.code(), Some(0), "{check:?}");
    process.signal(Signal::TERM);
    assert_eq!(process.end().code, Some(0));
    assert!(!file.exists());
}

#[test]
fn a_long_poll_does_not_hold_up_the_end() {
    let (mut process, _) = Process::serve(2, &["--control", "127.0.0.1:0"]);
    let url = process.control();
    let mut waits = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    waits.write_all(b"GET /v1/appliances/sensor/journal/wait?timeout=10m HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    // Requests are taken in their order only on one connection; a further one that was answered says no more than that it had time.
    assert_eq!(ask(&url, "GET /v1/health", "", "").0, 200);
    let asked = Instant::now();
    process.signal(Signal::TERM);
    assert_eq!(process.end().code, Some(0));
    assert!(asked.elapsed() < SOON / 4, "{:?}", asked.elapsed());
    let mut answer = String::new();
    drop(waits.read_to_string(&mut answer));
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 503 "),
        "{answer}"
    );
}

#[test]
fn without_control_there_is_no_such_listener() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ready.json");
    let (_process, ready) = Process::serve(2, &["--ready-file", file.to_str().unwrap()]);
    let written: Ready = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!((written.control, ready.len()), (None, 2));
}

#[test]
fn a_token_is_read_from_a_private_file_and_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let file = token(folder.path(), "Canary-token-1\n", 0o600);
    let (mut process, _) = Process::serve(
        2,
        &["--control", "0.0.0.0:0", "--control-token-file", &file],
    );
    let url = process.control();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    assert_eq!(ask(&url, "GET /v1/health", "", "").0, 200);
    assert_eq!(ask(&url, "GET /v1/appliances", "", "").0, 401);
    assert_eq!(
        ask(
            &url,
            "GET /v1/appliances",
            "authorization: Bearer Canary-token-1\r\n",
            ""
        )
        .0,
        200
    );
    process.signal(Signal::TERM);
    let end = process.end();
    assert!(!format!("{end:?}").contains("Canary"), "{end:?}");
}

#[rstest]
#[case::kubernetes(0o440)]
#[case::docker(0o444)]
#[case::plain(0o644)]
fn a_mounted_secret_is_a_token(#[case] mode: u32) {
    let folder = tempfile::tempdir().unwrap();
    let file = token(folder.path(), "Canary-token-1", mode);
    let args = ["--control", "127.0.0.1:0", "--control-token-file", &file];
    let (mut process, _) = Process::serve(2, &args);
    let url = process.control();
    assert_eq!(ask(&url, "GET /v1/appliances", "", "").0, 401);
}

#[test]
fn options_and_the_token_come_from_the_environment() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_d4iot-double"));
    let variables = [
        ("LISTEN", "127.0.0.1:0"),
        ("CONTROL", "0.0.0.0:0"),
        ("CONTROL_TOKEN", "Canary-token-1"),
        ("KIND", "console"),
        ("HTTP", "1"),
        ("FAIL", "slow,hanging"),
        ("STRICT", "false"),
        ("SAN", ""),
        ("READING", "X11=table,X16=418"),
        ("ADVERTISE", "double.test"),
    ];
    let named = variables.map(|(name, value)| (format!("D4IOT_DOUBLE_{name}"), value));
    let mut process = Process::spawn(command.arg("serve").envs(named));
    let lines = process.ready(1);
    assert!(
        lines[0].name == "console" && lines[0].url.starts_with("http://double.test:"),
        "{lines:?}"
    );
    let url = process.control();
    let own = url.replace("double.test", "127.0.0.1");
    assert_eq!(ask(&own, "GET /v1/appliances", "", "").0, 401);
    let header = "authorization: Bearer Canary-token-1\r\n";
    let (status, listed) = ask(&own, "GET /v1/appliances", header, "");
    assert_eq!(status, 200);
    assert!(listed.to_string().contains(&lines[0].url), "{listed}");
    process.signal(Signal::TERM);
    let end = process.end();
    assert_eq!(end.code, Some(0), "not strict: {end:?}");
    assert!(!format!("{end:?}").contains("Canary"), "{end:?}");
}

#[test]
fn a_url_has_the_host_that_was_asked_on_all_interfaces() {
    let folder = tempfile::tempdir().unwrap();
    let file = token(folder.path(), "Canary-token-1", 0o400);
    let process = Process::start(&[
        "serve",
        "--listen",
        "0.0.0.0:0",
        "--control",
        "0.0.0.0:0",
        "--control-token-file",
        &file,
    ]);
    let mut process = process;
    process.ready(2);
    let url = process.control();
    let header = "authorization: Bearer Canary-token-1\r\nhost: double.test:9443\r\n";
    let (_, listed) = ask(&url, "GET /v1/appliances", header, "");
    assert_eq!(
        listed.to_string().matches("https://double.test:").count(),
        2,
        "{listed}"
    );
}

#[rstest]
#[case::from_everywhere(&["--control", "0.0.0.0:9443"], None, "other machines could use the control API")]
#[case::no_address(&["--control", "9443"], None, "did you mean 127.0.0.1:9443?")]
#[case::token_without_control(&[], Some(("Canary", 0o600)), "--control")]
#[case::empty(&["--control", "127.0.0.1:0"], Some(("\n", 0o600)), "is empty")]
#[case::writable(&["--control", "127.0.0.1:0"], Some(("Canary", 0o646)), "has mode 646, expected that only its owner can write it")]
#[case::two_lines(&["--control", "127.0.0.1:0"], Some(("Canary\nCanary", 0o600)), "one line of visible ASCII")]
fn what_would_be_unsafe_is_refused_before_anything_starts(
    #[case] args: &[&str],
    #[case] given: Option<(&str, u32)>,
    #[case] says: &str,
) {
    let folder = tempfile::tempdir().unwrap();
    let file = given.map(|(text, mode)| token(folder.path(), text, mode));
    let mut all = vec!["serve", "--listen", "127.0.0.1:0"];
    all.extend(args);
    if let Some(file) = &file {
        all.extend(["--control-token-file", file]);
    }
    let end = Process::start(&all).end();
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""), "{end:?}");
    assert!(
        end.err.contains(says) && !end.err.contains("Canary"),
        "{end:?}"
    );
}

#[test]
fn a_test_in_python_freezes_the_clock_and_waits_for_the_arrival() {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/target/clients/bin/python");
    let python = if Path::new(own).exists() {
        own
    } else {
        "python3"
    };
    if !Command::new(python)
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        // Past the capture of a test's own output, so that it is seen where the test passes.
        return std::io::stderr()
            .write_all(b"left out, as it is not installed: python3\n")
            .unwrap();
    }
    let (mut process, _) = Process::serve(2, &["--control", "127.0.0.1:0"]);
    let url = process.control();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/control/frozen.py");
    let output = Command::new(python)
        .arg(script)
        .env("CONTROL", &url)
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}{err}");
    assert_eq!(
        out.trim_end(),
        "open, then 200\n1 come, none wanted",
        "{err}"
    );
}

fn token(folder: &Path, text: &str, mode: u32) -> String {
    let file = folder.join("token");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    file.to_str().unwrap().to_owned()
}

/// Asks once, on a connection of its own; returns status and body.
pub(crate) fn ask(url: &str, request: &str, headers: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let length = body.len();
    let host = if headers.contains("host:") {
        ""
    } else {
        "host: localhost\r\n"
    };
    write!(stream, "{request} HTTP/1.1\r\n{host}connection: close\r\n{headers}content-length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        head.split(' ').nth(1).unwrap().parse().unwrap(),
        body.to_owned(),
    )
}
