//! What the trials say of facts and of cases.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    conformance::{
        mutants::{Mutants, What},
        suite,
    },
    contract,
    contract::Kind,
    report::proof::{CaseScore, FactScore, Trial},
};

/// The score of every fact of each kind. A mutant counts for a fact that it claims, if a case that covers the fact notices it.
pub(super) fn facts(mutants: &Mutants, trials: &[Vec<Trial>]) -> Vec<FactScore> {
    let mut scores = Vec::new();
    for &kind in Kind::ALL {
        let covering = covering(kind);
        let claimed = claimed(mutants, trials, kind);
        for entry in contract::of(kind).facts() {
            let none = BTreeSet::new();
            let cases = covering.get(&entry.name).unwrap_or(&none);
            let claims = claimed
                .iter()
                .filter(|(_, _, facts)| facts.contains(&entry.name));
            let noticed: Vec<(&str, &Trial)> = claims
                .map(|(id, trial, _)| (*id, *trial))
                .filter(|(_, trial)| cases.iter().any(|case| trial.kills.contains_key(*case)))
                .collect();
            let notice = cases
                .iter()
                .filter(|case| {
                    noticed
                        .iter()
                        .any(|(_, trial)| trial.kills.contains_key(**case))
                })
                .count();
            scores.push(FactScore {
                kind,
                register: contract::of(kind)
                    .register_number(&entry.name)
                    .map(str::to_owned),
                covered: cases.len(),
                notice,
                mutants: noticed.iter().map(|(id, _)| (*id).to_owned()).collect(),
                spared: mutants
                    .spared
                    .iter()
                    .find(|spared| spared.means(What::Fact, &entry.name))
                    .map(|spared| spared.because.clone()),
                fact: entry.name,
            });
        }
    }
    scores
}

/// Claims of facts that nothing bears out: a pattern of which no fact is noticed by a case that covers it.
pub(super) fn idle_claims(mutants: &Mutants, trials: &[Vec<Trial>]) -> Vec<String> {
    let mut idle = Vec::new();
    for (mutant, trials) in mutants.mutants.iter().zip(trials) {
        for trial in trials {
            let (contract, covering) = (contract::of(trial.kind), covering(trial.kind));
            let noticed = |fact: &String| {
                covering
                    .get(fact)
                    .is_some_and(|cases| cases.iter().any(|case| trial.kills.contains_key(*case)))
            };
            let claims = mutant
                .facts
                .iter()
                .filter(|fact| !contract.facts_meant(fact).iter().any(noticed));
            idle.extend(claims.map(|fact| {
                format!(
                    "mutant {} ({}): no case that covers {fact} notices it",
                    mutant.id, trial.kind
                )
            }));
        }
    }
    idle
}

/// What each case of each kind kills.
pub(super) fn cases(mutants: &Mutants, trials: &[Vec<Trial>]) -> Vec<CaseScore> {
    let mut scores = Vec::new();
    for &kind in Kind::ALL {
        for located in suite::all()
            .iter()
            .filter(|located| located.case.kinds.contains(&kind))
        {
            let id = &located.case.id;
            let columns = mutants
                .mutants
                .iter()
                .zip(trials)
                .flat_map(|(mutant, trials)| trials.iter().map(move |trial| (mutant, trial)));
            let noticed: Vec<(&str, bool)> = columns
                .filter(|(_, trial)| trial.kind == kind && trial.kills.contains_key(id))
                .map(|(mutant, trial)| (mutant.id.as_str(), trial.sweeping))
                .collect();
            scores.push(CaseScore {
                kind,
                id: id.clone(),
                kills: noticed
                    .iter()
                    .filter(|(_, sweeping)| !sweeping)
                    .map(|(id, _)| (*id).to_owned())
                    .collect(),
                sweeping: noticed.iter().filter(|(_, sweeping)| *sweeping).count(),
                spared: mutants
                    .spared
                    .iter()
                    .find(|spared| spared.means(What::Case, id))
                    .map(|spared| spared.because.clone()),
            });
        }
    }
    scores
}

/// The cases that cover each fact.
fn covering(kind: Kind) -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut covering: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    for located in suite::all()
        .iter()
        .filter(|located| located.case.kinds.contains(&kind))
    {
        for fact in located.case.covers(contract::of(kind)) {
            covering.entry(fact).or_default().insert(&located.case.id);
        }
    }
    covering
}

/// Each mutant with its trial and the facts it claims.
fn claimed<'a>(
    mutants: &'a Mutants,
    trials: &'a [Vec<Trial>],
    kind: Kind,
) -> Vec<(&'a str, &'a Trial, BTreeSet<String>)> {
    let of_kind = mutants
        .mutants
        .iter()
        .zip(trials)
        .filter_map(|(mutant, trials)| {
            Some((mutant, trials.iter().find(|trial| trial.kind == kind)?))
        });
    of_kind
        .map(|(mutant, trial)| {
            let facts = mutant
                .facts
                .iter()
                .flat_map(|fact| contract::of(kind).facts_meant(fact))
                .collect();
            (mutant.id.as_str(), trial, facts)
        })
        .collect()
}
