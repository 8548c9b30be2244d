//! Which cases run, and what is said where none can.

use d4iot_double::{contract::Kind, suite::cases};
use rstest::rstest;

use crate::check::test_dir::{TestDir, cases};

#[rstest]
#[case::case(
    "--case nothing.*",
    4,
    "error: no case is selected by --case nothing.*\n  hint: `d4iot-double plan` lists the cases\n"
)]
#[case::tag(
    "--tag nothing",
    4,
    "error: no case has the tag nothing\n  hint: expected an operation, or one of body, "
)]
#[case::glob("--case [", 2, "error: invalid glob `[`: unclosed character class")]
#[case::fact("--fact nonsense", 2, "error: unknown fact `nonsense`\n  hint: ")]
#[case::kind(
    "--kind tortoise",
    2,
    "unknown kind `tortoise`, expected one of console, sensor"
)]
#[case::reading(
    "--reading X11=nonsense",
    2,
    "error: --reading X11=nonsense: unknown reading `nonsense`, expected one of example, table\n"
)]
#[case::reading_of_nothing("--reading nonsense=table", 2, "error: --reading nonsense=table: ")]
#[case::reading_without_a_name(
    "--reading X11",
    2,
    "error: --reading X11: expected FACT=NAME, as in `X11=table`\n"
)]
#[case::fixture(
    "--fixture nowhere.yaml",
    2,
    "error: cannot read nowhere.yaml: No such file or directory"
)]
#[case::update("--update perhaps", 2, "invalid value 'perhaps' for '--update <WHAT>'")]
#[case::report(
    "--report xml",
    2,
    "unknown report format `xml`, expected one of github, html, json, junit, markdown, profile, text"
)]
#[case::target_of_no_kind(
    "https://sensor.example",
    2,
    "error: a target needs --kind sensor or --kind console"
)]
#[case::target_in_the_clear(
    "http://sensor.example --kind sensor",
    6,
    "error: http://sensor.example/ is not on this machine, and http:// sends passwords unencrypted\n  hint: "
)]
#[case::failures_of_a_target(
    "https://sensor.example --kind sensor --fail lag",
    2,
    "the argument '--fail <NAME>' cannot be used with:"
)]
fn what_cannot_be_run_is_refused_in_words(
    #[case] line: &str,
    #[case] code: i32,
    #[case] expected: &str,
) {
    let run = TestDir::new().run(&format!("check {line}")).ends_with(code);
    assert!(run.err.contains(expected), "{}", run.err);
    assert_eq!(run.out, "");
}

#[rstest]
#[case::kind(
    "appliance: senor\n",
    "error: line 1 column 12: unknown kind `senor`",
    ":1:12\n  hint: did you mean `sensor`?\n"
)]
#[case::reading(
    "appliance: sensor\nreadings: { validation.authenticated.body: nonsense }\n",
    "error: line 2 column 44: ",
    ":2:44\n"
)]
#[case::fact(
    "appliance: sensor\nreadings: { validation.nonsense: table }\n",
    "error: line 2 column 13: ",
    ":2:13\n"
)]
#[case::key("appliance: sensor\nusrs: []\n", "error: line 2 column 1: ", ":2:1\n")]
fn a_bad_fixture_is_shown_by_line_and_column(
    #[case] text: &str,
    #[case] expected: &str,
    #[case] place: &str,
) {
    let dir = TestDir::new();
    dir.write("bad.yaml", text);
    let run = dir.run("check --fixture bad.yaml").ends_with(2);
    assert!(
        run.err.starts_with(expected) && run.err.contains(&format!(" --> bad.yaml{place}")),
        "{}",
        run.err
    );
}

#[test]
fn a_fact_means_the_cases_that_cover_it() {
    let dir = TestDir::new();
    let report = dir.report("--fact X11");
    assert!(cases(&report).all(|(_, case)| {
        case["facts"]
            .as_array()
            .unwrap()
            .iter()
            .any(|fact| fact.as_str().unwrap().starts_with("X11 "))
    }));
    let expected = located(|case, kind| {
        case.covers(d4iot_double::contract::of(kind))
            .contains("validation.authenticated.body")
    });
    assert!(expected.len() > 20);
    assert_eq!(dir.ran("--fact X11"), expected);
    assert_eq!(dir.ran("--fact validation.authenticated.body"), expected);
}

#[test]
fn a_verbose_run_lists_cases_and_no_requests() {
    let dir = TestDir::new();

    let run = dir.run("check -v --kind sensor --case validation.authenticated");

    assert!(run.err.contains("validation.authenticated"), "{}", run.err);
    assert!(!run.err.contains("detail:"), "{}", run.err);
}

#[test]
fn options_narrow_each_other_down() {
    let dir = TestDir::new();
    assert_eq!(
        dir.ran("--tag lockout"),
        located(|case, _| case.tags.iter().any(|tag| tag == "lockout"))
    );
    assert_eq!(
        dir.ran("--tag lockout --kind sensor --case validation.lockout"),
        ["sensor/validation.lockout"]
    );
    assert_eq!(
        dir.ran("--kind console --case validation.repeated --case validation.lockout"),
        ["console/validation.repeated", "console/validation.lockout"]
    );
}

#[test]
fn another_reading_is_served_and_named() {
    let run = TestDir::new()
        .run("check -q --reading X11=table --case validation.authenticated")
        .ends_with(0);
    assert!(
        run.out
            .contains("X11  validation.authenticated.body  table *  table *"),
        "{}",
        run.out
    );
    assert!(
        !run.out.contains("snapshots  "),
        "a mock that was changed is held against no snapshot:\n{}",
        run.out
    );
}

fn located(meant: impl Fn(&d4iot_double::suite::Case, Kind) -> bool) -> Vec<String> {
    let of = |kind: Kind| {
        cases::all()
            .iter()
            .filter(move |located| located.case.kinds.contains(&kind))
            .map(move |located| (kind, &located.case))
    };
    let both = of(Kind::Sensor).chain(of(Kind::Console));
    both.filter(|(kind, case)| meant(case, *kind))
        .map(|(kind, case)| format!("{kind}/{}", case.id))
        .collect()
}

/// The first call of three is fired: asked three times, a case is not answered alike.
#[test]
fn a_case_that_is_not_answered_alike_each_time_is_unstable() {
    let dir = TestDir::new();
    dir.write(
        "flaky.yaml",
        "appliance: sensor\nfailures: [{ name: once, on: validation, when: { times: 1 }, do: { status: 503, page: apache } }]\n",
    );
    let check = "check -q --fixture flaky.yaml --case validation.authenticated";
    let run = dir.run(&format!("{check} --repeat 3")).ends_with(1);
    assert!(
        run.out.contains("unstable: validation.authenticated: "),
        "{}",
        run.out
    );
    assert!(
        run.out
            .contains("first between attempt 1 and attempt 2: deviation, documented, documented"),
        "{}",
        run.out
    );
    assert!(run.out.contains("0 not judged, 1 unstable"), "{}", run.out);
    let run = dir
        .run("check -q --kind sensor --case validation.authenticated --repeat 3")
        .ends_with(0);
    assert!(
        run.out.contains("1 documented") && !run.out.contains("unstable"),
        "{}",
        run.out
    );
}
