//! Operations below a path, as through a console's tunnel.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use d4iot_double::{contract::Operation, fixture, server::MockAppliance};
use rstest::rstest;

use super::{Folder, ask, post, refused};
use crate::process::{PROGRAM, Process};

const BODY: &str = r#"{"username":"test","password":"Test12345!"}"#;
const VALIDATION: &str = "/api/external/authentication/validation";

#[test]
fn operations_are_below_the_prefix_alone() {
    let args = [
        "--kind",
        "sensor",
        "--http",
        "--path-prefix",
        "/10.0.0.5",
        "--control",
        "127.0.0.1:0",
    ];
    let (mut process, lines) = Process::serve(1, &args);
    let url = &lines[0].url;
    assert!(url.ends_with("/10.0.0.5"), "{url}");
    let port = url.rsplit(':').next().unwrap().split('/').next().unwrap();
    let port: u16 = port.parse().unwrap();
    let below = format!("/10.0.0.5{VALIDATION}");

    assert_eq!(ask(port, &post(&below, BODY)).status, 200);
    assert_eq!(ask(port, &post(VALIDATION, BODY)).status, 404);

    let meant =
        format!("every path begins with /10.0.0.5 here (--path-prefix): did you mean {below}?");
    process.says(&format!("POST {VALIDATION} met no operation: {meant}"));
    let control = process.control();
    let control_port = control.rsplit(':').next().unwrap().parse().unwrap();
    let ask_control = |path: &str, body: &str| {
        let asked = match body {
            "" => format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"),
            body => post(path, body).replace("host: x", "host: localhost"),
        };
        ask(control_port, &asked).body
    };
    let journal = ask_control("/v1/appliances/sensor/journal?operation=validation", "");
    assert!(journal.contains(r#""count":1"#), "{journal}");
    let explain = |path: &str| {
        let asked = format!(r#"{{"path":"{path}","body":{BODY}}}"#);
        ask_control("/v1/appliances/sensor/explain", &asked)
    };
    assert!(explain(&below).contains(r#""outcome":"authenticated""#));
    assert!(explain(VALIDATION).contains(&meant));
    // Appliances that are made later have it, and other readings do not take it away.
    let made = ask_control("/v1/appliances", r#"{"appliance":"console"}"#);
    assert!(made.contains("/10.0.0.5\""), "{made}");
    let readings = post("/v1/appliances/sensor/readings", r#"{"X11":"table"}"#);
    let readings = readings.replacen("POST", "PATCH", 1);
    let answer = ask(
        control_port,
        &readings.replace("host: x", "host: localhost"),
    );
    assert_eq!(answer.status, 200);
    assert_eq!(ask(port, &post(&below, BODY)).status, 200);
}

#[test]
fn check_reaches_a_server_through_the_tunnel() {
    let args = ["--kind", "sensor", "--http", "--path-prefix", "/10.0.0.5"];
    let (_process, lines) = Process::serve(1, &args);
    let folder = Folder::new();
    let accounts = folder.write(
        "accounts.yaml",
        "user: { username: test, password: Test12345! }",
    );
    fs::set_permissions(&accounts, fs::Permissions::from_mode(0o600)).unwrap();
    let case = ["--kind", "sensor", "--case", "validation.authenticated"];
    let check = ["check", &lines[0].url, "--accounts", &accounts]
        .into_iter()
        .chain(case);
    let output = Command::new(PROGRAM).args(check).output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{out}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[rstest]
#[case::no_slash("10.0.0.5")]
#[case::slash_at_the_end("/10.0.0.5/")]
#[case::query("/a?b")]
#[case::fragment("/a#b")]
#[case::blank("/a b")]
fn a_prefix_is_a_path(#[case] prefix: &str) {
    let end = refused(&["--path-prefix", prefix]);
    assert!(
        end.err
            .contains("expected a path, /10.0.0.5, without a slash at its end"),
        "{}",
        end.err
    );
}

#[test]
fn another_fixture_and_a_reset_keep_the_prefix() {
    let fixture = fixture::read("x", "appliance: sensor").unwrap();
    let appliance = MockAppliance::from_fixture(&fixture, 0).with_path_prefix("/10.0.0.5");
    let explain = |path: &str| {
        let request = http::Request::post(path).body(BODY.into()).unwrap();
        appliance.explain(&request, [127, 0, 0, 1].into()).operation
    };
    for change in 0..3 {
        match change {
            0 => {}
            1 => appliance.load(&fixture, 0),
            _ => appliance.reset(),
        }
        let below = explain(&format!("/10.0.0.5{VALIDATION}"));
        assert_eq!(
            (below, explain(VALIDATION)),
            (Some(Operation::Validation), None)
        );
    }
}
