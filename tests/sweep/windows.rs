//! The program for Windows with a client for Windows, both under Wine. `.ci/package windows` names the folder of both in
//! `D4IOT_WINDOWS`; there, `d4iot-double` runs the program as `tests/wine/run.py`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Returns a command of the program for Windows, or of the one that was built with this test, and a client for the same system.
fn program(is_windows: bool) -> (Command, PathBuf) {
    let own = Path::new(env!("CARGO_BIN_EXE_d4iot-double"));
    if !is_windows {
        return (
            Command::new(own),
            own.with_file_name("examples").join("sweep_client"),
        );
    }
    let folder = PathBuf::from(env::var("D4IOT_WINDOWS").unwrap());
    (
        Command::new(folder.join("d4iot-double")),
        folder.join("sweep_client.exe"),
    )
}

/// Sweeps and returns the exit code and the report.
fn report(is_windows: bool, options: &[&str], client: &[&str]) -> (Option<i32>, Value) {
    let (mut command, path) = program(is_windows);
    command
        .args(["sweep", "--report", "json"])
        .args(options)
        .arg("--")
        .arg(path);
    let output = command.args(client).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
    (output.status.code(), report)
}

#[rstest]
#[case::naive("naive")]
#[case::careful("careful")]
#[ignore = "needs the program for Windows, and Wine: .ci/package windows"]
fn every_scenario_ends_as_it_does_on_linux(#[case] client: &str) {
    let seen = [false, true].map(|is_windows| {
        let (code, report) = report(is_windows, &["--seed", "7"], &[client]);
        let scenarios = report["scenarios"].as_array().unwrap().iter();
        let verdicts = scenarios.map(|one| (one["name"].to_string(), one["verdict"].to_string()));
        (code, verdicts.collect::<Vec<_>>())
    });
    assert!(seen[0].1.len() > 30, "{seen:?}");
    are_equal(&seen[0], &seen[1]);
}

#[rstest]
#[case::hangs("hang", "hung", "killed after 3s")]
#[case::crashes("crash", "crashed", "exception 0xc")]
#[case::stops("stop", "not_reached", "exit 1")]
#[ignore = "needs the program for Windows, and Wine: .ci/package windows"]
fn each_end_has_its_verdict(#[case] client: &str, #[case] verdict: &str, #[case] ended: &str) {
    let (_, report) = report(true, &["--fail", "flaky", "--time", "3s"], &[client]);
    let scenario = &report["scenarios"][0];
    assert_eq!(scenario["verdict"], verdict, "{scenario}");
    assert!(
        scenario["runs"][0]["ended"]
            .as_str()
            .unwrap()
            .starts_with(ended),
        "{scenario}"
    );
}

#[test]
#[ignore = "needs the program for Windows, and Wine: .ci/package windows"]
fn no_child_outlives_its_client() {
    let mark = format!("mark-{}", std::process::id());
    let (code, report) = report(true, &["--fail", "flaky"], &["parent", &mark]);
    assert_eq!(code, Some(0), "{report}");
    assert!(
        report["scenarios"][0]["runs"][0]["stdout"]
            .as_str()
            .unwrap()
            .starts_with("child "),
        "{report}"
    );
    none_soon(&mark);
}

#[test]
#[ignore = "needs the program for Windows, and Wine: .ci/package windows"]
fn ctrl_c_ends_clients_and_all() {
    let folder = tempfile::tempdir().unwrap();
    let (mut command, client) = program(true);
    let mark = format!("mark-{}", std::process::id());
    command
        .args(["sweep", "--fail", "flaky", "-q", "--"])
        .arg(client)
        .args(["hang", &mark]);
    let mut sweep = command
        .env("TEMP", folder.path())
        .env("TMP", folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    // The clean run ends, that of the scenario does not.
    while running(&mark) == 0 || start.elapsed() < Duration::from_secs(2) {
        assert!(start.elapsed() < SOON && sweep.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&sweep), Signal::INT).unwrap();
    assert_eq!(sweep.wait().unwrap().code(), Some(130));
    none_soon(&mark);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

fn are_equal<T: std::fmt::Debug + PartialEq>(linux: &T, windows: &T) {
    let (linux, windows) = (format!("{linux:#?}"), format!("{windows:#?}"));
    let lines = similar::TextDiff::from_lines(&linux, &windows);
    let changes = lines
        .iter_all_changes()
        .filter(|one| one.tag() != similar::ChangeTag::Equal);
    let differs: String = changes.map(|one| format!("{}{one}", one.tag())).collect();
    assert_eq!(differs, "");
}

/// Counts the clients whose command has this word.
fn running(mark: &str) -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|one| fs::read(one.path().join("cmdline")).ok());
    let lines = lines.map(|line| String::from_utf8_lossy(&line).into_owned());
    lines
        .filter(|line| {
            line.contains("sweep_client.exe")
                && line.contains(mark)
                && !line.contains("d4iot-double")
        })
        .count()
}

fn none_soon(mark: &str) {
    let start = Instant::now();
    while running(mark) > 0 {
        assert!(start.elapsed() < SOON, "a client still runs");
        std::thread::yield_now();
    }
}

const SOON: Duration = Duration::from_secs(30);
