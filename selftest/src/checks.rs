//! The conditions that all trials together must fulfil, and the problems where they do not.

use std::collections::BTreeSet;

use d4iot_double::{contract, contract::Kind};

use crate::{
    Extent, Trials,
    report::{CaseScore, ControlResult, FactScore, MutantResult, MutantTrial, Report},
    scores,
    spec::{
        controls::ControlSpec,
        mutants::{ExclusionSubject, MutantFile, MutantSpec},
    },
};

/// Checks all trials.
pub(crate) fn report(
    mutants: &MutantFile,
    controls: &[ControlSpec],
    trials: Trials,
    extent: &Extent,
) -> Report {
    let (mut facts, mut cases, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    if *extent == Extent::Whole {
        facts = scores::facts(mutants, &trials.mutants);
        cases = scores::cases(mutants, &trials.mutants);
        problems.extend(scores::unfounded_claims(mutants, &trials.mutants));
        problems.extend(untested_facts(&facts));
        problems.extend(idle_cases(&cases));
        problems.extend(stale_exclusions(mutants, &facts, &cases));
    }
    if let Extent::Case(id) = extent {
        cases = scores::cases(mutants, &trials.mutants);
        cases.retain(|score| score.id == *id);
        problems.extend(idle_cases(&cases));
    }
    for reference in &trials.references {
        let wrong = reference.wrong.iter();
        problems.extend(
            wrong.map(|wrong| format!("the reference {} is not clean: {wrong}", reference.kind)),
        );
    }
    problems.extend(missed(mutants, &trials));
    problems.extend(wrong_controls(controls, &trials));
    problems.extend(unserved_readings(&trials));
    let mutant = |(mutant, trials): (&MutantSpec, Vec<MutantTrial>)| MutantResult {
        id: mutant.id.clone(),
        by: mutant.by.clone(),
        verdict: mutant.verdict,
        trials,
    };
    Report {
        problems,
        references: trials.references,
        mutants: mutants
            .mutants
            .iter()
            .zip(trials.mutants)
            .map(mutant)
            .collect(),
        controls: controls
            .iter()
            .zip(trials.controls)
            .map(|(control, trials)| ControlResult {
                id: control.id.clone(),
                is_wrong: trials.iter().any(|trial| !trial.wrong.is_empty()),
                named: trials.into_iter().flat_map(|trial| trial.named).collect(),
            })
            .collect(),
        facts,
        cases,
    }
}

/// Mutants that were not detected as declared.
fn missed(mutants: &MutantFile, trials: &Trials) -> Vec<String> {
    let mut problems = Vec::new();
    for (mutant, trials) in mutants.mutants.iter().zip(&trials.mutants) {
        for trial in trials {
            if let Some(found) = &trial.missed {
                problems.push(format!(
                    "mutant {} ({}) must be killed with {} by {}: {found}\n  --> {FILE}:{}",
                    mutant.id, trial.kind, mutant.verdict, mutant.by, mutant.line
                ));
            }
        }
    }
    problems
}

fn wrong_controls(controls: &[ControlSpec], trials: &Trials) -> Vec<String> {
    let mut problems = Vec::new();
    for (control, trials) in controls.iter().zip(&trials.controls) {
        for trial in trials {
            let wrong = trial.wrong.iter();
            problems.extend(
                wrong.map(|wrong| format!("control {} ({}): {wrong}", control.id, trial.kind)),
            );
        }
    }
    problems
}

/// Readings of contradictions that no control serves.
fn unserved_readings(trials: &Trials) -> Vec<String> {
    let mut problems = Vec::new();
    for &kind in Kind::ALL {
        let contract = contract::of(kind);
        for entry in contract.facts() {
            let Some(number) = contract.ambiguity_number(&entry.name) else {
                continue;
            };
            let is_served = |reading: &str| {
                let mut of_kind = trials.controls.iter().flatten();
                of_kind.any(|trial| {
                    trial.kind == kind && trial.serves.of(&entry.name) == Some(reading)
                })
            };
            for reading in entry.readings.iter().skip(1) {
                if !is_served(reading.name) {
                    problems.push(format!(
                        "no control serves {number} {}: {} ({kind})",
                        entry.name, reading.name
                    ));
                }
            }
        }
    }
    problems
}

fn untested_facts(facts: &[FactScore]) -> Vec<String> {
    let untested = facts
        .iter()
        .filter(|score| score.mutants.is_empty() && !score.is_excluded);
    untested
        .map(|score| {
            format!(
                "fact {} ({}) has no mutant that is detected",
                score.fact, score.kind
            )
        })
        .collect()
}

fn idle_cases(cases: &[CaseScore]) -> Vec<String> {
    let idle = cases
        .iter()
        .filter(|score| score.kills.is_empty() && !score.is_excluded);
    idle.map(|score| {
        let broad = match score.broad_kills.len() {
            0 => String::new(),
            count => format!(" but {count} that nearly every case kills"),
        };
        format!("case {} ({}) kills no mutant{broad}", score.id, score.kind)
    })
    .collect()
}

/// Exclusions that match nothing, or nothing without a mutant.
fn stale_exclusions(mutants: &MutantFile, facts: &[FactScore], cases: &[CaseScore]) -> Vec<String> {
    let idle_cases: BTreeSet<&str> = cases
        .iter()
        .filter(|score| score.kills.is_empty())
        .map(|score| score.id.as_str())
        .collect();
    let untested_facts: BTreeSet<&str> = facts
        .iter()
        .filter(|score| score.mutants.is_empty())
        .map(|score| score.fact.as_str())
        .collect();
    let stale = mutants.excluded.iter().filter(|exclusion| {
        let names = match exclusion.subject {
            ExclusionSubject::Case => &idle_cases,
            ExclusionSubject::Fact => &untested_facts,
        };
        !names
            .iter()
            .any(|name| exclusion.matches(exclusion.subject, name))
    });
    stale
        .map(|exclusion| format!("{} is excluded and need not be", exclusion.name))
        .collect()
}

/// The file of the mutants.
const FILE: &str = "selftest/mutants.yaml";
