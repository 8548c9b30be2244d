//! The register of contradictions and silences as a table.

use std::collections::BTreeMap;

use d4iot_double::contract::{Contract, EntryReading, Ground};

/// A number's row, gathered from both laws.
#[derive(Default)]
struct Row {
    points: Vec<String>,
    served: Readings,
    others: Readings,
}

/// Readings of one name, with what each says and where.
#[derive(Default)]
struct Readings(Vec<(String, Vec<String>, Vec<String>)>);

/// Returns the table in Markdown.
pub(crate) fn table(laws: &[&Contract]) -> String {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    for law in laws {
        let facts = law.facts();
        for (number, point) in &law.register {
            let row = rows.entry(number).or_default();
            put(&mut row.points, &point.point);
            let meant = law.facts_meant(number);
            for fact in facts.iter().filter(|fact| meant.contains(&fact.name)) {
                for (index, reading) in fact.readings.iter().enumerate() {
                    if index == 0 {
                        &mut row.served
                    } else {
                        &mut row.others
                    }
                    .add(reading, law);
                }
            }
        }
    }
    let rows = rows.iter().map(|(number, row)| {
        format!(
            "| {number} | {} | {} | {} |\n",
            row.points.join("; "),
            row.served.cell(),
            row.others.cell()
        )
    });
    format!(
        "| | what is contradictory or unsaid | served | other readings |\n| --- | --- | --- | --- |\n{}",
        rows.collect::<String>()
    )
}

impl Readings {
    fn add(&mut self, reading: &EntryReading<'_>, law: &Contract) {
        let index = self
            .0
            .iter()
            .position(|(name, _, _)| name == reading.name)
            .unwrap_or_else(|| {
                self.0
                    .push((reading.name.to_owned(), Vec::new(), Vec::new()));
                self.0.len() - 1
            });
        let (_, values, places) = &mut self.0[index];
        put(values, &reading.value);
        if let Ground::Said { at, .. } = reading.ground {
            at.iter()
                .for_each(|place| put(places, &short(&place.cite(law.kind))));
        }
    }

    fn cell(&self) -> String {
        if self.0.is_empty() {
            return "—".to_owned();
        }
        let told = self.0.iter().map(|(name, values, places)| {
            let value = if let [value] = values.as_slice() {
                Some(value).filter(|value| value.len() <= LONGEST)
            } else {
                None
            };
            let value = value.map_or_else(String::new, |value| {
                format!(": {}", value.replace('|', "\\|"))
            });
            let more = if places.len() > MOST { ", …" } else { "" };
            let places = if places.is_empty() {
                String::new()
            } else {
                format!(" ({}{more})", places[..places.len().min(MOST)].join(", "))
            };
            format!("`{name}`{value}{places}")
        });
        told.collect::<Vec<_>>().join(" · ")
    }
}

/// `sensor:85` is `S85`, as the pages' quotes are named.
fn short(place: &str) -> String {
    place.replace("sensor:", "S").replace("console:", "C")
}

fn put(list: &mut Vec<String>, text: &str) {
    if !list.iter().any(|other| other == text) {
        list.push(text.to_owned());
    }
}

/// A longer value is left to `explain`.
const LONGEST: usize = 60;
/// How many places are named.
const MOST: usize = 4;
