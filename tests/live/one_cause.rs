//! One cause at a target: one entry in each report, and few lines for whoever reads them.

use std::{fs, process::Output};

use crate::{
    scenarios::{
        Command, Scenario,
        play::{Play, said},
    },
    tampering::replaced,
};

#[test]
fn one_changed_wording_is_one_cause_in_each_report() {
    let (play, output) = checked(Scenario::new("wording", |exchange| {
        let from = "Password has been replaced";
        replaced(exchange.answer(), from, "Password was replaced").into()
    }));

    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(out.lines().count() <= 60, "{}:\n{out}", out.lines().count());
    let read = |name: &str| fs::read_to_string(play.folder.path().join(name)).unwrap();
    let json: serde_json::Value = serde_json::from_str(&read("r.json")).unwrap();
    let causes = json["causes"].as_array().unwrap();
    assert_eq!(causes.len(), 1, "{causes:?}");
    for (name, text) in [
        ("text", out.as_str()),
        ("html", &read("r.html")),
        ("markdown", &read("r.md")),
    ] {
        assert!(text.contains("for 1 reason"), "{name}: {text:.3000}");
    }
    assert_eq!(read("r.xml").matches(r#"name="cause""#).count(), 1);
    let last = out.lines().rev().take(12).collect::<Vec<_>>().join("\n");
    assert!(last.contains("Password was replaced"), "{last}");
    let annotations = read("r.github");
    assert_eq!(annotations.matches("::error").count(), 1, "{annotations}");
}

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
