//! The control API's OpenAPI document, held against the API that serves it by schemathesis; and its plain faults, without it.
//!
//! `.ci/run` installs schemathesis into `target/schemathesis`. Seeded and bounded in examples and time: `D4IOT_EXAMPLES` says how many
//! an operation is asked at most, 15 when not given. With `D4IOT_EVERY_ROW` the edges of every schema are tried.

use std::{
    env, fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::Command,
};

use rustix::process::Signal;
use serde_json::Value;

use crate::process::Process;

#[test]
#[ignore = "the clients tier: .ci/run runs it"]
fn schemathesis_finds_nothing() {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/target/schemathesis/bin/st");
    if !Path::new(program).exists() {
        return leave_out("schemathesis");
    }
    let (mut process, _) = Process::serve(2, &["--control", "127.0.0.1:0", "--seed", "7"]);
    let url = process.control();
    let folder = tempfile::tempdir().unwrap();
    let examples = env::var("D4IOT_EXAMPLES").unwrap_or_else(|_| "15".to_owned());
    // The schemas of fixtures and readings have 16,000 edges: they take minutes.
    let is_whole = env::var_os("D4IOT_EVERY_ROW").is_some_and(|value| !value.is_empty());
    let skipped: &[&str] = if is_whole { &[] } else { &MANY_EDGES };
    // First with names that nobody has, all of it; then about an appliance that is there, but for what would take it away. What stands
    // at the edges of a schema (coverage) is tried once.
    let (all, random) = (&[][..], "examples,fuzzing");
    for (round, config, phases, skipped) in [
        ("any name", ANY_NAME, random, all),
        ("an appliance", ONE_APPLIANCE, random, all),
        ("edges", ONE_APPLIANCE, "coverage", skipped),
    ] {
        let file = folder.path().join("schemathesis.toml");
        fs::write(&file, config).unwrap();
        let location = format!("{url}/v1/openapi.json");
        let phases = [
            "--phases",
            phases,
            "--checks",
            "all",
            "--exclude-checks",
            "ignored_auth,object_level_authorization",
        ];
        let bounds = [
            "--seed",
            "7",
            "--workers",
            "1",
            "--max-examples",
            &examples,
            "--request-timeout",
            "30",
            "--generation-database",
            "none",
        ];
        let mut command = Command::new(program);
        command
            .arg("--config-file")
            .arg(&file)
            .args(["run", &location, "--no-color"])
            .args(phases)
            .args(bounds);
        for operation in skipped {
            command.args(["--exclude-operation-id", operation]);
        }
        let output = command
            .env("NO_PROXY", "127.0.0.1")
            .current_dir(folder.path())
            .output()
            .unwrap();
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{round}:\n{out}{err}");
        let summary = out
            .lines()
            .rev()
            .find(|line| line.contains("passed") || line.contains("generated"));
        eprintln!(
            "schemathesis, {round}: {}",
            summary.unwrap_or_default().trim()
        );
    }
    process.signal(Signal::TERM);
    let end = process.end();
    assert_eq!(end.code, Some(0), "{}", end.err);
    assert!(
        !end.err.contains("panicked") && !end.err.contains("internal error"),
        "{}",
        end.err
    );
}

#[test]
#[ignore = "the clients tier: .ci/run runs it"]
fn a_validator_accepts_the_served_document() {
    let python = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/target/schemathesis/bin/python"
    );
    let run = |args: &[&str]| Command::new(python).args(args).output();
    if !run(&["-c", "import openapi_spec_validator"]).is_ok_and(|found| found.status.success()) {
        return leave_out("openapi-spec-validator");
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let validate = |document: &Value| {
        fs::write(path, document.to_string()).unwrap();
        let output = run(&["-m", "openapi_spec_validator", path]).unwrap();
        (output.status.success(), output)
    };
    let mut document = served();
    let (is_valid, output) = validate(&document);
    assert!(is_valid, "{output:?}");
    // What it is asked for: two operations of one name.
    document["paths"]["/v1/health"]["get"]["operationId"] = "ready".into();
    assert!(!validate(&document).0, "it accepts anything");
}

/// Says that a tool is not installed, unless it has to be.
pub(crate) fn leave_out(tool: &str) {
    assert!(
        env::var_os("D4IOT_SCHEMATHESIS").is_none(),
        "{tool} is not installed"
    );
    // Past the capture of a test's own output, so that it is seen where the test passes.
    let line = format!("left out, as it is not installed: {tool} (.ci/run installs it)\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Returns the document as it is served.
fn served() -> Value {
    let (mut process, _) = Process::serve(2, &["--control", "127.0.0.1:0"]);
    let url = process.control();
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream
        .write_all(b"GET /v1/openapi.json HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn every_reference_resolves_and_operations_list_problems() {
    let document = served();
    let mut references = Vec::new();
    gather(&document, &mut references);
    assert!(references.len() > 50, "{references:?}");
    let lost: Vec<&String> = references
        .iter()
        .filter(|reference| {
            document
                .pointer(reference.trim_start_matches('#'))
                .is_none()
        })
        .collect();
    assert!(lost.is_empty(), "{lost:?}");
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if method == "parameters" {
                continue;
            }
            operations += 1;
            assert_eq!(
                operation["responses"]["default"]["$ref"], "#/components/responses/Problem",
                "{method} {path}"
            );
            assert!(operation["summary"].is_string(), "{method} {path}");
        }
    }
    assert!(operations > 25, "{operations}");
    assert!(
        document["components"]["responses"]["Problem"]["content"]["application/problem+json"]
            .is_object()
    );
}

fn gather(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match value {
                    Value::String(text) if key == "$ref" => references.push(text.clone()),
                    value => gather(value, references),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| gather(value, references)),
        _ => {}
    }
}

/// What a schema cannot say (a mode that contradicts itself, a user that is not there, a port that is taken) is told by 422, and what
/// was waited for in vain by 409.
const ANY_NAME: &str = r#"
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 404, 409, 422]
[[operations]]
include-path = "/v1/appliances/{name}/journal/wait"
parameters = { timeout = "1ms" }
[[operations]]
include-path = "/v1/appliances"
include-method = "DELETE"
enabled = false
"#;

/// The operations whose bodies have thousands of edges; they are asked at random all the same.
const MANY_EDGES: [&str; 4] = [
    "create_appliance",
    "patch_readings",
    "put_readings",
    "put_state",
];

const ONE_APPLIANCE: &str = r#"
parameters = { name = "sensor" }
[checks.positive_data_acceptance]
expected-statuses = ["2xx", 404, 409, 422]
[[operations]]
include-path = "/v1/appliances/{name}/journal/wait"
parameters = { name = "sensor", timeout = "1ms" }
[[operations]]
include-path = "/v1/appliances/{name}"
include-method = "DELETE"
enabled = false
[[operations]]
include-path = "/v1/appliances"
include-method = "DELETE"
enabled = false
"#;
