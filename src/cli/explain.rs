//! `explain`: the readings of facts, where each is said, and why we prefer one; and what a case is about.

mod case;
mod gather;
mod layout;

use std::{collections::BTreeMap, io::Write};

use crate::{
    cli::written,
    conformance::suite,
    contract,
    contract::{Contract, FactEntry, Kind, Outcome},
};

/// Writes what the laws of some kinds say: of all disputed and assumed facts, or of those that `what` means, a fact's name, a glob, a register number or an outcome.
/// A case's id means the case, and the fact of the same name where there is one.
///
/// # Errors
/// Where nothing is meant, with the nearest names; or what kept the text from being written.
pub fn run(what: Option<&str>, kinds: &[Kind], out: &mut dyn Write) -> Result<(), String> {
    let laws: Vec<&Contract> = kinds.iter().map(|kind| contract::of(*kind)).collect();
    let text = match what {
        None => layout::text(&gather::sections(&laws, |_, entry| {
            entry.is_disputed() || entry.is_assumed()
        })),
        Some(what) => {
            let case = case::find(what)
                .map(|located| case::text(located, &laws))
                .transpose()?;
            let meant: BTreeMap<Kind, Vec<String>> = laws
                .iter()
                .map(|law| (law.kind, meant(law, what)))
                .collect();
            let sections =
                gather::sections(&laws, |law, entry| meant[&law.kind].contains(&entry.name));
            match case {
                Some(case) if sections.is_empty() => case,
                Some(case) => format!("{case}\n{}", layout::text(&sections)),
                None if sections.is_empty() => {
                    page_alone(&laws, what).ok_or_else(|| unknown(&laws, what))?
                }
                None => layout::text(&sections),
            }
        }
    };
    written(out.write_all(text.as_bytes()))
        .map_err(|error| format!("cannot write the explanation: {error}"))
}

/// Returns the facts that a word means. An outcome means its own facts and the conditions that may come to it.
fn meant(law: &Contract, what: &str) -> Vec<String> {
    let Ok(outcome) = what.parse::<Outcome>() else {
        return law.facts_meant(what);
    };
    let of_it = |entry: &FactEntry<'_>| {
        entry.name.split('.').nth(1) == Some(outcome.name())
            || entry
                .readings
                .iter()
                .any(|reading| reading.value == outcome.name())
    };
    law.facts()
        .into_iter()
        .filter(of_it)
        .map(|entry| entry.name)
        .collect()
}

/// Says what a register number is about on which no fact depends.
fn page_alone(laws: &[&Contract], number: &str) -> Option<String> {
    let point = laws.iter().find_map(|law| law.ambiguities.get(number))?;
    Some(format!(
        "{number}  {}\n     A fault of the page alone: no fact depends on it.\n",
        point.point
    ))
}

fn unknown(laws: &[&Contract], what: &str) -> String {
    let mut names: Vec<String> = laws
        .iter()
        .flat_map(|law| {
            law.facts()
                .into_iter()
                .map(|entry| entry.name)
                .chain(law.ambiguities.keys().cloned())
        })
        .collect();
    names.extend(Outcome::NAMES.iter().map(ToString::to_string));
    names.extend(suite::all().iter().map(|located| located.case.id.clone()));
    names.sort_unstable();
    names.dedup();
    let shared = |name: &String| similar::TextDiff::from_chars(name.as_str(), what).ratio();
    names.sort_by(|left, right| shared(right).total_cmp(&shared(left)));
    let nearest: Vec<String> = names
        .into_iter()
        .filter(|name| shared(name) > ALIKE)
        .take(OFFERED)
        .collect();
    let hint = match nearest.is_empty() {
        true => "hint: `d4iot-double explain` lists what is disputed or assumed".into(),
        false => format!("hint: nearest are {}", nearest.join(", ")),
    };
    format!(
        "unknown `{what}`, expected a fact, a glob of facts, a register number (X01 to X27), an outcome or a case\n  {hint}"
    )
}

/// How alike a name must be to be offered, of 1.
const ALIKE: f32 = 0.5;

/// How many names are offered.
const OFFERED: usize = 3;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const BOTH: [Kind; 2] = [Kind::Sensor, Kind::Console];

    fn explained(what: Option<&str>) -> Result<String, String> {
        let mut out = Vec::new();
        run(what, &BOTH, &mut out)?;
        Ok(String::from_utf8(out).expect("the command writes text"))
    }

    #[test]
    fn a_fact_on_which_the_kinds_differ() {
        insta::assert_snapshot!(explained(Some("validation.accepts")).expect("the fact exists"), @"
        * marks the default, which applies unless a fixture or --reading FACT=NAME names another reading.

        === Disputed: the pages say two things or more (1 fact)

        X08  content types of requests
          validation.accepts [console]
            * as_printed  application/json, application/x-www-form-urlencoded
                          (documented at console:257, console:263)
              json        application/json  (documented at console:205)

        === Said: the pages say one thing (1 fact)

        X08  content types of requests
          validation.accepts [sensor]
            * json  application/json  (documented at sensor:185, sensor:231, sensor:237)
        ");
    }

    #[test]
    fn a_fact_alike_in_both_kinds() {
        insta::assert_snapshot!(explained(Some("any.locked_out.status")).expect("the fact exists"), @"
        * marks the default, which applies unless a fixture or --reading FACT=NAME names another reading.

        === Assumed: the documents are silent, the default is ours (1 fact)

        X16  no status code anywhere
          any.locked_out.status [sensor, console]
            * conventional  403  (assumed, because no document names a status code)
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
            assert!(line.chars().count() <= layout::WIDTH, "{line}");
        }
    }

    #[test]
    fn a_case_tells_what_it_needs_sends_and_expects() {
        insta::assert_snapshot!(
            "case",
            explained(Some("validation.username.missing")).expect("the case exists")
        );
    }

    #[test]
    fn every_case_can_be_explained_and_no_line_but_a_command_is_too_wide() {
        for located in suite::all() {
            let text = explained(Some(&located.case.id))
                .unwrap_or_else(|error| panic!("{}: {error}", located.case.id));
            assert!(
                text.starts_with(&format!("{}: ", located.case.id)),
                "{text}"
            );
            let wide = text
                .lines()
                .find(|line| !line.contains(" curl -sS ") && line.chars().count() > layout::WIDTH);
            assert_eq!(wide, None);
        }
    }

    #[test]
    fn a_case_of_the_other_kind_is_refused() {
        let error = run(
            Some("validation.quote.s198_repaired"),
            &[Kind::Console],
            &mut Vec::new(),
        )
        .expect_err("it is the sensor's");
        assert_eq!(
            error,
            "the case `validation.quote.s198_repaired` is for sensor only"
        );
    }

    #[rstest]
    #[case::number("X16", "validation.authenticated.status")]
    #[case::glob("*.order", "set_password_by_admin.order")]
    #[case::outcome("locked_out", "any.locked_out.body")]
    #[case::condition_of_an_outcome("locked_out", "any.on_locked_user")]
    #[case::number_of_the_page_alone("X07", "no fact depends on it")]
    fn names_of_many_forms_are_understood(#[case] what: &str, #[case] expected: &str) {
        let text = explained(Some(what)).expect("it means something");
        assert!(text.contains(expected), "{text}");
    }

    #[rstest]
    #[case::fact("validation.acepts", "hint: nearest are validation.accepts, ")]
    #[case::number("X30", "hint: nearest are X")]
    #[case::nothing_alike("%%%%", "hint: `d4iot-double explain` lists ")]
    #[case::empty("", "hint: `d4iot-double explain` lists ")]
    fn what_means_nothing_is_refused(#[case] what: &str, #[case] expected: &str) {
        let error = explained(Some(what)).expect_err("it means nothing");
        assert!(error.contains(expected), "{error}");
    }
}
