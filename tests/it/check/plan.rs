//! The plan: what would be sent, as commands that do it.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use d4iot_double::{
    contract,
    contract::{Kind, Operation, Outcome},
    suite::cases,
};
use rstest::rstest;

use crate::check::test_dir::{TestDir, run_command};

#[test]
fn every_case_is_planned_and_nothing_is_sent() {
    let dir = TestDir::new();
    let run = dir.run("plan").ends_with(0);
    let mut requests = 0;
    for kind in [Kind::Sensor, Kind::Console] {
        for located in cases::all()
            .iter()
            .filter(|located| located.case.kinds.contains(&kind))
        {
            let head = format!("{kind} {} (", located.case.id);
            assert!(
                run.out.lines().any(|line| line.starts_with(&head)),
                "{head}"
            );
            requests += located.case.steps.len();
        }
    }
    assert_eq!(
        run.out
            .lines()
            .filter(|line| line.starts_with("  curl -sS -X "))
            .count(),
        requests
    );
    assert!(run.out.contains("\"$USER_PASSWORD\"") && !run.out.contains('«'));
    // A password made for a run would differ from one plan to the next.
    assert_eq!(dir.run("plan").out, run.out);
    assert_eq!(dir.files("").len(), 0);
}

#[test]
fn a_plan_of_nothing_says_so() {
    let run = TestDir::new().run("plan --case nothing.*").ends_with(4);
    assert_eq!(run.out, "");
    assert!(
        run.err.starts_with("error: no case is selected"),
        "{}",
        run.err
    );
}

#[test]
fn a_plan_says_that_it_writes_no_report() {
    let dir = TestDir::new();
    let run = dir.run("plan --case validation.authenticated --report json=r.json");
    let run = run.ends_with(0);
    assert!(
        run.err.contains("plan sends nothing and writes no report"),
        "{}",
        run.err
    );
    assert_eq!(dir.files("").len(), 0);
}

#[rstest]
#[case::right("validation.authenticated", Outcome::Authenticated)]
#[case::wrong(
    "validation.credentials_rejected.wrong_password",
    Outcome::CredentialsRejected
)]
#[case::all_quotes("validation.characters.wrong_name", Outcome::CredentialsRejected)]
#[case::in_the_address("validation.header.accept", Outcome::Authenticated)]
fn a_planned_command_runs_as_it_stands(#[case] case: &str, #[case] outcome: Outcome) {
    if Command::new("curl").arg("--version").output().is_err() {
        println!("skipped: curl is not installed");
        return;
    }
    let dir = TestDir::new();
    dir.write("users.yaml", "appliance: sensor\nusers:\n  - { username: o'neill, password: \"It's 1 \\\"$HOME\\\"!\", role: read_only }\n");
    let served = Served::start(&dir, "users.yaml");
    let plan = dir
        .run(&format!("plan --kind sensor --case {case}"))
        .ends_with(0)
        .out;
    let script: Vec<&str> = plan
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .collect();
    assert_eq!(script.len(), 1);
    let mut shell = Command::new("sh");
    // JSON's own escapes are the reader's affair: the password is put in as the inside of a JSON string.
    let values = [
        ("USER_USERNAME", "o'neill"),
        ("USER_PASSWORD", r#"It's 1 \"$HOME\"!"#),
        ("USER_WRONG_PASSWORD", "x"),
        ("UNKNOWN_WRONG_PASSWORD", "x"),
    ];
    shell
        .args(["-c", script[0]])
        .envs(values)
        .env("TARGET", &served.url)
        .env("CURL_CA_BUNDLE", dir.path("ca.pem"));
    let answer = run_command(&mut shell).ends_with(0).out;
    let wording = contract::of(Kind::Sensor)
        .response_spec(Some(Operation::Validation), outcome)
        .unwrap()
        .1
        .body
        .default_reading()
        .is
        .text();
    assert!(answer.contains(&format!("\"{wording}\"")), "{answer}");
}

/// An appliance that is served until this is dropped.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn start(dir: &TestDir, fixture: &str) -> Served {
        let mut command = dir.command(&format!(
            "serve {fixture} --listen 127.0.0.1:0 --ca-out ca.pem"
        ));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut ready)
            .unwrap();
        let url = ready
            .trim()
            .strip_prefix("ready appliance sensor ")
            .unwrap()
            .to_owned();
        Served { child, url }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
