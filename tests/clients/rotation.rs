//! The reference clients of `clients/`, each run by `sweep`: whatever fails, no password is lost.
//!
//! A client whose language is not there is left out, and the test says so. Four scenarios each; with `D4IOT_SWEEP=full`, as `.ci/long`
//! runs it, all of them. Go is built only where there is a `go`, or one that `.ci/long` has installed into `target/go`.

use std::{
    env, fs, io,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use d4iot_double::Verdict;
use rstest::rstest;
use serde_json::Value;

#[rstest]
#[case::ansible("ansible", &["target/ansible/bin/ansible-playbook", "clients/ansible/rotate.yml"])]
#[case::bash("bash", &["bash", "clients/rotate.sh"])]
#[case::cpm("cpm", &["target/clients/bin/python", "clients/cpm_run.py", "clients/cpm_plugin.py"])]
#[case::go("go", &["target/rotation/go/rotate"])]
#[case::java("java", &["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", "target/rotation/java", "Rotate"])]
#[case::node("node", &["node", "clients/rotate.mjs"])]
#[case::python("python", &["target/clients/bin/python", "clients/rotate.py"])]
#[ignore = "the clients tier: .ci/run runs it"]
fn no_failure_loses_a_password(#[case] name: &str, #[case] client: &[&str]) {
    if let Err(reason) = prepare(name) {
        assert!(
            env::var_os("D4IOT_CLIENTS").is_none_or(|clients| clients != "all"),
            "{name}: {reason}"
        );
        // Past the capture of a test's own output, so that it is seen where the test passes.
        let line = format!("left out: {name}: {reason}\n");
        io::stderr().write_all(line.as_bytes()).unwrap();
        return;
    }

    let is_full = env::var("D4IOT_SWEEP").is_ok_and(|form| form == "full");
    let forms: &[&[&str]] = match (is_full, name) {
        (false, _) => &[SHORT],
        // Each run of it takes seconds.
        (true, "ansible") => &[&EACH],
        (true, _) => &[&EACH, &ALWAYS],
    };
    for form in forms {
        let scenarios = sweep(name, form, client);
        match is_full {
            true => assert!(scenarios.len() > 150, "{}", scenarios.len()),
            false => assert_eq!(scenarios.len(), 4),
        }
        let survived = [Verdict::Rotated, Verdict::Kept, Verdict::Recovered].map(Verdict::name);
        for scenario in &scenarios {
            let verdict = scenario["verdict"].as_str().unwrap();
            assert!(survived.contains(&verdict), "{name}: {scenario}");
        }
    }
}

/// Sweeps a client, which must pass, and returns the scenarios of the report.
fn sweep(name: &str, form: &[&str], client: &[&str]) -> Vec<Value> {
    let file = root().join(format!("target/rotation/{name}.json"));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_d4iot-double"))
        .args(["sweep", "--quiet", "--time", "90s", "--success-exit"])
        .arg(if name == "cpm" { "10" } else { "0" })
        .args(["--report", "text", "--report"])
        .arg(format!("json={}", file.display()))
        .args(form)
        .arg("--")
        .args(client)
        // A start of TLS takes its time where many run side by side, of Java most of all.
        .env("D4IOT_TIMEOUT", "10")
        .current_dir(root())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{name}\n{printed}{errors}");
    eprintln!("{name}: {}", printed.lines().last().unwrap_or_default());
    let report: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    report["scenarios"].as_array().unwrap().clone()
}

/// Looks for what a client needs, and compiles it; returns why it cannot be run.
fn prepare(name: &str) -> Result<(), String> {
    let folder = root().join("target/rotation").join(name);
    fs::create_dir_all(&folder).unwrap();
    let folder = folder.to_str().unwrap();
    match name {
        "ansible" => succeeds("target/ansible/bin/ansible-playbook", &["--version"]),
        "bash" => succeeds("curl", &["--version"]),
        "cpm" => succeeds(PYTHON, &["-c", "import requests, python4cpm"]),
        "go" => {
            let own = "target/go/bin/go";
            let go = if root().join(own).exists() { own } else { "go" };
            let built = format!("{folder}/rotate");
            succeeds(go, &["build", "-o", &built, "clients/rotate.go"])
        }
        "java" => succeeds("javac", &["-d", folder, "clients/Rotate.java"]),
        "node" => succeeds("node", &["--version"]),
        _ => succeeds(PYTHON, &["-c", "import requests"]),
    }
}

fn succeeds(program: &str, arguments: &[&str]) -> Result<(), String> {
    let path = root().join(program);
    let program = if path.exists() {
        path
    } else {
        PathBuf::from(program)
    };
    let mut command = Command::new(&program);
    command.args(arguments).current_dir(root());
    match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Err(format!("{}: {error}", program.display())),
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

const PYTHON: &str = "target/clients/bin/python";
/// A lost answer, a wrong one, half of one, and another machine.
const SHORT: &[&str] = &[
    "--at",
    "first",
    "--fail",
    "commit_then_reset,not_replaced,truncated,wrong_name",
];
const EACH: [&str; 2] = ["--operation", "change,reconcile,verify"];
const ALWAYS: [&str; 4] = ["--operation", "change,reconcile,verify", "--at", "always"];
