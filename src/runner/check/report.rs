//! The results of a run of the suite, to assert on and to print.

use std::fmt;

use crate::{
    report::{CaseResult, Conformance, Counts, Format, ReportStyle, Summary, TargetSummary},
    runner::live::LiveResult,
};

/// The results of a run. `Display` is the text report; it shows no password.
#[derive(Clone)]
pub struct CheckReport(Summary);

impl CheckReport {
    pub(super) fn new(result: LiveResult) -> CheckReport {
        let mut trouble = result.problems();
        if let Some(failure) = result.run.unreachable {
            let reason = failure.message;
            trouble.push(format!("the target could not be reached: {reason}"));
        }
        let mut summary = Summary::new(trouble, vec![result.run.summary]);
        summary.actions = result.actions;
        CheckReport(summary)
    }

    /// Returns whether the server passed: a case was judged, none deviates, no fact was answered inconsistently, and the run had no trouble.
    pub fn passed(&self) -> bool {
        let is_judged = |case: &CaseResult| case.conformance.is_judged();
        self.cases().iter().any(is_judged)
            && self.0.trouble.is_empty()
            && self.deviations().is_empty()
            && self.target().inconsistent.is_empty()
    }

    /// Panics with the whole report if the run did not pass.
    ///
    /// # Panics
    /// See [`CheckReport::passed`].
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.passed(), "the server is not as documented\n\n{self}");
    }

    /// Returns how many cases have each verdict.
    pub fn counts(&self) -> Counts {
        Counts::of(self.cases())
    }

    /// Returns every case, in the order of the run; those left out are last, with their reason.
    pub fn cases(&self) -> &[CaseResult] {
        &self.target().cases
    }

    /// Returns the cases whose answer no reading of the documentation allows.
    pub fn deviations(&self) -> Vec<&CaseResult> {
        let is_deviation = |case: &&CaseResult| case.conformance == Conformance::Deviation;
        self.cases().iter().filter(is_deviation).collect()
    }

    /// Returns the reading of a fact that the server follows, if its answers show one: `validation.path`.
    pub fn reading(&self, fact: &str) -> Option<&str> {
        let mut profile = self.target().profile.iter();
        let followed = profile.find(|followed| followed.fact == fact)?;
        match followed.readings.as_slice() {
            [reading] => Some(reading),
            _ => None,
        }
    }

    /// Returns the run as a report of any format.
    pub fn report(&self, format: Format) -> Vec<u8> {
        format.write(&self.0, ReportStyle::default())
    }

    /// Returns all results.
    pub fn summary(&self) -> &Summary {
        &self.0
    }

    fn target(&self) -> &TargetSummary {
        &self.0.targets[0]
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&String::from_utf8_lossy(&self.report(Format::Text)))
    }
}

/// The same as `Display`, for failed assertions.
impl fmt::Debug for CheckReport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}
