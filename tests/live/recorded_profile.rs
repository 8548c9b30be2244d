//! A profile that `check` recorded at an appliance: `serve` answers as the appliance did, and `check` expects it.

use std::{collections::BTreeMap, fs};

use regex_lite::Regex;
use serde_json::Value;

use crate::{
    process::Process,
    scenarios::{
        Command, FIXTURE, Scenario,
        play::{Play, said},
    },
    tampering::{replaced, status},
};

#[test]
fn served_profile_answers_as_the_appliance_that_was_checked() {
    // Arrange: an appliance that answers 400, 418 and 500 where other statuses are assumed, and in words of its own.
    let scenario = Scenario::new("theirs", |exchange| {
        let answer = replaced(exchange.answer(), "not valid JSON", "no `JSON`: at 1:7");
        let answer = replaced(answer, "required field", "parameter");
        status(answer, |status| match status {
            200 => 200,
            401 => 400,
            403 | 404 => 418,
            _ => 500,
        })
    });
    let play = Play::start(&scenario);
    let mut check = play.command(Command::Check, &["--report", "json=theirs.json"]);
    let recorded = check.args(["--report", "profile=theirs.yaml"]).output();
    let recorded = recorded.unwrap();
    assert_eq!(recorded.status.code(), Some(0), "{}", said(&recorded));
    let path = |name: &str| play.folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("fixture.yaml"), FIXTURE).unwrap();

    // Act: the profile is served, and what serves it is checked against it.
    let (fixture, profile) = (path("fixture.yaml"), path("theirs.yaml"));
    let (_process, ready) = Process::serve(1, &["--http", &fixture, "--readings", &profile]);
    let mut check = crate::target::stage::command();
    check
        .args(["check", &ready[0].url, "--kind", "sensor"])
        .args(["--accounts", "lab.yaml", "--readings", "theirs.yaml"])
        .args(["--change-passwords-on", "127.0.0.1"])
        .args(["--report", "json=ours.json", "--report", "text"])
        .env("XDG_STATE_HOME", play.folder.path().join("state"))
        .env_remove("CI")
        .current_dir(play.folder.path());
    let served = check.output().unwrap();

    // Assert
    assert_eq!(served.status.code(), Some(0), "{}", said(&served));
    let (theirs, ours) = (answers(&path("theirs.json")), answers(&path("ours.json")));
    let differ: Vec<String> = theirs
        .iter()
        .filter_map(|(step, theirs)| {
            let ours = ours.get(step)?;
            (ours != theirs).then(|| format!("{step}: {theirs}, served as {ours}"))
        })
        .collect();
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(theirs.len() > 100, "{}", theirs.len());
}

/// By case and step, status and body; the names of users who do not exist are random.
fn answers(path: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(path).unwrap();
    let random = Regex::new("nobody-[0-9a-f]+").unwrap();
    let report: Value = serde_json::from_str(&random.replace_all(&text, "nobody")).unwrap();
    let cases = report["targets"][0]["cases"].as_array().unwrap().iter();
    let steps = cases.flat_map(|case| {
        let exchanges = case["exchanges"].as_array().unwrap().iter().enumerate();
        exchanges.map(|(number, exchange)| {
            let name = format!("{} {}", case["id"].as_str().unwrap(), number + 1);
            (name, format!("{} {}", exchange["status"], exchange["body"]))
        })
    });
    steps.collect()
}
