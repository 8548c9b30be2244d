//! What is agreed on with a target's keeper: a profile of readings, and known differences.

use rstest::rstest;

use crate::check::test_dir::{TestDir, cases};

/// A profile of what a mock follows is met by the same mock, and served from the profile alone.
#[test]
fn a_profile_is_impersonated_and_expected() {
    let dir = TestDir::new();
    dir.run(
        "check -q --kind sensor --case validation.* --reading X11=table --report profile=p.yaml",
    )
    .ends_with(0);
    assert!(
        dir.read("p.yaml")
            .contains("    validation.authenticated.body: table  # X11\n"),
        "{}",
        dir.read("p.yaml")
    );
    let report = dir.report("--kind sensor --case validation.* --readings p.yaml");
    let body = &cases(&report)
        .find(|(_, case)| case["id"] == "validation.authenticated")
        .unwrap()
        .1["exchanges"][0]["body"];
    assert_eq!(body, r#"{"msg":"Authentication succeeded"}"#);
    dir.run("check -q --kind sensor --case validation.* --readings p.yaml")
        .ends_with(0);
}

#[test]
fn another_reading_than_the_profile_s_is_a_deviation() {
    let dir = TestDir::new();
    dir.write("p.yaml", "- kind: sensor\n  readings: { X11: table }\n");
    let run = dir.run("check -q --kind sensor --case validation.authenticated --readings p.yaml --reading X11=example").ends_with(1);
    for line in [
        "expected  X11 validation.authenticated.body: table, as the profile says\n",
        "received  X11 validation.authenticated.body: example\n",
    ] {
        assert!(run.out.contains(line), "{}", run.out);
    }
}

#[test]
fn serve_takes_a_profile() {
    let dir = TestDir::new();
    dir.write("p.yaml", "- kind: console\n  readings: { X11: table }\n");
    let run = dir
        .run("serve --kind sensor --readings p.yaml --listen 127.0.0.1:0")
        .ends_with(2);
    assert_eq!(
        run.err,
        "error: p.yaml has no profile for a kind that is served here\n  hint: choose the kind with --kind\n"
    );
}

#[rstest]
#[case::profile(
    "--readings",
    "- kind: sensor\n  readings: { X11: tabel }\n",
    " --> f.yaml:2:20"
)]
#[case::known(
    "--known",
    "- { case: a, reason: b, until: soon }\n",
    " --> f.yaml:1:32"
)]
#[case::no_file(
    "--known nowhere.yaml --readings",
    "[]",
    "cannot read nowhere.yaml: No such file"
)]
fn a_file_that_cannot_be_read_is_said_with_its_place(
    #[case] option: &str,
    #[case] text: &str,
    #[case] place: &str,
) {
    let dir = TestDir::new();
    dir.write("f.yaml", text);
    let line = format!("check -q --kind sensor --case validation.authenticated {option} f.yaml");
    // An empty profile suits no one; the other file is read first of all.
    let line = if place.contains("nowhere") {
        line.replace(" --readings f.yaml", "")
    } else {
        line
    };
    assert!(dir.run(&line).ends_with(2).err.contains(place));
}

const DEVIATES: &str = "check -q --kind sensor --case validation.authenticated* --readings p.yaml --reading X11=example";

fn deviating() -> TestDir {
    let dir = TestDir::new();
    dir.write("p.yaml", "- kind: sensor\n  readings: { X11: table }\n");
    dir
}

#[test]
fn a_known_difference_fails_no_run_and_is_listed() {
    let dir = deviating();
    dir.run(DEVIATES).ends_with(1);
    dir.write(
        "k.yaml",
        "- { case: 'validation.authenticated*', received: '*', reason: ticket 4711, until: 2999-12-31 }\n",
    );
    let run = dir.run(&format!("{DEVIATES} --known k.yaml")).ends_with(0);
    assert!(
        run.out
            .contains("known: differences that were expected\n  ticket 4711 (3 cases)\n"),
        "{}",
        run.out
    );
    assert!(
        run.out.ends_with("none fails; 3 known differences.\n"),
        "{}",
        run.out
    );
}

#[rstest]
#[case::unmatched(
    "- { case: validation.authentic, received: y, reason: x }",
    "matches no case"
)]
#[case::stale(
    "- { case: validation.authenticated, received: y, reason: x }",
    "differs no longer"
)]
#[case::expired(
    "- { case: validation.authenticated, received: y, reason: x, until: 2020-01-01 }",
    "has expired on 2020-01-01"
)]
fn an_entry_that_means_nothing_fails_the_run(#[case] entry: &str, #[case] says: &str) {
    let dir = TestDir::new();
    dir.write("k.yaml", entry);
    let run = dir
        .run("check -q --kind sensor --case validation.authenticated --known k.yaml")
        .ends_with(1);
    assert!(
        run.out.contains("problem: k.yaml:1:11: known difference") && run.out.contains(says),
        "{}",
        run.out
    );
    assert!(
        run.out.contains("\n1 problem with the run itself; "),
        "{}",
        run.out
    );
}

#[test]
fn a_changed_snapshot_is_excused_by_no_entry() {
    let dir = TestDir::with_snapshots("validation.authenticated");
    let path = "snapshots/sensor/validation.authenticated.snap";
    dir.write(path, &dir.read(path).replace("200", "201"));
    dir.write(
        "k.yaml",
        "- { case: validation.authenticated, received: '*', reason: ticket 4711, kind: sensor }\n",
    );
    let line = "check -q --kind sensor --case validation.authenticated";
    dir.run(line).ends_with(1);
    dir.run(&format!("{line} --known k.yaml")).ends_with(1);
}

/// A known deviation can be accepted, an unknown one is not even offered; and the file is no test's.
#[test]
fn a_known_deviation_can_be_reviewed() {
    let dir = deviating();
    dir.run(&format!("{DEVIATES} --snapshots lab")).ends_with(1);
    assert_eq!(dir.files("lab").len(), 0);
    dir.write(
        "k.yaml",
        "- { case: 'validation.authenticated*', received: '*', reason: ticket 4711 }\n",
    );
    let run = dir
        .run(&format!("{DEVIATES} --snapshots lab --known k.yaml"))
        .ends_with(0);
    assert!(
        run.out
            .contains("hint: d4iot-double review --snapshots lab\n"),
        "{}",
        run.out
    );
    assert!(
        run.out
            .ends_with("none fails; 3 known differences, 3 new snapshots to review.\n"),
        "{}",
        run.out
    );
    dir.run("accept --snapshots lab").ends_with(0);
    let text = dir.read("lab/validation.authenticated.snap");
    assert!(
        text.starts_with("---\ndescription: "),
        "no `source:`, or cargo insta would delete it: {text}"
    );
    let run = dir
        .run(&format!("{DEVIATES} --snapshots lab --known k.yaml"))
        .ends_with(0);
    assert!(
        run.out.ends_with("none fails; 3 known differences.\n"),
        "{}",
        run.out
    );
}
