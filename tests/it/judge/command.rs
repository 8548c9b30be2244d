//! The command itself: exit codes, outputs, refusals.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use rstest::rstest;
use serde_json::json;

use crate::process::PROGRAM;

fn har(answer: &str) -> String {
    let entry = |host: &str| {
        json!({
            "request": {
                "method": "POST", "url": format!("https://{host}/api/external/authentication/validation"),
                "headers": [{ "name": "content-type", "value": "application/json" }],
                "postData": { "text": r#"{"username":"ada","password":"Test12345!"}"# },
            },
            "response": { "status": 200, "headers": [{ "name": "content-type", "value": "application/json" }], "content": { "text": answer } },
        })
    };
    json!({ "log": { "entries": [entry("one.lab:8443"), entry("two.lab"), { "request": { "method": "GET", "url": "https://x/y" } }] } }).to_string()
}

const YES: &str = r#"{"msg":"Authentication succeeded."}"#;

fn run(folder: &Path, words: &[&str]) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(PROGRAM)
        .arg("judge")
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (
        status.code(),
        String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap(),
    )
}

#[rstest]
#[case::good(YES, &["a.har"], 0, "2 of 2 cases judged, none fails.")]
#[case::the_kind_is_said(YES, &["a.har"], 0, "taken for a sensor: --kind says otherwise")]
#[case::the_paths_tell_the_kind(r#"{"msg":"Hello there"}"#, &["a.har"], 1, "taken for a sensor: --kind says otherwise")]
#[case::counted(YES, &["a.har"], 0, "not judged: 1 × another path")]
#[case::one_host(YES, &["a.har", "--host", "ONE.lab"], 0, "1 of 1 case judged")]
#[case::no_such_host(YES, &["a.har", "--host", "three"], 2, "the capture has https://one.lab:8443, https://two.lab")]
#[case::deviation(r#"{"msg":"Yes"}"#, &["a.har", "--kind", "sensor"], 1, "2 cases fail for 1 reason")]
#[case::of_another_kind(YES, &["a.har", "--kind", "console"], 4, "nothing was judged")]
#[case::nothing(YES, &["empty.har"], 4, "no exchange of the authentication API is in the capture")]
#[case::cut(YES, &["cut.har"], 0, "cut off: the file ends within an entry")]
#[case::no_file(YES, &["none.har"], 2, "cannot read none.har")]
#[case::a_folder(YES, &["."], 2, "cannot read .")]
#[case::several_profiles(YES, &["a.har", "--report", "profile=p.yaml"], 2, "--host chooses one of https://one.lab:8443")]
#[case::over_the_capture(YES, &["a.har", "--redact", "./a.har"], 2, "it is a file that is read: name another")]
#[case::report_over_the_capture(YES, &["a.har", "--report", "json=a.har"], 2, "it is a file that is read: name another")]
#[case::over_a_file_of_yours(YES, &["a.har", "--redact", "cut.har"], 2, "exists, and --redact did not write it")]
#[case::both_to_one_file_in_two_spellings(YES, &["a.har", "--redact", "b.har", "--report", "json=./b.har"], 2, "both go to b.har")]
#[case::two_reports_to_one_file(YES, &["a.har", "--report", "html=b.har", "--report", "json=./b.har"], 2, "two reports go to ./b.har")]
#[case::a_copy_to_stdout(YES, &["a.har", "--redact", "-"], 2, "--redact - is not a file")]
#[case::both_to_one_file(YES, &["a.har", "--redact", "b.har", "--report", "json=b.har"], 2, "both go to b.har")]
fn the_command_says_what_it_did(
    #[case] answer: &str,
    #[case] words: &[&str],
    #[case] code: i32,
    #[case] says: &str,
) {
    let folder = tempfile::tempdir().unwrap();
    let text = har(answer);
    fs::write(folder.path().join("a.har"), &text).unwrap();
    fs::write(folder.path().join("cut.har"), &text[..text.len() - 30]).unwrap();
    fs::write(folder.path().join("empty.har"), r#"{"log":{"entries":[]}}"#).unwrap();

    let (exit, printed) = run(folder.path(), words);

    assert_eq!(exit, Some(code), "{printed}");
    assert!(printed.contains(says), "{printed}");
    assert_eq!(
        fs::read_to_string(folder.path().join("a.har")).unwrap(),
        text
    );
}

#[test]
fn a_copy_may_be_written_again_and_read_from_stdin() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.har"), har(YES)).unwrap();
    for _ in 0..2 {
        let (exit, printed) = run(
            folder.path(),
            &["a.har", "--redact", "b.har", "--host", "two.lab"],
        );
        assert_eq!(exit, Some(0), "{printed}");
    }
    let copy = fs::File::open(folder.path().join("b.har")).unwrap();
    let output = Command::new(PROGRAM)
        .args(["judge", "-", "--kind", "sensor"])
        .stdin(copy)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("sensor capture: 1 case"), "{text}");
}

#[test]
fn a_report_has_no_name_of_a_file_or_an_address() {
    let folder = tempfile::tempdir().unwrap();
    let har = har("").replace("https://one.lab", "https://opuser:UrlPass99@[fe80::abcd]");
    let mut har: serde_json::Value = serde_json::from_str(&har).unwrap();
    har["log"]["entries"][0]["response"] = json!({
        "status": 302, "headers": [{ "name": "location", "value": "https://sso.lab/?ticket=Ticket77" }], "content": { "text": "" },
    });
    fs::write(folder.path().join("10.9.8.7.har"), har.to_string()).unwrap();
    let formats = ["text", "json", "junit", "markdown", "html", "profile"];
    let reports = formats.map(|format| format!("{format}=10.9.8.7.{format}"));
    let mut words = vec!["10.9.8.7.har", "--kind", "sensor", "--host", "[FE80::abcd]"];
    words.extend(reports.iter().flat_map(|report| ["--report", report]));

    let (exit, printed) = run(folder.path(), &words);
    let (_, hint) = run(folder.path(), &["10.9.8.7.har", "--host", "x"]);

    assert_eq!(exit, Some(1), "{printed}");
    assert!(
        hint.contains("the capture has https://[fe80::abcd]:8443, https://two.lab"),
        "{hint}"
    );
    let read =
        |format| fs::read_to_string(folder.path().join(format!("10.9.8.7.{format}"))).unwrap();
    assert!(read("text").contains("a redirect to `another address`"));
    for report in formats.map(read).iter().chain([&printed, &hint]) {
        for secret in ["10.9.8.7", "opuser", "UrlPass99", "sso.lab", "Ticket77"] {
            assert!(!report.contains(secret), "{secret} in {report}");
        }
    }
}

#[test]
fn a_capture_without_exchanges_leaves_no_copy() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("empty.har"), r#"{"log":{"entries":[]}}"#).unwrap();
    let (exit, _) = run(folder.path(), &["empty.har", "--redact", "b.har"]);
    assert_eq!(exit, Some(4));
    assert!(!folder.path().join("b.har").exists());
}
