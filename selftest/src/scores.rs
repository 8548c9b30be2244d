//! The value of each fact and each case, by the mutants.

use std::collections::{BTreeMap, BTreeSet};

use d4iot_double::{
    contract,
    contract::Kind,
    suite::{cases, cases::CaseWithLocation},
};

use crate::{
    report::{CaseScore, FactScore, MutantTrial},
    spec::mutants::{ExclusionSubject, MutantFile, MutantSpec},
};

/// Scores every fact of each kind.
///
/// A mutant counts for a fact that it claims, if a case that covers the fact detects it.
pub(crate) fn facts(mutants: &MutantFile, trials: &[Vec<MutantTrial>]) -> Vec<FactScore> {
    let mut scores = Vec::new();
    for &kind in Kind::ALL {
        let covering = covering_cases(kind);
        let claims: Vec<_> = trials_of(mutants, trials, kind)
            .map(|(mutant, trial)| (mutant, trial, claimed_facts(mutant, kind)))
            .collect();
        for entry in contract::of(kind).facts() {
            let detected = claims.iter().filter(|(_, trial, facts)| {
                facts.contains(&entry.name) && is_detected(&covering, &entry.name, trial)
            });
            scores.push(FactScore {
                kind,
                mutants: detected.map(|(mutant, ..)| mutant.id.clone()).collect(),
                is_excluded: is_excluded(mutants, ExclusionSubject::Fact, &entry.name),
                fact: entry.name,
            });
        }
    }
    scores
}

/// Returns the claims without support: patterns of which no fact is detected by a case that covers it.
pub(crate) fn unfounded_claims(mutants: &MutantFile, trials: &[Vec<MutantTrial>]) -> Vec<String> {
    let mut problems = Vec::new();
    for &kind in Kind::ALL {
        let covering = covering_cases(kind);
        for (mutant, trial) in trials_of(mutants, trials, kind) {
            for pattern in &mutant.facts {
                let facts = contract::of(kind).facts_meant(pattern);
                if !facts.iter().any(|fact| is_detected(&covering, fact, trial)) {
                    problems.push(format!(
                        "mutant {} ({kind}): no case that covers {pattern} detects it",
                        mutant.id
                    ));
                }
            }
        }
    }
    problems
}

/// Scores every case of each kind by the mutants that it kills.
pub(crate) fn cases(mutants: &MutantFile, trials: &[Vec<MutantTrial>]) -> Vec<CaseScore> {
    let mut scores = Vec::new();
    for &kind in Kind::ALL {
        for located in cases_of(kind) {
            let id = &located.case.id;
            let mut score = CaseScore {
                kind,
                id: id.clone(),
                kills: Vec::new(),
                broad_kills: Vec::new(),
                is_excluded: is_excluded(mutants, ExclusionSubject::Case, id),
            };
            for (mutant, trial) in trials_of(mutants, trials, kind) {
                if trial.kills.contains_key(id) {
                    let kills = if trial.is_broad {
                        &mut score.broad_kills
                    } else {
                        &mut score.kills
                    };
                    kills.push(mutant.id.clone());
                }
            }
            scores.push(score);
        }
    }
    scores
}

type CasesByFact = BTreeMap<String, BTreeSet<&'static str>>;

fn covering_cases(kind: Kind) -> CasesByFact {
    let mut covering = CasesByFact::new();
    for located in cases_of(kind) {
        for fact in located.case.covers(contract::of(kind)) {
            covering.entry(fact).or_default().insert(&located.case.id);
        }
    }
    covering
}

fn is_detected(covering: &CasesByFact, fact: &str, trial: &MutantTrial) -> bool {
    covering
        .get(fact)
        .is_some_and(|cases| cases.iter().any(|case| trial.kills.contains_key(*case)))
}

fn cases_of(kind: Kind) -> impl Iterator<Item = &'static CaseWithLocation> {
    cases::all()
        .iter()
        .filter(move |located| located.case.kinds.contains(&kind))
}

/// Returns the mutants of a kind, each with its trial.
fn trials_of<'a>(
    mutants: &'a MutantFile,
    trials: &'a [Vec<MutantTrial>],
    kind: Kind,
) -> impl Iterator<Item = (&'a MutantSpec, &'a MutantTrial)> {
    mutants
        .mutants
        .iter()
        .zip(trials)
        .filter_map(move |(mutant, trials)| {
            Some((mutant, trials.iter().find(|trial| trial.kind == kind)?))
        })
}

fn claimed_facts(mutant: &MutantSpec, kind: Kind) -> BTreeSet<String> {
    let patterns = mutant.facts.iter();
    patterns
        .flat_map(|fact| contract::of(kind).facts_meant(fact))
        .collect()
}

fn is_excluded(mutants: &MutantFile, subject: ExclusionSubject, name: &str) -> bool {
    let mut excluded = mutants.excluded.iter();
    excluded.any(|exclusion| exclusion.matches(subject, name))
}
