//! One control of one kind: accepted, and every reading named.

use crate::{
    conformance::{controls::Control, suite},
    contract,
    contract::{Contract, Kind, Readings},
    prover::trial,
    report::{CaseResult, Conformance, Followed, TargetSummary},
    runner::Memory,
    server::tls::Identity,
};

/// What came of a control.
#[derive(Clone, Debug, Default)]
pub(super) struct Accepted {
    /// What is wrong.
    pub(super) wrong: Vec<String>,
    /// The readings that are told as they are served, `X11 validation.authenticated.body: table`.
    pub(super) told: Vec<String>,
    /// The readings it serves beyond the rulings.
    pub(super) serves: Readings,
}

/// Tries a control, without snapshots: it is lawful, not the same.
///
/// # Errors
/// A mock that cannot be started.
pub(super) async fn accepted(
    control: &Control,
    kind: Kind,
    identity: &Identity,
) -> Result<Accepted, String> {
    let made = control
        .made
        .appliance(kind)
        .map_err(|error| format!("{}: {error}", control.id))?;
    let serves = made.0.readings.clone();
    let run = trial::run(made, kind, &Memory::Nothing, |_| true, identity).await?;
    let mut accepted = held(control, contract::of(kind), &serves, &run.summary);
    accepted
        .wrong
        .extend(run.unreachable.map(|unreached| unreached.told));
    Ok(accepted)
}

fn held(
    control: &Control,
    contract: &Contract,
    serves: &Readings,
    summary: &TargetSummary,
) -> Accepted {
    let mut accepted = Accepted {
        serves: serves.clone(),
        ..Accepted::default()
    };
    let fails = |case: &&CaseResult| case.failed || case.conformance == Conformance::NotJudged;
    let failed: Vec<&str> = summary
        .cases
        .iter()
        .filter(fails)
        .map(|case| case.id.as_str())
        .collect();
    if !failed.is_empty() {
        accepted
            .wrong
            .push(format!("not accepted by {}", trial::few(&failed)));
    }
    accepted.wrong.extend(
        summary
            .inconsistent
            .iter()
            .map(|mixed| format!("{}: {}", mixed.id(), mixed.told())),
    );
    for entry in contract.facts() {
        let followed = summary
            .profile
            .iter()
            .find(|followed| followed.fact == entry.name);
        let beyond = control
            .told
            .iter()
            .find(|(fact, _)| contract.facts_meant(fact).contains(&entry.name))
            .map(|(_, told)| told.as_str());
        let name = || {
            contract.register_number(&entry.name).map_or_else(
                || entry.name.clone(),
                |number| format!("{number} {}", entry.name),
            )
        };
        let served = serves.of(&entry.name).or(beyond);
        match (served, followed) {
            (None, None) => {}
            (None, Some(followed)) if followed.ruling && followed.other.is_empty() => {}
            (Some(served), Some(followed)) if names(followed, served) => {
                accepted.told.push(format!("{}: {served}", name()))
            }
            // A fact that is meant by a glob and follows its ruling all the same: a success has no failure's status.
            (Some(_), Some(followed))
                if serves.of(&entry.name).is_none()
                    && followed.ruling
                    && followed.other.is_empty() => {}
            (Some(_), None) if beyond.is_some() || !is_covered(contract, &entry.name) => {}
            (served, followed) => accepted.wrong.push(format!(
                "{} is {} and told as {}",
                name(),
                served.unwrap_or("the ruling"),
                told(followed)
            )),
        }
    }
    for fact in control.told.keys() {
        let meant = contract.facts_meant(fact);
        if !accepted
            .told
            .iter()
            .any(|told| meant.iter().any(|name| told.contains(&format!("{name}:"))))
        {
            accepted.wrong.push(format!("nothing is told of {fact}"));
        }
    }
    accepted
}

/// Whether a profile names a reading, and it alone.
fn names(followed: &Followed, served: &str) -> bool {
    match (followed.readings.as_slice(), followed.other.as_slice()) {
        ([reading], []) => reading == served,
        ([], [other]) => other == served,
        _ => false,
    }
}

fn told(followed: Option<&Followed>) -> String {
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
    suite::all().iter().any(|located| {
        located.case.kinds.contains(&contract.kind) && located.case.covers(contract).contains(fact)
    })
}
