//! What it says when it is ready.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    process::Command,
};

use d4iot_double::{
    cli::ready::Ready,
    contract::{Kind, Operation, Outcome},
};
use rstest::rstest;
use rustix::process::Signal;

use super::{Answer, Folder, answers, ask, post};
use crate::process::{PROGRAM, Process, ReadyLine};

#[test]
fn a_ready_line_for_each_appliance_and_nothing_else_on_stdout() {
    let (process, ready) = Process::serve(2, &[]);
    assert_eq!([&*ready[0].name, &*ready[1].name], ["sensor", "console"]);
    for line in &ready {
        assert_eq!(line.url, format!("https://127.0.0.1:{}", line.port()));
        // The line came through a pipe while the process runs, and its reader may connect.
        TcpStream::connect(("127.0.0.1", line.port())).unwrap();
    }
    process.signal(Signal::TERM);
    assert_eq!(process.end().out, "");
}

#[test]
fn one_kind_alone_over_plain_http() {
    let (_process, ready) = Process::serve(1, &["--kind", "console", "--http"]);
    assert_eq!(
        ready,
        [ReadyLine {
            name: "console".into(),
            url: format!("http://127.0.0.1:{}", ready[0].port())
        }]
    );
    let answer = ask(
        ready[0].port(),
        &post(
            "/external/authentication/validation",
            r#"{"username":"test","password":"Test12345!"}"#,
        ),
    );
    assert_eq!(
        answer,
        Answer::worded(Kind::Console, Operation::Validation, Outcome::Authenticated)
    );
}

#[test]
fn the_ready_file_says_all_and_is_gone_at_the_end() {
    let folder = Folder::new();
    let path = folder.path("ready.json");
    let (process, lines) = Process::serve(2, &["--ready-file", &path, "--seed", "42"]);
    let text = fs::read_to_string(&path).unwrap();
    let ready: Ready = serde_json::from_str(&text).unwrap();
    let ca = ready.ca.as_deref().unwrap();
    let [sensor, console] = [&lines[0].url, &lines[1].url];
    let expected = serde_json::json!({
        "version": 1, "pid": process.id(), "seed": 42, "ca": ca, "control": null, "health": ready.health,
        "appliances": [
            { "name": "sensor", "kind": "sensor", "url": sensor }, { "name": "console", "kind": "console", "url": console },
        ],
    });
    assert_eq!(text, format!("{expected}\n"));
    assert!(
        ca.starts_with("-----BEGIN CERTIFICATE-----")
            && answers(sensor, Some(ca))
            && answers(console, Some(ca))
    );
    assert_eq!(folder.names(), ["ready.json"]);
    process.signal(Signal::TERM);
    assert_eq!(process.end().code, Some(0));
    assert!(folder.names().is_empty());
}

#[test]
fn no_address_means_this_machine_in_what_is_said() {
    let mut process = Process::start(&["serve", "--listen", "0.0.0.0:0"]);
    for line in process.ready(2) {
        assert_eq!(line.url, format!("https://127.0.0.1:{}", line.port()));
        TcpStream::connect(("127.0.0.1", line.port())).unwrap();
    }
}

#[test]
fn an_ipv6_address_stands_in_brackets() {
    // A machine without IPv6 cannot tell.
    if TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let mut process = Process::start(&["serve", "--listen", "[::1]:0", "--http"]);
    for line in process.ready(2) {
        assert_eq!(line.url, format!("http://[::1]:{}", line.port()));
        TcpStream::connect(("::1", line.port())).unwrap();
    }
}

#[test]
fn how_to_ask_is_said_on_stderr_and_works_as_it_is_said() {
    let (mut process, ready) = Process::serve(2, &[]);
    for (line, kind) in ready.iter().zip([Kind::Sensor, Kind::Console]) {
        let said = process.says(&format!("note: ask {}: curl -k ", line.name));
        let command = said
            .split_once(": curl")
            .map(|(_, rest)| format!("curl -sS --noproxy '*' {rest}"))
            .unwrap();
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        let expected = Answer::worded(kind, Operation::Validation, Outcome::Authenticated).body;
        assert_eq!(
            (
                String::from_utf8(output.stdout).unwrap(),
                String::from_utf8(output.stderr).unwrap()
            ),
            (expected, String::new())
        );
    }
    process.says("Ctrl-C");
}

#[test]
fn quiet_is_quiet() {
    let (process, _) = Process::serve(2, &["-q"]);
    process.signal(Signal::TERM);
    let end = process.end();
    assert_eq!(
        (end.code, end.out.as_str(), end.err.as_str()),
        (Some(0), "", "")
    );
}

#[rstest]
#[case::closed("exec \"$0\" \"$@\" >&-")]
#[case::full("exec \"$0\" \"$@\" >/dev/full")]
fn a_useless_stdout_stops_nothing(#[case] script: &str) {
    let folder = Folder::new();
    let file = folder.path("ready.json");
    let mut process = Process::spawn(Command::new("sh").args([
        "-c",
        script,
        PROGRAM,
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--ready-file",
        &file,
    ]));
    process.says("Ctrl-C");
    let ready: Ready = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert!(
        ready
            .appliances
            .iter()
            .all(|served| answers(&served.url, ready.ca.as_deref()))
    );
    process.signal(Signal::TERM);
    assert_eq!(process.end().code, Some(0));
}
