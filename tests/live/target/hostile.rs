//! A target that means harm to the readers of its reports: every report stays what it is, and shows the bytes escaped.

use std::{fs, path::Path, process::Command};

use quick_xml::{Reader, events::Event};
use serde_json::Value;

use crate::{
    json_schema::violations,
    target::stage::{Behaviour, FIXTURE, Ran, Stage},
};

/// What most answers have in their body and in a header.
pub(crate) const HOSTILE: &str = concat!(
    "<script>document.title='run'</script>]]><img src=x onerror=\"document.title='run'\">\u{1b}[31m\0\r\n::error file=x,line=1::evil",
    "\r\n##vso[task.complete]\n```</details>|</pre></style>\u{202e}\u{ffff}&amp;%0A --> '\""
);

/// What the others have before the texts of a right body: as much as leaves it similar.
pub(crate) const HOSTILE_COMMAND: &str = "\u{1b}[31m\0\r\n::error::evil%0A";

const FORMATS: [&str; 7] = [
    "text", "json", "junit", "markdown", "github", "html", "profile",
];

/// Checks a hostile target, with every report.
fn reported() -> Stage {
    let stage = Stage::of(FIXTURE, Behaviour::Hostile);
    let requests: Vec<String> = FORMATS
        .iter()
        .map(|format| format!("{format}={}", stage.path(format)))
        .collect();
    let options: Vec<&str> = requests
        .iter()
        .flat_map(|request| ["--report", request])
        .chain(["--snapshots", "kept"])
        .collect();
    let ran = stage.check(&options);
    assert_eq!(ran.code(), 1, "{ran}");
    stage
}

#[test]
fn every_report_of_a_hostile_target_stays_what_it_is() {
    let stage = reported();
    let [text, json, junit, markdown, github, html, _] =
        FORMATS.map(|format| fs::read_to_string(stage.path(format)).unwrap());
    for (name, text) in [
        ("text", &text),
        ("markdown", &markdown),
        ("github", &github),
        ("html", &html),
        ("junit", &junit),
    ] {
        let acts = |character: &char| {
            character.is_control() && *character != '\n'
                || matches!(character, '\u{202e}' | '\u{ffff}')
        };
        assert_eq!(text.chars().find(acts), None, "{name}");
        assert!(
            text.contains("\\u{1b}[31m"),
            "{name} tells what came: {text}"
        );
    }
    let commands: Vec<&str> = text
        .lines()
        .filter(|line| line.trim_start().starts_with("::") || line.contains("##"))
        .collect();
    assert_eq!(commands, [""; 0]);
    is_of_the_grammar(&github);
    is_of_its_schema(&json);
    assert!(
        !html.contains("<script") && !html.contains("<img"),
        "{html}"
    );
    is_well_formed(&html);
    is_well_formed(&junit);
}

#[test]
#[ignore = "the clients tier: .ci/run runs it"]
fn programs_that_read_reports_take_those_of_a_hostile_target() {
    let stage = reported();
    let report = fs::read_to_string(stage.path("json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let cases = report["targets"][0]["cases"].as_array().unwrap().iter();
    let failures = cases.filter(|case| case["failed"] == true).count();
    read_by_junitparser(&stage.path("junit"), failures);
    validated_by_jsonschema(&stage.path("json"));
    opened_in_a_browser(&stage.path("html"));
}

/// `::LEVEL NAME=VALUE,NAME=VALUE::MESSAGE`, one a line, with nothing in a value or message that ends it.
fn is_of_the_grammar(text: &str) {
    for line in text.lines() {
        let (level, rest) = line
            .strip_prefix("::")
            .and_then(|rest| rest.split_once(' '))
            .unwrap_or_else(|| panic!("{line}"));
        assert!(["error", "warning", "notice"].contains(&level), "{line}");
        let (properties, message) = rest.split_once("::").unwrap_or_else(|| panic!("{line}"));
        for property in properties.split(',') {
            let (name, value) = property.split_once('=').unwrap_or_else(|| panic!("{line}"));
            assert!(
                ["file", "line", "title"].contains(&name)
                    && !value.is_empty()
                    && !value.contains(':'),
                "{line}"
            );
        }
        assert!(
            message
                .split('%')
                .skip(1)
                .all(|rest| ["25", "0D", "0A"].iter().any(|code| rest.starts_with(code))),
            "{line}"
        );
    }
}

fn is_of_its_schema(text: &str) {
    let schema = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/report.schema.json"),
    )
    .unwrap();
    let report: Value = serde_json::from_str(text).unwrap();
    let schema = serde_json::from_str(&schema).unwrap();
    assert_eq!(violations(&schema, &report), [""; 0]);
    let bodies = report["targets"][0]["cases"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|case| case["exchanges"].as_array().unwrap());
    assert!(
        bodies
            .filter(|exchange| exchange["body"].as_str().unwrap().contains(HOSTILE))
            .count()
            > 10,
        "the very text"
    );
}

fn is_well_formed(text: &str) {
    let mut reader = Reader::from_str(text);
    while !matches!(
        reader
            .read_event()
            .unwrap_or_else(|error| panic!("{error} at {}", reader.error_position())),
        Event::Eof
    ) {}
}

/// Runs a script of `tests/clients/readers`, unless its packages are not installed.
fn run_script(name: &str, files: &[&str]) -> Option<Ran> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = project.join("target/readers/bin/python");
    if !python.exists() {
        left_out(name, "target/readers/bin/python");
        return None;
    }
    let script = project.join("tests/clients/readers").join(name);
    let ran = Ran::of(
        Command::new(python)
            .arg(script)
            .args(files)
            .current_dir(project),
    );
    assert_eq!(ran.code(), 0, "{ran}");
    Some(ran)
}

fn validated_by_jsonschema(report: &str) {
    run_script("schema.py", &["conformance/report.schema.json", report]);
}

/// The JUnit report is valid by a schema, and junitparser finds the same failures.
fn read_by_junitparser(junit: &str, failures: usize) {
    let Some(ran) = run_script("junit.py", &["tests/clients/readers/junit.xsd", junit]) else {
        return;
    };
    let told = ran.to_string();
    let words: Vec<&str> = told.lines().next().unwrap().split(' ').collect();
    assert!(words[1].parse::<usize>().unwrap() > 250, "{told}");
    assert_eq!(words[3].parse::<usize>().unwrap(), failures, "{told}");
    assert_eq!(
        told.lines()
            .filter(|line| line.starts_with("failure "))
            .count(),
        failures,
        "{told}"
    );
}

/// The HTML report in headless Chromium: nothing in it ran, and nothing asked to.
fn opened_in_a_browser(html: &str) {
    let folder = tempfile::tempdir().unwrap();
    // A browser goes by the ending.
    let page = folder.path().join("report.html");
    fs::copy(html, &page).unwrap();
    let profile = format!("--user-data-dir={}", folder.path().display());
    let options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--dump-dom",
        &profile,
    ];
    let browser = Command::new("chromium")
        .args(options)
        .arg(format!("file://{}", page.display()))
        .output();
    let Ok(output) = browser else {
        return left_out("the browser", "chromium");
    };
    let ran = Ran(output);
    let (dom, log) = (
        String::from_utf8_lossy(&ran.0.stdout),
        String::from_utf8_lossy(&ran.0.stderr),
    );
    let title = dom
        .split_once("<title>")
        .unwrap_or_else(|| panic!("no page: {log}"))
        .1
        .split_once("</title>")
        .unwrap()
        .0;
    assert!(
        title.starts_with("d4iot-double: ") && title != "run",
        "{title}"
    );
    let body = dom.split_once("</style>").unwrap().1;
    assert!(
        !body.contains("<script") && !body.contains("<img"),
        "something became markup"
    );
    assert_eq!(
        log.lines()
            .filter(|line| line.contains("CONSOLE"))
            .collect::<Vec<_>>(),
        [""; 0],
        "the browser complains"
    );
}

#[expect(clippy::print_stderr, reason = "what is left out is said")]
fn left_out(what: &str, missing: &str) {
    assert!(
        std::env::var("D4IOT_READERS").as_deref() != Ok("all"),
        "{what}: {missing} is not there"
    );
    eprintln!("left out: {what}, as {missing} is not there");
}
