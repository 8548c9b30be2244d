//! The results of a run of the suite, to assert on and to print.

use std::fmt;

use crate::{
    report::{CaseResult, Conformance, Counts, Format, Summary, TargetSummary},
    runner::live::LiveResult,
};

/// The results of a run. `Display` is the text report; it shows no password.
#[derive(Clone)]
pub struct CheckReport(Summary);

impl CheckReport {
    pub(super) fn new(result: LiveResult) -> CheckReport {
        let mut trouble = result.problems();
        let failure = result.run.unreachable;
        trouble.extend(
            failure.map(|failure| format!("the target could not be reached: {}", failure.message)),
        );
        CheckReport(Summary {
            version: 1,
            tool: concat!("d4iot-double ", env!("CARGO_PKG_VERSION")).to_owned(),
            trouble,
            targets: vec![result.run.summary],
        })
    }

    /// Tells whether the server passed: a case was judged, none deviates, no fact was answered inconsistently, and the run had no trouble.
    pub fn passed(&self) -> bool {
        let judged = self
            .cases()
            .iter()
            .any(|case| case.conformance != Conformance::NotJudged);
        judged
            && self.0.trouble.is_empty()
            && self.deviations().is_empty()
            && self
                .target()
                .is_none_or(|target| target.inconsistent.is_empty())
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
        self.target()
            .map(|target| target.cases.as_slice())
            .unwrap_or_default()
    }

    /// Returns the cases whose answer no reading of the documentation allows.
    pub fn deviations(&self) -> Vec<&CaseResult> {
        self.cases()
            .iter()
            .filter(|case| case.conformance == Conformance::Deviation)
            .collect()
    }

    /// Returns the reading of a fact that the server follows, if its answers show one: `validation.path`.
    pub fn reading(&self, fact: &str) -> Option<&str> {
        let followed = self
            .target()?
            .profile
            .iter()
            .find(|followed| followed.fact == fact)?;
        if let [reading] = followed.readings.as_slice() {
            Some(reading)
        } else {
            None
        }
    }

    /// Returns the run as a report of any format.
    pub fn report(&self, format: Format) -> Vec<u8> {
        format.write(&self.0, false)
    }

    /// Returns all results.
    pub fn summary(&self) -> &Summary {
        &self.0
    }

    fn target(&self) -> Option<&TargetSummary> {
        self.0.targets.first()
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
