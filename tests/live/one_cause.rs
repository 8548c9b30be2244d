//! One cause at a target: one entry in each report, and few lines for whoever reads them.

use std::{fs, process::Output};

use crate::scenarios::{
    Command, Scenario,
    play::{Play, said},
};

#[test]
fn typo_in_one_password_ends_with_account_and_file() {
    let scenario = Scenario::new("typo", |exchange| exchange.answer().into());
    let (play, output) = checked(scenario.typo());

    let ledger = play.running.fake.ledger();
    assert!(ledger.failed <= 2, "{} failed sign-ins", ledger.failed);
    assert!(ledger.locked.is_empty(), "{:?}", ledger.locked);
    drop(ledger);
    assert_eq!(output.status.code(), Some(6), "{}", said(&output));
    let text = fs::read_to_string(play.folder.path().join("r.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["targets"][0]["counts"]["deviation"], 0);
    let said = said(&output);
    let last = said.trim_end().lines().last().unwrap();
    assert!(
        last.contains("lab-user") && last.contains("lab.yaml"),
        "{last}"
    );
}

/// Runs the default run with consent, and writes each report.
fn checked(scenario: Scenario) -> (Play, Output) {
    let play = Play::start(&scenario);
    let mut check = play.command(Command::Check, &["--report", "text"]);
    check.args(["--timeout", "2s"]);
    for (format, name) in [
        ("json", "r.json"),
        ("html", "r.html"),
        ("markdown", "r.md"),
        ("junit", "r.xml"),
        ("github", "r.github"),
    ] {
        check.args(["--report", &format!("{format}={name}")]);
    }
    let output = check.output().unwrap();
    (play, output)
}
