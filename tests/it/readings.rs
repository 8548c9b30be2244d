//! Every reading of every fact, served by a mock: the suite takes it, calls it consistent, and says which one it is.

use std::{process::Command, sync::LazyLock};

use d4iot_double::{
    contract,
    contract::{Kind, Readings},
    fixture,
    report::TargetSummary,
    runner,
    runner::RunContext,
    server::tls::Identity,
    snapshot::SnapshotStore,
    suite::{cases, cases::CaseWithLocation},
};
use rstest::rstest;

use crate::sample::sample;

/// Facts are dealt out by the first part of their names, so that tests run beside one another.
#[rstest]
#[tokio::test]
async fn every_reading_is_taken_and_reported_by_its_cases(
    #[values(Kind::Console, Kind::Sensor)] kind: Kind,
    #[values(
        "any.on_",
        "any.",
        "set_password.",
        "set_password_by_admin.",
        "validation."
    )]
    part: &str,
) {
    let mut faults = Vec::new();
    let of_part = alternatives(kind)
        .into_iter()
        .filter(|(fact, _)| is_of_part(fact, part));
    for (fact, reading) in sample(of_part, 0, 3) {
        let cases = cases_about(kind, &fact);
        faults.extend(taken_and_reported(kind, &fact, &reading, &cases).await);
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Whether a fact is dealt out to a part; what is under `any.on_` is a part of its own.
pub(crate) fn is_of_part(fact: &str, part: &str) -> bool {
    fact.starts_with(part) && !(part == "any." && fact.starts_with("any.on_"))
}

/// The same with the whole suite each time: for the long mode, `cargo test --release -- --ignored`.
#[rstest]
#[tokio::test]
#[ignore = "six hundred full runs take minutes"]
async fn every_reading_is_taken_and_reported_by_all_cases(
    #[values(Kind::Console, Kind::Sensor)] kind: Kind,
    #[values("any.", "set_password.", "set_password_by_admin.", "validation.")] part: &str,
) {
    let cases = cases_of(kind);
    let mut faults = Vec::new();
    for (fact, reading) in alternatives(kind)
        .into_iter()
        .filter(|(fact, _)| fact.starts_with(part))
    {
        faults.extend(taken_and_reported(kind, &fact, &reading, &cases).await);
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[rstest]
#[tokio::test]
async fn every_default_reading_is_reported(#[values(Kind::Console, Kind::Sensor)] kind: Kind) {
    let summary = run(kind, Readings::default(), &cases_of(kind)).await;
    let default = |fact: &str| {
        contract::of(kind)
            .facts()
            .into_iter()
            .find(|entry| entry.name == fact)
            .unwrap()
            .readings[0]
            .name
            .to_owned()
    };
    let other = summary
        .profile
        .iter()
        .filter(|followed| followed.readings != [default(&followed.fact)]);
    let other: Vec<String> = other
        .map(|followed| {
            format!(
                "{} {:?} {:?}",
                followed.fact, followed.readings, followed.other
            )
        })
        .collect();
    assert_eq!((wrong(&summary), other), (vec![], vec![]));
}

/// Several facts at once, with the whole suite: what siblings of these appliances do.
#[rstest]
#[case::always_200(&[("X16", "always_200")])]
#[case::failures_500(&[("X16", "failures_500")])]
#[case::with_charset(&[("X25", "with_charset")])]
#[case::plain_strings(&[("X24", "string")])]
#[case::internal_messages(&[("X24", "present")])]
#[case::the_tables(&[("X11", "table"), ("X14", "table"), ("X15", "absent"), ("X08", "json")])]
#[tokio::test]
async fn readings_go_together(
    #[values(Kind::Console, Kind::Sensor)] kind: Kind,
    #[case] choices: &[(&str, &str)],
) {
    let mut readings = Readings::default();
    for (fact, reading) in choices {
        // A number of which this kind has nothing to choose.
        drop(readings.choose(contract::of(kind), fact, reading));
    }
    assert!(!readings.is_empty());
    taken(kind, readings).await;
}

/// The last reading of every fact at once, and with each the one before it where there are three.
#[rstest]
#[tokio::test]
async fn an_appliance_that_follows_no_default_passes(
    #[values(Kind::Console, Kind::Sensor)] kind: Kind,
    #[values(1, 2)] from_the_end: usize,
) {
    let mut readings = Readings::default();
    for entry in contract::of(kind)
        .facts()
        .iter()
        .filter(|entry| entry.readings.len() > 1)
    {
        let reading = entry.readings[entry.readings.len().saturating_sub(from_the_end)].name;
        readings
            .choose(contract::of(kind), &entry.name, reading)
            .unwrap();
    }
    taken(kind, readings).await;
}

#[test]
fn the_binary_takes_another_reading_and_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_d4iot-double"))
        .args(["check", "--reading", "X11=table", "--fact", "X11"])
        .current_dir(folder.path())
        .env("XDG_STATE_HOME", folder.path())
        .env_remove("CI")
        .env_remove("INSTA_UPDATE")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    let reported = text
        .lines()
        .find(|line| line.contains("X11  validation.authenticated.body"))
        .unwrap_or_else(|| panic!("{text}"));
    assert_eq!(
        reported.split_whitespace().skip(2).collect::<Vec<_>>(),
        ["table", "*", "table", "*"]
    );
}

/// Every reading that is not the default, with its fact.
fn alternatives(kind: Kind) -> Vec<(String, String)> {
    let facts = contract::of(kind).facts();
    facts
        .iter()
        .flat_map(|entry| {
            entry
                .readings
                .iter()
                .skip(1)
                .map(|reading| (entry.name.clone(), reading.name.to_owned()))
        })
        .collect()
}

/// What is wrong with a run at a mock that serves this one reading.
async fn taken_and_reported(
    kind: Kind,
    fact: &str,
    reading: &str,
    cases: &[&'static CaseWithLocation],
) -> Vec<String> {
    let mut readings = Readings::default();
    readings.choose(contract::of(kind), fact, reading).unwrap();
    let summary = run(kind, readings, cases).await;
    let mut faults = wrong(&summary);
    match summary
        .profile
        .iter()
        .find(|followed| followed.fact == fact)
    {
        _ if NOT_TOLD.iter().any(|(untold, _)| fact.starts_with(untold)) => {}
        Some(followed) if followed.readings == [reading] => {}
        Some(followed) => faults.push(format!(
            "reported as {:?} {:?}",
            followed.readings, followed.other
        )),
        None => faults.push("not reported at all".into()),
    }
    let others = summary.profile.iter().filter(|followed| {
        followed.fact != fact && !(followed.is_default && followed.other.is_empty())
    });
    faults.extend(others.map(|other| {
        format!(
            "{} reported as {:?} {:?}",
            other.fact, other.readings, other.other
        )
    }));
    faults
        .into_iter()
        .map(|fault| format!("{kind} {fact}={reading}: {fault}"))
        .collect()
}

/// Asserts that a run of the whole suite passes and tells every reading chosen, or more than one where it cannot tell.
async fn taken(kind: Kind, readings: Readings) {
    let summary = run(kind, readings.clone(), &cases_of(kind)).await;
    let mut faults = wrong(&summary);
    for followed in &summary.profile {
        let facts = contract::of(kind).facts();
        let entry = facts
            .iter()
            .find(|entry| entry.name == followed.fact)
            .unwrap();
        let served = readings
            .of(&followed.fact)
            .unwrap_or(entry.readings[0].name);
        if !followed.readings.iter().any(|reading| reading == served) || !followed.other.is_empty()
        {
            faults.push(format!(
                "{}={served} reported as {:?} {:?}",
                followed.fact, followed.readings, followed.other
            ));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Failed cases, cases not judged, and contradictions that the run calls inconsistent.
fn wrong(summary: &TargetSummary) -> Vec<String> {
    let failed = summary
        .cases
        .iter()
        .filter(|case| case.failed)
        .map(|case| format!("{} fails: {:?}", case.id, case.reasons));
    let unheard = summary
        .cases
        .iter()
        .filter(|case| case.exchanges.is_empty())
        .map(|case| format!("{}: {}", case.id, case.reason()));
    failed
        .chain(unheard)
        .chain(
            summary
                .inconsistent
                .iter()
                .map(|mixed| format!("inconsistent: {mixed:?}")),
        )
        .collect()
}

async fn run(kind: Kind, readings: Readings, cases: &[&'static CaseWithLocation]) -> TargetSummary {
    static IDENTITY: LazyLock<Identity> = LazyLock::new(|| Identity::generate(&[]).unwrap());
    let mut fixture = fixture::built_in(kind);
    fixture.readings = readings;
    let (double, lab) = RunContext::mock(&fixture, "mock".into(), &IDENTITY).unwrap();
    let run = runner::run(&lab, cases, &SnapshotStore::None, &|_| ()).await;
    drop(lab);
    double.stop().await;
    run.summary
}

fn cases_of(kind: Kind) -> Vec<&'static CaseWithLocation> {
    cases::all()
        .iter()
        .filter(|located| located.case.kinds.contains(&kind))
        .collect()
}

/// The cases that cover a fact.
fn cases_about(kind: Kind, fact: &str) -> Vec<&'static CaseWithLocation> {
    cases_of(kind)
        .into_iter()
        .filter(|located| located.case.covers(contract::of(kind)).contains(fact))
        .collect()
}

/// Facts of which the suite cannot tell one reading from another: the start of their names, and why.
const NOT_TOLD: &[(&str, &str)] = &[(
    "any.request_timeout.",
    "no case waits for a body that takes half a minute to arrive",
)];
