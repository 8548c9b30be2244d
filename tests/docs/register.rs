//! The table of contradictions and unspecified points.

use std::collections::BTreeMap;

use d4iot_double::contract::{Contract, Ground, ReadingEntry};

/// The row of a number, from the contracts of both kinds.
#[derive(Default)]
struct Row {
    points: Vec<String>,
    served: Readings,
    others: Readings,
}

/// Readings by name, with their values and places.
#[derive(Default)]
struct Readings(Vec<(String, Vec<String>, Vec<String>)>);

/// Returns the table in Markdown.
pub(crate) fn table(contracts: &[&Contract]) -> String {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    for contract in contracts {
        let facts = contract.facts();
        for (number, point) in &contract.ambiguities {
            let row = rows.entry(number).or_default();
            put(&mut row.points, &point.point);
            let meant = contract.facts_meant(number);
            for fact in facts.iter().filter(|fact| meant.contains(&fact.name)) {
                for (index, reading) in fact.readings.iter().enumerate() {
                    if index == 0 {
                        &mut row.served
                    } else {
                        &mut row.others
                    }
                    .add(reading, contract);
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
        "| | contradictory or unspecified | default | other readings |\n| --- | --- | --- | --- |\n{}",
        rows.collect::<String>()
    )
}

impl Readings {
    fn add(&mut self, reading: &ReadingEntry<'_>, contract: &Contract) {
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
        if let Ground::Documented { at, .. } = reading.ground {
            at.iter()
                .for_each(|place| put(places, &short(&place.cite(contract.kind))));
        }
    }

    fn cell(&self) -> String {
        if self.0.is_empty() {
            return "—".to_owned();
        }
        let cells = self.0.iter().map(|(name, values, places)| {
            let value = if let [value] = values.as_slice() {
                Some(value).filter(|value| value.len() <= MAX_VALUE)
            } else {
                None
            };
            let value = value.map_or_else(String::new, |value| {
                format!(": {}", value.replace('|', "\\|"))
            });
            let more = if places.len() > MAX_PLACES {
                ", …"
            } else {
                ""
            };
            let places = if places.is_empty() {
                String::new()
            } else {
                format!(
                    " ({}{more})",
                    places[..places.len().min(MAX_PLACES)].join(", ")
                )
            };
            format!("`{name}`{value}{places}")
        });
        cells.collect::<Vec<_>>().join(" · ")
    }
}

/// Shortens `sensor:85` to `S85`.
fn short(place: &str) -> String {
    place.replace("sensor:", "S").replace("console:", "C")
}

fn put(list: &mut Vec<String>, text: &str) {
    if !list.iter().any(|other| other == text) {
        list.push(text.to_owned());
    }
}

/// Longer values are left to `explain`.
const MAX_VALUE: usize = 60;
/// Places that a cell lists.
const MAX_PLACES: usize = 4;
