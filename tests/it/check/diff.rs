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
        "0 differ, 6 the same\n"
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
    let expected = "only in A: console/validation.authenticated\nonly in B: console/validation.new\nchanged: sensor/validation.authenticated\n";
    assert!(
        run.out.starts_with(expected) && run.out.contains("  | -200\n  | +201\n"),
        "{}",
        run.out
    );
    assert!(run.out.ends_with("\n3 differ, 4 the same\n"), "{}", run.out);
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
    let expected = "changed: sensor/reading X11 validation.authenticated.body\n  | example → table\nchanged: sensor/validation.authenticated\n  | documented → variant\n";
    assert!(run.out.starts_with(expected), "{}", run.out);
}

#[rstest]
#[case::a_folder_and_a_file(
    "diff . a.json",
    "only one of them is a folder\n  hint: name two snapshot folders, or two JSON reports"
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
