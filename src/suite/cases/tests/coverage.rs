//! What the contract has, the cases have: names, quotes, paths, facts, outcomes.

use std::collections::BTreeSet;

use rstest::rstest;

use super::{asked::wrong, *};
use crate::{contract, contract::Kind, suite::Step};

#[test]
fn every_name_is_one_of_the_contract_s() {
    check(|case| {
        let kinds = case
            .kinds
            .iter()
            .flat_map(|kind| case.facts.iter().map(move |fact| (*kind, fact)));
        kinds
            .filter(|(kind, fact)| contract::of(*kind).facts_meant(fact).is_empty())
            .map(|(kind, fact)| format!("{kind}: no fact {fact}"))
            .collect()
    });
    check_steps(|step, kind| {
        let contract = contract::of(kind);
        let mut faults = wrong(&step.expect, step, contract);
        faults.extend(
            step.path_reading
                .iter()
                .filter(|name| {
                    !contract
                        .clause(step.ask)
                        .path
                        .readings()
                        .iter()
                        .any(|reading| reading.name == **name)
                })
                .map(|name| format!("no reading {name} of the path")),
        );
        faults
    });
}

#[test]
fn every_quote_is_the_contract_s_and_its_template_is_filled() {
    check_steps(|step, kind| {
        let Some(name) = &step.quote else {
            return Vec::new();
        };
        let Some(quote) = contract::of(kind).quotes.get(name) else {
            return vec![format!("no quote {name}")];
        };
        let open = quote
            .placeholders
            .iter()
            .filter(|placeholder| *placeholder != ADDRESS && !step.fill.contains_key(*placeholder));
        let mut faults: Vec<String> = open
            .map(|placeholder| format!("{name}: {placeholder} is not filled"))
            .collect();
        faults.extend(
            step.fill
                .keys()
                .filter(|key| !quote.placeholders.contains(key))
                .map(|key| format!("{name} has no {key}")),
        );
        faults.extend(
            step.repair
                .iter()
                .filter(|(from, _)| !quote.text.contains(from))
                .map(|(from, _)| format!("{name} has no {from}")),
        );
        if quote.operation != step.ask {
            faults.push(format!("{name} shows {}", quote.operation));
        }
        faults
    });
}

#[rstest]
#[case::console(Kind::Console)]
#[case::sensor(Kind::Sensor)]
fn every_quote_and_every_path_has_a_case(#[case] kind: Kind) {
    let steps = || {
        all()
            .iter()
            .filter(|located| located.case.kinds.contains(&kind))
            .flat_map(|located| &located.case.steps)
    };
    for name in contract::of(kind).quotes.keys() {
        assert!(
            steps().any(|step| step.quote.as_ref() == Some(name)),
            "no case sends {name}"
        );
    }
    for (operation, clause) in &contract::of(kind).operations {
        for reading in clause
            .path
            .readings()
            .iter()
            .filter(|reading| reading.is_documented())
        {
            let asked = |step: &Step| {
                step.ask == *operation && step.path_reading.as_ref() == Some(&reading.name)
            };
            assert!(
                steps().any(asked),
                "no case asks {operation} on the path of {}",
                reading.name
            );
        }
    }
}

#[rstest]
#[case::console(Kind::Console)]
#[case::sensor(Kind::Sensor)]
fn every_fact_has_a_case_and_every_case_a_fact(#[case] kind: Kind) {
    let contract = contract::of(kind);
    let cases = || {
        all()
            .iter()
            .map(|located| &located.case)
            .filter(|case| case.kinds.contains(&kind))
    };
    let covered: BTreeSet<String> = cases().flat_map(|case| case.covers(contract)).collect();
    let open: Vec<String> = contract
        .facts()
        .into_iter()
        .map(|fact| fact.name)
        .filter(|name| !covered.contains(name))
        .collect();
    let (known, bare): (Vec<String>, Vec<String>) = open
        .into_iter()
        .partition(|name| NEEDS_PATIENCE.iter().any(|start| name.starts_with(start)));
    assert_eq!(bare, Vec::<String>::new(), "facts without a case");
    assert!(!known.is_empty(), "an exception that is none any more");
    assert!(cases().all(|case| !case.covers(contract).is_empty()));
}

#[rstest]
#[case::console(Kind::Console)]
#[case::sensor(Kind::Sensor)]
fn every_outcome_of_an_operation_is_expected_of_it(#[case] kind: Kind) {
    for (operation, clause) in &contract::of(kind).operations {
        for outcome in clause.outcomes.keys() {
            let expected = |step: &Step| {
                step.ask == *operation
                    && step
                        .allowed(contract::of(kind))
                        .is_ok_and(|allowed| allowed[0].outcome == *outcome)
            };
            let found = all().iter().any(|located| {
                located.case.kinds.contains(&kind) && located.case.steps.iter().any(expected)
            });
            assert!(found, "no case of {operation} expects {outcome}");
        }
    }
}

/// Facts that no case can wait for: a body that takes half a minute to arrive. A test of the server sends one.
const NEEDS_PATIENCE: &[&str] = &["any.lock_minutes", "any.request_timeout."];
