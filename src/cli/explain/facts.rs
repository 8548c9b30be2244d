//! Facts as text of a hundred columns: by how certain they are, then by number, facts with the same readings together.

use std::collections::{BTreeMap, BTreeSet};

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

/// A reading as text.
#[derive(PartialEq, Eq)]
struct ReadingText {
    name: String,
    value: String,
    /// Why it is assumed, if it is not documented.
    because: Option<String>,
    /// The lines that document it.
    places: Vec<String>,
}

/// Returns the text of the wanted facts, ending in a newline; nothing if there are none.
pub(super) fn text(
    contracts: &[&Contract],
    is_wanted: impl Fn(&Contract, &FactEntry<'_>) -> bool,
) -> Option<String> {
    let mut points: BTreeMap<Point, Vec<FactText>> = BTreeMap::new();
    for contract in contracts {
        for entry in contract.facts() {
            if is_wanted(contract, &entry) {
                let number = contract.ambiguity_number(&entry.name).map(str::to_owned);
                let point = (certainty(&entry), number.is_none(), number);
                add(points.entry(point).or_default(), contract.kind, entry);
            }
        }
    }
    let mut lines = vec![LEGEND.to_owned()];
    for (certainty, title) in TITLES.iter().enumerate() {
        let of_section = || points.iter().filter(|(point, _)| point.0 == certainty);
        let names: BTreeSet<&str> = of_section()
            .flat_map(|(_, facts)| facts.iter().map(|fact| fact.name.as_str()))
            .collect();
        if names.is_empty() {
            continue;
        }
        let plural = if names.len() == 1 { "" } else { "s" };
        lines.push(String::new());
        lines.push(format!("=== {title} ({} fact{plural})", names.len()));
        for ((_, _, number), facts) in of_section() {
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
    }
    (!points.is_empty()).then(|| lines.join("\n") + "\n")
}

fn certainty(entry: &FactEntry<'_>) -> usize {
    match (entry.is_disputed(), entry.is_assumed()) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    }
}

/// What a number is about, once for each contract that words it differently.
fn about(contracts: &[&Contract], number: &str) -> String {
    let mut texts: Vec<&str> = Vec::new();
    for contract in contracts {
        let text = contract
            .ambiguities
            .get(number)
            .map(|point| point.point.as_str());
        texts.extend(text.filter(|text| !texts.contains(text)));
    }
    texts.join("; ")
}

/// Adds a fact of a kind, to the same fact of the other kind if only the places of its readings differ.
fn add(facts: &mut Vec<FactText>, kind: Kind, entry: FactEntry<'_>) {
    let readings: Vec<ReadingText> = entry
        .readings
        .iter()
        .map(|reading| ReadingText::new(reading.name, &reading.value, reading.ground, kind))
        .collect();
    let is_same = |fact: &&mut FactText| {
        fact.name == entry.name
            && fact.readings.len() == readings.len()
            && fact
                .readings
                .iter()
                .zip(&readings)
                .all(|(one, other)| one.means(other))
    };
    let Some(fact) = facts.iter_mut().find(is_same) else {
        return facts.push(FactText {
            name: entry.name,
            kinds: vec![kind],
            readings,
        });
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
    let widths = fact
        .readings
        .iter()
        .map(|reading| reading.name.chars().count());
    let column = 8 + widths.max().unwrap_or(0);
    for (index, reading) in fact.readings.iter().enumerate() {
        let mark = if index == 0 { "*" } else { " " };
        let head = format!("    {mark} {}", reading.name);
        let ground = match &reading.because {
            Some(because) => format!("(assumed, because {because})"),
            None => format!("(documented at {})", reading.places.join(", ")),
        };
        let whole = format!("{}  {ground}", reading.value);
        if column + whole.chars().count() <= WIDTH {
            lines.push(format!("{head:column$}{whole}"));
        } else {
            wrap(&head, column, &reading.value, lines);
            wrap("", column, &ground, lines);
        }
    }
}

impl ReadingText {
    fn new(name: &str, value: &str, ground: &Ground, kind: Kind) -> ReadingText {
        let (places, because) = match ground {
            Ground::Assumed { because } => (Vec::new(), Some(because.clone())),
            Ground::Documented { at, .. } => {
                (at.iter().map(|place| place.cite(kind)).collect(), None)
            }
        };
        ReadingText {
            name: name.to_owned(),
            value: value.to_owned(),
            because,
            places,
        }
    }

    /// Whether another reading is the same, wherever it is documented.
    fn means(&self, other: &ReadingText) -> bool {
        (&self.name, &self.value, &self.because) == (&other.name, &other.value, &other.because)
    }
}

/// Adds a text that starts at a column, after a head, and continues there; a word wider than the line stands alone.
pub(super) fn wrap(head: &str, column: usize, text: &str, lines: &mut Vec<String>) {
    let mut line = format!("{head:column$}");
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, " ".repeat(column)));
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
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
