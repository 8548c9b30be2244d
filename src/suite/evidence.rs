//! What one answer tells of the readings its giver follows.

use crate::suite::allowed::ReadingChoice;

/// What one answer tells: every lawful way to read it, of which one is true.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Evidence {
    /// The interpretations, each the choices that hold together in it.
    pub interpretations: Vec<Vec<ReadingChoice>>,
    /// What was seen of a fact that is no reading of it: the fact's full name, and what was seen.
    pub other: Option<(String, String)>,
}

impl Evidence {
    /// Makes the evidence of what can be read in one way.
    pub fn plain(choice: ReadingChoice) -> Evidence {
        Evidence {
            interpretations: vec![vec![choice]],
            other: None,
        }
    }

    /// Returns the readings of a fact that this answer agrees with; none where the fact plays no part in one of the interpretations, so that nothing is told.
    pub fn readings(&self, fact: &str) -> Option<Vec<&str>> {
        if let Some((other, _)) = &self.other
            && other == fact
        {
            return Some(Vec::new());
        }
        let mut told: Vec<&ReadingChoice> = self
            .interpretations
            .iter()
            .map(|way| way.iter().find(|choice| choice.fact == fact))
            .collect::<Option<_>>()
            .filter(|told: &Vec<_>| !told.is_empty())?;
        told.sort_by_key(|choice| choice.rank);
        told.dedup();
        Some(
            told.into_iter()
                .map(|choice| choice.reading.as_str())
                .collect(),
        )
    }

    /// Returns every fact of which this tells something, each once: what was seen and is no reading, and what every way speaks of.
    pub fn facts(&self) -> impl Iterator<Item = &str> {
        let other = self.other.as_ref().map(|(fact, _)| fact.as_str());
        let (first, further) = self
            .interpretations
            .split_first()
            .map_or((&[][..], &[][..]), |(first, further)| (&first[..], further));
        let everywhere = move |fact: &str| {
            further
                .iter()
                .all(|way| way.iter().any(|choice| choice.fact == fact))
        };
        let new = move |place: usize, fact: &str| {
            Some(fact) != other && first[..place].iter().all(|choice| choice.fact != fact)
        };
        let facts = first
            .iter()
            .enumerate()
            .map(|(place, choice)| (place, choice.fact.as_str()));
        other.into_iter().chain(
            facts
                .filter(move |(place, fact)| new(*place, fact) && everywhere(fact))
                .map(|(_, fact)| fact),
        )
    }

    /// Leaves out the interpretations that what is known rules out, and tells whether there were any. Where all are ruled out, all stay: then something else is wrong.
    pub fn narrow(&mut self, allows: impl Fn(&ReadingChoice) -> bool) -> bool {
        let possible = |way: &Vec<ReadingChoice>| way.iter().all(&allows);
        let before = self.interpretations.len();
        if self.interpretations.iter().any(possible) {
            self.interpretations.retain(possible);
        }
        self.interpretations.len() < before
    }
}
