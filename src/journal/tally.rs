//! Counts that outlive the entries: the basis of waiting, and of the metrics.

use std::{sync::Arc, time::Duration};

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
    pub(super) latency: Latency,
    findings: [u64; Finding::ALL.len()],
    pub(super) dropped_ever: u64,
}

#[derive(Clone, Debug)]
struct Line {
    operation: Option<Operation>,
    outcome: Outcome,
    failure: Option<Arc<str>>,
    /// By progress, since the last clear.
    now: [u64; STATES],
    /// All before the last clear.
    before: u64,
}

const STATES: usize = Progress::ALL.len();

/// The number of requests of one operation, outcome and failure mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The operation, if any.
    pub operation: Option<Operation>,
    /// The outcome.
    pub outcome: Outcome,
    /// The failure mode that altered the response.
    pub failure: Option<Arc<str>>,
    /// How many.
    pub count: u64,
}

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

/// How long responses took: a histogram over fixed bounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latency {
    /// The sum of all times.
    pub sum: Duration,
    /// For each bound the number of times up to it and above the previous bound; then those above
    /// all bounds.
    pub counts: [u64; BOUNDS.len() + 1],
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
                now: [0; STATES],
                before: 0,
            });
            self.lines.len() - 1
        });
        self.lines[place].now[Progress::Open as usize] += 1;
        place
    }

    /// Counts how a response ended, and its time. If the request came before the last clear, only
    /// the time counts.
    pub(super) fn complete(&mut self, id: &EntryId, progress: Progress, took: Duration) {
        self.latency.count(took);
        if id.number > self.cleared
            && let Some(line) = self.lines.get_mut(id.place)
        {
            let open = &mut line.now[Progress::Open as usize];
            *open = open.saturating_sub(1);
            line.now[progress as usize] += 1;
        }
    }

    /// Restarts the counts after the entry of this number.
    pub(super) fn clear(&mut self, last_number: u64) {
        for line in &mut self.lines {
            line.before += line.now.iter().sum::<u64>();
            line.now = [0; STATES];
        }
        self.findings = [0; Finding::ALL.len()];
        self.cleared = last_number;
    }

    pub(super) fn count(&self, filter: &EntryFilter) -> u64 {
        let in_state = |line: &Line| match filter.state {
            None => line.now.iter().sum(),
            Some(state) => line.now[state as usize],
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

    pub(super) fn totals(&self) -> Vec<Count> {
        let count = |line: &Line| Count {
            operation: line.operation,
            outcome: line.outcome,
            failure: line.failure.clone(),
            count: line.before + line.now.iter().sum::<u64>(),
        };
        self.lines.iter().map(count).collect()
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

impl Latency {
    pub(super) fn count(&mut self, took: Duration) {
        self.counts[BOUNDS.partition_point(|bound| *bound < took)] += 1;
        self.sum = self.sum.saturating_add(took);
    }
}

/// The bounds of a [`Latency`], in rising order.
pub const BOUNDS: [Duration; 12] = [
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(50),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(10),
];
