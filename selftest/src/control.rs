//! One control of one kind: the suite accepts it, and the profile names every reading it serves.

use d4iot_double::{
    contract,
    contract::{Contract, Kind, Readings},
    report::{CaseResult, Conformance, Followed, TargetSummary},
    server::tls::Identity,
    snapshot::SnapshotStore,
    suite::cases,
};

use crate::{spec::controls::ControlSpec, trial};

/// The result of a control.
#[derive(Clone, Debug)]
pub(crate) struct ControlTrial {
    pub(crate) kind: Kind,
    pub(crate) wrong: Vec<String>,
    /// The readings that the profile names as they are served, `X11 validation.authenticated.body: table`.
    pub(crate) named: Vec<String>,
    /// The readings it serves besides the default ones.
    pub(crate) serves: Readings,
}

/// Tries a control without snapshots: it is valid, but not the same.
///
/// # Errors
/// A mock that cannot be started.
pub(crate) async fn run(
    control: &ControlSpec,
    kind: Kind,
    identity: &Identity,
) -> Result<ControlTrial, String> {
    let fixture = control
        .deviation
        .fixture(kind)
        .map_err(|error| format!("{}: {error}", control.id))?;
    let run = trial::run_cases(
        &control.deviation,
        &fixture,
        &SnapshotStore::None,
        |_| true,
        identity,
    )
    .await?;
    let mut trial = check(control, contract::of(kind), &fixture.readings, &run.summary);
    trial
        .wrong
        .extend(run.unreachable.map(|failure| failure.message));
    Ok(trial)
}

fn check(
    control: &ControlSpec,
    contract: &Contract,
    serves: &Readings,
    summary: &TargetSummary,
) -> ControlTrial {
    let mut trial = ControlTrial {
        kind: contract.kind,
        wrong: Vec::new(),
        named: Vec::new(),
        serves: serves.clone(),
    };
    let fails = |case: &&CaseResult| case.failed || case.conformance == Conformance::NotJudged;
    let failed: Vec<&str> = summary
        .cases
        .iter()
        .filter(fails)
        .map(|case| case.id.as_str())
        .collect();
    if !failed.is_empty() {
        trial
            .wrong
            .push(format!("not accepted by {}", trial::first_few(&failed)));
    }
    trial.wrong.extend(
        summary
            .inconsistent
            .iter()
            .map(|mixed| format!("{}: {}", mixed.id(), mixed.description())),
    );
    for entry in contract.facts() {
        let followed = summary
            .profile
            .iter()
            .find(|followed| followed.fact == entry.name);
        let besides = control
            .named
            .iter()
            .find(|(fact, _)| contract.facts_meant(fact).contains(&entry.name))
            .map(|(_, reading)| reading.as_str());
        let name = || {
            contract.ambiguity_number(&entry.name).map_or_else(
                || entry.name.clone(),
                |number| format!("{number} {}", entry.name),
            )
        };
        let served = serves.of(&entry.name).or(besides);
        match (served, followed) {
            (None, None) => {}
            (None, Some(followed)) if is_default(followed) => {}
            (Some(served), Some(followed)) if names(followed, served) => {
                trial.named.push(format!("{}: {served}", name()))
            }
            // A glob may match a fact that keeps its default: a success has no failure's status.
            (Some(_), Some(followed))
                if serves.of(&entry.name).is_none() && is_default(followed) => {}
            (Some(_), None) if besides.is_some() || !is_covered(contract, &entry.name) => {}
            (served, followed) => trial.wrong.push(format!(
                "{} is {} and named as {}",
                name(),
                served.unwrap_or("the default"),
                shown(followed)
            )),
        }
    }
    for fact in control.named.keys() {
        let matching = contract.facts_meant(fact);
        let is_named = trial.named.iter().any(|named| {
            matching
                .iter()
                .any(|name| named.contains(&format!("{name}:")))
        });
        if !is_named {
            trial.wrong.push(format!("no reading is named for {fact}"));
        }
    }
    trial
}

fn is_default(followed: &Followed) -> bool {
    followed.is_default && followed.other.is_empty()
}

/// Returns whether a profile names a reading, and it alone.
fn names(followed: &Followed, served: &str) -> bool {
    match (followed.readings.as_slice(), followed.other.as_slice()) {
        ([reading], []) => reading == served,
        ([], [other]) => other == served,
        _ => false,
    }
}

fn shown(followed: Option<&Followed>) -> String {
    followed.map_or_else(
        || "nothing".to_owned(),
        |followed| {
            [&followed.readings[..], &followed.other[..]]
                .concat()
                .join(" or ")
        },
    )
}

fn is_covered(contract: &Contract, fact: &str) -> bool {
    cases::all().iter().any(|located| {
        located.case.kinds.contains(&contract.kind) && located.case.covers(contract).contains(fact)
    })
}
