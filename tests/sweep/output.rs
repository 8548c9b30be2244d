//! What a client prints and writes: no password of it is in a report, and nothing of it stops a sweep.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt, process::Command};

use rstest::rstest;
use serde_json::Value;

use crate::command::{NAIVE, only_in_scenarios, run, sweep};

fn scenario(report: &str) -> Value {
    let mut report: Value = serde_json::from_str(report).unwrap_or_else(|_| panic!("{report}"));
    report["scenarios"][0].take()
}

#[rstest]
#[case::pipe("mkfifo {believes}")]
#[case::folder("mkdir {believes}")]
#[case::without_end("ln -s /dev/zero {believes}")]
#[case::device("ln -s /dev/tty {believes}")]
#[case::empty(": > {believes}")]
#[case::empty_line("echo > {believes}")]
#[case::no_text("printf '\\377' > {believes}")]
fn a_belief_that_is_no_file_is_none(#[case] script: &str) {
    let script = format!("{script}; {NAIVE}");
    let (code, report, said) = run(&["--report", "json"], &script);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(scenario(&report)["verdict"], "kept");
}

#[test]
fn a_password_that_the_client_made_is_in_no_report() {
    let own = "Made-By-The-Client-1";
    let change = NAIVE.replace("\"$NEW_PASSWORD\"", own);
    let script = format!(
        "echo $((1+1)) {own}; {change}; echo Also-Made-By-1 > {{believes}}; echo Also-Made-By-1"
    );
    let options = ["--fail", "tls_1_2_only", "--report", "json"];
    let output = sweep(&options, &only_in_scenarios(&script))
        .output()
        .unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    let scenario = scenario(&report);
    assert_eq!(scenario["verdict"], "lost", "{scenario}");
    let printed = &scenario["runs"][0]["stdout"];
    assert_eq!(printed, "2 «secret»\n«secret»\n", "{scenario}");
    assert!(
        !report.contains(own) && !report.contains("Also-Made"),
        "{report}"
    );
}

#[test]
fn a_short_password_is_in_no_report() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = folder.path().join("short.yaml");
    let text = "appliance: sensor\nusers:\n  - { username: test, password: qv7, role: security_analyst }\n";
    fs::write(&fixture, text).unwrap();
    let options = ["--fixture", fixture.to_str().unwrap(), "--report", "json"];
    let script = format!("echo \"it is $PASSWORD.\"; {NAIVE}");
    let (code, report, said) = run(&options, &script);
    assert_eq!(code, Some(0), "{said}");
    let scenario = scenario(&report);
    assert_eq!(scenario["runs"][0]["stdout"], "it is «secret».\n");
    assert_eq!(scenario["marks"][0]["name"], "password_printed");
    assert!(!report.contains("qv7"), "{report}");
}

#[rstest]
#[case::first(
    "echo \"$PASSWORD\"; head -c 300000 /dev/zero | tr '\\0' 'x'; echo",
    true
)]
#[case::nowhere("head -c 300000 /dev/zero | tr '\\0' 'x'; echo", false)]
fn a_password_is_found_in_what_is_not_kept(#[case] script: &str, #[case] is_found: bool) {
    let script = format!("{script}; {NAIVE}");
    let (code, report, said) = run(&["--report", "json"], &script);
    assert_eq!(code, Some(0), "{said}");
    let scenario = scenario(&report);
    let marks = scenario["marks"].as_array().unwrap();
    let found = marks.iter().any(|mark| mark["name"] == "password_printed");
    assert_eq!(found, is_found, "{marks:?}");
}

#[test]
fn the_beginning_of_a_password_is_in_no_report() {
    let script = only_in_scenarios("printf 'it is Test123'; kill -9 $$");
    let (code, report, said) = run(&["--report", "json"], &script);
    assert_eq!(code, Some(1), "{said}");
    let printed = &scenario(&report)["runs"][0]["stdout"];
    assert_eq!(printed, "it is ");
}

#[test]
fn a_report_for_programs_stands_alone() {
    let options = ["--scenario", "change/flaky@1", "--report", "json"];
    let output = sweep(&options, NAIVE).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["scenarios"][0]["name"], "change/flaky@1");
    // As text both are there.
    let output = sweep(&options[..2], NAIVE).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\n  run with the failure: exit 1"), "{text}");
}

#[test]
fn an_argument_that_is_no_text_is_filled() {
    let folder = tempfile::tempdir().unwrap();
    let mut word = b"\xff{url} {ca}{believes}\xfe".to_vec();
    let seen = folder.path().join("seen");
    let mut command = Command::new(env!("CARGO_BIN_EXE_d4iot-double"));
    let script = format!(
        "{NAIVE}; code=$?; printf %s \"$1\" > {}; exit $code",
        seen.display()
    );
    command.args(["sweep", "--fail", "flaky", "--", "sh", "-c", &script, "sh"]);
    let output = command.arg(OsStr::from_bytes(&word)).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    word = fs::read(seen).unwrap();
    let inner = word
        .strip_prefix(b"\xff")
        .and_then(|word| word.strip_suffix(b"\xfe"));
    let inner = String::from_utf8(inner.unwrap().to_vec()).unwrap();
    assert!(inner.starts_with("https://127.0.0.1:"), "{inner}");
    assert!(
        inner.contains(".pem") && inner.ends_with(".password"),
        "{inner}"
    );
}

/// Passwords stand where no place tells that they are some: in a path, in headers, as the name of a user, in a key.
#[test]
fn a_password_anywhere_in_a_request_is_in_no_report() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["json", "html", "text"].map(|format| {
        let file = folder.path().join(format);
        format!("{format}={}", file.display())
    });
    let ask = r#"curl -s --max-time 5 --cacert {ca} -A "$SECRET" -H "X-$SECRET: $SECRET" -H 'Content-Type: application/json' -d "{\"username\":\"$SECRET\",\"$SECRET\":\"x\"}" "{url}/$SECRET/api""#;
    let script = format!(
        "for SECRET in \"$PASSWORD\" \"$NEW_PASSWORD\" My-Belief-12345; do {ask}; done; echo My-Belief-12345 > {{believes}}; exit 1"
    );
    let mut options = vec!["--scenario", "change/tls_1_2_only@1"];
    files
        .iter()
        .for_each(|file| options.extend(["--report", file]));
    let output = sweep(&options, &only_in_scenarios(&script))
        .output()
        .unwrap();
    let mut texts = vec![String::from_utf8(output.stdout).unwrap()];
    for format in ["json", "html", "text"] {
        texts.push(fs::read_to_string(folder.path().join(format)).unwrap());
    }
    for text in texts {
        assert!(!text.is_empty());
        for secret in ["Test12345!", "Sweep-Rotat3d", "My-Belief-1"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

#[test]
fn a_beginning_before_an_open_output_is_in_no_report() {
    // It has left the client's group before the client ends.
    let script = "env -i setsid sh -c ': > \"$0\"; exec sleep 5' \"$D4IOT_BELIEVES.left\" &
        until [ -e \"$D4IOT_BELIEVES.left\" ]; do :; done; printf 'it is Test1234'; exit 1";
    let (_, report, _) = run(&["--report", "json"], &only_in_scenarios(script));
    let printed = scenario(&report)["runs"][0]["stdout"].clone();
    let expected = "… (a process that the client has left still had this open)\nit is ";
    assert_eq!(printed, expected);
}

#[test]
fn a_password_in_the_command_is_hidden_however_it_is_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let fixture = folder.path().join("quotes.yaml");
    let text = "appliance: sensor\nusers:\n  - { username: test, password: 'Pa\'\'ss\"w$rd12', role: security_analyst }\n";
    fs::write(&fixture, text).unwrap();
    let options = [
        "--fixture",
        fixture.to_str().unwrap(),
        "--fail",
        "commit_then_reset",
    ];
    let script = r#"# Pa'ss"w$rd12
        body=$(python3 -c 'import json, os; print(json.dumps({"username": "test", "password": os.environ["PASSWORD"], "new_password": os.environ["NEW_PASSWORD"]}))')
        curl -s --max-time 5 --cacert {ca} -H 'Content-Type: application/json' -d "$body" {url}/api/external/authentication/set_password | grep -q replaced"#;
    let output = sweep(&options, script).output().unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(
        report.contains("again: d4iot-double sweep") && report.contains("# «secret»"),
        "{report}"
    );
    assert!(!report.contains("w$rd12"), "{report}");
}

#[test]
fn what_acts_on_a_terminal_is_shown_and_does_not_act() {
    let script = "printf 'a\\033[31mred\\007\\n::error::x\\n'; curl -s --cacert {ca} -d \"$(printf 'b\\033[2J\\n::error::y')\" {url}/x; exit 3";
    let (code, _, said) = run(&[], script);
    assert_eq!(code, Some(2));
    assert!(
        said.contains("| a\\u{1b}[31mred\\u{7}\n  | \\u{3a}:error::x"),
        "{said}"
    );
    let options = ["--scenario", "change/tls_1_2_only@1"];
    let output = sweep(&options, &only_in_scenarios(script))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\\u{1b}["), "{text}");
    let acts =
        |line: &str| line.trim_start().starts_with("::") || line.contains(['\u{1b}', '\u{7}']);
    assert!(!text.lines().any(acts), "{text}");
}
