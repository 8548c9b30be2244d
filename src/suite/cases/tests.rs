//! What every case must keep to, for both kinds of appliance.

mod coverage;

mod asked;

use std::collections::BTreeSet;

use asked::{could_be, is_complete, placeholders, texts};

use super::*;
use crate::{
    contract::{Kind, Operation, Outcome},
    suite::{Effect, Expect, Placeholder, Property, Step},
};

/// Gathers what is wrong with the cases, each with its place, and fails with all of it.
fn check(fault: impl Fn(&Case) -> Vec<String>) {
    let faults: Vec<String> = all()
        .iter()
        .flat_map(|located| {
            fault(&located.case).into_iter().map(move |fault| {
                format!(
                    "{}:{} {}: {fault}",
                    located.file, located.line, located.case.id
                )
            })
        })
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// The same for every step on every kind its case applies to.
fn check_steps(fault: impl Fn(&Step, Kind) -> Vec<String>) {
    check(|case| {
        let each = case
            .steps
            .iter()
            .flat_map(|step| case.kinds.iter().map(move |kind| (step, *kind)));
        each.flat_map(|(step, kind)| {
            fault(step, kind)
                .into_iter()
                .map(move |fault| format!("{kind}: {fault}"))
        })
        .collect()
    });
}

/// The file as it is written.
#[expect(
    clippy::disallowed_methods,
    reason = "the files themselves are looked at"
)]
fn written(file: &str) -> String {
    std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

#[test]
fn every_case_file_is_in_the_list() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/cases");
    let there: BTreeSet<String> = folder
        .read_dir()
        .unwrap()
        .map(|entry| {
            format!(
                "conformance/cases/{}",
                entry.unwrap().file_name().to_string_lossy()
            )
        })
        .collect();
    let listed: BTreeSet<String> = FILES.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(there, listed);
}

#[test]
fn every_file_opens_with_what_it_is_for_and_fits_in_the_head() {
    for (file, _) in FILES {
        let text = written(file);
        assert!(text.starts_with("# "), "{file} does not say what it is for");
        assert!(
            text.lines().count() <= 160,
            "{file} has {} lines",
            text.lines().count()
        );
    }
}

#[test]
fn ids_are_well_formed_and_used_once() {
    let mut seen = BTreeSet::new();
    check(|case| {
        let lawful = |character: char| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || "_.".contains(character)
        };
        let operation = Operation::NAMES.contains(&case.id.split('.').next().unwrap_or_default());
        let formed = operation
            && case.id.chars().all(lawful)
            && !case.id.contains("__")
            && case.id.split('.').all(|part| !part.is_empty());
        (!formed)
            .then(|| "is not an id".to_owned())
            .into_iter()
            .collect()
    });
    let twice: Vec<&str> = all()
        .iter()
        .map(|located| located.case.id.as_str())
        .filter(|id| !seen.insert(*id))
        .collect();
    assert_eq!(twice, Vec::<&str>::new());
}

#[test]
fn a_case_asks_first_or_last_what_its_id_names() {
    check(|case| {
        let asked = case
            .steps
            .iter()
            .any(|step| case.id.starts_with(&format!("{}.", step.ask)));
        (!asked)
            .then(|| "never asks its operation".to_owned())
            .into_iter()
            .collect()
    });
}

#[test]
fn the_place_of_a_case_is_the_line_of_its_id() {
    for located in all() {
        let text = written(located.file);
        let line = text.lines().nth(located.line as usize - 1).unwrap();
        assert_eq!(line, format!("- id: {}", located.case.id));
    }
}

#[test]
fn every_case_has_steps_and_every_step_at_most_one_body() {
    check(|case| {
        if case.steps.is_empty() || case.kinds.is_empty() {
            vec!["does nothing".into()]
        } else {
            Vec::new()
        }
    });
    check_steps(|step, _| {
        let bodies = [
            step.fields.is_some(),
            step.body.is_some(),
            step.body_hex.is_some(),
            step.quote.is_some(),
        ];
        let (bodies, loose) = (
            bodies.iter().filter(|there| **there).count(),
            step.quote.is_none() && !(step.fill.is_empty() && step.repair.is_empty()),
        );
        let hex = step.body_hex.iter().all(|hex| {
            hex.replace(' ', "").len() % 2 == 0
                && hex
                    .chars()
                    .all(|digit| digit == ' ' || digit.is_ascii_hexdigit())
        });
        let padded = step.pad_to.is_none() || bodies == 1;
        if bodies > 1 || loose || !hex || !padded {
            vec!["has two bodies, a fill without a quote, or odd hexadecimal".into()]
        } else {
            Vec::new()
        }
    });
}

#[test]
fn there_are_enough_pairs_of_case_and_kind() {
    let pairs: usize = all().iter().map(|located| located.case.kinds.len()).sum();
    assert!(pairs >= 120, "{pairs} pairs");
    for kind in Kind::ALL {
        assert!(
            all()
                .iter()
                .filter(|located| located.case.kinds.contains(kind))
                .count()
                >= 60,
            "{kind}"
        );
    }
}

#[test]
fn every_placeholder_is_known() {
    check_steps(|step, _| {
        texts(step)
            .iter()
            .filter_map(|text| Placeholder::fill(text, |_| Ok(String::new())).err())
            .map(|error| error.to_string())
            .collect()
    });
}

#[test]
fn a_url_holds_no_password_but_those_the_run_made() {
    check_steps(|step, _| {
        let held: Vec<Placeholder> = step
            .query
            .values()
            .flat_map(|text| placeholders(text))
            .collect();
        held.into_iter()
            .filter(|held| held.property == Property::Password)
            .map(|held| format!("{held} in a URL"))
            .collect()
    });
}

#[test]
fn no_case_that_can_change_a_password_is_read_only() {
    check(|case| {
        let changing = |step: &&Step| {
            step.ask != Operation::Validation
                && step.method.as_deref().is_none_or(|method| method == "POST")
        };
        let complete = case.steps.iter().filter(changing).any(is_complete)
            || case
                .steps
                .iter()
                .any(|step| could_be(&step.expect, Outcome::PasswordReplaced));
        let least = match case.steps.iter().filter(changing).count() {
            _ if complete => Effect::PasswordChange,
            0 => Effect::None,
            _ => Effect::AuthFailure,
        };
        (case.effect < least)
            .then(|| format!("may do more than {:?}", case.effect))
            .into_iter()
            .collect()
    });
}

#[test]
fn a_required_field_that_is_not_there_forbids_success() {
    use crate::contract::Condition::{EmptyBody, EmptyValue, MissingField, NullValue};
    check(|case| {
        let [step] = case.steps.as_slice() else {
            return Vec::new();
        };
        let bare = matches!(
            step.expect,
            Expect::On {
                condition: EmptyBody | EmptyValue | MissingField | NullValue,
                ..
            }
        );
        (bare && case.must_not.is_none())
            .then(|| "does not forbid success".to_owned())
            .into_iter()
            .collect()
    });
}

#[test]
fn a_case_that_may_fail_to_sign_in_says_so() {
    check(|case| {
        let fails = |step: &Step| {
            could_be(&step.expect, Outcome::CredentialsRejected)
                || could_be(&step.expect, Outcome::AuthenticationFailed)
        };
        let hidden = case.effect == Effect::None && case.steps.iter().any(fails);
        hidden
            .then(|| "expects a failure and calls it no effect".to_owned())
            .into_iter()
            .collect()
    });
}

#[test]
fn a_case_that_forbids_success_expects_none() {
    check(|case| {
        let success = |step: &Step| {
            could_be(&step.expect, Outcome::Authenticated)
                || could_be(&step.expect, Outcome::PasswordReplaced)
        };
        (case.must_not.is_some() && case.steps.iter().any(success))
            .then(|| "expects what it forbids".to_owned())
            .into_iter()
            .collect()
    });
}

/// The placeholder that the target itself fills.
const ADDRESS: &str = "<IP_ADDRESS>";
