//! What is agreed on with a target's keeper: a profile of readings, and known differences.

use rstest::rstest;

use crate::check::desk::{Desk, cases};

/// A profile of what a mock follows is met by the same mock, and served from the profile alone.
#[test]
fn a_profile_is_impersonated_and_expected() {
    let desk = Desk::new();
    desk.run(
        "check -q --kind sensor --case validation.* --reading X11=table --report profile=p.yaml",
    )
    .ends_with(0);
    assert!(
        desk.read("p.yaml")
            .contains("    validation.authenticated.body: table  # X11\n"),
        "{}",
        desk.read("p.yaml")
    );
    let report = desk.report("--kind sensor --case validation.* --readings p.yaml");
    let body = &cases(&report)
        .find(|(_, case)| case["id"] == "validation.authenticated")
        .unwrap()
        .1["exchanges"][0]["body"];
    assert_eq!(body, r#"{"msg":"Authentication succeeded"}"#);
    desk.run("check -q --kind sensor --case validation.* --readings p.yaml")
        .ends_with(0);
}

#[test]
fn another_reading_than_the_profile_s_is_a_deviation() {
    let desk = Desk::new();
    desk.write("p.yaml", "- kind: sensor\n  readings: { X11: table }\n");
    let told = desk.run("check -q --kind sensor --case validation.authenticated --readings p.yaml --reading X11=example").ends_with(1);
    for line in [
        "expected  X11 validation.authenticated.body: table, as the profile says\n",
        "received  X11 validation.authenticated.body: example\n",
    ] {
        assert!(told.out.contains(line), "{}", told.out);
    }
}

#[test]
fn serve_takes_a_profile() {
    let desk = Desk::new();
    desk.write("p.yaml", "- kind: console\n  readings: { X11: table }\n");
    let told = desk
        .run("serve --kind sensor --readings p.yaml --listen 127.0.0.1:0")
        .ends_with(2);
    assert_eq!(
        told.err,
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
    let desk = Desk::new();
    desk.write("f.yaml", text);
    let line = format!("check -q --kind sensor --case validation.authenticated {option} f.yaml");
    // An empty profile suits no one; the other file is read first of all.
    let line = if place.contains("nowhere") {
        line.replace(" --readings f.yaml", "")
    } else {
        line
    };
    assert!(desk.run(&line).ends_with(2).err.contains(place));
}

const DEVIATES: &str = "check -q --kind sensor --case validation.authenticated* --readings p.yaml --reading X11=example";

fn deviating() -> Desk {
    let desk = Desk::new();
    desk.write("p.yaml", "- kind: sensor\n  readings: { X11: table }\n");
    desk
}

#[test]
fn a_known_difference_fails_no_run_and_is_listed() {
    let desk = deviating();
    desk.run(DEVIATES).ends_with(1);
    desk.write(
        "k.yaml",
        "- { case: 'validation.authenticated*', reason: ticket 4711, until: 2999-12-31 }\n",
    );
    let told = desk.run(&format!("{DEVIATES} --known k.yaml")).ends_with(0);
    assert!(
        told.out
            .contains("known: differences that were expected\n  ticket 4711 (3 cases)\n"),
        "{}",
        told.out
    );
    assert!(
        told.out
            .ends_with("All judged cases pass; 3 known differences.\n"),
        "{}",
        told.out
    );
}

#[rstest]
#[case::unmatched("- { case: validation.authentic, reason: x }", "matches no case")]
#[case::stale("- { case: validation.authenticated, reason: x }", "differs no longer")]
#[case::expired(
    "- { case: validation.authenticated, reason: x, until: 2020-01-01 }",
    "has expired on 2020-01-01"
)]
fn an_entry_that_means_nothing_fails_the_run(#[case] entry: &str, #[case] says: &str) {
    let desk = Desk::new();
    desk.write("k.yaml", entry);
    let told = desk
        .run("check -q --kind sensor --case validation.authenticated --known k.yaml")
        .ends_with(1);
    assert!(
        told.out.contains("trouble: k.yaml:1:11: known difference") && told.out.contains(says),
        "{}",
        told.out
    );
    assert!(
        told.out.ends_with("\n1 trouble with the run itself.\n"),
        "{}",
        told.out
    );
}

#[test]
fn a_change_may_be_known_too() {
    let desk = Desk::with_snapshots("validation.authenticated");
    let path = "snapshots/sensor/validation.authenticated.snap";
    desk.write(path, &desk.read(path).replace("200", "201"));
    desk.write(
        "k.yaml",
        "- { case: validation.authenticated, reason: ticket 4711, kind: sensor }\n",
    );
    let line = "check -q --kind sensor --case validation.authenticated";
    desk.run(line).ends_with(1);
    desk.run(&format!("{line} --known k.yaml")).ends_with(0);
}

/// A known deviation can be accepted, an unknown one is not even offered; and the file is no test's.
#[test]
fn a_known_deviation_can_be_reviewed() {
    let desk = deviating();
    desk.run(&format!("{DEVIATES} --snapshots lab"))
        .ends_with(1);
    assert_eq!(desk.files("lab").len(), 0);
    desk.write(
        "k.yaml",
        "- { case: 'validation.authenticated*', reason: ticket 4711 }\n",
    );
    let told = desk
        .run(&format!("{DEVIATES} --snapshots lab --known k.yaml"))
        .ends_with(0);
    assert!(
        told.out
            .contains("hint: d4iot-double review --snapshots lab\n"),
        "{}",
        told.out
    );
    assert!(
        told.out
            .ends_with("All judged cases pass; 3 known differences, 3 new snapshots to review.\n"),
        "{}",
        told.out
    );
    desk.run("accept --snapshots lab").ends_with(0);
    let text = desk.read("lab/validation.authenticated.snap");
    assert!(
        text.starts_with("---\ndescription: "),
        "no `source:`, or cargo insta would delete it: {text}"
    );
    let told = desk
        .run(&format!("{DEVIATES} --snapshots lab --known k.yaml"))
        .ends_with(0);
    assert!(
        told.out
            .ends_with("All judged cases pass; 3 known differences.\n"),
        "{}",
        told.out
    );
}
