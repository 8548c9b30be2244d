use std::time::{Duration, SystemTime};

use rstest::rstest;

use super::*;
use crate::report::{Conformance, SeenReading, Summary, sample};

const TODAY: &str = "2026-11-21";

fn known(text: &str) -> KnownDifferences {
    KnownDifferences::read("k", text, TODAY.parse().unwrap())
        .unwrap_or_else(|error| panic!("{error}"))
}

#[rstest]
#[case::first(0, "1970-01-01")]
#[case::leap_day(11_016, "2000-02-29")]
#[case::day_after(11_017, "2000-03-01")]
#[case::new_year(20_818, "2026-12-31")]
#[case::no_leap_year(47_541, "2100-03-01")]
fn a_day_is_counted_from_1970(#[case] days: u64, #[case] expected: &str) {
    let day = Date::of(SystemTime::UNIX_EPOCH + Duration::from_hours(24 * days));
    assert_eq!(day.to_string(), expected);
    assert_eq!(expected.parse(), Ok(day));
}

#[rstest]
#[case::no_list("case: a", "k:1:1", "expected a list")]
#[case::no_reason("- case: a", "k:1:3", "reason")]
#[case::empty_reason(
    "- { case: a, received: x, reason: ' ' }",
    "k:1:35",
    "the reason is empty"
)]
#[case::day(
    "- { case: a, received: x, reason: b, until: 2026-02-29 }",
    "k:1:45",
    "`2026-02-29` is not a day"
)]
#[case::no_day(
    "- { case: a, received: x, reason: b, until: soon }",
    "k:1:45",
    "`soon` is not a day"
)]
#[case::century(
    "- { case: a, received: x, reason: b, until: 1900-02-29 }",
    "k:1:45",
    "`1900-02-29` is not a day"
)]
#[case::before_christ(
    "- { case: a, received: x, reason: b, until: -0001-01-01 }",
    "k:1:45",
    "`-0001-01-01` is not a day"
)]
#[case::sign(
    "- { case: a, received: x, reason: b, until: +026-01-01 }",
    "k:1:45",
    "`+026-01-01` is not a day"
)]
#[case::moment(
    "- { case: a, received: x, reason: b, until: '1970-01-01T00:00:00.5e300Z' }",
    "k:1:45",
    "`1970-01-01T00:00:00.5e300Z` is not a day"
)]
#[case::short(
    "- { case: a, received: x, reason: b, until: 2026-1-01 }",
    "k:1:45",
    "`2026-1-01` is not a day"
)]
#[case::kind(
    "- { case: a, received: x, reason: b, kind: senser }",
    "k:1:44",
    "senser"
)]
#[case::glob(
    "- { case: '[', received: x, reason: b }",
    "k:1:11",
    "`[` is not a glob"
)]
#[case::key(
    "- { case: a, received: x, reason: b, untill: 2026-01-01 }",
    "k:1:38",
    "did you mean `until`?"
)]
fn an_error_names_its_place(#[case] text: &str, #[case] place: &str, #[case] says: &str) {
    let error = KnownDifferences::read("k", text, Date::default())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&format!("--> {place}")) && error.contains(says),
        "{error}"
    );
}

#[rstest]
#[case::nothing("- { case: validation.authenticated, reason: why }")]
#[case::every_case("- { case: '*', reason: why }")]
#[case::no_case("- { received: x, reason: why }")]
#[case::no_reading("- { fact: X11, reason: why }")]
#[case::both("- { case: a, received: x, fact: X11, reading: table, reason: why }")]
fn an_entry_says_what_it_excuses(#[case] text: &str) {
    let error = KnownDifferences::read("k", text, Date::default()).unwrap_err();
    assert!(
        error.message.contains("which difference it excuses"),
        "{error}"
    );
    assert!(error.hint.is_some_and(|hint| hint.contains("received")));
}

const SEEN: &str = "`msg` is `Hello` instead of `Authentication succeeded.`";

#[rstest]
#[case::exact(
    "case: validation.authenticated, received: RECEIVED",
    Kind::Sensor,
    true
)]
#[case::glob("case: 'validation.*', received: '*`Hello`*'", Kind::Console, true)]
#[case::body("case: '*', received: '{\"msg\":\"Hello\"}'", Kind::Sensor, true)]
#[case::another_text("case: '*', received: '*`Bye`*'", Kind::Sensor, false)]
#[case::another_case("case: set_password.*, received: '*'", Kind::Sensor, false)]
#[case::other_kind("case: '*', received: '*', kind: console", Kind::Sensor, false)]
#[case::last_day("case: '*', received: '*', until: 2026-11-21", Kind::Sensor, true)]
#[case::day_after("case: '*', received: '*', until: 2026-11-20", Kind::Sensor, false)]
#[case::reading("fact: X11, reading: Hello", Kind::Sensor, true)]
#[case::another_reading("fact: X11, reading: Bye", Kind::Sensor, false)]
#[case::another_fact("fact: X12, reading: Hello", Kind::Sensor, false)]
fn an_entry_excuses_one_difference(
    #[case] entry: &str,
    #[case] kind: Kind,
    #[case] is_known: bool,
) {
    let entry = entry.replace("RECEIVED", &serde_json::Value::from(SEEN).to_string());
    let known = known(&format!("- {{ {entry}, reason: why }}"));
    let mut finding = CaseFinding::new(1, "authenticated", SEEN);
    finding.seen = Some(SeenReading {
        fact: "validation.authenticated.body".to_owned(),
        reading: "Hello".to_owned(),
        ground: None,
    });
    let body = r#"{"msg":"Hello"}"#;
    let id = "validation.authenticated";
    let reason = known.reason(kind, id, |entry| entry.excuses(&finding, body));
    assert_eq!(reason, is_known.then_some("why"));
}

#[test]
fn every_difference_of_a_case_must_be_known() {
    let known = known("- { case: '*', received: one, reason: why }");
    let finding = |received: &str| CaseFinding::new(1, "x", received);
    let mut result = CaseResult {
        reasons: vec![finding("one")],
        ..CaseResult::default()
    };
    assert_eq!(known.excuse_all(Kind::Sensor, &result), Some("why"));
    result.reasons.push(finding("two"));
    assert_eq!(known.excuse_all(Kind::Sensor, &result), None);
}

/// One sensor that was asked one case, which differs as known, agrees, or was not judged.
fn run(differs: bool, conformance: Conformance) -> Summary {
    let mut summary = sample::rich();
    summary.targets.truncate(1);
    summary.targets[0].inconsistent.clear();
    let case = &mut summary.targets[0].cases;
    case.truncate(1);
    (case[0].id, case[0].conformance, case[0].failed) =
        ("validation.authenticated".to_owned(), conformance, false);
    case[0].known = differs.then(|| "why".to_owned());
    summary
}

#[rstest]
#[case::differs("validation.authenticated", true, Conformance::Deviation, "")]
#[case::agrees(
    "validation.authenticated",
    false,
    Conformance::Documented,
    "k:1:11: known difference `validation.authenticated` differs no longer"
)]
#[case::not_judged("validation.authenticated", false, Conformance::NotJudged, "")]
#[case::others_were_not_run("validation.*", false, Conformance::Documented, "")]
#[case::not_run("set_password.password_replaced", false, Conformance::Documented, "")]
#[case::no_case(
    "validation.authentic",
    false,
    Conformance::Documented,
    "k:1:11: known difference `validation.authentic` matches no case"
)]
#[case::consistent(
    "inconsistent.set_password_by_admin.user_unknown.body",
    false,
    Conformance::Documented,
    "differs no longer"
)]
#[case::no_fact(
    "inconsistent.nothing",
    false,
    Conformance::Documented,
    "matches no case"
)]
fn an_entry_without_effect_is_reported(
    #[case] case: &str,
    #[case] differs: bool,
    #[case] conformance: Conformance,
    #[case] expected: &str,
) {
    let problems = known(&format!(
        "- {{ case: {}, {}reason: why, kind: sensor }}",
        serde_json::Value::from(case),
        if case.starts_with(INCONSISTENT) {
            ""
        } else {
            "received: x, "
        }
    ))
    .problems(&run(differs, conformance));
    assert_eq!(problems.is_empty(), expected.is_empty(), "{problems:?}");
    assert!(
        problems.iter().all(|trouble| trouble.contains(expected)),
        "{problems:?}"
    );
}

#[test]
fn an_entry_of_a_kind_that_was_not_run_is_not_stale() {
    let entry =
        known("- { case: validation.authenticated, received: x, reason: why, kind: console }");
    assert_eq!(
        entry.problems(&run(false, Conformance::Documented)),
        Vec::<String>::new()
    );
}

/// The sample's sensor is inconsistent in `validation.authenticated.body` and in nothing else.
#[rstest]
#[case::still_so("inconsistent.validation.authenticated.body", false)]
#[case::not_seen("inconsistent.validation.credentials_rejected.body", false)]
#[case::another_is("inconsistent.set_password_by_admin.user_unknown.body", true)]
fn an_inconsistency_is_known_by_its_fact(#[case] case: &str, #[case] stale: bool) {
    let mut summary = sample::rich();
    summary.targets.truncate(1);
    let problems = known(&format!("- {{ case: {case}, reason: why }}")).problems(&summary);
    let expected = if stale {
        vec![format!(
            "k:1:11: known difference `{case}` differs no longer\n  hint: remove it"
        )]
    } else {
        Vec::new()
    };
    assert_eq!(problems, expected);
}

#[test]
fn an_expired_entry_is_reported_whatever_it_matches() {
    let problems =
        known("- { case: validation.authenticated, received: x, reason: why, until: 2026-01-01 }")
            .problems(&run(true, Conformance::Deviation));
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("k:1:11: known difference `validation.authenticated` has expired on 2026-01-01\n  hint: "), "{problems:?}");
}
