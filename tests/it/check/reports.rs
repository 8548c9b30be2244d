//! Reports: each in its form, where it was asked for.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use quick_xml::{Reader, events::Event};
use rstest::rstest;
use serde_json::Value;

use crate::{
    check::test_dir::{TestDir, cases, project},
    json_schema::violations,
};

#[test]
fn the_json_report_is_what_its_schema_says() {
    let dir = TestDir::with_snapshots("validation.authenticated");
    std::fs::remove_file(dir.path("snapshots/sensor/validation.authenticated.snap")).unwrap();
    let path = "snapshots/console/validation.authenticated.snap";
    dir.write(path, &dir.read(path).replace("200", "201"));
    let run = dir
        .run("check -q --case validation.* --report json=report.json")
        .ends_with(1);
    assert!(
        run.out.starts_with("1 case fails for 1 reason:\n"),
        "the text stays on stdout:\n{}",
        run.out
    );
    let schema: Value = serde_json::from_str(
        &std::fs::read_to_string(project("conformance/report.schema.json")).unwrap(),
    )
    .unwrap();
    let report: Value = serde_json::from_str(&dir.read("report.json")).unwrap();
    assert_eq!(violations(&schema, &report), [""; 0]);
    let changed: Vec<_> = cases(&report)
        .filter(|(_, case)| case["regression"] == "changed")
        .collect();
    assert_eq!(changed.len(), 1);
    assert_eq!(
        (changed[0].0, &changed[0].1["id"], &changed[0].1["failed"]),
        ("console", &"validation.authenticated".into(), &true.into())
    );
}

#[test]
fn the_junit_report_is_xml_with_a_test_a_case() {
    let dir = TestDir::new();
    dir.run("check -q --case validation.* --report junit=report.xml")
        .ends_with(0);
    let (text, cases) = (dir.read("report.xml"), dir.ran("--case validation.*").len());
    let mut reader = Reader::from_str(&text);
    let mut tests = 0;
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) | Event::Empty(tag) if tag.name().as_ref() == b"testcase" => {
                tag.attributes()
                    .for_each(|attribute| drop(attribute.unwrap()));
                tests += 1;
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(tests, cases);
    assert!(tests > 150, "{tests}");
}

#[rstest]
#[case::text_by_default("", "sensor built-in mock: 1 case\n")]
#[case::text("--report text", "sensor built-in mock: 1 case\n")]
#[case::text_beside_a_file("--report json=r.json", "sensor built-in mock: 1 case\n")]
#[case::json("--report json", "{\n")]
#[case::junit("--report junit", "<?xml ")]
#[case::markdown("--report markdown", "## ✅ 1 of 1 case judged, none fails.\n")]
#[case::html("--report html", "<!DOCTYPE html>\n")]
#[case::profile("--report profile", "# The readings that were followed")]
#[case::annotations_and_text("--report github", "::notice title=")]
#[case::text_in_a_file("--report text=r.txt", "")]
#[case::json_beside_text_in_a_file("--report json --report text=r.txt", "{\n")]
fn stdout_has_what_was_asked_for(#[case] line: &str, #[case] starts: &str) {
    let run = TestDir::new()
        .run(&format!(
            "check -q --kind sensor --case validation.authenticated {line}"
        ))
        .ends_with(0);
    assert!(
        run.out.starts_with(starts) && run.out.is_empty() == starts.is_empty(),
        "{}",
        run.out
    );
    assert_eq!(run.err, "");
}

#[test]
fn markdown_is_appended_to_the_step_s_page() {
    let dir = TestDir::new();
    dir.write("page.md", "before\n");
    let page = dir.path("page.md");
    let run = dir.run_with(
        "check -q --kind sensor --case validation.authenticated --report markdown",
        "GITHUB_STEP_SUMMARY",
        page.to_str().unwrap(),
    );
    assert!(
        run.ends_with(0)
            .out
            .starts_with("sensor built-in mock: 1 case\n"),
        "the text stays on stdout"
    );
    assert!(
        dir.read("page.md")
            .starts_with("before\n## ✅ 1 of 1 case judged, none fails.\n"),
        "{}",
        dir.read("page.md")
    );
}

#[rstest]
#[case::a_file_as_folder(
    "json=fixture.yaml/r.json",
    "cannot write the json report to fixture.yaml/r.json: "
)]
#[case::a_folder("text=.", "cannot write the text report to .: is a directory")]
#[case::two_in_one_file(
    "json=r --report junit=r",
    "--report: two reports go to r\n  hint: name a file for each"
)]
#[case::two_on_stdout("json --report junit=-", "--report: json, junit all go to stdout")]
#[case::twice("json --report json", "--report json is given twice for stdout")]
#[case::no_name("junit=", "`junit=` names no file")]
fn a_report_that_cannot_be_written_is_said(#[case] report: &str, #[case] expected: &str) {
    let dir = TestDir::new();
    dir.write("fixture.yaml", "");

    let run = dir
        .run(&format!(
            "check -q --case validation.authenticated --report {report}"
        ))
        .ends_with(2);

    assert!(run.err.contains(expected), "{}", run.err);
    assert_eq!(run.out, "", "nothing was sent");
}

#[rstest]
#[case::report("check -q --case validation.authenticated --fixture in.yaml --report json=in.yaml")]
#[case::profile(
    "check -q --case validation.authenticated --fixture in.yaml --report profile=./link"
)]
#[case::export("export openapi3 in.yaml --output in.yaml")]
#[case::by_a_link("export har in.yaml --output link")]
fn what_was_read_is_not_replaced(#[case] line: &str) {
    let dir = TestDir::new();
    let fixture = "appliance: sensor\n";
    dir.write("in.yaml", fixture);
    std::os::unix::fs::symlink(dir.path("in.yaml"), dir.path("link")).unwrap();
    let run = dir.run(line).ends_with(2);
    assert!(
        run.err.contains("it is a file that is read: name another"),
        "{}",
        run.err
    );
    assert_eq!(dir.read("in.yaml"), fixture);
}

#[test]
fn a_file_without_end_is_not_read_to_it() {
    let dir = TestDir::new();
    dir.write("big.yaml", "");
    let big = std::fs::File::options()
        .write(true)
        .open(dir.path("big.yaml"))
        .unwrap();
    big.set_len((64 << 20) + 1).unwrap();
    let run = dir.run("fixture check big.yaml").ends_with(2);
    assert!(
        run.err
            .contains("cannot read big.yaml: it has more than 64 MiB"),
        "{}",
        run.err
    );
}

#[test]
fn folders_of_reports_are_created() {
    let dir = TestDir::new();
    dir.run("check -q --case validation.authenticated --report json=a/b/r.json")
        .ends_with(0);
    assert!(dir.read("a/b/r.json").starts_with("{\n"));
}

#[rstest]
#[case::check("check -q --case validation.* --report json")]
#[case::plan("plan")]
#[case::explain("explain")]
#[case::schema("fixture schema")]
#[case::help("check --help")]
fn a_reader_that_leaves_early_is_no_error(#[case] line: &str) {
    let dir = TestDir::new();
    let mut child = dir
        .command(line)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    // As `| head -1` does: one line, then the pipe is closed.
    BufReader::with_capacity(1, child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap()
        ),
        (Some(0), String::new()),
        "{first}"
    );
}

#[test]
fn the_log_is_json_where_it_is_asked_for() {
    let run = TestDir::with_snapshots("none")
        .run("check --log-format json --kind sensor --case validation.authenticated")
        .ends_with(0);
    let levels: Vec<String> = run
        .err
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["level"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(levels, ["info"]);
}

/// One changed wording at a target fails many cases, for one reason.
#[test]
fn one_changed_wording_is_one_cause_in_each_report() {
    let dir = TestDir::with_snapshots("");
    for (name, bytes) in dir.files("snapshots") {
        let text = String::from_utf8(bytes).unwrap();
        let changed = text.replace("Password has been replaced", "Password was replaced");
        dir.write(&format!("snapshots/{name}"), &changed);
    }

    let line = "check --kind sensor --update no --report json=r.json --report junit=r.xml --report html=r.html --report markdown=r.md --report text=r.txt --report github";
    let run = dir.run(line).ends_with(1);

    let report: Value = serde_json::from_str(&dir.read("r.json")).unwrap();
    let [cause] = &report["causes"].as_array().unwrap()[..] else {
        panic!("{}", report["causes"]);
    };
    assert!(cause["cases"].as_array().unwrap().len() > 40, "{cause}");
    let text = dir.read("r.txt");
    assert!(text.lines().count() <= 60, "{text}");
    let reason = "cases fail for 1 reason";
    assert_eq!(text.matches(&format!("{reason}:\n")).count(), 2, "{text}");
    for name in ["r.md", "r.html"] {
        assert!(dir.read(name).contains(reason), "{name}");
    }
    assert_eq!(dir.read("r.xml").matches("name=\"cause\"").count(), 1);
    assert_eq!(run.out.matches("::error ").count(), 1, "{}", run.out);
}

#[rstest]
#[case::check("check -q --kind sensor --case validation.authenticated --report json")]
#[case::plan("plan --kind sensor")]
#[case::diff("diff snapshots snapshots")]
#[case::schema("fixture schema")]
fn a_full_disk_behind_stdout_is_an_error(#[case] line: &str) {
    let dir = TestDir::with_snapshots("validation.authenticated");
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();

    let output = dir.command(line).stdout(full).output().unwrap();

    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("cannot write to stdout"), "{err}");
}

#[test]
fn label_date_and_options_are_in_all_reports_but_the_text() {
    let dir = TestDir::new();
    let run = dir
        .run("check -q --kind sensor --case validation.authenticated --label A7 --report json=r.json")
        .ends_with(0);
    let report: Value = serde_json::from_str(&dir.read("r.json")).unwrap();
    let date = report["date"].as_str().unwrap();
    assert!(date.starts_with("20") && date.ends_with('Z'), "{date}");
    assert_eq!(
        (&report["label"], &report["options"][0]),
        (&"A7".into(), &"check".into())
    );
    assert!(
        run.out.starts_with("A7\n") && !run.out.contains(date),
        "{}",
        run.out
    );
}
