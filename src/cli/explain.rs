//! `explain`: the readings of facts, where each is documented, and why one is the default.

mod facts;

use std::collections::BTreeMap;

use clap::Args;

use crate::{
    cli::{
        error::{CliError, Result},
        kinds, print,
    },
    contract,
    contract::{Contract, FactEntry, Kind, Outcome},
    fixture::READY_MADE,
    suite::cases,
};

/// The arguments of `explain`.
#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    /// A fact, a glob (`validation.*`), a number of an ambiguity (`X11`), or an outcome
    #[arg(value_name = "FACT|OUTCOME")]
    what: Option<String>,
    /// One kind of appliance only
    #[arg(long, value_parser = super::kind)]
    kind: Option<Kind>,
}

/// Prints all disputed and assumed facts, or those that the argument stands for.
pub(super) fn run(options: &ExplainArgs) -> Result {
    print(explain(options.what.as_deref(), &kinds(options.kind))?)
}

fn explain(what: Option<&str>, kinds: &[Kind]) -> Result<String> {
    let contracts: Vec<&Contract> = kinds.iter().map(|kind| contract::of(*kind)).collect();
    let Some(what) = what else {
        let is_wanted = |_: &_, entry: &FactEntry<'_>| entry.is_disputed() || entry.is_assumed();
        return Ok(facts::text(&contracts, is_wanted).unwrap_or_default());
    };
    let outcome = what.parse::<Outcome>().ok();
    let meant = contracts.iter().map(|it| (it.kind, it.facts_meant(what)));
    let meant: BTreeMap<Kind, Vec<String>> = meant.collect();
    let facts = facts::text(&contracts, |contract, entry| match outcome {
        Some(outcome) => is_about(entry, outcome),
        None => meant[&contract.kind].contains(&entry.name),
    });
    let facts = facts.or_else(|| without_facts(&contracts, what));
    facts.ok_or_else(|| unknown(&contracts, what))
}

/// Whether a fact belongs to an outcome, or is a condition that may lead to it.
fn is_about(entry: &FactEntry<'_>, outcome: Outcome) -> bool {
    let mut readings = entry.readings.iter();
    entry.name.split('.').nth(1) == Some(outcome.name())
        || readings.any(|reading| reading.value == outcome.name())
}

/// Describes a number on which no fact depends.
fn without_facts(contracts: &[&Contract], number: &str) -> Option<String> {
    let ambiguities = contracts.iter().map(|contract| &contract.ambiguities);
    let mut found = ambiguities.filter_map(|known| known.get(number));
    let point = &found.next()?.point;
    Some(format!(
        "{number}  {point}\n     An error in the documentation only: no fact depends on it.\n"
    ))
}

fn unknown(contracts: &[&Contract], what: &str) -> CliError {
    let mut names: Vec<String> = Outcome::NAMES.iter().map(ToString::to_string).collect();
    for contract in contracts {
        names.extend(contract.facts().into_iter().map(|entry| entry.name));
        names.extend(contract.ambiguities.keys().cloned());
    }
    names.sort_unstable();
    names.dedup();
    let mut nearest = contract::nearest_names(what, names.iter().map(String::as_str));
    nearest.truncate(OFFERED);
    let hint = if READY_MADE.contains(&what) {
        "it is a failure mode: `d4iot-double fixture modes` describes it".to_owned()
    } else if cases::all().iter().any(|located| located.case.id == what) {
        format!("it is a case: `d4iot-double plan --case {what}` lists its requests")
    } else if nearest.is_empty() {
        "`d4iot-double explain` lists the disputed and assumed facts".to_owned()
    } else {
        format!("nearest: {}", nearest.join(", "))
    };
    CliError::usage(format!(
        "unknown name `{what}`, expected a fact, a glob of facts, a number of an ambiguity (X01 to X27), or an outcome"
    ))
    .hint(hint)
}

/// How many names are offered.
const OFFERED: usize = 3;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const BOTH: [Kind; 2] = [Kind::Sensor, Kind::Console];

    fn explained(what: Option<&str>) -> std::result::Result<String, String> {
        explain(what, &BOTH).map_err(|error| error.to_string())
    }

    #[test]
    fn a_fact_on_which_the_kinds_differ() {
        insta::assert_snapshot!(explained(Some("validation.accepts")).expect("the fact exists"), @"
        * marks the default reading, which applies unless a fixture or --reading FACT=NAME names another.

        === Disputed: the documentation contradicts itself (1 fact)

        X08  content types of requests
          validation.accepts [console]
            * as_printed  application/json, application/x-www-form-urlencoded
                          (documented at console:257, console:263)
              json        application/json  (documented at console:205)

        === Documented: the documentation is clear (1 fact)

        X08  content types of requests
          validation.accepts [sensor]
            * json  application/json  (documented at sensor:185, sensor:231, sensor:237)
        ");
    }

    #[test]
    fn a_fact_alike_in_both_kinds() {
        insta::assert_snapshot!(explained(Some("any.locked_out.status")).expect("the fact exists"), @"
        * marks the default reading, which applies unless a fixture or --reading FACT=NAME names another.

        === Assumed: the documentation is silent, the default is this project's choice (1 fact)

        X16  no status code anywhere
          any.locked_out.status [sensor, console]
            * conventional  403
                            (assumed, because no page names a status; RFC 9110 section 15.5.4 has it for
                            what is understood and not allowed)
              always_200    200  (assumed, because public clients look for the key and not at the status)
              failures_500  500
                            (assumed, because other operations of this product answer so to a client's
                            mistake)
        ");
    }

    #[test]
    fn without_an_argument_every_disputed_and_assumed_fact_is_there() {
        let text = explained(None).expect("nothing was asked for");
        for kind in BOTH {
            for entry in contract::of(kind)
                .facts()
                .iter()
                .filter(|entry| entry.is_disputed() || entry.is_assumed())
            {
                assert!(
                    text.split_whitespace()
                        .any(|word| word.trim_end_matches(',') == entry.name),
                    "{kind} {}",
                    entry.name
                );
                for reading in &entry.readings {
                    assert!(
                        text.contains(reading.name),
                        "{kind} {} {}",
                        entry.name,
                        reading.name
                    );
                }
            }
        }
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }

    #[rstest]
    #[case::number("X16", "validation.authenticated.status")]
    #[case::glob("*.order", "set_password_by_admin.order")]
    #[case::outcome("locked_out", "any.locked_out.body")]
    #[case::condition_of_an_outcome("locked_out", "any.on_locked_user")]
    #[case::number_without_facts("X07", "no fact depends on it")]
    fn names_of_many_forms_are_understood(#[case] what: &str, #[case] expected: &str) {
        let text = explained(Some(what)).expect("it means something");
        assert!(text.contains(expected), "{text}");
    }

    #[rstest]
    #[case::fact("validation.acepts", "hint: nearest: validation.accepts, ")]
    #[case::number("X30", "hint: nearest: X")]
    #[case::nothing_alike("%%%%", "hint: `d4iot-double explain` lists ")]
    #[case::empty("", "hint: `d4iot-double explain` lists ")]
    fn what_means_nothing_is_refused(#[case] what: &str, #[case] expected: &str) {
        let error = explained(Some(what)).expect_err("it means nothing");
        assert!(error.contains(expected), "{error}");
    }
}
