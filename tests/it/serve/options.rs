//! Options that do not go together, and addresses that cannot be.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use rstest::rstest;
use rustix::process::Signal;

use super::refused;
use crate::process::Process;

#[rstest]
#[case::certificate_without_key(&["--tls-cert", "x"], "--tls-key")]
#[case::key_without_certificate(&["--tls-key", "x"], "--tls-cert")]
#[case::http_with_a_certificate(&["--http", "--ca-out", "x"], "cannot be used with")]
#[case::name_with_a_port(&["--san", "plant:8443"], "--san plant:8443: expected a host name or an IP address, without a port")]
#[case::kind(&["--kind", "probe"], "expected one of console, sensor")]
#[case::kind_of_a_fixture(&["--kind", "sensor", "plant.yaml"], "cannot be used with")]
#[case::reading_without_a_name(&["--reading", "X11"], "expected FACT=NAME")]
#[case::reading_unknown(&["--reading", "X11=tabel"], "expected one of example, table\n  hint: did you mean `table`?")]
#[case::mode_unknown(&["--fail", "hangin"], "unknown failure mode `hangin`\n  hint: did you mean `hanging`?")]
#[case::mode_like_no_other(&["--fail", "nope"], "unknown failure mode `nope`\n  hint: expected one of ")]
#[case::mode_by_its_description(&["--fail", "lost_answer"], "did you mean `commit_then_reset`?")]
#[case::stdin_twice(&["-", "--exit-with-stdin"], "`-` reads all of it")]
#[case::stdin_twice_for_a_token(&["--control-token-file", "-", "--control", "127.0.0.1:0", "--exit-with-stdin"], "`-` reads all of it")]
#[case::kind_as_a_fixture(&["sensor"], "did you mean --kind sensor?")]
#[case::seed(&["--seed", "abc"], "expected a whole number from 0 to 9007199254740991")]
#[case::no_such_fixture(&["nowhere.yaml"], "nowhere.yaml")]
#[case::ready_file_in_no_folder(&["--ready-file", "/nowhere/ready.json"], "/nowhere/ready.json")]
fn what_does_not_go_together_is_said(#[case] args: &[&str], #[case] expected: &str) {
    let end = refused(args);
    assert!(end.err.contains(expected), "{}", end.err);
}

#[rstest]
#[case::a_word("nonsense", "expected an IP address and a port")]
#[case::a_port_alone("8443", "did you mean 127.0.0.1:8443?")]
#[case::a_colon_and_a_port(":8443", "did you mean 127.0.0.1:8443?")]
#[case::a_name("localhost:9443", "did you mean 127.0.0.1:9443?")]
#[case::an_address_alone("::1", "did you mean [::1]:8443?")]
#[case::a_port_too_high("127.0.0.1:65536", "the port is over 65535")]
#[case::the_last_port("127.0.0.1:65535", "no port is left for console")]
// Of the documentation's addresses (RFC 5737), no machine has one.
#[case::another_machine_s("192.0.2.1:8443", "this machine has no such address")]
fn an_address_that_cannot_be_is_answered_with_one_that_can(
    #[case] address: &str,
    #[case] expected: &str,
) {
    let end = Process::start(&["serve", "--listen", address]).end();
    assert_eq!((end.code, end.out.as_str()), (Some(2), ""));
    assert!(end.err.contains(expected), "{}", end.err);
}

/// A fixture on stdin, whose password looks like a variable that somebody meant to fill in.
#[test]
fn a_fixture_is_read_from_stdin_and_no_variable_is_filled_in() {
    let text = "appliance: sensor\nusers: [{ username: a, password: '${PW}', role: admin }]\n";
    let mut command = Command::new(env!("CARGO_BIN_EXE_d4iot-double"));
    let command = command.args(["fixture", "check", "-"]);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let checked = child.wait_with_output().unwrap();
    let out = String::from_utf8_lossy(&checked.stdout);
    let expected = "ok sensor sensor: 1 user, policy examples; the password of `a` is that text itself: variables are not filled in\n";
    assert_eq!(out, expected);
}

#[test]
fn control_api_starts_alone() {
    let args = ["serve", "--no-appliances", "--control", "127.0.0.1:0"];
    let mut process = Process::start(&args);
    assert!(process.control().starts_with("http://127.0.0.1:"));
    process.signal(Signal::TERM);
    assert_eq!(process.end().code, Some(0));
    refused(&["--no-appliances"]);
}

#[test]
fn closed_stdin_ends_serve_if_asked() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_d4iot-double"));
    let process =
        Process::spawn(command.args(["serve", "--listen", "127.0.0.1:0", "--exit-with-stdin"]));
    assert_eq!(process.end().code, Some(0));
}

#[test]
fn few_descriptors_are_enough_for_the_control_api() {
    let program = env!("CARGO_BIN_EXE_d4iot-double");
    let line =
        format!("ulimit -n 1024; exec {program} serve --listen 127.0.0.1:0 --control 127.0.0.1:0");
    let mut process = Process::spawn(Command::new("sh").args(["-c", &line]));
    process.ready(2);
    assert!(process.control().starts_with("http://"));
}
