//! Which reading of each fact a target follows, and where it follows several at once.

use std::collections::BTreeMap;

use crate::conformance::verdict::Evidence;
use crate::contract::Contract;
use crate::report::Followed;
use crate::report::Inconsistency;

/// Gathers the evidence of all answers of a run, each with the case that gave it.
pub fn of(contract: &Contract, told: &[(String, Evidence)]) -> (Vec<Followed>, Vec<Inconsistency>) {
    let mut by_fact: BTreeMap<&str, Vec<(&str, &Evidence)>> = BTreeMap::new();
    for (case, evidence) in told {
        by_fact.entry(&evidence.fact).or_default().push((case, evidence));
    }
    let facts = contract.facts();
    let mut followed = Vec::new();
    let mut inconsistent = Vec::new();
    for entry in facts.iter().filter(|entry| by_fact.contains_key(entry.name.as_str())) {
        let evidence = &by_fact[entry.name.as_str()];
        let agreed = |reading: &str| evidence.iter().all(|(_, evidence)| evidence.readings.iter().any(|told| told == reading));
        let readings: Vec<String> = entry.readings.iter().map(|reading| reading.name.to_owned()).filter(|name| agreed(name)).collect();
        let mut other: Vec<String> = evidence.iter().filter_map(|(_, evidence)| evidence.other.clone()).collect();
        other.sort();
        other.dedup();
        let register = contract.register_number(&entry.name).map(str::to_owned);
        if readings.is_empty() && entry.is_disputed() && is_uttered(&entry.name) {
            inconsistent.push(Inconsistency { fact: entry.name.clone(), register: register.clone(), followed: each_with_a_case(evidence) });
        }
        let ruling = readings.first().is_some_and(|first| entry.readings.first().is_some_and(|ruling| ruling.name == first));
        followed.push(Followed { fact: entry.name.clone(), register, readings, ruling, other, seen: evidence.len() });
    }
    (followed, inconsistent)
}

/// Whether a fact is something the target utters: what it accepts in addition, its paths, statuses and order of checks are exempt.
fn is_uttered(fact: &str) -> bool {
    [".body", ".envelope", ".internal", ".answer_type"].iter().any(|point| fact.ends_with(point))
}

/// Each reading followed, with the first case that shows it and no other.
fn each_with_a_case(evidence: &[(&str, &Evidence)]) -> Vec<(String, String)> {
    let mut followed: Vec<(String, String)> = Vec::new();
    for (case, told) in evidence {
        let reading = told.readings.join(" or ");
        if !followed.iter().any(|(known, _)| *known == reading) {
            followed.push((reading, (*case).to_owned()));
        }
    }
    followed
}
