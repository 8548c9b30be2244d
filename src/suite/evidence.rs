//! What one answer says of the readings that its target follows.

use std::collections::{BTreeMap, BTreeSet};

use crate::suite::allowed::ReadingChoice;

/// What one answer says: every valid interpretation of it, of which one is true.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Evidence {
    /// The interpretations, each the choices that hold together in it.
    pub interpretations: Vec<Vec<ReadingChoice>>,
    /// What was seen of facts that no reading has: each fact's full name, and what was seen.
    pub other: Vec<(String, String)>,
}

impl Evidence {
    /// Makes the evidence of what can be read in one way.
    pub fn plain(choice: ReadingChoice) -> Evidence {
        Evidence {
            interpretations: vec![vec![choice]],
            other: Vec::new(),
        }
    }

    /// Returns each fact of which the answer says something, with the readings it agrees with, the default first. A fact must occur in
    /// every interpretation. What was seen and no reading has agrees with none.
    pub fn readings(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut readings = BTreeMap::new();
        for ReadingChoice { fact, .. } in self.interpretations.first().into_iter().flatten() {
            let chosen = self.interpretations.iter().map(|choices| {
                let choice = choices.iter().find(|choice| choice.fact == *fact)?;
                Some((choice.rank, choice.reading.as_str()))
            });
            if let Some(chosen) = chosen.collect::<Option<BTreeSet<_>>>() {
                let names = chosen.into_iter().map(|(_, reading)| reading);
                readings.insert(fact.as_str(), names.collect());
            }
        }
        for (fact, _) in &self.other {
            readings.insert(fact, Vec::new());
        }
        readings
    }
}
