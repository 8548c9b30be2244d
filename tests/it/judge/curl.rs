//! What the real curl prints of a mock's answers.

use std::process::{Command, Stdio};

use d4iot_double::{
    contract::Kind,
    report::{Conformance, TargetSummary},
    runner::{capture, capture::Capture},
};
use rstest::rstest;

use crate::process::Process;

/// Runs curl and returns both of its streams, as a shell's `2>&1` mixes them into a file.
fn curl(words: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let file = std::fs::File::create(&path).unwrap();
    let both = Stdio::from(file.try_clone().unwrap());
    let status = Command::new("curl")
        .args(words)
        .stdin(Stdio::null())
        .stdout(both)
        .stderr(file)
        .status()
        .unwrap();
    assert!(status.success());
    std::fs::read(path).unwrap()
}

fn judged(text: &[u8]) -> TargetSummary {
    let capture = Capture::read(text).unwrap();
    let judged = capture::judge(&capture, Some(Kind::Sensor), None, "curl.txt");
    let [target] = judged.targets.try_into().unwrap();
    target
}

fn verdicts(target: &TargetSummary) -> Vec<(Conformance, &str)> {
    let cases = target.cases.iter();
    let outcome = |case: &'_ d4iot_double::report::CaseResult| case.exchanges[0].outcome.clone();
    cases
        .map(|case| {
            (
                case.conformance,
                outcome(case).unwrap_or_default().leak() as &str,
            )
        })
        .collect()
}

#[rstest]
#[case::verbose(&["-v", "-s"])]
#[case::with_progress(&["-v"])]
#[case::in_ascii(&["-s", "--trace-ascii", "-"])]
#[case::in_hexadecimal(&["-s", "--trace", "-"])]
#[case::with_times(&["-s", "--trace", "-", "--trace-time"])]
#[case::verbose_with_times(&["-v", "--trace-time"])]
fn what_curl_prints_is_judged(#[case] options: &[&str]) {
    let (_process, ready) = Process::serve(1, &["--http", "--kind", "sensor"]);
    let url = |operation: &str| format!("{}/api/external/authentication/{operation}", ready[0].url);
    let (validation, change) = (url("validation"), url("set_password"));
    let ask = |url: &str, body: &str| {
        let json = ["-H", "Content-Type: application/json", "-d", body, url, url];
        curl(&[options, &json[..]].concat())
    };
    let mut text = ask(
        &validation,
        r#"{"username":"test","password":"Test12345!"}"#,
    );
    text.extend(ask(
        &validation,
        r#"{"username":"test","password":"No way: 4.5 > 3"}"#,
    ));
    text.extend(ask(&change, r#"{"username":"test","password":"Test12345!","new_password":"Much-Longer-Than-64-Letters-In-A-Line-Of-A-Trace-Is-This-Password-1!"}"#));

    let target = judged(&text);
    let (yes, no) = (
        (Conformance::Documented, "authenticated"),
        (Conformance::Documented, "credentials_rejected"),
    );
    let (done, failed) = (
        (Conformance::Documented, "password_replaced"),
        (Conformance::Documented, "authentication_failed"),
    );
    assert_eq!(
        verdicts(&target),
        [yes, yes, no, no, done, failed],
        "{}",
        String::from_utf8_lossy(&text)
    );
    let has_body = !options.contains(&"-v");
    assert_eq!(
        target.cases[0].exchanges[0].curl.contains("$PASSWORD1"),
        has_body
    );
}

#[test]
fn the_journal_of_a_mock_is_judged() {
    let mut process = Process::start(&[
        "serve",
        "--http",
        "--kind",
        "sensor",
        "--listen",
        "127.0.0.1:0",
        "--control",
        "127.0.0.1:0",
    ]);
    let ready = process.ready(1);
    let control = process.control();
    let url = format!("{}/api/external/authentication/validation", ready[0].url);
    for body in [
        r#"{"username":"test","password":"Test12345!"}"#,
        r#"{"username":"test","password":"x"}"#,
        r#"{"username":"test"}"#,
        r#"{"username":"test","password":7}"#,
    ] {
        curl(&[
            "-s",
            "-H",
            "Content-Type: application/json",
            "-d",
            body,
            &url,
        ]);
    }
    let journal = curl(&["-s", &format!("{control}/v1/appliances/sensor/journal")]);
    let target = judged(&journal);
    let expected = [
        (Conformance::Documented, "authenticated"),
        (Conformance::Documented, "credentials_rejected"),
        (Conformance::Undocumented, "missing_field"),
        (Conformance::Undocumented, "wrong_type"),
    ];
    assert_eq!(
        verdicts(&target),
        expected,
        "{}",
        String::from_utf8_lossy(&journal)
    );
}

#[test]
fn a_line_feed_in_a_traced_body_is_kept() {
    let text = b"=> Send header, 60 bytes (0x3c)\n0000: POST /api/external/authentication/validation HTTP/1.1\n0037: Host: a\n0040: Content-Type: application/json\n0060: \n\
        => Send data, 42 bytes (0x2a)\n0000: {\"username\":\"a\",\n0012: \"password\":\"bcdefghi\"}\n<= Recv header, 17 bytes (0x11)\n0000: HTTP/1.1 100 Continue\n\
        <= Recv header, 17 bytes (0x11)\n0000: HTTP/1.1 200 OK\n<= Recv header, 32 bytes\n0000: content-type: application/json\n<= Recv header, 28 bytes\n0000: Transfer-Encoding: chunked\n\
        <= Recv data, 10 bytes (0x4)\n0000: 23\n0004: {\"msg\":\"Authentication succeeded.\"}\n0029: 0\n002c: \n";
    let target = judged(text);
    assert_eq!(
        verdicts(&target),
        [(Conformance::Documented, "authenticated")],
        "{:?}",
        target.cases
    );
}
