//! What holds for both contracts, and between the two.

use std::collections::BTreeSet;

use rstest::rstest;

use super::*;

#[rstest]
#[case::console(Kind::Console)]
#[case::sensor(Kind::Sensor)]
fn the_law_is_read(#[case] kind: Kind) {
    let contract = Contract::read(&text(kind).1).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(contract.kind, kind);
    assert!(contract.facts().len() > 100);
    assert_eq!(
        contract.operations.keys().copied().collect::<Vec<_>>(),
        Operation::ALL
    );
}

#[test]
fn the_register_runs_from_x01_to_x27() {
    let numbers: BTreeSet<&str> = Kind::ALL
        .iter()
        .flat_map(|kind| of(*kind).ambiguities.keys())
        .map(String::as_str)
        .collect();
    let expected: Vec<String> = (1..=27).map(|number| format!("X{number:02}")).collect();
    assert_eq!(numbers.into_iter().collect::<Vec<_>>(), expected);
}

#[rstest]
#[case::console(Kind::Console)]
#[case::sensor(Kind::Sensor)]
fn every_glob_of_the_register_means_a_fact(#[case] kind: Kind) {
    let contract = of(kind);
    for (number, point) in &contract.ambiguities {
        for glob in &point.facts {
            assert!(!contract.facts_meant(glob).is_empty(), "{number}: {glob}");
        }
    }
}

#[rstest]
#[case::console(Kind::Console)]
#[case::sensor(Kind::Sensor)]
fn every_dispute_has_a_register_number(#[case] kind: Kind) {
    let contract = of(kind);
    for entry in contract.facts().iter().filter(|entry| entry.is_disputed()) {
        assert!(
            contract.ambiguity_number(&entry.name).is_some(),
            "{}",
            entry.name
        );
    }
}

#[rstest]
#[case::console(Kind::Console)]
#[case::sensor(Kind::Sensor)]
fn every_condition_ends_in_an_answer_that_exists(#[case] kind: Kind) {
    let contract = of(kind);
    assert_eq!(
        contract.any.on.keys().copied().collect::<Vec<_>>(),
        Condition::ALL
    );
    for operation in Operation::ALL {
        let changes = contract
            .clause(*operation)
            .fields
            .contains_key(&Field::NewPassword);
        for condition in Condition::ALL {
            let (name, fact) = contract
                .handling(Some(*operation), *condition)
                .expect("all conditions are there");
            // Only an operation that changes a password meets these.
            use Condition::{AdminTarget, SamePassword, WeakPassword};
            if !changes && matches!(condition, AdminTarget | SamePassword | WeakPassword) {
                continue;
            }
            let rejection = if changes {
                Outcome::AuthenticationFailed
            } else {
                Outcome::CredentialsRejected
            };
            for reading in fact.readings() {
                let outcome = match reading.is {
                    Handling::Answer(outcome) => outcome,
                    Handling::Reject => rejection,
                    Handling::First | Handling::Last | Handling::Proceed => continue,
                };
                assert!(
                    contract.response_spec(Some(*operation), outcome).is_some(),
                    "{name} {}: {outcome} under {operation}",
                    reading.name
                );
            }
        }
    }
}

#[rstest]
#[case::console(Kind::Console)]
#[case::sensor(Kind::Sensor)]
fn failures_are_wrapped_and_successes_are_not(#[case] kind: Kind) {
    let contract = of(kind);
    let specs = contract.any.outcomes.iter().chain(
        contract
            .operations
            .values()
            .flat_map(|clause| &clause.outcomes),
    );
    for (outcome, spec) in specs {
        let success = matches!(outcome, Outcome::Authenticated | Outcome::PasswordReplaced);
        assert_eq!(spec.envelope.is_none(), success, "{outcome}");
        assert_eq!(spec.internal.is_none(), success, "{outcome}");
        for reading in spec.body.readings() {
            assert_eq!(
                matches!(reading.is, Wording::Msg(_)),
                success,
                "{outcome} {}",
                reading.name
            );
        }
    }
}

#[test]
fn a_fact_of_one_name_has_the_same_assumptions_in_both_laws() {
    let (console, sensor) = (of(Kind::Console).facts(), of(Kind::Sensor).facts());
    assert_eq!(names(&console), names(&sensor));
    let assumed = |entry: &FactEntry<'_>| -> BTreeSet<String> {
        let readings = entry
            .readings
            .iter()
            .filter(|reading| matches!(reading.ground, Ground::Assumed { .. }));
        readings.map(|reading| reading.name.to_owned()).collect()
    };
    for (left, right) in console.iter().zip(&sensor) {
        // What the other page says is assumed here, and the sensor's paths are read together.
        if !left.name.ends_with(".roles") && !left.name.ends_with(".path") {
            assert_eq!(assumed(left), assumed(right), "{}", left.name);
        }
    }
}

fn names(entries: &[FactEntry<'_>]) -> Vec<String> {
    entries.iter().map(|entry| entry.name.clone()).collect()
}
