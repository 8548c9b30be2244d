//! One mutant of one kind, asked with the snapshots and without.

use std::collections::BTreeMap;

use crate::{
    appliance::Appliance,
    client::TIMED_OUT,
    conformance::{
        mutants::{Mutant, Verdict},
        suite,
        suite::Located,
    },
    contract::Kind,
    fixture,
    fixture::Fixture,
    report::{
        CaseResult, Conformance, Regression,
        proof::{Mark, Reference, Trial},
    },
    runner,
    runner::{Lab, Memory, Run},
    server::tls::Identity,
};

/// Tries a mutant. With the snapshots the whole suite is run, for the matrix; without them the cases that noticed it, which
/// are all that can: where only the snapshots may see it, each of them must then be blind. What answers do not go together
/// depends on all of them, so there the whole suite is run again.
///
/// # Errors
/// A mock that cannot be started.
pub(super) async fn of(mutant: &Mutant, kind: Kind, identity: &Identity) -> Result<Trial, String> {
    let made = || {
        mutant
            .made
            .appliance(kind)
            .map_err(|error| format!("{}: {error}", mutant.id))
    };
    let with = run(made()?, kind, &Memory::BuiltIn(kind), |_| true, identity).await?;
    let kills: BTreeMap<String, Mark> = with
        .summary
        .cases
        .iter()
        .filter_map(|case| Some((case.id.clone(), mark(case)?)))
        .collect();
    let wanted = |id: &str| match mutant.verdict {
        Verdict::Changed => kills.contains_key(id),
        Verdict::Deviation => id == mutant.by,
        Verdict::Inconsistent => true,
    };
    let without = run(made()?, kind, &Memory::Nothing, wanted, identity).await?;
    let sweeping = kills.len() * SWEEPING > with.summary.cases.len();
    Ok(Trial {
        kind,
        survived: survived(mutant, &with, &without).err(),
        sweeping,
        kills,
    })
}

/// Asks a reference mock: nothing may be wrong with it, and every snapshot is there and the same.
///
/// # Errors
/// A mock that cannot be started.
pub(super) async fn reference(kind: Kind, identity: &Identity) -> Result<Reference, String> {
    let fixture = fixture::built_in(kind);
    let run = run(
        (fixture.clone(), fixture.appliance()),
        kind,
        &Memory::BuiltIn(kind),
        |_| true,
        identity,
    )
    .await?;
    let differs = |case: &&CaseResult| {
        case.failed
            || case.regression != Some(Regression::Same)
            || case.conformance == Conformance::NotJudged
    };
    let cases = run
        .summary
        .cases
        .iter()
        .filter(differs)
        .map(|case| format!("{}: {}", case.id, told(case)));
    let wrong = cases.chain(
        run.summary
            .inconsistent
            .iter()
            .map(|mixed| format!("{}: {}", mixed.id(), mixed.told())),
    );
    let wrong = wrong
        .chain(
            run.unreachable
                .iter()
                .map(|unreached| unreached.told.clone()),
        )
        .collect();
    Ok(Reference {
        kind,
        cases: run.summary.cases.len(),
        wrong,
    })
}

/// Runs cases at a mock, from its start to its end.
pub(super) async fn run(
    (fixture, appliance): (Fixture, Appliance),
    kind: Kind,
    memory: &Memory,
    wanted: impl Fn(&str) -> bool,
    identity: &Identity,
) -> Result<Run, String> {
    let cases: Vec<&Located> = suite::all()
        .iter()
        .filter(|located| located.case.kinds.contains(&kind) && wanted(&located.case.id))
        .collect();
    let (double, lab) = Lab::mock_with(&fixture, appliance, "mock".to_owned(), identity)?;
    let run = runner::run(&lab, &cases, memory, &|_| ())
        .await
        .map_err(|error| error.to_string())?;
    drop(lab);
    double.end().await;
    Ok(run)
}

/// Says what was found where a mutant did not die as it should.
fn survived(mutant: &Mutant, with: &Run, without: &Run) -> Result<(), String> {
    let case = |run: &'_ Run| {
        run.summary
            .cases
            .iter()
            .find(|case| case.id == mutant.by)
            .cloned()
    };
    let blind = || {
        let seen: Vec<&str> = without
            .summary
            .cases
            .iter()
            .filter(|case| case.failed)
            .map(|case| case.id.as_str())
            .collect();
        if seen.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "without the snapshots it is noticed too, by {}",
                few(&seen)
            ))
        }
    };
    match mutant.verdict {
        Verdict::Changed => {
            blind()?;
            if let Some(mixed) = with.summary.inconsistent.first() {
                return Err(format!(
                    "without the snapshots it is noticed too, as {}",
                    mixed.id()
                ));
            }
            dies(case(with), |case| {
                case.regression == Some(Regression::Changed)
            })
        }
        Verdict::Deviation => {
            dies(case(with), |case| {
                case.conformance == Conformance::Deviation
            })?;
            dies(case(without), |case| {
                case.conformance == Conformance::Deviation
            })
        }
        Verdict::Inconsistent => {
            blind()?;
            let told: Vec<String> = without
                .summary
                .inconsistent
                .iter()
                .map(crate::report::Inconsistency::id)
                .collect();
            if told == [mutant.by.clone()] {
                Ok(())
            } else {
                Err(format!(
                    "it is inconsistent in {}",
                    if told.is_empty() {
                        "nothing".to_owned()
                    } else {
                        told.join(", ")
                    }
                ))
            }
        }
    }
}

/// A kill by a time-out is none: nothing was seen of the mutant.
fn dies(case: Option<CaseResult>, dead: impl Fn(&CaseResult) -> bool) -> Result<(), String> {
    let case = case.ok_or("its case was not run")?;
    if timed_out(&case) {
        Err("its case ended by a time-out".to_owned())
    } else if dead(&case) {
        Ok(())
    } else {
        Err(format!("its case found it {}", told(&case)))
    }
}

fn mark(case: &CaseResult) -> Option<Mark> {
    match (case.conformance, case.regression) {
        _ if timed_out(case) => None,
        (Conformance::Deviation, _) => Some(Mark::Deviation),
        (_, Some(Regression::Changed)) => Some(Mark::Changed),
        _ => None,
    }
}

fn timed_out(case: &CaseResult) -> bool {
    case.exchanges.iter().any(|exchange| {
        exchange
            .trouble
            .as_ref()
            .is_some_and(|trouble| trouble == TIMED_OUT)
    })
}

fn told(case: &CaseResult) -> String {
    let regression = case
        .regression
        .map(|regression| format!(" and {}", regression.name()))
        .unwrap_or_default();
    format!("{}{regression}", case.conformance.name())
}

/// The first few of some names.
pub(super) fn few(names: &[&str]) -> String {
    let shown = names
        .iter()
        .take(FEW)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > FEW {
        format!("{shown} and {} more", names.len() - FEW)
    } else {
        shown
    }
}

/// A mutant that more than one case in so many notices is sweeping.
const SWEEPING: usize = 3;
const FEW: usize = 3;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::report::sample;

    /// A case of the sample that deviates, and what stands in the way of its exchange.
    fn case(trouble: Option<&str>) -> CaseResult {
        let cases = sample::rich().targets.remove(0).cases;
        let mut case = cases
            .into_iter()
            .find(|case| case.conformance == Conformance::Deviation && !case.exchanges.is_empty())
            .unwrap();
        case.exchanges[0].trouble = trouble.map(str::to_owned);
        case
    }

    #[rstest]
    #[case::by_its_answer(None, Ok(()))]
    #[case::by_a_connection_that_broke(Some("connection reset"), Ok(()))]
    #[case::by_a_time_out(Some(TIMED_OUT), Err("its case ended by a time-out".to_owned()))]
    fn a_kill_by_a_time_out_is_none(
        #[case] trouble: Option<&str>,
        #[case] expected: Result<(), String>,
    ) {
        let case = case(trouble);
        assert_eq!(mark(&case).is_some(), expected.is_ok());
        assert_eq!(
            dies(Some(case), |case| case.conformance
                == Conformance::Deviation),
            expected
        );
    }
}
