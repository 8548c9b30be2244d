//! Counts that outlive the entries: what a wait waits for, what the metrics tell.

use std::{sync::Arc, time::Duration};

use crate::{
    contract::{Operation, Outcome},
    journal::{Arrival, Entry, Finding, Progress, Ticket},
};

/// What is counted apart. Few of them ever occur at one appliance, so a list is quicker than a map, and smaller.
#[derive(Clone, Debug, Default)]
#[repr(C)]
pub(super) struct Tally {
    counts: Vec<Count>,
    /// The number of the last entry that is counted no longer.
    cleared: u64,
    pub(super) latency: Latency,
    findings: [u64; Finding::ALL.len()],
    pub(super) dropped_ever: u64,
}

/// One line of a processor's cache.
#[derive(Clone, Debug)]
#[repr(align(64))]
struct Count {
    operation: Option<Operation>,
    outcome: Outcome,
    failure: Option<Arc<str>>,
    /// By progress, since the last clear.
    now: [u64; Progress::ALL.len()],
    /// Before the last clear, whatever became of them.
    before: u64,
}

/// A number of requests that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The operation, if they hit one.
    pub operation: Option<Operation>,
    /// What they came to.
    pub outcome: Outcome,
    /// The failure mode that bent the answer.
    pub failure: Option<Arc<str>>,
    /// How many.
    pub count: u64,
}

/// Which entries are wanted: all conditions that are given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of this operation.
    pub operation: Option<Operation>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// Whose answer is as far as this.
    pub state: Option<Progress>,
    /// Bent by the failure mode of this name.
    pub failure: Option<String>,
}

/// How long answers took: a histogram over fixed bounds.
#[derive(Clone, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Latency {
    /// How long they took together.
    pub sum: Duration,
    /// How many took no longer than each bound, and longer than the one before; the last took longer than all.
    pub counts: [u64; BOUNDS.len() + 1],
}

impl Tally {
    /// Counts an arrival, and returns where.
    pub(super) fn arrive<R>(&mut self, arrival: &Arrival<R>) -> usize {
        for finding in arrival.findings.iter() {
            self.findings[finding as usize] += 1;
        }
        let same = |count: &Count| {
            (count.operation, count.outcome, &count.failure)
                == (arrival.operation, arrival.outcome, &arrival.failure)
        };
        let place = self.counts.iter().position(same).unwrap_or_else(|| {
            let failure = arrival.failure.clone();
            self.counts.push(Count {
                operation: arrival.operation,
                outcome: arrival.outcome,
                failure,
                now: [0; 4],
                before: 0,
            });
            self.counts.len() - 1
        });
        self.counts[place].now[Progress::Open as usize] += 1;
        place
    }

    /// Counts what became of an answer, and how long it took. After a clear, one from before it counts for its time alone.
    pub(super) fn complete(&mut self, ticket: &Ticket, progress: Progress, took: Duration) {
        self.latency.count(took);
        if let Some(count) = self
            .counts
            .get_mut(ticket.place)
            .filter(|_| ticket.number > self.cleared)
        {
            let open = &mut count.now[Progress::Open as usize];
            *open = open.saturating_sub(1);
            count.now[progress as usize] += 1;
        }
    }

    pub(super) fn clear(&mut self, cleared: u64) {
        for count in &mut self.counts {
            count.before += count.now.iter().sum::<u64>();
            count.now = [0; 4];
        }
        self.findings = [0; Finding::ALL.len()];
        self.cleared = cleared;
    }

    pub(super) fn count(&self, wanted: &Wanted) -> u64 {
        let alike = self.counts.iter().filter(|count| {
            wanted.admits_kind(count.operation, count.outcome, count.failure.as_deref())
        });
        let states = |now: &[u64; 4]| {
            wanted
                .state
                .map_or_else(|| now.iter().sum(), |state| now[state as usize])
        };
        alike.map(|count| states(&count.now)).sum()
    }

    pub(super) fn findings(&self) -> Vec<(Finding, u64)> {
        Finding::ALL
            .into_iter()
            .zip(self.findings)
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    pub(super) fn totals(&self) -> Vec<Counted> {
        let counted = |count: &Count| Counted {
            operation: count.operation,
            outcome: count.outcome,
            failure: count.failure.clone(),
            count: count.before + count.now.iter().sum::<u64>(),
        };
        self.counts.iter().map(counted).collect()
    }
}

impl Wanted {
    /// Tells whether an entry is as wanted.
    pub fn admits<R>(&self, entry: &Entry<R>) -> bool {
        let Entry {
            arrival, progress, ..
        } = entry;
        self.admits_kind(
            arrival.operation,
            arrival.outcome,
            arrival.failure.as_deref(),
        ) && self.state.is_none_or(|state| state == *progress)
    }

    fn admits_kind(
        &self,
        operation: Option<Operation>,
        outcome: Outcome,
        failure: Option<&str>,
    ) -> bool {
        self.operation
            .is_none_or(|wanted| Some(wanted) == operation)
            && self.outcome.is_none_or(|wanted| wanted == outcome)
            && self
                .failure
                .as_deref()
                .is_none_or(|wanted| Some(wanted) == failure)
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
