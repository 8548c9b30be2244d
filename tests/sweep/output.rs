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
// It lies across the place where the first part is dropped.
#[case::on_the_edge(
    "head -c 65530 /dev/zero | tr '\\0' 'x'; echo \"$PASSWORD\"; head -c 80000 /dev/zero | tr '\\0' 'x'; echo",
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
