//! `diff`: what differs between two folders of snapshots or two reports.

use std::fs;

use rstest::rstest;

use crate::check::desk::Desk;

#[test]
fn folders_are_compared_case_by_case() {
    let desk = Desk::with_snapshots("validation.authenticated");
    fs::create_dir_all(desk.path("other")).unwrap();
    for kind in ["sensor", "console"] {
        fs::create_dir_all(desk.path("other").join(kind)).unwrap();
        for (name, bytes) in desk.files(&format!("snapshots/{kind}")) {
            fs::write(desk.path("other").join(kind).join(name), bytes).unwrap();
        }
    }
    assert_eq!(
        desk.run("diff snapshots other").ends_with(0).out,
        "0 differ, 6 the same\n"
    );

    let path = "other/sensor/validation.authenticated.snap";
    // What only a header says is no difference.
    desk.write(
        path,
        &desk.read(path).replace("source: tests/snapshots.rs\n", ""),
    );
    desk.run("diff snapshots other").ends_with(0);
    desk.write(path, &desk.read(path).replace("200", "201"));
    fs::rename(
        desk.path("other/console/validation.authenticated.snap"),
        desk.path("other/console/validation.new.snap"),
    )
    .unwrap();
    let told = desk.run("diff snapshots other").ends_with(1);
    let expected = "only in A: console/validation.authenticated\nonly in B: console/validation.new\nchanged: sensor/validation.authenticated\n";
    assert!(
        told.out.starts_with(expected) && told.out.contains("  | -200\n  | +201\n"),
        "{}",
        told.out
    );
    assert!(
        told.out.ends_with("\n3 differ, 4 the same\n"),
        "{}",
        told.out
    );
}

#[test]
fn reports_are_compared_with_verdicts_and_readings() {
    let desk = Desk::new();
    let check = "check -q --kind sensor --case validation.authenticated --report";
    desk.run(&format!("{check} json=a.json")).ends_with(0);
    desk.run(&format!("{check} json=b.json")).ends_with(0);
    desk.run(&format!("{check} json=c.json --reading X11=table"))
        .ends_with(0);
    desk.run("diff a.json b.json").ends_with(0);
    let told = desk.run("diff a.json c.json").ends_with(1);
    let expected = "changed: sensor/reading X11 validation.authenticated.body\n  | example → table\nchanged: sensor/validation.authenticated\n  | documented → variant\n";
    assert!(told.out.starts_with(expected), "{}", told.out);
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
    let desk = Desk::new();
    desk.write("a.json", "{}");
    desk.write("b.json", "{\"version\": 2}");
    fs::create_dir_all(desk.path("empty")).unwrap();
    let told = desk.run(line).ends_with(2);
    assert!(told.err.contains(expected), "{}", told.err);
}
