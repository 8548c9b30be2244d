//! The reports of a sweep, and the file of known failures.

use std::{collections::BTreeSet, fs, path::Path};

use quick_xml::{Reader, events::Event};
use rstest::rstest;
use serde_json::Value;

use crate::{
    command::{NAIVE, sweep},
    json_schema::violations,
};

const PASSWORDS: [&str; 3] = ["Test12345!", "Test0987", "Sweep-Rotat3d-Passw0rd."];

/// A client that prints everything and trusts anybody, in a few failures: each report has each kind of verdict and mark.
fn write(folder: &Path) -> Vec<(String, String)> {
    let files = [
        "json=report.json",
        "junit=report.xml",
        "html=report.html",
        "markdown=report.md",
        "text=report.txt",
    ];
    let files = files.map(|file| {
        let (format, name) = file.split_once('=').unwrap();
        format!("{format}={}", folder.join(name).display())
    });
    let mut options = vec!["--operation", "change", "--fail"];
    options.push("commit_then_reset,not_replaced,expired_certificate,flaky");
    files
        .iter()
        .for_each(|file| options.extend(["--report", file]));
    let naive = NAIVE.replace("--cacert \"$D4IOT_CA\"", "--insecure");
    let script =
        format!("echo \"<b>$PASSWORD</b> & $NEW_PASSWORD ]]>\"; echo '| $ADMIN_PASSWORD'; {naive}");
    let output = sweep(&options, &script).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    files.map(read).collect()
}

#[test]
fn every_report_says_the_same_and_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let reports = write(folder.path());
    assert_eq!(reports.len(), 5);
    for (name, text) in &reports {
        for password in PASSWORDS {
            assert!(!text.contains(password), "{name}: {text}");
        }
        for expected in [
            "change/commit_then_reset@1",
            "sent a request although the certificate is bad",
        ] {
            assert!(text.contains(expected), "{name} has no {expected}: {text}");
        }
        match name.as_str() {
            "report.json" => check_json(text),
            "report.xml" => check_junit(text),
            "report.html" => check_html(text),
            _ => {}
        }
    }
}

fn check_json(text: &str) {
    let schema = include_str!("../../conformance/sweep.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let report: Value = serde_json::from_str(text).unwrap();
    assert_eq!(violations(&schema, &report), [""; 0]);
    let verdicts = report["scenarios"].as_array().unwrap().iter();
    let verdicts: Vec<&str> = verdicts
        .map(|one| one["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["lost", "rotated", "kept", "false_success"]);
    let marks = report["scenarios"][1]["marks"].as_array().unwrap();
    let marks: Vec<&str> = marks
        .iter()
        .map(|mark| mark["name"].as_str().unwrap())
        .collect();
    assert_eq!(marks, ["certificate_accepted", "password_printed"]);
}

fn check_junit(text: &str) {
    let (mut tests, mut failures) = (0, 0);
    for_each_element(text, &mut |name, _| match name {
        "testcase" => tests += 1,
        "failure" => failures += 1,
        _ => {}
    });
    assert_eq!((tests, failures), (4, 3), "{text}");
}

/// Each cell of the matrix links to its scenario.
fn check_html(text: &str) {
    let (mut links, mut names) = (BTreeSet::new(), BTreeSet::new());
    for_each_element(text, &mut |_, attributes| {
        for (key, value) in attributes {
            match key.as_str() {
                "href" => links.insert(value.trim_start_matches('#').to_owned()),
                "id" => names.insert(value.clone()),
                _ => true,
            };
        }
    });
    assert_eq!(links.len(), 4);
    assert_eq!(links, names);
    assert!(
        text.contains("default-src 'none'") && !text.contains("<b>«secret»"),
        "{text}"
    );
}

/// Looks at an element: its name and attributes.
type Look<'a> = dyn FnMut(&str, &[(String, String)]) + 'a;

/// Reads XML, which must be well-formed.
fn for_each_element(text: &str, look: &mut Look<'_>) {
    let mut reader = Reader::from_str(text);
    loop {
        match reader
            .read_event()
            .unwrap_or_else(|error| panic!("{error}: {text}"))
        {
            Event::Start(tag) | Event::Empty(tag) => {
                let string = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                let attributes = tag.attributes().map(|attribute| {
                    let attribute = attribute.unwrap();
                    (string(attribute.key.as_ref()), string(&attribute.value))
                });
                let attributes: Vec<_> = attributes.collect();
                look(&string(tag.name().as_ref()), &attributes);
            }
            Event::Eof => return,
            _ => {}
        }
    }
}

/// Returns the exit code and the report of a sweep with these known failures.
fn with_known(options: &[&str], script: &str, known: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("known.yaml");
    fs::write(&file, known).unwrap();
    let options = [options, &["--known", file.to_str().unwrap()]].concat();
    let output = sweep(&options, script).output().unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    (output.status.code(), report)
}

#[rstest]
#[case::excused("change/commit*", "lost", 0, "(lost)")]
#[case::with_another_verdict(
    "change/commit_then_reset@1",
    "hung",
    1,
    "known.yaml:1:13: known failure `change/commit_then_reset@1` with verdict `hung` did not occur\n    hint: remove it\n"
)]
#[case::not_run("change/flaky@1", "lost", 1, "LOST  change/commit_then_reset@1")]
fn known_failures_are_excused_and_go_stale(
    #[case] scenario: &str,
    #[case] verdict: &str,
    #[case] code: i32,
    #[case] expected: &str,
) {
    let known = format!("- scenario: {scenario}\n  verdict: {verdict}\n  reason: ticket 4711\n");
    let (ended, report) = with_known(&["--fail", "commit_then_reset"], NAIVE, &known);
    assert!(report.contains(expected), "{report}");
    assert_eq!(ended, Some(code), "{report}");
    assert_eq!(report.contains("problem:"), verdict == "hung", "{report}");
}

#[rstest]
#[case::both("", 0)]
#[case::until_a_day_to_come("  until: 2999-01-01\n", 0)]
#[case::expired("  until: 2020-01-01\n", 1)]
fn each_cause_of_a_failure_has_its_entry(#[case] until: &str, #[case] code: i32) {
    let script = format!(
        "{}; exit 1",
        NAIVE.replace("--cacert \"$D4IOT_CA\"", "--insecure")
    );
    let script = crate::command::only_in_scenarios(&script);
    let entry = |cause: &str, until: &str| {
        let scenario = "change/expired_certificate@1";
        format!("- scenario: {scenario}\n  verdict: {cause}\n  reason: {cause} it is\n{until}")
    };
    let known = entry("certificate_accepted", "") + &entry("lost", until);
    let options = ["--fail", "expired_certificate", "--report", "json"];
    let (ended, report) = with_known(&options, &script, &known);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(ended, Some(code), "{report:#}");
    let scenario = &report["scenarios"][0];
    let reason = "lost it is; certificate_accepted it is";
    let expected = if code == 0 {
        Value::from(reason)
    } else {
        Value::Null
    };
    assert_eq!(scenario["known"], expected, "{report:#}");
    // One alone does not excuse the other.
    let (ended, _) = with_known(&options, &script, &entry("lost", ""));
    assert_eq!(ended, Some(1));
}

#[rstest]
#[case::no_list("scenario: x\n", "known.yaml:1:1")]
#[case::unknown_key(
    "- scenario: x\n  verdict: lost\n  reason: y\n  untill: z\n",
    "known.yaml:4:3"
)]
#[case::unknown_verdict(
    "- scenario: x\n  verdict: lots\n  reason: y\n",
    "unknown verdict `lots`, expected one of certificate_accepted, crashed, false_success, hung, lost, other_user_changed; did you mean `lost`?"
)]
#[case::verdict_that_never_fails(
    "- scenario: x\n  verdict: kept\n  reason: y\n",
    "unknown verdict `kept`"
)]
#[case::no_glob("- scenario: x{\n  verdict: lost\n  reason: y\n", "known.yaml:1:13")]
#[case::no_reason(
    "- scenario: x\n  verdict: lost\n  reason: ' '\n",
    "the reason is empty"
)]
#[case::no_day(
    "- scenario: x\n  verdict: lost\n  reason: y\n  until: 2027-02-30\n",
    "`2027-02-30` is not a day"
)]
fn a_wrong_file_of_known_failures_is_an_error(#[case] text: &str, #[case] expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let known = folder.path().join("known.yaml");
    fs::write(&known, text).unwrap();
    let options = ["--known", known.to_str().unwrap()];
    let output = sweep(&options, NAIVE).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(expected), "{said}");
}

#[test]
#[ignore = "needs chromium; .ci/run runs it where that is installed"]
fn a_browser_opens_the_page() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let browser = std::process::Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.path().join("profile").display()
        ))
        // A link to a scenario opens it.
        .arg(format!(
            "file://{}#change/commit_then_reset@1",
            folder.path().join("report.html").display()
        ))
        .output()
        .unwrap();
    let dom = String::from_utf8_lossy(&browser.stdout);
    let log = String::from_utf8_lossy(&browser.stderr);
    assert!(
        dom.contains("<title>d4iot-double sweep: 3 of 4 fail</title>"),
        "{log}"
    );
    assert!(
        dom.contains("<details class=\"case failed\" open=\"\">"),
        "{dom}"
    );
    assert!(!log.contains("Refused to"), "{log}");
}

#[test]
fn a_mark_of_what_passes_is_named_below_the_table() {
    let script = format!("echo \"$PASSWORD\"; {NAIVE}");
    let output = sweep(&["--fail", "flaky"], &script).output().unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    let expected = "flaky   kept*\n\n* printed a password: change/flaky@1\n1 scenario: 1 kept.";
    assert!(report.contains(expected), "{report}");
}

/// In Markdown an output ends with its fence, and the next failure begins after it.
#[test]
fn what_a_client_printed_is_fenced() {
    let script = format!("echo first; printf last; {NAIVE}");
    let options = ["--fail", "commit_then_reset", "--report", "markdown"];
    let mut command = sweep(&options, &script);
    let output = command.env_remove("GITHUB_STEP_SUMMARY").output().unwrap();
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(report.contains("last\n```\n"), "{report}");
    assert_eq!(report.matches("```").count(), 2, "{report}");
}

#[test]
fn an_entry_that_no_scenario_has_is_a_problem() {
    let known =
        "- scenario: change/comit_then_reset@1\n  verdict: lost\n  reason: a typing error\n";
    let (_, report) = with_known(&[], NAIVE, known);
    let expected = "known failure `change/comit_then_reset@1` matches no scenario";
    assert!(report.contains(expected), "{report}");
}
