//! Small files of mutants and controls: what fails a run, and what its report says. `.ci/run` runs the complete files.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails its test")]

use d4iot_double::{
    contract::Kind,
    fixture, runner,
    server::tls::Identity,
    snapshot::SnapshotStore,
    suite::{Account, Placeholder, Property, cases, cases::CaseWithLocation},
};
use rstest::rstest;
use selftest::{
    Extent,
    fault::Fault,
    mock::Mock,
    report::Report,
    spec::{controls, mutants},
};

/// A mutant of the sensor that one case kills, and an accepted variant: only the gaps remain.
const MUTANT: &str = "{ id: a, what: b, kinds: [sensor], quirk: passwords_without_case, by: validation.characters.password_in_lower_case, verdict: deviation, facts: [validation.credentials_rejected.body] }";
const CONTROL: &str =
    "- { id: c, what: d, kinds: [sensor], fixture: { readings: { X11: table } } }";

async fn run(mutants: &str, controls: &str) -> Report {
    run_some(mutants, controls, &Extent::Whole).await
}

async fn run_some(mutants: &str, controls: &str, extent: &Extent) -> Report {
    let mutants = mutants::read("m.yaml", &format!("mutants:\n  - {mutants}\n")).unwrap();
    let controls = controls::read("c.yaml", controls).unwrap();
    selftest::run(&mutants, &controls, extent, &|_, _| ())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_mutant_and_an_accepted_control_leave_the_gaps() {
    let text = run(MUTANT, CONTROL).await.text();
    for line in [
        "2 of 2 reference mocks clean",
        "1 mutants, 0 missed; 1 controls, 0 wrong",
        "1 mutant definitions: 1 by deviation",
        "✗ fact set_password.path (console) has no mutant that is detected",
        "✗ case validation.repeated (sensor) kills no mutant",
        "✗ no control serves X14 set_password_by_admin.user_unknown.body: table (sensor)",
        "X11 validation.authenticated.body: table",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    for line in [
        "✗ mutant",
        "✗ control",
        "✗ case validation.characters.password_in_lower_case (sensor)",
    ] {
        assert!(!text.contains(line), "{line}\n{text}");
    }
}

/// A mutant that nearly every case kills.
const BROAD: &str = "{ id: a, what: b, kinds: [sensor], fixture: { failures: [{ name: empty, do: { empty: true } }] }, by: validation.credentials_rejected.wrong_password, verdict: deviation, facts: [validation.credentials_rejected.body] }";

#[rstest]
#[case::one_that_kills(MUTANT, "validation.characters.password_in_lower_case", None)]
#[case::one_that_does_not(MUTANT, "validation.repeated", Some("kills no mutant"))]
#[case::one_that_kills_what_every_case_kills(
    BROAD,
    "validation.repeated",
    Some("kills no mutant but 1 that nearly every case kills")
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_single_case_must_kill_a_mutant(
    #[case] mutant: &str,
    #[case] id: &str,
    #[case] idle: Option<&str>,
) {
    let report = run_some(mutant, CONTROL, &Extent::Case(id.to_owned())).await;

    let place = format!("case {id} (sensor) ");
    let mut problems = report.problems.iter();
    let found = problems.find_map(|problem| problem.strip_prefix(&place));
    assert_eq!(found, idle, "{:#?}", report.problems);
}

#[rstest]
#[case::another_case_kills(
    ("validation.characters.password_in_lower_case", "validation.repeated"),
    "must be killed with deviation by validation.repeated: its case found it documented and same"
)]
#[case::by_another_verdict(
    ("verdict: deviation", "verdict: changed"),
    "it is detected without the snapshots too, by validation.characters.password_in_lower_case"
)]
#[case::an_unfounded_claim(
    ("rejected.body]", "rejected.body, validation.token]"),
    "no case that covers validation.token detects it"
)]
#[case::valid(
    ("quirk: passwords_without_case", "quirk: chunked"),
    "must be killed with deviation by validation.characters.password_in_lower_case: its case found it documented and same"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_missed_mutant_fails_the_run(#[case] (from, to): (&str, &str), #[case] message: &str) {
    assert!(MUTANT.contains(from));

    let report = run(&MUTANT.replace(from, to), CONTROL).await;

    let mut problems = report.problems.iter();
    assert!(
        problems
            .any(|problem| problem.starts_with("mutant a (sensor)") && problem.contains(message)),
        "{:#?}",
        report.problems
    );
}

#[rstest]
#[case::rejected(
    ("fixture: { readings: { X11: table } }", "quirk: capitals"),
    "control c (sensor): not accepted by validation.authenticated"
)]
#[case::not_declared(
    ("fixture: { readings: { X11: table } }", "quirk: failures_400"),
    "is the default and named as 400"
)]
#[case::not_named(
    ("} }", "} }, told: { any.request_timeout.body: invented }"),
    "control c (sensor): no reading is named for any.request_timeout.body"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_control_that_is_rejected_or_not_named_fails_the_run(
    #[case] (from, to): (&str, &str),
    #[case] message: &str,
) {
    assert!(CONTROL.contains(from));

    let report = run(MUTANT, &CONTROL.replacen(from, to, 1)).await;

    let mut problems = report.problems.iter();
    assert!(
        problems.any(|problem| problem.contains(message)),
        "{:#?}",
        report.problems
    );
}

/// Redaction is for an appliance that repeats passwords.
#[tokio::test(flavor = "multi_thread")]
async fn an_echoed_password_is_shown_nowhere() {
    let fault = Fault {
        kind: "password_echoed".parse().unwrap(),
        on: None,
    };
    let identity = Identity::generate(&[]).unwrap();
    let (mock, lab) =
        Mock::start(&fixture::built_in(Kind::Sensor), Some(fault), &identity).unwrap();
    let is_selected = |located: &&CaseWithLocation| {
        located.case.kinds.contains(&Kind::Sensor) && located.case.id.contains("wrong_password")
    };
    let cases: Vec<&CaseWithLocation> = cases::all().iter().filter(is_selected).collect();

    let run = runner::run(&lab, &cases, &SnapshotStore::None, &|_| ()).await;

    let report = serde_json::to_string(&run.summary).unwrap();
    let snapshots: String = run
        .cases
        .iter()
        .filter_map(|case| case.snapshot.clone())
        .collect();
    assert!(
        report.contains("«user.wrong_password»") && snapshots.contains("«user.wrong_password»"),
        "the appliance repeats what it was sent"
    );
    for &account in Account::ALL {
        for property in [
            Property::Password,
            Property::WrongPassword,
            Property::NewPassword,
        ] {
            let placeholder = Placeholder { account, property };
            let password = lab.accounts.value(placeholder).unwrap();
            assert!(
                !report.contains(password.expose()),
                "a report shows {account:?} {property:?}"
            );
            assert!(
                !snapshots.contains(password.expose()),
                "a snapshot shows {account:?} {property:?}"
            );
        }
    }
    drop(lab);
    mock.end().await;
}
