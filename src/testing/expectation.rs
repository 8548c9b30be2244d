//! What a test expects a client to do, checked when the double is dropped.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use super::{description, error, error::Place, filter::RequestFilter};
use crate::{
    contract::{Operation, Outcome},
    journal::lock,
    server::MockAppliance,
};

/// An expectation: it holds from when it is made, so each refinement is a call and no more. Without a number, at least one request
/// is expected.
#[derive(Debug)]
pub struct Expectation(Arc<Mutex<ExpectationState>>);

/// What is expected.
#[derive(Clone, Debug)]
pub(super) struct ExpectationState {
    aim: RequestFilter,
    least: Option<u64>,
    most: Option<u64>,
    no_findings: bool,
    place: Place,
}

/// What was expected and did not happen: one paragraph for each, with what did happen, nearest first. No password is in it.
#[derive(Clone, PartialEq, Eq)]
pub struct UnmetExpectations(String);

/// The expectations of one double.
#[derive(Debug, Default)]
pub(super) struct Expectations(Mutex<Vec<Arc<Mutex<ExpectationState>>>>);

impl Expectation {
    /// Expects exactly so many.
    pub fn times(self, count: u64) -> Expectation {
        self.set(|state| (state.least, state.most) = (Some(count), Some(count)))
    }

    /// Expects so many or more.
    pub fn at_least(self, count: u64) -> Expectation {
        self.set(|state| state.least = Some(count))
    }

    /// Expects so many or fewer, perhaps none.
    pub fn at_most(self, count: u64) -> Expectation {
        self.set(|state| state.most = Some(count))
    }

    /// Expects none.
    pub fn never(self) -> Expectation {
        self.times(0)
    }

    /// Counts only requests with this outcome.
    pub fn outcome(self, outcome: Outcome) -> Expectation {
        self.set(|state| state.aim.wanted.outcome = Some(outcome))
    }

    /// Counts only requests that the failure mode of this name bent.
    pub fn with_failure(self, name: impl Into<String>) -> Expectation {
        self.set(|state| state.aim.wanted.failure = Some(name.into()))
    }

    /// Counts only requests about this user; entries that the journal dropped are not counted.
    pub fn with_user(self, username: impl Into<String>) -> Expectation {
        self.set(|state| state.aim.user = Some(username.into()))
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
    pub(super) fn make(&self, operation: Option<Operation>, place: Place) -> Expectation {
        let mut aim = RequestFilter::default();
        aim.wanted.operation = operation;
        let state = Arc::new(Mutex::new(ExpectationState {
            aim,
            least: None,
            most: None,
            no_findings: false,
            place,
        }));
        lock(&self.0).push(Arc::clone(&state));
        Expectation(state)
    }

    /// Holds all against what happened; none is held a second time.
    pub(super) fn verify(&self, host: &MockAppliance, name: &str) -> Result<(), UnmetExpectations> {
        let expectations = std::mem::take(&mut *lock(&self.0));
        let unmet: Vec<String> = expectations
            .iter()
            .filter_map(|state| lock(state).unmet(host))
            .collect();
        if unmet.is_empty() {
            Ok(())
        } else {
            Err(UnmetExpectations(format!(
                "{name} was not asked as expected\n\n{}{}\n",
                unmet.join("\n\n"),
                description::found(host)
            )))
        }
    }
}

impl ExpectationState {
    /// Says what is missing or too much; none where all is as expected.
    fn unmet(&self, host: &MockAppliance) -> Option<String> {
        let count = self.aim.count(host);
        let most = self.most.unwrap_or(u64::MAX);
        let what = if self.least() <= count && count <= most {
            let found = self.found(host)?;
            format!("expected {} without findings: {found}", self.aim)
        } else {
            format!("expected {} {}: {}", self.aim, self.number(), came(count))
        };
        Some(format!(
            "{what}\n --> {}{}",
            error::told(self.place),
            description::told(host, &self.aim)
        ))
    }

    fn least(&self) -> u64 {
        self.least
            .unwrap_or(u64::from(self.most.is_none() && !self.no_findings))
    }

    fn number(&self) -> String {
        match (self.least(), self.most) {
            (_, Some(0)) => "never".to_owned(),
            (least, Some(most)) if least == most => format!("exactly {}", times(least)),
            (0, Some(most)) => format!("at most {}", times(most)),
            (least, Some(most)) => format!("{least} to {}", times(most)),
            (least, None) => format!("at least {}", times(least)),
        }
    }

    /// What was found in the requests that are counted, where that matters and something was.
    fn found(&self, host: &MockAppliance) -> Option<String> {
        let entries = if self.no_findings {
            self.aim.entries(host)
        } else {
            Vec::new()
        };
        let mut found: Vec<&str> = entries
            .iter()
            .flat_map(|view| view.findings.iter().map(|finding| finding.name))
            .collect();
        found.sort_unstable();
        found.dedup();
        (!found.is_empty()).then(|| found.join(", "))
    }
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    }
}

fn came(count: u64) -> String {
    if count == 0 {
        "it never came".to_owned()
    } else {
        format!("it came {}", times(count))
    }
}

impl fmt::Display for UnmetExpectations {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The same: it is what `unwrap` and a test that returns it print.
impl fmt::Debug for UnmetExpectations {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for UnmetExpectations {}
