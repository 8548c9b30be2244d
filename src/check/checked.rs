//! What a run of the suite found, to assert on and to print.

use std::fmt;

use crate::{
    report::{CaseResult, Conformance, Counts, Format, Summary, TargetSummary},
    runner::careful::Ended,
};

/// What a run found. `Display` is the text report; no password is in it.
#[derive(Clone)]
pub struct Checked(Summary);

impl Checked {
    pub(super) fn new(ended: Ended) -> Checked {
        let Ended { run, after } = ended;
        let lost = after.lost.iter().map(|lost| {
            format!(
                "the password of account `{}` could not be given back",
                lost.account.name()
            )
        });
        let suspicion = after.suspicion.iter().map(|suspicion| {
            format!("the run was stopped: lock-out is suspected, since {suspicion}")
        });
        let unreachable = run
            .unreachable
            .iter()
            .map(|trouble| format!("the target could not be reached: {}", trouble.told));
        let trouble = lost.chain(suspicion).chain(unreachable).collect();
        let tool = concat!("d4iot-double ", env!("CARGO_PKG_VERSION")).to_owned();
        Checked(Summary {
            version: 1,
            tool,
            trouble,
            targets: vec![run.summary],
        })
    }

    /// Tells whether something was judged, nothing deviates, no fact was answered inconsistently, and the run itself had no trouble.
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

    /// Panics with the whole report where the run did not pass.
    ///
    /// # Panics
    /// See [`Checked::passed`].
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.passed(), "the server is not as documented\n\n{self}");
    }

    /// Returns how often each verdict was reached.
    pub fn counts(&self) -> Counts {
        Counts::of(self.cases())
    }

    /// Returns every case, in the order it was run; those left out stand last, with their reason.
    pub fn cases(&self) -> &[CaseResult] {
        self.target()
            .map(|target| target.cases.as_slice())
            .unwrap_or_default()
    }

    /// Returns the cases whose answer no reading of the documents allows.
    pub fn deviations(&self) -> Vec<&CaseResult> {
        self.cases()
            .iter()
            .filter(|case| case.conformance == Conformance::Deviation)
            .collect()
    }

    /// Returns the reading of a fact that the server follows, where its answers tell one from the others: `validation.path`.
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

    /// Returns the run in a format of the reports.
    pub fn report(&self, format: Format) -> Vec<u8> {
        format.write(&self.0, false)
    }

    /// Returns all that was found.
    pub fn summary(&self) -> &Summary {
        &self.0
    }

    fn target(&self) -> Option<&TargetSummary> {
        self.0.targets.first()
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&String::from_utf8_lossy(&self.report(Format::Text)))
    }
}

/// The same: it is what a failed assertion prints.
impl fmt::Debug for Checked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}
