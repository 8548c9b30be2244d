//! One mutant of one kind, asked with the snapshots and without.

use std::collections::BTreeMap;

use d4iot_double::{
    client::TIMED_OUT,
    contract::Kind,
    fixture,
    fixture::Fixture,
    report::{CaseResult, Conformance, Inconsistency, Regression},
    runner,
    runner::RunResult,
    server::tls::Identity,
    snapshot::SnapshotStore,
    suite::{cases, cases::CaseWithLocation},
};
use serde_json::Map;

use crate::{
    Extent,
    deviation::Deviation,
    mock::Mock,
    report::{Detection, MutantTrial, ReferenceTrial},
    spec::mutants::{KillVerdict, MutantSpec},
};

/// Tries a mutant.
///
/// The first run has the snapshots and all cases; or those of the extent. The second has no snapshots and only the cases that can matter:
/// where only the snapshots may detect the mutant, the cases that detected it, which must now be blind.
/// Contradictions depend on all answers, so there every case runs again.
///
/// # Errors
/// A mock that cannot be started.
pub(crate) async fn run(
    mutant: &MutantSpec,
    kind: Kind,
    identity: &Identity,
    extent: &Extent,
) -> Result<MutantTrial, String> {
    let fixture = mutant
        .deviation
        .fixture(kind)
        .map_err(|error| format!("{}: {error}", mutant.id))?;
    let is_asked = |id: &str| match extent {
        _ if mutant.verdict == KillVerdict::Inconsistent => true,
        Extent::Whole => true,
        Extent::Quick => id == mutant.by,
        Extent::Case(case) => id == mutant.by || id == case || is_of_sample(id),
    };
    let with = run_cases(
        &mutant.deviation,
        &fixture,
        &SnapshotStore::BuiltIn(kind),
        is_asked,
        identity,
    )
    .await?;
    let kills: BTreeMap<String, Detection> = with
        .summary
        .cases
        .iter()
        .filter_map(|case| Some((case.id.clone(), detection(case)?)))
        .collect();
    let is_selected = |id: &str| match mutant.verdict {
        KillVerdict::Changed => kills.contains_key(id),
        KillVerdict::Deviation | KillVerdict::NotJudged => id == mutant.by,
        KillVerdict::Inconsistent => true,
    };
    let without = run_cases(
        &mutant.deviation,
        &fixture,
        &SnapshotStore::None,
        is_selected,
        identity,
    )
    .await?;
    let is_counted = |id: &str| !matches!(extent, Extent::Case(_)) || is_of_sample(id);
    let asked = with.summary.cases.iter();
    let asked = asked.filter(|case| is_counted(&case.id)).count();
    let killed = kills.keys().filter(|id| is_counted(id)).count();
    let is_broad = killed * BROAD_SHARE > asked;
    Ok(MutantTrial {
        kind,
        missed: check(mutant, &with, &without).err(),
        is_broad,
        kills,
    })
}

/// Returns whether a case is one of those that show whether nearly every case detects a mutant.
fn is_of_sample(id: &str) -> bool {
    let mut sample = cases::all().iter().step_by(SAMPLE_STEP);
    sample.any(|located| located.case.id == id)
}

/// Asks a reference mock: nothing may be wrong with it, and every answer equals its snapshot.
///
/// # Errors
/// A mock that cannot be started.
pub(crate) async fn reference(kind: Kind, identity: &Identity) -> Result<ReferenceTrial, String> {
    let run = run_cases(
        &Deviation::Fixture(Map::new()),
        &fixture::built_in(kind),
        &SnapshotStore::BuiltIn(kind),
        |_| true,
        identity,
    )
    .await?;
    let differs = |case: &&CaseResult| {
        case.failed
            || case.regression != Some(Regression::Same)
            || case.conformance == Conformance::NotJudged
    };
    let cases = run.summary.cases.iter().filter(differs);
    let mut wrong: Vec<String> = cases
        .map(|case| format!("{}: {}", case.id, shown(case)))
        .collect();
    let inconsistent = run.summary.inconsistent.iter();
    wrong.extend(inconsistent.map(|mixed| format!("{}: {}", mixed.id(), mixed.description())));
    wrong.extend(run.unreachable.map(|failure| failure.message));
    Ok(ReferenceTrial { kind, wrong })
}

/// Runs the selected cases at a mock, from its start to its end.
pub(crate) async fn run_cases(
    deviation: &Deviation,
    fixture: &Fixture,
    memory: &SnapshotStore,
    is_selected: impl Fn(&str) -> bool,
    identity: &Identity,
) -> Result<RunResult, String> {
    let cases: Vec<&CaseWithLocation> = cases::all()
        .iter()
        .filter(|located| located.case.kinds.contains(&fixture.kind))
        .filter(|located| is_selected(&located.case.id))
        .collect();
    let (mock, lab) = Mock::start(fixture, deviation.fault(), identity)?;
    let run = runner::run(&lab, &cases, memory, &|_| ()).await;
    drop(lab);
    mock.end().await;
    Ok(run)
}

/// Checks that a mutant was detected as declared; else says what was found.
fn check(mutant: &MutantSpec, with: &RunResult, without: &RunResult) -> Result<(), String> {
    let case = |run: &'_ RunResult| {
        run.summary
            .cases
            .iter()
            .find(|case| case.id == mutant.by)
            .cloned()
    };
    let blind = || {
        let detecting: Vec<&str> = without
            .summary
            .cases
            .iter()
            .filter(|case| case.failed)
            .map(|case| case.id.as_str())
            .collect();
        if detecting.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "it is detected without the snapshots too, by {}",
                first_few(&detecting)
            ))
        }
    };
    match mutant.verdict {
        KillVerdict::Changed => {
            blind()?;
            if let Some(mixed) = with.summary.inconsistent.first() {
                return Err(format!(
                    "it is detected without the snapshots too, as {}",
                    mixed.id()
                ));
            }
            dies(case(with), |case| {
                case.regression == Some(Regression::Changed)
            })
        }
        KillVerdict::Deviation => {
            dies(case(with), |case| {
                case.conformance == Conformance::Deviation
            })?;
            dies(case(without), |case| {
                case.conformance == Conformance::Deviation
            })
        }
        KillVerdict::NotJudged => {
            let is_silent = |case: &CaseResult| case.conformance == Conformance::NotJudged;
            dies(case(with), is_silent)
        }
        KillVerdict::Inconsistent => {
            blind()?;
            let inconsistent = without.summary.inconsistent.iter();
            let found: Vec<String> = inconsistent.map(Inconsistency::id).collect();
            if found == [mutant.by.clone()] {
                Ok(())
            } else {
                Err(format!(
                    "it is inconsistent in {}",
                    if found.is_empty() {
                        "nothing".to_owned()
                    } else {
                        found.join(", ")
                    }
                ))
            }
        }
    }
}

/// A time-out detects nothing: no answer of the mutant was seen.
fn dies(case: Option<CaseResult>, is_dead: impl Fn(&CaseResult) -> bool) -> Result<(), String> {
    let case = case.ok_or("its case was not run")?;
    if timed_out(&case) {
        Err("its case ended by a time-out".to_owned())
    } else if is_dead(&case) {
        Ok(())
    } else {
        Err(format!("its case found it {}", shown(&case)))
    }
}

fn detection(case: &CaseResult) -> Option<Detection> {
    match (case.conformance, case.regression) {
        _ if timed_out(case) => None,
        (Conformance::Deviation, _) => Some(Detection::Deviation),
        (_, Some(Regression::Changed)) => Some(Detection::Changed),
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

fn shown(case: &CaseResult) -> String {
    let regression = case
        .regression
        .map(|regression| format!(" and {}", regression.name()))
        .unwrap_or_default();
    format!("{}{regression}", case.conformance.name())
}

/// Shows the first few of some names.
pub(crate) fn first_few(names: &[&str]) -> String {
    let shown = names
        .iter()
        .take(MAX_NAMES)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > MAX_NAMES {
        format!("{shown} and {} more", names.len() - MAX_NAMES)
    } else {
        shown
    }
}

/// A mutant is broad where more than one case in three detects it.
const BROAD_SHARE: usize = 3;
/// The sample has the first of so many cases.
const SAMPLE_STEP: usize = 20;
const MAX_NAMES: usize = 3;

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    /// A case that deviates, and the trouble of its exchange.
    fn case(trouble: Option<&str>) -> CaseResult {
        serde_json::from_value(json!({
            "id": "validation.repeated", "title": "", "facts": [], "effect": "none",
            "conformance": "deviation", "regression": null, "reading": [], "file": "", "line": 1,
            "failed": true, "known": null, "reasons": [], "difference": "",
            "exchanges": [{
                "curl": "", "status": null, "content_type": null, "body": "", "trouble": trouble,
                "outcome": null, "micros": 1
            }]
        }))
        .unwrap()
    }

    #[rstest]
    #[case::by_its_answer(None, Ok(()))]
    #[case::by_a_connection_that_broke(Some("connection reset"), Ok(()))]
    #[case::by_a_time_out(Some(TIMED_OUT), Err("its case ended by a time-out".to_owned()))]
    fn a_time_out_does_not_kill(
        #[case] trouble: Option<&str>,
        #[case] expected: Result<(), String>,
    ) {
        let case = case(trouble);
        assert_eq!(detection(&case).is_some(), expected.is_ok());
        assert_eq!(
            dies(Some(case), |case| case.conformance
                == Conformance::Deviation),
            expected
        );
    }
}
