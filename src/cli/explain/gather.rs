//! Gathers facts of several laws: by how sure they are, by register number, alike ones together.

use std::collections::BTreeMap;

use crate::contract::{Contract, FactEntry, Ground, Kind};

/// Facts that are equally sure.
pub(super) struct Section {
    /// What they have in common.
    pub title: &'static str,
    /// How many facts there are, one of both kinds counted once.
    pub count: usize,
    /// The facts, by register number.
    pub points: Vec<Point>,
}

/// Facts of one register number.
pub(super) struct Point {
    /// The number; none where the register does not speak of the facts.
    pub number: Option<String>,
    /// What it is about, per law where they say it differently.
    pub about: Vec<String>,
    /// Its facts, those with the same readings together.
    pub groups: Vec<Group>,
}

/// Facts with the same readings.
pub(super) struct Group {
    /// Their names.
    pub facts: Vec<String>,
    /// The kinds whose law says so.
    pub kinds: Vec<Kind>,
    /// The readings, the ruling first.
    pub readings: Vec<Told>,
}

/// A reading, in words.
pub(super) struct Told {
    /// Its name.
    pub name: String,
    /// What holds under it.
    pub value: String,
    /// Where it is said; empty where it is assumed.
    pub at: Vec<String>,
    /// Why it is assumed.
    pub because: Option<String>,
}

/// Returns the facts that are wanted, the disputed ones first. Sections without facts are left out.
pub(super) fn sections(
    laws: &[&Contract],
    wanted: impl Fn(&Contract, &FactEntry<'_>) -> bool,
) -> Vec<Section> {
    TITLES
        .iter()
        .enumerate()
        .filter_map(|(sureness, title)| {
            section(laws, title, |law, entry| {
                rank(entry) == sureness && wanted(law, entry)
            })
        })
        .collect()
}

fn rank(entry: &FactEntry<'_>) -> usize {
    match (entry.is_disputed(), entry.is_assumed()) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    }
}

fn section(
    laws: &[&Contract],
    title: &'static str,
    wanted: impl Fn(&Contract, &FactEntry<'_>) -> bool,
) -> Option<Section> {
    // A number sorts before none.
    let mut points: BTreeMap<(bool, Option<String>), Point> = BTreeMap::new();
    for law in laws {
        for entry in law.facts().into_iter().filter(|entry| wanted(law, entry)) {
            let number = law.ambiguity_number(&entry.name).map(ToOwned::to_owned);
            points
                .entry((number.is_none(), number.clone()))
                .or_insert_with(|| Point {
                    number,
                    about: Vec::new(),
                    groups: Vec::new(),
                })
                .take(law, entry);
        }
    }
    let mut points: Vec<Point> = points.into_values().collect();
    points.iter_mut().for_each(Point::join);
    let mut names: Vec<&String> = points
        .iter()
        .flat_map(|point| &point.groups)
        .flat_map(|group| &group.facts)
        .collect();
    names.sort_unstable();
    names.dedup();
    let count = names.len();
    (count > 0).then_some(Section {
        title,
        count,
        points,
    })
}

impl Point {
    /// Adds a fact of a law, to the one of the same name and readings where another law has it.
    fn take(&mut self, law: &Contract, entry: FactEntry<'_>) {
        let about = self
            .number
            .as_ref()
            .and_then(|number| law.ambiguities.get(number))
            .map(|point| &point.point);
        self.about
            .extend(about.filter(|about| !self.about.contains(about)).cloned());
        let readings: Vec<Told> = entry
            .readings
            .iter()
            .map(|reading| Told::new(reading.name, &reading.value, reading.ground, law.kind))
            .collect();
        let same = |group: &&mut Group| {
            group.facts[0] == entry.name && all(&group.readings, &readings, Told::says)
        };
        match self.groups.iter_mut().find(same) {
            None => self.groups.push(Group {
                facts: vec![entry.name],
                kinds: vec![law.kind],
                readings,
            }),
            Some(group) => {
                group.kinds.push(law.kind);
                for (told, other) in group.readings.iter_mut().zip(readings) {
                    let new = other
                        .at
                        .into_iter()
                        .filter(|place| !told.at.contains(place))
                        .collect::<Vec<_>>();
                    told.at.extend(new);
                }
            }
        }
    }

    /// Joins groups whose readings, places and kinds are the same.
    fn join(&mut self) {
        let mut joined: Vec<Group> = Vec::new();
        for group in std::mem::take(&mut self.groups) {
            let as_here = |left: &Told, right: &Told| left.says(right) && left.at == right.at;
            let same = |other: &&mut Group| {
                other.kinds == group.kinds && all(&other.readings, &group.readings, as_here)
            };
            match joined.iter_mut().find(same) {
                Some(other) => other.facts.extend(group.facts),
                None => joined.push(group),
            }
        }
        joined.sort_by(|left, right| left.facts.cmp(&right.facts));
        self.groups = joined;
    }
}

impl Told {
    fn new(name: &str, value: &str, ground: &Ground, own: Kind) -> Told {
        let (at, because) = match ground {
            Ground::Assumed { because } => (Vec::new(), Some(because.clone())),
            Ground::Documented { at, .. } => {
                (at.iter().map(|place| place.cite(own)).collect(), None)
            }
        };
        Told {
            name: name.to_owned(),
            value: value.to_owned(),
            at,
            because,
        }
    }

    /// Tells whether another law's reading is the same, wherever it is said.
    fn says(&self, other: &Told) -> bool {
        (&self.name, &self.value, &self.because) == (&other.name, &other.value, &other.because)
    }
}

/// Tells whether two lists are of one length and each pair is alike.
fn all(left: &[Told], right: &[Told], alike: impl Fn(&Told, &Told) -> bool) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|(left, right)| alike(left, right))
}

/// What the facts of a section have in common, the least sure first.
const TITLES: [&str; 3] = [
    "Disputed: the pages say two things or more",
    "Assumed: the documents are silent, the default is ours",
    "Said: the pages say one thing",
];
