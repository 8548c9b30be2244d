//! Passwords that can be run from everything else, and every place they must not come to.

use rstest::rstest;

use crate::check::test_dir::TestDir;

#[rstest]
#[case::passing("")]
#[case::another_reading("--reading X15=another_name")]
#[case::talkative("-v --color always")]
fn no_password_of_a_fixture_leaves_it(#[case] options: &str) {
    let dir = TestDir::new();
    dir.write("canary.yaml", FIXTURE);
    let reports = "--report text=r.txt --report json=r.json --report junit=r.xml --report text";
    let run = dir.run(&format!(
        "check --fixture canary.yaml --snapshots kept {reports} {options}"
    ));
    assert!(run.code == 0, "{}{}", run.out, run.err);
    let pending = dir.run("pending --snapshots kept").ends_with(0);
    let files = dir.files("");
    assert!(files.len() > 250, "snapshots and reports: {}", files.len());
    for (name, bytes) in files.iter().filter(|(name, _)| *name != "canary.yaml") {
        shows_none(name, &String::from_utf8_lossy(bytes));
    }
    for text in [run.out, run.err, pending.out, pending.err] {
        shows_none("a stream", &text);
    }
}

#[rstest]
#[case::beside_the_password("role: admin", "rol: admin")]
#[case::the_password_s_key("password: CanaryAdmin", "passwrd: CanaryAdmin")]
#[case::a_list("password: CanaryAdmin1!", "password: [CanaryAdmin1!]")]
#[case::unclosed("password: CanaryAdmin1!", "password: \"CanaryAdmin1!")]
fn no_slip_in_a_fixture_shows_its_passwords(#[case] right: &str, #[case] wrong: &str) {
    let dir = TestDir::new();
    assert!(FIXTURE.contains(right));
    dir.write("canary.yaml", &FIXTURE.replacen(right, wrong, 1));
    for line in [
        "check --fixture canary.yaml",
        "serve canary.yaml --listen 127.0.0.1:0",
        "fixture check canary.yaml",
    ] {
        let run = dir.run(line).ends_with(2);
        shows_none(line, &run.out);
        shows_none(line, &run.err);
    }
}

/// The passwords of the suite's own users are made for each run: what two runs write alike holds none of them.
#[test]
fn two_runs_write_the_same_but_for_the_time_it_took() {
    let run_all = || {
        let dir = TestDir::new();
        let run = dir
            .run("check --kind sensor --snapshots kept --report json=r.json --report text")
            .ends_with(0);
        let mut files = dir.files("");
        let report = String::from_utf8(files.remove("r.json").unwrap()).unwrap();
        let untimed: Vec<String> = report
            .lines()
            .filter(|line| {
                !["\"micros\": ", "\"date\": "]
                    .iter()
                    .any(|key| line.trim_start().starts_with(key))
            })
            .map(str::to_owned)
            .collect();
        (run.out, run.err, untimed, files)
    };
    assert!(run_all() == run_all());
}

#[track_caller]
fn shows_none(place: &str, text: &str) {
    for canary in ["CanaryAdmin", "CanaryUser", "CanaryLocked"] {
        assert!(!text.contains(canary), "{place} shows {canary}: {text}");
    }
}

const FIXTURE: &str = "\
appliance: sensor
users:
  - { username: admin, password: CanaryAdmin1!, role: admin }
  - { username: test, password: CanaryUser2!, role: read_only }
  - { username: old, password: CanaryLocked3!, role: read_only, state: locked }
";
