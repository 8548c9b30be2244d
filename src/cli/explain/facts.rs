//! Facts as text of a hundred columns: by how certain they are, then by number, facts with the same readings together.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use crate::contract::{Contract, FactEntry, Ground, Kind};

/// Facts of one X number that are equally certain, or those without a number, which come last.
type Point = (usize, bool, Option<String>);

/// A fact, as the kinds have it whose readings are the same.
struct FactText {
    name: String,
    kinds: Vec<Kind>,
    /// The default reading comes first.
    readings: Vec<ReadingText>,
}

#[derive(PartialEq, Eq)]
struct ReadingText {
    name: String,
    value: String,
    /// Why it is assumed, if it is not documented.
    because: Option<String>,
    /// The lines that document it.
    places: Vec<String>,
}

impl ReadingText {
    /// Whether another reading is the same, wherever it is documented.
    fn means(&self, other: &ReadingText) -> bool {
        (&self.name, &self.value, &self.because) == (&other.name, &other.value, &other.because)
    }
}

/// Returns the text of the wanted facts, ending in a newline; nothing if there are none.
pub(super) fn text(
    contracts: &[&Contract],
    is_wanted: impl Fn(&Contract, &FactEntry<'_>) -> bool,
) -> Option<String> {
    let mut points: BTreeMap<Point, Vec<FactText>> = BTreeMap::new();
    for contract in contracts {
        let facts = contract.facts().into_iter();
        for entry in facts.filter(|entry| is_wanted(contract, entry)) {
            let certainty = match (entry.is_disputed(), entry.is_assumed()) {
                (true, _) => 0,
                (false, true) => 1,
                (false, false) => 2,
            };
            let number = contract.ambiguity_number(&entry.name).map(str::to_owned);
            let point = (certainty, number.is_none(), number);
            add(points.entry(point).or_default(), contract.kind, entry);
        }
    }
    if points.is_empty() {
        return None;
    }
    let mut lines = vec![LEGEND.to_owned()];
    let mut last_certainty = None;
    for ((certainty, _, number), facts) in &points {
        if last_certainty.replace(*certainty) != Some(*certainty) {
            let of_it = points.iter().filter(|(point, _)| point.0 == *certainty);
            let facts = of_it.flat_map(|(_, facts)| facts);
            let names: BTreeSet<&String> = facts.map(|fact| &fact.name).collect();
            let plural = if names.len() == 1 { "" } else { "s" };
            let title = TITLES[*certainty];
            lines.push(format!("\n=== {title} ({} fact{plural})", names.len()));
        }
        lines.push(String::new());
        let about = match number {
            Some(number) => about(contracts, number),
            None => UNNUMBERED.to_owned(),
        };
        wrap(number.as_deref().unwrap_or("—"), 5, &about, &mut lines);
        for (names, fact) in joined(facts) {
            lay_out(&names, fact, &mut lines);
        }
    }
    Some(lines.join("\n") + "\n")
}

/// What a number is about, once for each contract that words it differently.
fn about(contracts: &[&Contract], number: &str) -> String {
    let ambiguities = contracts.iter().map(|contract| &contract.ambiguities);
    let points = ambiguities.filter_map(|ambiguities| ambiguities.get(number));
    let mut texts: Vec<&str> = points.map(|point| point.point.as_str()).collect();
    texts.dedup();
    texts.join("; ")
}

/// Adds a fact of a kind, to the same fact of the other kind if only the places of its readings differ.
fn add(facts: &mut Vec<FactText>, kind: Kind, entry: FactEntry<'_>) {
    let readings = entry.readings.iter().map(|reading| {
        let (because, places) = match reading.ground {
            Ground::Assumed { because } => (Some(because.clone()), Vec::new()),
            Ground::Documented { at, .. } => (None, at.iter().map(|at| at.cite(kind)).collect()),
        };
        ReadingText {
            name: reading.name.to_owned(),
            value: reading.value.to_owned(),
            because,
            places,
        }
    });
    let readings: Vec<ReadingText> = readings.collect();
    let is_same = |fact: &&mut FactText| {
        let mut pairs = fact.readings.iter().zip(&readings);
        fact.name == entry.name
            && fact.readings.len() == readings.len()
            && pairs.all(|(one, other)| one.means(other))
    };
    let Some(fact) = facts.iter_mut().find(is_same) else {
        let (name, kinds) = (entry.name, vec![kind]);
        facts.push(FactText {
            name,
            kinds,
            readings,
        });
        return;
    };
    fact.kinds.push(kind);
    for (reading, other) in fact.readings.iter_mut().zip(readings) {
        for place in other.places {
            if !reading.places.contains(&place) {
                reading.places.push(place);
            }
        }
    }
}

/// Joins the names of facts whose kinds and readings are the same, places included.
fn joined(facts: &[FactText]) -> Vec<(Vec<&str>, &FactText)> {
    let mut joined: Vec<(Vec<&str>, &FactText)> = Vec::new();
    for fact in facts {
        let is_same = |(_, other): &&mut (Vec<&str>, &FactText)| {
            other.kinds == fact.kinds && other.readings == fact.readings
        };
        match joined.iter_mut().find(is_same) {
            Some((names, _)) => names.push(&fact.name),
            None => joined.push((vec![&fact.name], fact)),
        }
    }
    joined.sort_by(|(left, _), (right, _)| left.cmp(right));
    joined
}

fn lay_out(names: &[&str], fact: &FactText, lines: &mut Vec<String>) {
    let kinds: Vec<&str> = fact.kinds.iter().map(|kind| kind.name()).collect();
    let head = format!("{} [{}]", names.join(", "), kinds.join(", "));
    wrap("", 2, &head, lines);
    let names = fact.readings.iter().map(|reading| &reading.name);
    let column = 8 + names.map(|name| name.chars().count()).max().unwrap_or(0);
    for (index, reading) in fact.readings.iter().enumerate() {
        let mark = if index == 0 { "*" } else { " " };
        let (head, value) = (format!("    {mark} {}", reading.name), &reading.value);
        let ground = match &reading.because {
            Some(because) => format!("(assumed, because {because})"),
            None => format!("(documented at {})", reading.places.join(", ")),
        };
        let whole = format!("{value}  {ground}");
        if column + whole.chars().count() <= WIDTH {
            lines.push(format!("{head:column$}{whole}"));
        } else {
            wrap(&head, column, value, lines);
            wrap("", column, &ground, lines);
        }
    }
}

/// Adds a text that starts at a column, after a head, and continues there; a word wider than the line stands alone.
pub(super) fn wrap(head: &str, column: usize, text: &str, lines: &mut Vec<String>) {
    let mut line = format!("{head:column$}");
    let mut blank = "";
    for word in text.split(' ') {
        if !blank.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(mem::replace(&mut line, " ".repeat(column)));
            blank = "";
        }
        line.push_str(blank);
        line.push_str(word);
        blank = " ";
    }
    lines.push(line);
}

/// The columns of a line.
pub(super) const WIDTH: usize = 100;

const TITLES: [&str; 3] = [
    "Disputed: the documentation contradicts itself",
    "Assumed: the documentation is silent, the default is this project's choice",
    "Documented: the documentation is clear",
];
const LEGEND: &str = "* marks the default reading, which applies unless a fixture or --reading FACT=NAME names another.";
const UNNUMBERED: &str = "no X number: what the documentation does not foresee";
