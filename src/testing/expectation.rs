//! What a test expects a client to do, checked when the double is dropped.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use super::{
    description::{describe_findings, describe_requests},
    error::CallSite,
};
use crate::{
    contract::{Operation, Outcome},
    journal::{EntryFilter, lock},
    server::MockAppliance,
};

/// An expectation: it holds from when it is made, and each method refines it. Without a number, at least one request is expected.
#[derive(Debug)]
pub struct Expectation(Arc<Mutex<ExpectationState>>);

#[derive(Debug)]
struct ExpectationState {
    filter: EntryFilter,
    least: Option<u64>,
    most: Option<u64>,
    no_findings: bool,
    place: CallSite,
}

/// What was expected and did not happen: one paragraph for each, with what did happen, nearest first. No password is in it.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnmetExpectations(String);

/// The expectations of one double.
#[derive(Debug, Default)]
pub(super) struct Expectations(Mutex<Vec<Arc<Mutex<ExpectationState>>>>);

impl Expectation {
    /// Expects exactly this many.
    pub fn times(self, count: u64) -> Expectation {
        self.set(|state| (state.least, state.most) = (Some(count), Some(count)))
    }

    /// Expects this many or more.
    pub fn at_least(self, count: u64) -> Expectation {
        self.set(|state| state.least = Some(count))
    }

    /// Expects this many or fewer, perhaps none.
    pub fn at_most(self, count: u64) -> Expectation {
        self.set(|state| state.most = Some(count))
    }

    /// Expects none.
    pub fn never(self) -> Expectation {
        self.times(0)
    }

    /// Counts only requests that the appliance gave this outcome, whatever a failure mode sent instead.
    pub fn judged(self, outcome: Outcome) -> Expectation {
        self.set(|state| state.filter.judged = Some(outcome))
    }

    /// Counts only requests whose client was told this outcome.
    pub fn outcome(self, outcome: Outcome) -> Expectation {
        self.set(|state| state.filter.outcome = Some(outcome))
    }

    /// Counts only requests that the failure mode of this name changed.
    pub fn with_failure(self, name: impl Into<String>) -> Expectation {
        self.set(|state| state.filter.failure = Some(name.into()))
    }

    /// Counts only requests about this user; entries that the journal dropped are not counted.
    pub fn with_user(self, username: impl Into<String>) -> Expectation {
        self.set(|state| state.filter.user = Some(username.into()))
    }

    /// Counts only requests for this path, its query left out; entries that the journal dropped are not counted.
    pub fn with_path(self, path: impl Into<String>) -> Expectation {
        self.set(|state| state.filter.path = Some(path.into()))
    }

    /// Expects that nothing is wrong with the client in any request that is counted.
    pub fn no_findings(self) -> Expectation {
        self.set(|state| state.no_findings = true)
    }

    fn set(self, set: impl FnOnce(&mut ExpectationState)) -> Expectation {
        set(&mut lock(&self.0));
        self
    }
}

impl Expectations {
    /// Expects something of an operation, or of any request.
    pub(super) fn add(&self, operation: Option<Operation>, place: CallSite) -> Expectation {
        let filter = EntryFilter {
            operation,
            ..EntryFilter::default()
        };
        let state = Arc::new(Mutex::new(ExpectationState {
            filter,
            least: None,
            most: None,
            no_findings: false,
            place,
        }));
        lock(&self.0).push(Arc::clone(&state));
        Expectation(state)
    }

    /// Compares all with what happened; none is compared a second time.
    pub(super) fn verify(&self, appliance: &MockAppliance) -> Result<(), UnmetExpectations> {
        let expectations = std::mem::take(&mut *lock(&self.0)).into_iter();
        let unmet = expectations.filter_map(|state| lock(&state).unmet(appliance));
        let unmet: Vec<String> = unmet.collect();
        if unmet.is_empty() {
            return Ok(());
        }
        let (kind, name) = (appliance.kind(), appliance.name());
        let (unmet, findings) = (unmet.join("\n\n"), describe_findings(appliance));
        Err(UnmetExpectations(format!(
            "the {kind} `{name}` was not asked as expected\n\n{unmet}{findings}\n"
        )))
    }
}

impl ExpectationState {
    /// Returns what is missing or too much; none where all is as expected.
    fn unmet(&self, appliance: &MockAppliance) -> Option<String> {
        let ExpectationState { filter, place, .. } = self;
        let by_default = u64::from(self.most.is_none() && !self.no_findings);
        let least = self.least.unwrap_or(by_default);
        let count = appliance.count(filter);
        let what = if least <= count && self.most.is_none_or(|most| count <= most) {
            let found = self.findings(appliance);
            if found.is_empty() {
                return None;
            }
            format!("expected {filter} without findings: {}", found.join(", "))
        } else {
            let number = match (least, self.most) {
                (_, Some(0)) => "never".to_owned(),
                (least, Some(most)) if least == most => format!("exactly {}", times(least)),
                (0, Some(most)) => format!("at most {}", times(most)),
                (least, Some(most)) => format!("{least} to {}", times(most)),
                (least, None) => format!("at least {}", times(least)),
            };
            let came = if count == 0 {
                "never came".to_owned()
            } else {
                format!("came {}", times(count))
            };
            format!("expected {filter} {number}: it {came}")
        };
        let requests = describe_requests(appliance, filter);
        Some(format!("{what}\n --> {place}{requests}"))
    }

    /// Returns what is wrong in the requests that are counted, if that matters.
    fn findings(&self, appliance: &MockAppliance) -> Vec<&'static str> {
        if !self.no_findings {
            return Vec::new();
        }
        let entries = appliance.journal(&self.filter, usize::MAX).entries;
        let findings = entries.into_iter().flat_map(|view| view.findings);
        let mut names: Vec<_> = findings.map(|finding| finding.name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    }
}

/// The same: `unwrap` and a test that returns it print this.
impl fmt::Debug for UnmetExpectations {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}
