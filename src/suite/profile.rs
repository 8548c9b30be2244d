//! Which reading of each fact a target follows, and where it follows several at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    contract::{Contract, FactEntry, grouped},
    report::{Followed, Inconsistency},
    suite::{allowed::ReadingChoice, evidence::Evidence},
};

/// Collects the evidence of all answers of a run, each with the case that gave it.
///
/// Inconsistent is what the answers themselves do not agree on. Which reading is followed is found more sharply: an interpretation of one
/// answer that another answer rules out is not valid.
pub fn of(
    contract: &Contract,
    evidence: &[(String, Evidence)],
) -> (Vec<Followed>, Vec<Inconsistency>) {
    let facts = contract.facts();
    let alike = evidence.iter().map(|(case, evidence)| (evidence, case));
    // Nearly every answer of a run says what another one said before: that is weighed once.
    let alike = grouped(alike).into_iter();
    let distinct = alike.map(|(evidence, cases)| DistinctEvidence {
        case: cases[0],
        evidence: evidence.clone(),
        times: cases.len(),
    });
    let mut evidence: Vec<_> = distinct.collect();
    let by_fact = by_fact(&evidence);
    let mut inconsistent = Vec::new();
    // What a target accepts in addition, its paths, statuses and order of checks are no texts of it.
    let is_uttered = |fact: &str| UTTERED.iter().any(|point| fact.ends_with(point));
    let is_disputed = |entry: &&FactEntry<'_>| entry.is_disputed() && is_uttered(&entry.name);
    for entry in facts.iter().filter(is_disputed) {
        let Some(seen) = by_fact.get(&*entry.name) else {
            continue;
        };
        // What no reading has is not one of several.
        let seen = seen.iter().filter(|(_, readings)| !readings.is_empty());
        let seen: Seen<'_> = seen.cloned().collect();
        if seen.is_empty() || !agreed(entry, &seen).is_empty() {
            continue;
        }
        // Each reading followed, with the first case that shows it.
        let followed = seen.iter();
        let followed = followed.map(|(source, readings)| (readings.join(" or "), source.case));
        let followed = grouped(followed).into_iter();
        let followed = followed.map(|(reading, cases)| (reading, cases[0].to_owned()));
        inconsistent.push(Inconsistency {
            fact: entry.name.clone(),
            register: contract.ambiguity_number(&entry.name).map(str::to_owned),
            followed: followed.collect(),
            known: None,
        });
    }
    narrow(&facts, &mut evidence);
    let by_fact = self::by_fact(&evidence);
    let followed = facts.iter().filter_map(|entry| {
        let seen = by_fact.get(&*entry.name)?;
        Some(followed(entry, contract, seen))
    });
    (followed.collect(), inconsistent)
}

/// What some answers say, all of them the same.
struct DistinctEvidence<'a> {
    /// The case that said it first.
    case: &'a str,
    evidence: Evidence,
    /// How many answers there were.
    times: usize,
}

/// The answers that say something of a fact, each with the readings that it agrees with.
type Seen<'a> = Vec<(&'a DistinctEvidence<'a>, Vec<&'a str>)>;

fn by_fact<'a>(evidence: &'a [DistinctEvidence<'a>]) -> BTreeMap<&'a str, Seen<'a>> {
    let mut by_fact: BTreeMap<&str, Seen<'_>> = BTreeMap::new();
    for source in evidence {
        for (fact, readings) in source.evidence.readings() {
            by_fact.entry(fact).or_default().push((source, readings));
        }
    }
    by_fact
}

fn followed(entry: &FactEntry<'_>, contract: &Contract, seen: &Seen<'_>) -> Followed {
    let readings = agreed(entry, seen);
    let others = seen.iter().flat_map(|(source, _)| &source.evidence.other);
    let others = others.filter(|(fact, _)| *fact == entry.name);
    let mut other: BTreeSet<&str> = others.map(|(_, seen)| seen.as_str()).collect();
    if !other.is_empty() {
        // What follows a reading was seen as well.
        other.extend(seen.iter().filter_map(|(_, readings)| readings.first()));
    }
    let first = readings.first().map(String::as_str);
    Followed {
        fact: entry.name.clone(),
        register: contract.ambiguity_number(&entry.name).map(str::to_owned),
        is_default: first == Some(entry.readings[0].name),
        other: other.into_iter().map(str::to_owned).collect(),
        readings,
        seen: seen.iter().map(|(source, _)| source.times).sum(),
    }
}

/// Returns the readings that every answer agrees with, the default first.
fn agreed(entry: &FactEntry<'_>, seen: &Seen<'_>) -> Vec<String> {
    let names = entry.readings.iter().map(|reading| reading.name);
    let agreed = names.filter(|name| seen.iter().all(|(_, readings)| readings.contains(name)));
    agreed.map(str::to_owned).collect()
}

/// Rules out interpretations by what the other answers say, until nothing more is ruled out. Facts that answers disagree on rule out
/// nothing, and an answer keeps all its interpretations if none of them is possible: then something else is wrong.
fn narrow(facts: &[FactEntry<'_>], evidence: &mut [DistinctEvidence<'_>]) {
    loop {
        let by_fact = by_fact(evidence);
        let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for entry in facts {
            let readings = by_fact.get(&*entry.name).map(|seen| agreed(entry, seen));
            let readings = readings.filter(|readings| !readings.is_empty());
            known.extend(readings.map(|readings| (entry.name.clone(), readings)));
        }
        let mut is_narrower = false;
        for source in evidence.iter_mut() {
            let interpretations = &source.evidence.interpretations;
            let mut possible = interpretations.clone();
            let is_possible = |choice: &ReadingChoice| {
                let known = known.get(&choice.fact);
                known.is_none_or(|readings| readings.contains(&choice.reading))
            };
            possible.retain(|choices| choices.iter().all(is_possible));
            if !possible.is_empty() && possible.len() < interpretations.len() {
                source.evidence.interpretations = possible;
                is_narrower = true;
            }
        }
        if !is_narrower {
            return;
        }
    }
}

/// The points of the facts that are texts of a target.
const UTTERED: [&str; 4] = [".body", ".envelope", ".internal", ".answer_type"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{contract, contract::Kind, suite::allowed::ReadingChoice};

    /// What a case told: its ways, each with readings of facts.
    fn evidence(case: &str, ways: &[&[(&str, &str)]]) -> (String, Evidence) {
        let choice = |(fact, reading): &(&str, &str)| ReadingChoice {
            fact: (*fact).to_owned(),
            reading: (*reading).to_owned(),
            rank: 0,
        };
        (
            case.to_owned(),
            Evidence {
                interpretations: ways
                    .iter()
                    .map(|way| way.iter().map(choice).collect())
                    .collect(),
                other: Vec::new(),
            },
        )
    }

    fn readings(evidence: &[(String, Evidence)], fact: &str) -> Vec<String> {
        let (followed, _) = of(contract::of(Kind::Console), evidence);
        followed
            .into_iter()
            .find(|followed| followed.fact == fact)
            .map(|followed| followed.readings)
            .unwrap_or_default()
    }

    #[test]
    fn what_one_answer_tells_sharpens_another() {
        let ambiguous = evidence(
            "form",
            &[
                &[(ACCEPTS, "as_printed")],
                &[(ACCEPTS, "json"), (FORM, "taken")],
            ],
        );
        assert_eq!(
            readings(std::slice::from_ref(&ambiguous), ACCEPTS),
            ["as_printed", "json"]
        );
        assert_eq!(
            readings(
                &[
                    ambiguous.clone(),
                    evidence("other", &[&[(FORM, "refused")]])
                ],
                ACCEPTS
            ),
            ["as_printed"]
        );
        assert_eq!(
            readings(
                &[ambiguous, evidence("other", &[&[(FORM, "taken")]])],
                ACCEPTS
            ),
            ["as_printed", "json"]
        );
    }

    #[test]
    fn a_fact_that_answers_disagree_on_sharpens_nothing() {
        let ambiguous = evidence(
            "form",
            &[
                &[(ACCEPTS, "as_printed")],
                &[(ACCEPTS, "json"), (FORM, "taken")],
            ],
        );
        let torn = [
            ambiguous,
            evidence("one", &[&[(FORM, "refused")]]),
            evidence("two", &[&[(FORM, "taken")]]),
        ];
        assert_eq!(readings(&torn, ACCEPTS), ["as_printed", "json"]);
        assert_eq!(readings(&torn, FORM), Vec::<String>::new());
    }

    #[test]
    fn a_reading_beside_what_is_none_is_seen_as_well() {
        let mut other = evidence("other", &[&[]]).1;
        other.other.push((STATUS.to_owned(), "418".to_owned()));
        let other = ("other".to_owned(), other);
        let conventional = evidence("one", &[&[(STATUS, "conventional")]]);
        let (followed, _) = of(contract::of(Kind::Console), &[other, conventional]);
        assert_eq!(followed[0].other, ["418", "conventional"]);
        assert_eq!(followed[0].readings, Vec::<String>::new());
    }

    #[test]
    fn what_is_reported_several_times_is_counted_each_time() {
        let (taken, refused) = (
            evidence("one", &[&[(FORM, "taken")]]),
            evidence("two", &[&[(FORM, "refused")]]),
        );
        let (followed, _) = of(
            contract::of(Kind::Console),
            &[taken.clone(), refused, taken.clone(), taken],
        );
        assert_eq!(
            followed
                .iter()
                .map(|followed| (followed.fact.as_str(), followed.seen))
                .collect::<Vec<_>>(),
            [(FORM, 4)]
        );
    }

    #[test]
    fn a_contradiction_is_inconsistent_and_an_assumption_is_not() {
        let mixed = |fact: &str, one: &str, two: &str| {
            of(
                contract::of(Kind::Console),
                &[
                    evidence("a", &[&[(fact, one)]]),
                    evidence("b", &[&[(fact, two)]]),
                ],
            )
            .1
        };
        let [found] = mixed(X11, "example", "table").try_into().unwrap();
        assert_eq!(
            (found.fact.as_str(), found.register.as_deref()),
            (X11, Some("X11"))
        );
        assert_eq!(
            found.followed,
            [
                ("example".to_owned(), "a".to_owned()),
                ("table".to_owned(), "b".to_owned())
            ]
        );
        assert!(mixed("validation.answer_type", "json", "with_charset").is_empty());
        assert!(mixed("set_password.password_replaced.body", "table", "full_stop").is_empty());
        assert!(
            mixed(ACCEPTS, "as_printed", "json").is_empty(),
            "what is accepted in addition is exempt"
        );
        assert!(mixed("set_password_by_admin.admin_username", "table", "curl").is_empty());
    }

    const ACCEPTS: &str = "validation.accepts";
    const FORM: &str = "any.on_form_content_type";
    const STATUS: &str = "validation.authenticated.status";
    const X11: &str = "validation.authenticated.body";
}
