//! What must hold for the suite to be proved, and what does not.

use std::collections::BTreeMap;

use crate::{
    conformance::{
        controls::Control,
        mutants::{Mutants, What},
    },
    contract,
    contract::Kind,
    prover::{Tried, control::Accepted, scores},
    report::proof::{CaseScore, ControlResult, FactScore, MutantResult, Proof},
};

/// Holds what was tried against the demands.
pub(super) fn proof(mutants: &Mutants, controls: &[Control], tried: Tried) -> Proof {
    let (facts, cases) = (
        scores::facts(mutants, &tried.mutants),
        scores::cases(mutants, &tried.mutants),
    );
    let mut problems = Vec::new();
    for reference in &tried.references {
        problems.extend(
            reference
                .wrong
                .iter()
                .map(|wrong| format!("the reference {} is not clean: {wrong}", reference.kind)),
        );
    }
    problems.extend(unproved(mutants, &tried));
    problems.extend(scores::idle_claims(mutants, &tried.mutants));
    problems.extend(unaccepted(controls, &tried.controls));
    problems.extend(unserved(&tried.controls));
    problems.extend(bare_facts(&facts));
    problems.extend(idle_cases(&cases));
    problems.extend(stale(mutants, &facts, &cases));
    Proof {
        version: 1,
        tool: concat!("d4iot-double ", env!("CARGO_PKG_VERSION")).to_owned(),
        problems,
        references: tried.references,
        mutants: mutants
            .mutants
            .iter()
            .zip(tried.mutants)
            .map(|(mutant, trials)| MutantResult {
                id: mutant.id.clone(),
                what: mutant.what.clone(),
                by: mutant.by.clone(),
                verdict: mutant.verdict.name().to_owned(),
                trials,
            })
            .collect(),
        controls: controls
            .iter()
            .zip(tried.controls)
            .map(|(control, accepted)| result(control, accepted))
            .collect(),
        facts,
        cases,
    }
}

fn result(control: &Control, accepted: Vec<(Kind, Accepted)>) -> ControlResult {
    let (mut wrong, mut told) = (BTreeMap::new(), BTreeMap::new());
    for (kind, accepted) in accepted {
        wrong.insert(kind, accepted.wrong);
        told.insert(kind, accepted.told);
    }
    ControlResult {
        id: control.id.clone(),
        what: control.what.clone(),
        wrong,
        told,
    }
}

/// Mutants that did not die as declared.
fn unproved(mutants: &Mutants, tried: &Tried) -> Vec<String> {
    let each = mutants
        .mutants
        .iter()
        .zip(&tried.mutants)
        .flat_map(|(mutant, trials)| trials.iter().map(move |trial| (mutant, trial)));
    each.filter_map(|(mutant, trial)| {
        let found = trial.survived.as_ref()?;
        let line = mutant.line;
        Some(format!(
            "mutant {} ({}) is to die of {} by {}: {found}\n --> {FILE}:{line}",
            mutant.id, trial.kind, mutant.verdict, mutant.by
        ))
    })
    .collect()
}

fn unaccepted(controls: &[Control], accepted: &[Vec<(Kind, Accepted)>]) -> Vec<String> {
    let each = controls
        .iter()
        .zip(accepted)
        .flat_map(|(control, accepted)| {
            accepted
                .iter()
                .map(move |(kind, accepted)| (control, kind, accepted))
        });
    each.flat_map(|(control, kind, accepted)| {
        accepted
            .wrong
            .iter()
            .map(move |wrong| format!("control {} ({kind}): {wrong}", control.id))
    })
    .collect()
}

/// Readings of contradictions that no control serves.
fn unserved(accepted: &[Vec<(Kind, Accepted)>]) -> Vec<String> {
    let mut unserved = Vec::new();
    for &kind in Kind::ALL {
        let contract = contract::of(kind);
        for entry in contract.facts() {
            let Some(number) = contract.register_number(&entry.name) else {
                continue;
            };
            let of_kind = || accepted.iter().flatten().filter(|(own, _)| *own == kind);
            let served = |reading: &str| {
                of_kind().any(|(_, accepted)| accepted.serves.of(&entry.name) == Some(reading))
            };
            let missing = entry
                .readings
                .iter()
                .skip(1)
                .filter(|reading| !served(reading.name));
            unserved.extend(missing.map(|reading| {
                format!(
                    "no control serves {number} {}: {} ({kind})",
                    entry.name, reading.name
                )
            }));
        }
    }
    unserved
}

fn bare_facts(facts: &[FactScore]) -> Vec<String> {
    let bare = facts
        .iter()
        .filter(|score| score.mutants.is_empty() && score.spared.is_none());
    bare.map(|score| {
        format!(
            "fact {} ({}) has no mutant that is noticed",
            score.fact, score.kind
        )
    })
    .collect()
}

fn idle_cases(cases: &[CaseScore]) -> Vec<String> {
    let idle = cases
        .iter()
        .filter(|score| score.kills.is_empty() && score.spared.is_none());
    idle.map(|score| {
        let besides = if score.sweeping == 0 {
            String::new()
        } else {
            format!(" but {} that nearly every case kills", score.sweeping)
        };
        format!(
            "case {} ({}) kills no mutant{besides}",
            score.id, score.kind
        )
    })
    .collect()
}

/// What is spared and need not be: it matches nothing, or all that it matches has a mutant.
fn stale(mutants: &Mutants, facts: &[FactScore], cases: &[CaseScore]) -> Vec<String> {
    let needed = |what: What, name: &str, matches: &dyn Fn(&str) -> bool| match what {
        What::Case => cases
            .iter()
            .any(|score| matches(&score.id) && score.kills.is_empty()),
        What::Fact => {
            facts
                .iter()
                .any(|score| matches(&score.fact) && score.mutants.is_empty())
                && !name.is_empty()
        }
    };
    let stale = mutants.spared.iter().filter(|spared| {
        !needed(spared.what, &spared.name, &|name| {
            spared.means(spared.what, name)
        })
    });
    stale
        .map(|spared| format!("{} is spared and need not be", spared.name))
        .collect()
}

/// Where the mutants stand.
const FILE: &str = "conformance/mutants.yaml";
