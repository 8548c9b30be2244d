//! What `export` prints, given to the tools that it is for. `.ci/run` installs them into `target/exports` and `target/schemathesis`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use d4iot_double::Kind;
use rstest::rstest;
use serde_json::Value;

use crate::{
    openapi::leave_out,
    process::{PROGRAM, Process},
};

#[rstest]
#[ignore = "the clients tier: .ci/run runs it"]
fn validators_accept_the_documents(#[values(Kind::Sensor, Kind::Console)] kind: Kind) {
    let python = in_target("schemathesis/bin/python");
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for format in ["openapi2", "openapi3", "har"] {
        let file = folder.path().join(format!("{format}.json"));
        export(&[format, "--kind", kind.name()], &file);
        files.push(file);
    }
    if python.exists() {
        for file in &files[..2] {
            run(Command::new(&python)
                .args(["-m", "openapi_spec_validator"])
                .arg(file));
        }
    } else {
        leave_out("openapi-spec-validator");
    }
    if in_target("exports/node_modules").exists() {
        run(Command::new("node")
            .args(["--input-type=module", "-e", VALIDATE])
            .args(&files)
            .current_dir(in_target("exports")));
    } else {
        leave_out("swagger-parser, har-validator");
    }
}

/// Answers follow the document, also under another reading of each contradiction.
#[rstest]
#[case::default(Kind::Sensor, "X04=curl")]
#[case::console(Kind::Console, "X04=curl")]
#[case::other_texts(Kind::Sensor, "*.body=table")]
#[case::strings(Kind::Sensor, "{set,val}*.envelope=string")]
#[ignore = "the clients tier: .ci/run runs it"]
fn answers_follow_the_document(#[case] kind: Kind, #[case] reading: &str) {
    let program = in_target("schemathesis/bin/st");
    if !program.exists() {
        return leave_out("schemathesis");
    }
    let folder = tempfile::tempdir().unwrap();
    let examples = env::var("D4IOT_EXAMPLES").unwrap_or_else(|_| "20".to_owned());
    let document = folder.path().join("openapi3.json");
    export(&["openapi3", "--kind", kind.name()], &document);
    // A field's other name is taken in addition.
    let (_process, ready) = Process::serve(
        1,
        &[
            "--kind",
            kind.name(),
            "--http",
            "--reading",
            "X04=curl",
            "--reading",
            reading,
        ],
    );
    let output = run(Command::new(program)
        .args([
            "run",
            "--no-color",
            "--seed",
            "7",
            "--max-examples",
            &examples,
            "--checks",
            "all",
        ])
        // Credentials are in the body; a request may be refused by a policy.
        .args([
            "--exclude-checks",
            "positive_data_acceptance,ignored_auth",
            "--generation-database",
            "none",
            "--url",
        ])
        .arg(&ready[0].url)
        .arg(&document)
        .env("NO_PROXY", "127.0.0.1")
        .current_dir(folder.path()));
    let generated = output.lines().find(|line| line.contains(" generated, "));
    eprintln!(
        "schemathesis, {kind}, {reading}: {}",
        generated.unwrap_or_default().trim()
    );
    assert!(generated.is_some(), "{output}");
}

/// Twice at one appliance: at the end it has the passwords that it began with.
#[rstest]
#[case::newman("postman", "exports/node_modules/.bin/newman")]
#[case::hurl("hurl", "tools/bin/hurl")]
#[ignore = "the clients tier: .ci/run runs it, and .ci/long builds hurl"]
fn runners_pass_at_a_double(
    #[case] format: &str,
    #[case] program: &str,
    #[values("{ appliance: sensor }", "{ appliance: console }", HOSTILE, PLANT)] fixture: &str,
) {
    if !in_target(program).exists() {
        return leave_out(program);
    }
    let folder = tempfile::tempdir().unwrap();
    let [of, file, ca] = ["fixture.yaml", format, "ca.pem"].map(|name| folder.path().join(name));
    fs::write(&of, fixture).unwrap();
    export(&[format, of.to_str().unwrap()], &file);
    let args = [of.to_str().unwrap(), "--ca-out", ca.to_str().unwrap()];
    let (_process, ready) = Process::serve(1, &args);
    let url = format!("url={}", ready[0].url);
    for _ in 0..2 {
        let mut command = Command::new(in_target(program));
        command.env("NO_PROXY", "127.0.0.1");
        if format == "hurl" {
            command.args(["--test", "--variable", &url, "--cacert"]);
            let output = run(command.arg(&ca).arg(&file));
            assert!(output.contains("(10 request(s) in"), "{output}");
            continue;
        }
        let report = folder.path().join("report.json");
        command
            .arg("run")
            .arg(&file)
            .args(["--env-var", &url, "--ssl-extra-ca-certs"]);
        command
            .arg(&ca)
            .args(["--reporters", "json", "--reporter-json-export"]);
        run(command.arg(&report));
        let report: Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
        let assertions = &report["run"]["stats"]["assertions"];
        let counts = (&assertions["total"], &assertions["failed"]);
        assert_eq!(counts, (&30.into(), &0.into()));
    }
}

/// Runs `export` with these arguments, and writes a file.
pub(crate) fn export(args: &[&str], file: &Path) {
    run(Command::new(PROGRAM)
        .arg("export")
        .args(args)
        .arg("--output")
        .arg(file));
}

/// Runs a command that must succeed, and returns what it prints.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    assert!(output.status.success(), "{command:?}:\n{text}");
    text
}

pub(crate) fn in_target(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target")
        .join(path)
}

/// Names and passwords with what the formats, their variables and their patterns escape.
const HOSTILE: &str = r#"{ "appliance": "sensor", "policy": "product_16", "users": [
    { "username": "ad\"m\\in/{{x}} é€ ${y} #", "password": "P\"w{{x}}\\1é ;`'", "role": "admin" },
    { "username": "u/*'s\u2028 {{$guid}}", "password": "Uu-1234{{url}}5678", "role": "security_analyst" },
    { "username": "r", "password": "</script>Rr1-", "role": "read_only" }
] }"#;

/// Nobody is a security analyst, and the policy refuses the administrator's password.
const PLANT: &str = r#"{ "appliance": "sensor", "policy": { "min_length": 10, "classes": 3 },
    "lockout": { "after": 5, "scope": "source", "for": "15m" }, "users": [
    { "username": "admin", "password": "Test0987", "role": "admin" },
    { "username": "svc", "password": "Rotate4Me!", "role": "read_only" },
    { "username": "old", "password": "Gone1234!", "role": "read_only", "state": "locked" }
] }"#;

const VALIDATE: &str = r#"
import { readFileSync } from "node:fs";
import swagger from "@apidevtools/swagger-parser";
import har from "har-validator";
const [version2, version3, archive] = process.argv.slice(1);
await swagger.validate(version2);
await swagger.validate(version3);
await har.har(JSON.parse(readFileSync(archive)));
"#;
