//! The verdicts: two questions, never derived from each other, and how often each was answered how.

use serde::{Deserialize, Serialize};

use crate::{contract::closed_set, report::CaseResult};

closed_set! {
    /// Against the documents, in the order of reports.
    #[non_exhaustive]
    #[derive(Default)]
    Conformance, "verdict" {
        /// The default reading.
        Documented = "documented",
        /// Another reading.
        Variant = "variant",
        /// No reading allows it.
        Deviation = "deviation",
        /// The documents are silent: recorded, not judged.
        Undocumented = "undocumented",
        /// A precondition is missing, a safety rule refused, or the target did not answer.
        #[default]
        NotJudged = "not-judged",
        /// Asked several times, and not answered alike.
        Unstable = "unstable",
    }
}

closed_set! {
    /// Against the snapshot, in the order of reports.
    Regression, "verdict" {
        /// As the snapshot has it.
        Same = "same",
        /// Not as the snapshot has it.
        Changed = "changed",
        /// No snapshot exists.
        New = "new",
    }
}

impl Conformance {
    /// Returns whether an answer was compared with the documentation.
    pub fn is_judged(self) -> bool {
        !matches!(self, Conformance::NotJudged | Conformance::Undocumented)
    }

    /// Says what it means, for a legend.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Conformance::Documented => "as documented",
            Conformance::Variant => "another reading where the documentation contradicts itself",
            Conformance::Deviation => "no reading of the documentation allows it",
            Conformance::Undocumented => "the documentation is silent: recorded, not judged",
            Conformance::NotJudged => "not sent, or not answered",
            Conformance::Unstable => "not answered alike each time",
        }
    }
}

/// How often each verdict was reached.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// The default reading, as the documents have it.
    pub documented: usize,
    /// Another reading, named.
    pub variant: usize,
    /// No reading allows it.
    pub deviation: usize,
    /// The documents are silent.
    pub undocumented: usize,
    /// Not judged, with a reason.
    #[serde(rename = "not-judged", alias = "not_judged")]
    pub not_judged: usize,
    /// Asked several times, and not answered alike.
    #[serde(default)]
    pub unstable: usize,
    /// As the snapshot has it.
    pub same: usize,
    /// Not as the snapshot has it.
    pub changed: usize,
    /// No snapshot exists yet.
    pub new: usize,
}

impl Counts {
    /// Counts the verdicts of some cases.
    pub fn of(cases: &[CaseResult]) -> Counts {
        let mut counts = Counts::default();
        for case in cases {
            *match case.conformance {
                Conformance::Deviation => &mut counts.deviation,
                Conformance::Documented => &mut counts.documented,
                Conformance::NotJudged => &mut counts.not_judged,
                Conformance::Undocumented => &mut counts.undocumented,
                Conformance::Unstable => &mut counts.unstable,
                Conformance::Variant => &mut counts.variant,
            } += 1;
            match case.regression {
                Some(Regression::Changed) => counts.changed += 1,
                Some(Regression::New) => counts.new += 1,
                Some(Regression::Same) => counts.same += 1,
                None => {}
            }
        }
        counts
    }

    /// Returns how many cases were judged, and how many there are.
    pub(super) fn judged(&self) -> (usize, usize) {
        let judged = self.documented + self.variant + self.deviation + self.unstable;
        (judged, judged + self.undocumented + self.not_judged)
    }
}
