//! `healthcheck` against a running `serve`: right whatever the failure modes do, and noticed by no appliance.

use std::{fs, net::TcpStream};

use rstest::rstest;
use rustix::process::Signal;

use super::{Folder, Identified, healthcheck};
use crate::process::Process;

#[rstest]
#[case::https(&[])]
#[case::http(&["--http"])]
#[case::another_name(&["--http", "--advertise", "sensor.test"])]
fn healthcheck_is_content_while_serve_runs_and_not_after(#[case] args: &[&str]) {
    let folder = Folder::new();
    let file = folder.path("ready.json");
    let args: Vec<&str> = ["--ready-file", &file]
        .iter()
        .chain(args)
        .copied()
        .collect();
    let (process, _) = Process::serve(2, &args);
    let end = healthcheck(&["--ready-file", &file]);
    assert_eq!(
        (end.code, end.out.as_str(), end.err.as_str()),
        (Some(0), "", "")
    );
    let kept = folder.write("kept.json", &fs::read_to_string(&file).unwrap());
    process.signal(Signal::TERM);
    assert_eq!(process.end().code, Some(0));
    let gone = healthcheck(&["--ready-file", &file]);
    assert_eq!(gone.code, Some(3));
    assert!(
        gone.err.contains(&file) && gone.err.contains("hint: serve writes it"),
        "{}",
        gone.err
    );
    let silent = healthcheck(&["--ready-file", &kept]);
    assert_eq!(silent.code, Some(3));
    assert!(silent.err.contains(" does not answer: "), "{}", silent.err);
}

/// With `--strict` a probe that were a request, or that fired a failure mode, would change the exit code.
#[rstest]
#[case::port_closed("port_closed")]
#[case::hanging("hanging")]
#[case::stalled("handshake_stalled")]
#[case::swapped("swapped_certificate")]
fn no_appliance_notices_a_probe(#[case] mode: &str) {
    let folder = Folder::new();
    let file = folder.path("ready.json");
    let args = [
        "--kind",
        "sensor",
        "--fail",
        mode,
        "--strict",
        "--ready-file",
        &file,
    ];
    let (process, lines) = Process::serve(1, &args);
    let address = lines[0].url.strip_prefix("https://").unwrap();
    for _ in 0..20 {
        assert_eq!(healthcheck(&["--ready-file", &file]).code, Some(0));
        drop(TcpStream::connect(address).unwrap());
    }
    process.signal(Signal::TERM);
    let end = process.end();
    assert_eq!(end.code, Some(1), "{}", end.err);
    let strict: Vec<&str> = end
        .err
        .lines()
        .filter(|line| line.starts_with("error"))
        .collect();
    assert_eq!(strict.len(), 1, "{}", end.err);
    assert!(strict[0].contains(mode), "{}", end.err);
}

#[test]
fn a_named_address_answers_every_probe() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let (_process, _) = Process::serve(1, &["--kind", "sensor", "--health", &address]);
    let end = healthcheck(&["--url", &format!("http://{address}"), "--wait", "5s"]);
    assert_eq!((end.code, end.err.as_str()), (Some(0), ""));
}

#[test]
fn healthcheck_does_not_take_another_process_for_the_files() {
    let folder = Folder::new();
    let file = folder.path("ready.json");
    let (_process, _) = Process::serve(1, &["--kind", "sensor", "--ready-file", &file]);
    let mut ready: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    ready["pid"] = 1.into();
    let stale = folder.write("stale.json", &ready.to_string());
    let end = healthcheck(&["--ready-file", &stale]);
    assert_eq!(end.code, Some(3));
    assert!(
        end.err
            .contains("stale.json was written by process 1, and another one answers now"),
        "{}",
        end.err
    );
}

#[test]
fn healthcheck_waits_for_the_file_and_for_no_fault_in_it() {
    let folder = Folder::new();
    let file = folder.path("ready.json");
    let waiting = Process::start(&["healthcheck", "--ready-file", &file, "--wait", "1m"]);
    let (_process, _) = Process::serve(1, &["--kind", "sensor", "--ready-file", &file]);
    assert_eq!(waiting.end().code, Some(0));
    let wrong = folder.write("wrong.json", "{}");
    assert_eq!(
        healthcheck(&["--ready-file", &wrong, "--wait", "1m"]).code,
        Some(1)
    );
}

#[test]
fn healthcheck_needs_no_certificate() {
    let folder = Folder::new();
    let own = Identified::new(&["elsewhere.example"]);
    let (cert, key, file) = (
        folder.write("cert.pem", &own.cert),
        folder.write("key.pem", &own.key),
        folder.path("ready.json"),
    );
    let args = [
        "--tls-cert",
        &cert,
        "--tls-key",
        &key,
        "--ready-file",
        &file,
    ];
    let (_process, _) = Process::serve(2, &args);
    assert_eq!(healthcheck(&["--ready-file", &file]).code, Some(0));
}

#[test]
fn healthcheck_refuses_a_file_that_is_none() {
    let folder = Folder::new();
    let file = folder.write("ready.json", "{\"version\":1}");
    let end = healthcheck(&["--ready-file", &file]);
    assert_eq!(end.code, Some(1));
    assert!(
        end.err.contains("is not a ready file: missing field"),
        "{}",
        end.err
    );
}

#[test]
fn healthcheck_asks_the_url_that_is_named() {
    let end = healthcheck(&["--url", "http://127.0.0.1:1"]);
    assert_eq!(end.code, Some(3));
    assert!(
        end.err.contains("http://127.0.0.1:1 does not answer"),
        "{end:?}"
    );
}

/// Helpers of other languages find a control API by the variable that also gives this option.
#[test]
fn healthcheck_takes_a_control_api_and_a_ready_file_first() {
    let folder = Folder::new();
    let file = folder.path("ready.json");
    let mut process = Process::start(&[
        "serve",
        "--no-appliances",
        "--control",
        "127.0.0.1:0",
        "--ready-file",
        &file,
    ]);
    let control = process.control();

    let asked = healthcheck(&["--url", &control]);
    let ready = healthcheck(&[
        "--url",
        "http://127.0.0.1:1",
        "--ready-file",
        &file,
        "--wait",
        "10s",
    ]);

    assert_eq!((asked.code, ready.code), (Some(0), Some(0)));
}

/// Container engines reserve exit code 2.
#[test]
fn healthcheck_never_ends_with_2() {
    let folder = Folder::new();
    assert_eq!(healthcheck(&["--wait", "5"]).code, Some(1));
    assert_eq!(healthcheck(&["--nothing"]).code, Some(1));
    assert_eq!(healthcheck(&["--help"]).code, Some(0));
    let wrong = folder.write("wrong.json", "{}");
    let forever = ["--ready-file", &wrong, "--wait", "9999999999999999999h"];
    assert_eq!(healthcheck(&forever).code, Some(1), "and no overflow");
    let emptied = folder.write("ready.json", "");
    let end = healthcheck(&["--ready-file", &emptied, "--wait", "100ms"]);
    assert_eq!(end.code, Some(3), "{}", end.err);
    assert!(end.err.contains("is not yet written"), "{}", end.err);
}
