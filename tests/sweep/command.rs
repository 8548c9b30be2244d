//! Clients that are commands: good ones, and those that do what no client should. Nothing of them is left running.

use std::{
    fs,
    io::Read,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Changes the password, and looks at the answer.
pub(crate) const NAIVE: &str = r#"printf '{"username":"%s","password":"%s","new_password":"%s"}' "$USERNAME" "$PASSWORD" "$NEW_PASSWORD" |
    curl -s --max-time 5 --cacert "$D4IOT_CA" -H 'Content-Type: application/json' -d @- "$D4IOT_URL/api/external/authentication/set_password" |
    grep -q 'has been replaced'"#;

/// A script that is the naive client in the clean run, and something else in a scenario.
pub(crate) fn only_in_scenarios(script: &str) -> String {
    format!("if [ \"$D4IOT_SCENARIO\" = clean ]; then {NAIVE}; else {script}; fi")
}

pub(crate) fn sweep(options: &[&str], script: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_d4iot-double"));
    command.arg("sweep").args(options);
    command.args(["--", "sh", "-c", script]);
    command
}

/// Runs one scenario, and returns the exit code, stdout and stderr.
pub(crate) fn run(options: &[&str], script: &str) -> (Option<i32>, String, String) {
    let mode = ["--fail", "flaky"];
    let options = [&mode[..], options].concat();
    let Output {
        status,
        stdout,
        stderr,
    } = sweep(&options, script).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn a_command_that_is_not_there_is_named() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_d4iot-double"));
    let output = command
        .args(["sweep", "--", "/no/such/client"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.starts_with("error: cannot run the client: /no/such/client: "),
        "{said}"
    );
}

#[rstest]
#[case::asks_nothing("echo nothing to do", &["sent no request to the appliance: exit 0", "D4IOT_URL", "| nothing to do"])]
#[case::does_not_trust("curl -s --cacert /dev/null {url}; exit 3", &["no request to the appliance, but 1 connection", "{ca}"])]
#[case::fails("curl -s --cacert {ca} {url}/x; echo \"$PASSWORD is wrong\" >&2; exit 3", &["fails when nothing else does: exit 3", "| «secret» is wrong"])]
#[case::succeeds_with_another_code(&format!("{NAIVE} && exit 10"), &["fails when nothing else does: exit 10", "name it with --success-exit"])]
#[case::is_stopped_at_its_time("curl -s --cacert {ca} {url}/x; exec sleep 1000", &["killed after 2s"])]
#[case::changes_nothing("curl -s --cacert {ca} {url}/x", &["reports success, but the appliance still holds the old password"])]
#[case::changes_another_user(
    r#"printf '{"username":"myUser","password":"1234@abcd","new_password":"%s"}' "$NEW_PASSWORD" | curl -s --cacert {ca} -H 'Content-Type: application/json' -d @- {url}/api/external/authentication/set_password"#,
    &["changed the password of `myUser`, which it was not asked to"]
)]
fn a_client_that_cannot_rotate_is_an_error(#[case] script: &str, #[case] expected: &[&str]) {
    let (code, _, said) = run(&["--time", "2s"], script);
    assert_eq!(code, Some(2), "{said}");
    for text in expected {
        assert!(said.contains(text), "{text}: {said}");
    }
    assert!(!said.contains("Test12345!"), "{said}");
}

#[rstest]
#[case::ends_itself("kill -SEGV $$", "crashed", "signal 11")]
#[case::is_not_found("no_such_command", "crashed", "exit 127")]
#[case::hangs("sleep 1000", "hung", "killed after 2s")]
#[case::ignores_a_signal("trap '' TERM INT HUP; sleep 1000", "hung", "killed after 2s")]
#[case::writes_without_end("yes", "hung", "killed after 2s")]
#[case::is_killed_in_a_shell("exit 137", "crashed", "exit 137")]
#[case::gives_up("exit 1", "not_reached", "exit 1")]
#[case::gives_up_with_a_high_code("exit 255", "not_reached", "exit 255")]
#[case::gives_up_below_the_signals("exit 128", "not_reached", "exit 128")]
#[case::lies("curl -s --cacert {ca} {url}/x; exit 0", "false_success", "exit 0")]
fn each_end_of_a_client_has_a_verdict(
    #[case] script: &str,
    #[case] verdict: &str,
    #[case] ended: &str,
) {
    let script = only_in_scenarios(script);
    let (code, report, said) = run(&["--time", "2s", "--report", "json"], &script);
    let report: Value = serde_json::from_str(&report).unwrap_or_else(|_| panic!("{said}"));
    let scenario = &report["scenarios"][0];
    assert_eq!(scenario["verdict"], verdict, "{scenario}");
    assert_eq!(scenario["runs"][0]["ended"], ended, "{scenario}");
    // With nothing reached, nothing was judged.
    let expected = if verdict == "not_reached" { 4 } else { 1 };
    assert_eq!(code, Some(expected), "{said}");
    let printed = scenario["runs"][0]["stdout"].as_str().unwrap().len();
    assert!(printed < 200_000, "{printed} bytes");
}

#[test]
fn the_command_that_repeats_a_scenario_has_no_password() {
    let script = format!("true $NAME Test12345!; {NAIVE}");
    let output = sweep(
        &["--fail", "commit_then_reset", "--time", "4s", "--seed", "3"],
        &script,
    )
    .output()
    .unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    let again = "again: d4iot-double sweep --seed 3 --time 4000ms --scenario change/commit_then_reset@1 -- sh -c 'true $NAME «secret»; ";
    assert!(report.contains(again), "{report}");
}

#[test]
fn an_exit_code_of_success_can_be_named() {
    let script = format!("if {NAIVE}; then exit 10; else exit 4; fi");
    let (code, report, said) = run(&["--success-exit", "0,10"], &script);
    assert_eq!(code, Some(0), "{said}");
    assert!(report.contains("flaky   kept"), "{report}");
}

#[test]
fn a_password_that_the_client_believes_in_counts() {
    // It fails always, and says which password is valid: nothing is lost.
    let script = format!("{NAIVE}; printf '%s\\n' \"$NEW_PASSWORD\" > {{believes}}; exit 1");
    let script = only_in_scenarios(&script);
    let mode = ["--fail", "commit_then_reset", "--report", "json"];
    let output = sweep(&mode, &script).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["scenarios"][0]["verdict"], "recovered", "{report}");
    assert_eq!(output.status.code(), Some(0));
}

#[rstest]
#[case::in_its_group("sleep SECONDS & ")]
#[case::in_a_session_of_its_own("setsid sleep SECONDS >/dev/null 2>&1 & ")]
#[case::with_its_output("setsid sleep SECONDS & ")]
fn children_do_not_outlive_a_client(#[case] script: &str) {
    // A number that no other process has.
    let seconds = format!("9{:07}", std::process::id());
    let script = script.replace("SECONDS", &seconds) + NAIVE;
    let (code, _, said) = run(&[], &script);
    assert_eq!(code, Some(0), "{said}");
    end_soon(&seconds);
}

/// The process that is waited for joins a group of its child's: it ends at its time all the same.
#[test]
fn a_client_that_leaves_its_group_is_ended() {
    let seconds = format!("5{:07}", std::process::id());
    let python = format!(
        "import os, subprocess, time\nchild = subprocess.Popen([\"sleep\", \"{seconds}\"], process_group=0)\nos.setpgid(0, child.pid)\ntime.sleep(1000)"
    );
    let script = only_in_scenarios(&format!("exec python3 -c '{python}'"));
    let start = Instant::now();
    let (code, report, said) = run(&["--time", "1s"], &script);
    assert_eq!(code, Some(1), "{said}");
    assert!(report.contains("HUNG  change/flaky@1"), "{report}");
    assert!(start.elapsed() < Duration::from_secs(60));
    end_soon(&seconds);
}

#[rstest]
#[case::interrupt(Signal::INT, 8)]
#[case::quit(Signal::QUIT, 7)]
#[case::terminate(Signal::TERM, 6)]
fn a_signal_ends_clients_and_all(#[case] signal: Signal, #[case] digit: u8) {
    let folder = tempfile::tempdir().unwrap();
    let seconds = format!("{digit}{:07}", std::process::id());
    let script = only_in_scenarios(&format!("echo started >&2; sleep {seconds}"));
    let mut command = sweep(&["--fail", "flaky", "-q"], &script);
    let mut child: Child = command
        .env("TMPDIR", folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while running(&seconds) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended early");
        std::thread::yield_now();
    }
    kill_process(Pid::from_child(&child), signal).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    end_soon(&seconds);
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!(said, "error: interrupted\n");
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "files of clients");
}

/// A process that is killed ends a moment later.
fn end_soon(word: &str) {
    let start = Instant::now();
    while running(word) > 0 {
        assert!(start.elapsed() < Duration::from_secs(10), "it still runs");
        std::thread::yield_now();
    }
}

/// Returns how many processes have a word in their command line.
fn running(word: &str) -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    let has_word = |line: &Vec<u8>| {
        line.split(|byte| *byte == 0)
            .any(|one| one == word.as_bytes())
    };
    lines.filter(has_word).count()
}

#[rstest]
#[case::expired("expired_certificate", true)]
#[case::another_issuer("unknown_ca", true)]
#[case::another_name("wrong_name", true)]
#[case::name_in_the_subject_alone("cn_only_certificate", false)]
#[case::another_of_the_same_ca("swapped_certificate", false)]
fn a_client_that_trusts_anybody_fails(#[case] mode: &str, #[case] is_failure: bool) {
    let script = NAIVE.replace("--cacert \"$D4IOT_CA\"", "--insecure");
    let output = sweep(&["--fail", mode], &script).output().unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    let expected = format!("  * sent a request although the certificate is bad: {mode}\n");
    assert_eq!(report.contains(&expected), is_failure, "{report}");
    assert_eq!(
        output.status.code(),
        Some(i32::from(is_failure)),
        "{report}"
    );
}

#[rstest]
#[case::option(&["--fail", "commit_then_rest"], "--fail `commit_then_rest` matches no failure mode\n  hint: did you mean `commit_then_reset`?")]
#[case::described(&["--fail", "lost_answer"], "--fail `lost_answer` matches no failure mode\n  hint: did you mean `commit_then_reset`?")]
#[case::scenario(&["--scenario", "change/flaky@2"], "--scenario `change/flaky@2` matches no scenario\n  hint: did you mean `change/flaky@1`?")]
#[case::reading(&["--reading", "X99"], "--reading `X99` matches no fact that an answer to the client shows")]
#[case::task(&["--operation", "rotate"], "--operation `rotate`: expected one of change, reconcile, verify, or a glob")]
#[case::exit_code(&["--success-exit", "300"], "300 is not in 0..=255")]
#[case::format(&["--report", "github"], "--report github: expected text, json, junit, markdown or html")]
#[case::no_time(&["--time", "0s"], "expected a duration such as 500ms, 30s or 2m")]
#[case::no_fixture(&["--fixture", "no/such.yaml"], "no/such.yaml: No such file")]
fn a_wrong_option_is_an_error(#[case] options: &[&str], #[case] expected: &str) {
    let output = sweep(options, NAIVE).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(expected), "{said}");
}
