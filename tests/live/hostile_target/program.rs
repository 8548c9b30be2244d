//! The program itself, `check` at each answer of the table, under a limit of memory.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::hostile_target::{
    answers,
    answers::{Row, Said},
    server::Server,
};

/// One of each group.
#[test]
fn whatever_a_target_answers_there_is_a_verdict() {
    const FEW: [&str; 9] = [
        "a body without end",
        "a header line without end",
        "interim answers without end",
        "two lengths",
        "a gzip bomb",
        "100,000 objects",
        "a mebibyte of controls",
        "every byte",
        "a reset in the body",
    ];
    let rows: Vec<Row> = answers::all()
        .into_iter()
        .filter(|row| FEW.contains(&row.name))
        .collect();
    assert_eq!(rows.len(), FEW.len());
    hold(&rows);
}

#[test]
#[ignore = "takes a minute: run by .ci/long"]
fn whatever_else_a_target_answers_there_is_a_verdict() {
    hold(&answers::all());
}

#[expect(
    clippy::print_stdout,
    reason = "how many answers were tried is worth reading"
)]
fn hold(rows: &[Row]) {
    let folder = tempfile::tempdir().unwrap();
    let accounts = folder.path().join("accounts.yaml");
    fs::write(&accounts, ACCOUNTS).unwrap();
    fs::set_permissions(&accounts, fs::Permissions::from_mode(0o600)).unwrap();
    let mut wrong = Vec::new();
    let (mut longest, mut most) = ((Duration::ZERO, ""), 0);
    for row in rows {
        let server = Server::start(row.answer.clone());
        let began = Instant::now();
        if let Err(trouble) = checked(row, &server, &folder) {
            wrong.push(format!("{}: {trouble}", row.name));
        }
        let took = began.elapsed();
        longest = longest.max((took, row.name));
        most = most.max(server.taken());
        if took > IN_TIME {
            wrong.push(format!("{}: took {took:?}", row.name));
        }
        if server.taken() > MOST_TAKEN {
            wrong.push(format!("{}: {} bytes were taken", row.name, server.taken()));
        }
    }
    println!(
        "{} answers, {} wrong; the longest took {:.1?} ({}), at most {most} bytes were taken",
        rows.len(),
        wrong.len(),
        longest.0,
        longest.1
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs `check` and tells what is amiss with its end or its report.
fn checked(row: &Row, server: &Server, folder: &TempDir) -> Result<(), String> {
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let report = path("report.json");
    // A report of an earlier row must not be taken for this one's.
    drop(fs::remove_file(&report));
    let limited = format!("ulimit -v {MEMORY_KIB}; exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.args([
        "-c",
        &limited,
        env!("CARGO_BIN_EXE_d4iot-double"),
        "check",
        &format!("http://{}", server.address),
    ]);
    command.args([
        "--kind",
        "sensor",
        "--case",
        "validation.authenticated",
        "--timeout",
        "150ms",
        "--accounts",
        &path("accounts.yaml"),
    ]);
    command.args([
        "--report",
        &format!("json={report}"),
        "--report",
        &format!("html={}", path("report.html")),
        "--report",
        &format!("junit={}", path("report.xml")),
    ]);
    command.args([
        "--report",
        &format!("markdown={}", path("report.md")),
        "--report",
        "text",
    ]);
    let output = command
        .env("XDG_STATE_HOME", path("state"))
        .output()
        .unwrap();
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    // What may be an accident on the way is not judged.
    let verdict = match output.status.code() {
        Some(1) => "deviation",
        Some(3 | 4) if !matches!(row.said, Said::Status(_)) => "not-judged",
        _ => return Err(format!("{}: {said}", output.status)),
    };
    if said.contains("panicked") {
        return Err(said);
    }
    // Answers may hold anything; a terminal is shown no control characters of theirs.
    if let Some(control) = said
        .chars()
        .find(|letter| letter.is_control() && *letter != '\n' && *letter != '\r')
    {
        return Err(format!("{control:?} reaches the terminal"));
    }
    let report: Value =
        serde_json::from_str(&fs::read_to_string(&report).map_err(|error| error.to_string())?)
            .map_err(|error| error.to_string())?;
    let case = &report["targets"][0]["cases"][0];
    if case["id"] != "validation.authenticated" || case["conformance"] != verdict {
        return Err(format!("the verdict is {}", case["conformance"]));
    }
    let exchange = &case["exchanges"][0];
    if exchange.is_null() && verdict == "not-judged" {
        return Ok(());
    }
    let right = match row.said {
        Said::Either => exchange["trouble"].is_string() || exchange["status"].is_number(),
        Said::None => exchange["trouble"].is_string(),
        Said::NoneAs(text) => exchange["trouble"]
            .as_str()
            .is_some_and(|it| it.contains(text)),
        Said::Status(status) => exchange["status"] == status,
    };
    if right {
        Ok(())
    } else {
        Err(format!(
            "expected {:?} in {:.600}",
            row.said,
            exchange.to_string()
        ))
    }
}

const ACCOUNTS: &str = r#"
admin: { username: boss, password: "Boss-Password-12345" }
user: { username: lab-user, password: "Lab-User-Passw0rd:1" }
"#;

/// Of address space, threads' stacks and the program itself included.
const MEMORY_KIB: u64 = 600_000;

/// Nine requests, each of which may wait for its time-out, on a busy machine.
const IN_TIME: Duration = Duration::from_secs(15);

/// A mebibyte is read; more than that is what the system keeps in store between two sockets.
const MOST_TAKEN: u64 = 16 << 20;
