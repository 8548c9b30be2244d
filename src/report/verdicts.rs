//! The verdicts: two questions, never derived from each other, and how often each was answered how.

use serde::{Deserialize, Serialize};

use crate::report::CaseResult;

/// Against the documents.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Conformance {
    /// No reading allows it.
    Deviation,
    /// The default reading.
    Documented,
    /// A precondition is missing, a safety rule refused, or the target did not answer.
    NotJudged,
    /// The documents are silent: recorded, not judged.
    Undocumented,
    /// Asked several times, and not answered alike.
    Unstable,
    /// Another reading.
    Variant,
}

/// Against the snapshot.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Regression {
    /// Not as the snapshot has it.
    Changed,
    /// There is no snapshot.
    New,
    /// As the snapshot has it.
    Same,
}

/// How often each verdict was reached.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq, Eq, schemars::JsonSchema)]
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
    pub not_judged: usize,
    /// Asked several times, and not answered alike.
    #[serde(default)]
    pub unstable: usize,
    /// As the snapshot has it.
    pub same: usize,
    /// Not as the snapshot has it.
    pub changed: usize,
    /// There is no snapshot yet.
    pub new: usize,
}

impl Conformance {
    /// Returns the name used in every report.
    pub fn name(self) -> &'static str {
        match self {
            Conformance::Deviation => "deviation",
            Conformance::Documented => "documented",
            Conformance::NotJudged => "not-judged",
            Conformance::Undocumented => "undocumented",
            Conformance::Unstable => "unstable",
            Conformance::Variant => "variant",
        }
    }
}

impl Regression {
    /// Returns the name used in every report.
    pub fn name(self) -> &'static str {
        match self {
            Regression::Changed => "changed",
            Regression::New => "new",
            Regression::Same => "same",
        }
    }
}

impl Counts {
    /// Counts the verdicts of some cases.
    pub fn of(cases: &[CaseResult]) -> Counts {
        let conformance = |wanted: Conformance| {
            cases
                .iter()
                .filter(|case| case.conformance == wanted)
                .count()
        };
        let regression = |wanted: Regression| {
            cases
                .iter()
                .filter(|case| case.regression == Some(wanted))
                .count()
        };
        Counts {
            documented: conformance(Conformance::Documented),
            variant: conformance(Conformance::Variant),
            deviation: conformance(Conformance::Deviation),
            undocumented: conformance(Conformance::Undocumented),
            not_judged: conformance(Conformance::NotJudged),
            unstable: conformance(Conformance::Unstable),
            same: regression(Regression::Same),
            changed: regression(Regression::Changed),
            new: regression(Regression::New),
        }
    }
}
