//! Facts with their readings and the grounds of these, for people.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    contract::{Contract, FactEntry, Ground, Kind, grouped},
    report,
};

/// Facts that are alike, and where they hold alike.
#[derive(Serialize)]
struct FactText {
    names: Vec<String>,
    kinds: Vec<Kind>,
    readings: Vec<ReadingText>,
}

#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
struct ReadingText {
    name: String,
    value: String,
    /// Why it is assumed.
    because: Option<String>,
    /// Where it is documented.
    places: Vec<String>,
}

impl ReadingText {
    /// Returns whether both say the same, wherever they are documented.
    fn means(&self, other: &ReadingText) -> bool {
        (&self.name, &self.value, &self.because) == (&other.name, &other.value, &other.because)
    }
}

/// Explains the facts that are wanted: the most doubtful first, then by number. None, if there is none.
pub(super) fn text(
    contracts: &[&Contract],
    is_wanted: impl Fn(&Contract, &FactEntry<'_>) -> bool,
) -> Option<String> {
    // How certain a fact is, then its number; the facts without one come last.
    let mut sections = [const { BTreeMap::<_, Vec<FactText>>::new() }; 3];
    for contract in contracts {
        let facts = contract.facts().into_iter();
        for entry in facts.filter(|entry| is_wanted(contract, entry)) {
            let certainty = match (entry.is_disputed(), entry.is_assumed()) {
                (true, _) => 0,
                (false, true) => 1,
                (false, false) => 2,
            };
            let number = contract.ambiguity_number(&entry.name).map(str::to_owned);
            let point = sections[certainty].entry((number.is_none(), number));
            add(point.or_default(), contract.kind, entry);
        }
    }
    let sections = TITLES.into_iter().zip(sections);
    let sections = sections.filter(|(_, points)| !points.is_empty());
    let sections = sections.map(|(title, points)| {
        let facts = points.values().flatten();
        let names: BTreeSet<String> = facts.flat_map(|fact| fact.names.clone()).collect();
        let points = points.into_iter().map(|((_, number), facts)| {
            let about = number.as_deref().map(|number| about(contracts, number));
            let about = about.unwrap_or_else(|| UNNUMBERED.to_owned());
            json!({ "number": number, "about": about, "facts": joined(facts) })
        });
        json!({ "title": title, "count": names.len(), "points": points.collect::<Vec<_>>() })
    });
    let sections: Vec<Value> = sections.collect();
    let template = include_str!("../templates/facts.jinja");
    let text = || report::plain(template, json!({ "sections": sections }));
    (!sections.is_empty()).then(text)
}

/// Returns what the ambiguity of a number is about.
fn about(contracts: &[&Contract], number: &str) -> String {
    let ambiguities = contracts.iter().map(|contract| &contract.ambiguities);
    let points = ambiguities.filter_map(|ambiguities| ambiguities.get(number));
    let mut texts: Vec<&str> = points.map(|point| point.point.as_str()).collect();
    texts.dedup();
    texts.join("; ")
}

/// Adds a kind's fact: to the other kind's if both say the same.
fn add(facts: &mut Vec<FactText>, kind: Kind, entry: FactEntry<'_>) {
    let readings = entry.readings.iter().map(|reading| {
        let (because, places) = match reading.ground {
            Ground::Assumed { because } => (Some(because.clone()), Vec::new()),
            Ground::Documented { at, .. } => (None, at.iter().map(|at| at.cite(kind)).collect()),
        };
        ReadingText {
            name: reading.name.to_owned(),
            value: reading.value.clone(),
            because,
            places,
        }
    });
    let readings: Vec<ReadingText> = readings.collect();
    let names = vec![entry.name];
    let is_same = |fact: &&mut FactText| {
        let mut pairs = fact.readings.iter().zip(&readings);
        fact.names == names
            && fact.readings.len() == readings.len()
            && pairs.all(|(one, other)| one.means(other))
    };
    let Some(fact) = facts.iter_mut().find(is_same) else {
        return facts.push(FactText {
            names,
            kinds: vec![kind],
            readings,
        });
    };
    fact.kinds.push(kind);
    for (reading, mut other) in fact.readings.iter_mut().zip(readings) {
        other.places.retain(|place| !reading.places.contains(place));
        reading.places.append(&mut other.places);
    }
}

/// Joins the facts of a point that differ in their names only.
fn joined(facts: Vec<FactText>) -> Vec<FactText> {
    let facts = facts.into_iter();
    let facts = grouped(facts.map(|it| ((it.kinds, it.readings), it.names)));
    let joined = facts
        .into_iter()
        .map(|((kinds, readings), names)| FactText {
            names: names.concat(),
            kinds,
            readings,
        });
    let mut joined: Vec<FactText> = joined.collect();
    joined.sort_by(|left, right| left.names.cmp(&right.names));
    joined
}

const TITLES: [&str; 3] = [
    "Disputed: the documentation contradicts itself",
    "Assumed: the documentation is silent, the default is this project's choice",
    "Documented: the documentation is clear",
];
const UNNUMBERED: &str = "no X number: what the documentation does not foresee";
