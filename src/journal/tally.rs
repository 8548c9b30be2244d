//! Counts that outlive the entries: the basis of waiting.

use std::sync::Arc;

use crate::{
    contract::{Operation, Outcome},
    journal::{Entry, EntryData, EntryId, Finding, Progress},
};

/// One line for each combination of operation, outcome and failure mode. One appliance has few.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    lines: Vec<Line>,
    /// The number of the last entry before the last clear.
    cleared: u64,
    findings: [u64; Finding::ALL.len()],
}

#[derive(Clone, Debug)]
struct Line {
    operation: Option<Operation>,
    outcome: Outcome,
    failure: Option<Arc<str>>,
    /// By progress.
    counts: [u64; STATES],
}

const STATES: usize = Progress::ALL.len();

/// Selects entries: all conditions that are given must match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// The operation.
    pub operation: Option<Operation>,
    /// The outcome.
    pub outcome: Option<Outcome>,
    /// What became of the response.
    pub state: Option<Progress>,
    /// The name of the failure mode that altered the response.
    pub failure: Option<String>,
}

impl Tally {
    /// Counts a request, and returns the index of its line.
    pub(super) fn add(&mut self, data: &EntryData) -> usize {
        for finding in data.findings.iter() {
            self.findings[finding as usize] += 1;
        }
        let same = |line: &Line| {
            (line.operation, line.outcome, &line.failure)
                == (data.operation, data.outcome, &data.failure)
        };
        let place = self.lines.iter().position(same).unwrap_or_else(|| {
            self.lines.push(Line {
                operation: data.operation,
                outcome: data.outcome,
                failure: data.failure.clone(),
                counts: [0; STATES],
            });
            self.lines.len() - 1
        });
        self.lines[place].counts[Progress::Open as usize] += 1;
        place
    }

    /// Counts how a response ended, unless its request came before the last clear.
    pub(super) fn complete(&mut self, id: &EntryId, progress: Progress) {
        if id.number > self.cleared
            && let Some(line) = self.lines.get_mut(id.place)
        {
            let open = &mut line.counts[Progress::Open as usize];
            *open = open.saturating_sub(1);
            line.counts[progress as usize] += 1;
        }
    }

    /// Restarts the counts after the entry of this number.
    pub(super) fn clear(&mut self, last_number: u64) {
        *self = Tally {
            cleared: last_number,
            ..Tally::default()
        };
    }

    pub(super) fn count(&self, filter: &EntryFilter) -> u64 {
        let in_state = |line: &Line| match filter.state {
            None => line.counts.iter().sum(),
            Some(state) => line.counts[state as usize],
        };
        self.lines
            .iter()
            .filter(|line| {
                filter.matches_kind(line.operation, line.outcome, line.failure.as_deref())
            })
            .map(in_state)
            .sum()
    }

    pub(super) fn findings(&self) -> Vec<(Finding, u64)> {
        Finding::ALL
            .iter()
            .copied()
            .zip(self.findings)
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

impl EntryFilter {
    /// Returns whether an entry matches.
    pub fn matches(&self, entry: &Entry) -> bool {
        let data = &entry.data;
        self.matches_kind(data.operation, data.outcome, data.failure.as_deref())
            && self.state.is_none_or(|state| state == entry.progress)
    }

    fn matches_kind(
        &self,
        operation: Option<Operation>,
        outcome: Outcome,
        failure: Option<&str>,
    ) -> bool {
        (self.operation.is_none() || self.operation == operation)
            && self.outcome.is_none_or(|wanted| wanted == outcome)
            && (self.failure.is_none() || self.failure.as_deref() == failure)
    }
}
