//! Which reading of each fact a target follows, and where it follows several at once.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use crate::{
    contract::{Contract, FactEntry},
    report::{Followed, Inconsistency},
    suite::evidence::Evidence,
};

/// Gathers the evidence of all answers of a run, each with the case that gave it.
///
/// Inconsistent is what the answers themselves cannot agree on. Which reading is followed is told more sharply: a way to read one
/// answer that another answer rules out is no way to read it.
pub fn of(contract: &Contract, told: &[(String, Evidence)]) -> (Vec<Followed>, Vec<Inconsistency>) {
    let facts = contract.facts();
    let told = distinct(told);
    let uttered = facts
        .iter()
        .filter(|entry| entry.is_disputed() && is_uttered(&entry.name));
    let as_told = by_fact(&told);
    let inconsistent = uttered
        .filter_map(|entry| inconsistency(entry, contract, as_told.get(entry.name.as_str())?))
        .collect();
    let narrowed = narrowed(&facts, &told);
    let by_fact = by_fact(&narrowed);
    let seen = facts
        .iter()
        .filter_map(|entry| Some((entry, by_fact.get(entry.name.as_str())?)));
    (
        seen.map(|(entry, told)| followed(entry, contract, told))
            .collect(),
        inconsistent,
    )
}

/// What some answers tell, all of them the same.
#[derive(Clone)]
struct DistinctEvidence<'a> {
    /// The case that told it first.
    case: &'a str,
    evidence: Cow<'a, Evidence>,
    /// How many answers there were.
    times: usize,
}

/// Nearly every answer of a run tells what another one told before: that is weighed once. The order is that of the first to tell.
fn distinct(told: &[(String, Evidence)]) -> Vec<DistinctEvidence<'_>> {
    let mut places: HashMap<&Evidence, usize> = HashMap::new();
    let mut distinct: Vec<DistinctEvidence<'_>> = Vec::new();
    for (case, evidence) in told {
        let place = *places.entry(evidence).or_insert(distinct.len());
        match distinct.get_mut(place) {
            Some(alike) => alike.times += 1,
            None => distinct.push(DistinctEvidence {
                case,
                evidence: Cow::Borrowed(evidence),
                times: 1,
            }),
        }
    }
    distinct
}

fn inconsistency(
    entry: &FactEntry<'_>,
    contract: &Contract,
    told: &[&DistinctEvidence<'_>],
) -> Option<Inconsistency> {
    let evidence: Vec<(&str, Vec<&str>)> = told
        .iter()
        .filter_map(|told| Some((told.case, told.evidence.readings(&entry.name)?)))
        .collect();
    let mixed = !evidence.is_empty()
        && agreed(entry, evidence.iter().map(|(_, readings)| readings)).is_empty();
    let register = contract.ambiguity_number(&entry.name).map(str::to_owned);
    mixed.then(|| Inconsistency {
        fact: entry.name.clone(),
        register,
        followed: each_with_a_case(&evidence),
        known: None,
    })
}

fn followed(
    entry: &FactEntry<'_>,
    contract: &Contract,
    told: &[&DistinctEvidence<'_>],
) -> Followed {
    let seen: Vec<(usize, Vec<&str>)> = told
        .iter()
        .filter_map(|told| Some((told.times, told.evidence.readings(&entry.name)?)))
        .collect();
    let readings = agreed(entry, seen.iter().map(|(_, readings)| readings));
    let others = told
        .iter()
        .filter_map(|told| told.evidence.other.as_ref())
        .filter(|(fact, _)| *fact == entry.name);
    let mut other: Vec<String> = others.map(|(_, seen)| seen.clone()).collect();
    other.sort();
    other.dedup();
    let is_default = readings.first().is_some_and(|first| {
        entry
            .readings
            .first()
            .is_some_and(|default| default.name == first)
    });
    let register = contract.ambiguity_number(&entry.name).map(str::to_owned);
    Followed {
        fact: entry.name.clone(),
        register,
        readings,
        is_default,
        other,
        seen: seen.iter().map(|(times, _)| times).sum(),
    }
}

/// The readings that every answer agrees with, the default first.
fn agreed<'a>(
    entry: &FactEntry<'_>,
    told: impl Iterator<Item = &'a Vec<&'a str>> + Clone,
) -> Vec<String> {
    let everywhere = |name: &&str| told.clone().all(|readings| readings.contains(name));
    entry
        .readings
        .iter()
        .map(|reading| reading.name)
        .filter(everywhere)
        .map(str::to_owned)
        .collect()
}

/// Rules out ways to read an answer by what the other answers tell, until nothing more is ruled out. Facts that answers disagree on rule out nothing.
fn narrowed<'a>(
    facts: &[FactEntry<'_>],
    told: &[DistinctEvidence<'a>],
) -> Vec<DistinctEvidence<'a>> {
    let mut narrowed = told.to_vec();
    loop {
        let known: BTreeMap<String, Vec<String>> = {
            let by_fact = by_fact(&narrowed);
            let seen = facts
                .iter()
                .filter_map(|entry| Some((entry, by_fact.get(entry.name.as_str())?)));
            let agreed = seen.map(|(entry, told)| {
                let told: Vec<Vec<&str>> = told
                    .iter()
                    .filter_map(|told| told.evidence.readings(&entry.name))
                    .collect();
                (entry.name.clone(), agreed(entry, told.iter()))
            });
            agreed
                .filter(|(_, readings)| !readings.is_empty())
                .collect()
        };
        let allows = |fact: &str, reading: &String| {
            known
                .get(fact)
                .is_none_or(|readings| readings.contains(reading))
        };
        let ambiguous = narrowed
            .iter_mut()
            .filter(|told| told.evidence.interpretations.len() > 1);
        let less = ambiguous
            .map(|told| {
                told.evidence
                    .to_mut()
                    .narrow(|choice| allows(&choice.fact, &choice.reading))
            })
            .filter(|less| *less)
            .count();
        if less == 0 {
            return narrowed;
        }
    }
}

/// Who tells something of a fact, by the fact.
fn by_fact<'a>(
    told: &'a [DistinctEvidence<'a>],
) -> BTreeMap<&'a str, Vec<&'a DistinctEvidence<'a>>> {
    let mut by_fact: BTreeMap<&str, Vec<&DistinctEvidence<'_>>> = BTreeMap::new();
    for told in told {
        for fact in told.evidence.facts() {
            by_fact.entry(fact).or_default().push(told);
        }
    }
    by_fact
}

/// Whether a fact is something the target utters: what it accepts in addition, its paths, statuses and order of checks are exempt.
fn is_uttered(fact: &str) -> bool {
    [".body", ".envelope", ".internal", ".answer_type"]
        .iter()
        .any(|point| fact.ends_with(point))
}

/// Each reading followed, with the first case that shows it and no other.
fn each_with_a_case(evidence: &[(&str, Vec<&str>)]) -> Vec<(String, String)> {
    let mut followed: Vec<(String, String)> = Vec::new();
    for (case, told) in evidence {
        let reading = told.join(" or ");
        if !followed.iter().any(|(known, _)| *known == reading) {
            followed.push((reading, (*case).to_owned()));
        }
    }
    followed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{contract, contract::Kind, suite::allowed::ReadingChoice};

    /// What a case told: its ways, each with readings of facts.
    fn told(case: &str, ways: &[&[(&str, &str)]]) -> (String, Evidence) {
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
                other: None,
            },
        )
    }

    fn readings(told: &[(String, Evidence)], fact: &str) -> Vec<String> {
        let (followed, _) = of(contract::of(Kind::Console), told);
        followed
            .into_iter()
            .find(|followed| followed.fact == fact)
            .map(|followed| followed.readings)
            .unwrap_or_default()
    }

    #[test]
    fn what_one_answer_tells_sharpens_another() {
        let ambiguous = told(
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
                &[ambiguous.clone(), told("other", &[&[(FORM, "refused")]])],
                ACCEPTS
            ),
            ["as_printed"]
        );
        assert_eq!(
            readings(&[ambiguous, told("other", &[&[(FORM, "taken")]])], ACCEPTS),
            ["as_printed", "json"]
        );
    }

    #[test]
    fn a_fact_that_answers_disagree_on_sharpens_nothing() {
        let ambiguous = told(
            "form",
            &[
                &[(ACCEPTS, "as_printed")],
                &[(ACCEPTS, "json"), (FORM, "taken")],
            ],
        );
        let torn = [
            ambiguous,
            told("one", &[&[(FORM, "refused")]]),
            told("two", &[&[(FORM, "taken")]]),
        ];
        assert_eq!(readings(&torn, ACCEPTS), ["as_printed", "json"]);
        assert_eq!(readings(&torn, FORM), Vec::<String>::new());
    }

    #[test]
    fn what_is_told_several_times_is_counted_each_time() {
        let (taken, refused) = (
            told("one", &[&[(FORM, "taken")]]),
            told("two", &[&[(FORM, "refused")]]),
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
                &[told("a", &[&[(fact, one)]]), told("b", &[&[(fact, two)]])],
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
    const X11: &str = "validation.authenticated.body";
}
