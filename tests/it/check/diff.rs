//! `diff`: what differs between two folders of snapshots or two reports.

use std::fs;

use rstest::rstest;

use crate::check::test_dir::TestDir;

#[test]
fn folders_are_compared_case_by_case() {
    let dir = TestDir::with_snapshots("validation.authenticated");
    fs::create_dir_all(dir.path("other")).unwrap();
    for kind in ["sensor", "console"] {
        fs::create_dir_all(dir.path("other").join(kind)).unwrap();
        for (name, bytes) in dir.files(&format!("snapshots/{kind}")) {
            fs::write(dir.path("other").join(kind).join(name), bytes).unwrap();
        }
    }
    assert_eq!(
        dir.run("diff snapshots other").ends_with(0).out,
        "0 of 6 snapshots differ\n"
    );

    let path = "other/sensor/validation.authenticated.snap";
    // What only a header says is no difference.
    dir.write(
        path,
        &dir.read(path).replace("source: tests/snapshots.rs\n", ""),
    );
    dir.run("diff snapshots other").ends_with(0);
    dir.write(path, &dir.read(path).replace("200", "201"));
    fs::rename(
        dir.path("other/console/validation.authenticated.snap"),
        dir.path("other/console/validation.new.snap"),
    )
    .unwrap();
    let run = dir.run("diff snapshots other").ends_with(1);
    let expected = "1 × `201`, in A `200`\n    sensor/validation.authenticated\n";
    let only = "1 × only in A\n    console/validation.authenticated\n1 × only in B\n    console/validation.new\n";
    assert!(
        run.out.starts_with(expected) && run.out.contains("  | -200\n  | +201\n"),
        "{}",
        run.out
    );
    let end = format!("{only}3 of 7 snapshots differ, in 3 ways\n");
    assert!(run.out.ends_with(&end), "{}", run.out);
}

#[test]
fn a_folder_of_one_kind_is_compared_with_that_kind() {
    let dir = TestDir::with_snapshots("validation.authenticated");
    let run = dir.run("diff snapshots/console snapshots").ends_with(0);
    assert_eq!(run.out, "0 of 3 snapshots differ\n");
}

#[test]
fn a_difference_is_written_in_other_forms() {
    let dir = TestDir::with_snapshots("validation.authenticated");
    let line =
        "diff snapshots snapshots --report json=d.json --report html=d.html --report markdown";
    let run = dir.run(line).ends_with(0);
    assert_eq!(run.out, "## 0 of 6 snapshots differ\n\n");
    assert!(dir.read("d.json").contains("\"count\": 0"));
    assert!(dir.read("d.html").starts_with("<!DOCTYPE html>"));
}

#[test]
fn reports_are_compared_with_verdicts_and_readings() {
    let dir = TestDir::new();
    let check = "check -q --kind sensor --case validation.authenticated --report";
    dir.run(&format!("{check} json=a.json")).ends_with(0);
    dir.run(&format!("{check} json=b.json")).ends_with(0);
    dir.run(&format!("{check} json=c.json --reading X11=table"))
        .ends_with(0);
    dir.run("diff a.json b.json").ends_with(0);
    let run = dir.run("diff a.json c.json").ends_with(1);
    let expected = "1 × example → table\n    sensor/reading X11 validation.authenticated.body\n";
    assert!(
        run.out.starts_with(expected) && run.out.contains("; documented → variant\n"),
        "{}",
        run.out
    );
}

#[rstest]
#[case::a_folder_and_a_file(
    "diff . a.json",
    "cannot compare ., a folder, with a.json, a file\n  hint: name two snapshot folders, or two JSON reports"
)]
#[case::a_format_of_runs(
    "diff a.json a.json --report junit",
    "--report junit: expected text, html, json or markdown"
)]
#[case::no_file("diff nowhere.json a.json", "cannot read nowhere.json: No such file")]
#[case::no_report(
    "diff a.json a.json",
    "a.json:1:2: not a JSON report of check\n  hint: "
)]
#[case::of_another_version("diff b.json b.json", "b.json is a report of version 2, expected 1")]
#[case::no_snapshot("diff empty empty", "no snapshot in empty")]
fn what_cannot_be_compared_is_said(#[case] line: &str, #[case] expected: &str) {
    let dir = TestDir::new();
    dir.write("a.json", "{}");
    dir.write("b.json", "{\"version\": 2}");
    fs::create_dir_all(dir.path("empty")).unwrap();
    let run = dir.run(line).ends_with(2);
    assert!(run.err.contains(expected), "{}", run.err);
}
