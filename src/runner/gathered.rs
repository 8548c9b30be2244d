//! What a run gathers as it goes: results, held against the memory, and what every answer tells of the target's readings.

use crate::{
    client::ConnectFailure,
    conformance::{evidence::Evidence, profile, suite::Located},
    contract::Contract,
    report::{CaseResult, Conformance, Counts, Regression, TargetSummary},
    runner::{Lab, Memory, Ran, Run, lost, lost::Change, probe},
    snapshot::SnapshotError,
};

/// What a run gathers as it goes.
pub(super) struct Gathered<'a> {
    lab: &'a Lab,
    contract: &'a Contract,
    memory: &'a Memory,
    watch: &'a (dyn Fn(&CaseResult) + Sync),
    told: Vec<(String, Evidence)>,
    ran: Vec<Ran>,
    unreachable: Option<ConnectFailure>,
    /// Whether a snapshot waits to be reviewed.
    waits: bool,
    changes: Vec<Change>,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(
        lab: &'a Lab,
        contract: &'a Contract,
        memory: &'a Memory,
        watch: &'a (dyn Fn(&CaseResult) + Sync),
    ) -> Gathered<'a> {
        Gathered {
            lab,
            contract,
            memory,
            watch,
            told: Vec::new(),
            ran: Vec::new(),
            unreachable: None,
            waits: false,
            changes: Vec::new(),
        }
    }

    pub(super) fn probed(&mut self, evidence: Vec<Evidence>, unreachable: Option<ConnectFailure>) {
        self.told(probe::NAME, evidence);
        self.unreachable = unreachable;
    }

    pub(super) fn told(&mut self, by: &str, evidence: Vec<Evidence>) {
        self.told.extend(
            evidence
                .into_iter()
                .map(|evidence| (by.to_owned(), evidence)),
        );
    }

    /// Adds a case that has ended; tells whether the target could be reached.
    pub(super) fn add(&mut self, located: &Located, mut case: Ran) -> Result<bool, SnapshotError> {
        self.waits |= self.settle(located, &mut case)?;
        let hint = || {
            case.result
                .reasons
                .iter()
                .find_map(|finding| finding.hint.clone())
                .unwrap_or_default()
        };
        let trouble = case
            .unreached
            .then(|| {
                case.result
                    .exchanges
                    .iter()
                    .find_map(|exchange| exchange.trouble.clone())
            })
            .flatten();
        let trouble = trouble.map(|told| ConnectFailure { told, hint: hint() });
        let reached = trouble.is_none();
        self.unreachable = self.unreachable.take().or(trouble);
        (self.watch)(&case.result);
        self.changes.extend(case.changes.iter().cloned());
        let evidence = std::mem::take(&mut case.evidence);
        self.told(&located.case.id, evidence);
        self.ran.push(case);
        Ok(reached)
    }

    pub(super) fn end(mut self) -> Run {
        self.hold_against_silence();
        let (profile, mut inconsistent) = profile::of(self.contract, &self.told);
        for mixed in &mut inconsistent {
            mixed.known = self.known(&mixed.id());
        }
        let results: Vec<CaseResult> = self.ran.iter().map(|case| case.result.clone()).collect();
        let summary = TargetSummary {
            kind: self.lab.kind,
            target: self.lab.label.clone(),
            counts: Counts::of(&results),
            profile,
            inconsistent,
            gone: Vec::new(),
            review: self.memory.folder().filter(|_| self.waits),
            cases: results,
        };
        Run {
            cases: self.ran,
            summary,
            unreachable: self.unreachable,
        }
    }

    /// Holds a case against the memory and says whether it fails: what differs and is known does not. Tells whether something waits to be reviewed.
    fn settle(&self, located: &Located, case: &mut Ran) -> Result<bool, SnapshotError> {
        // Known or not decides what may be written, so it is asked first.
        case.result.known = self.known(&located.case.id);
        let waits = self.memory.hold(located, case)?;
        let differs = fails(&case.result, self.memory.takes_changes());
        case.result.failed = differs && case.result.known.is_none();
        case.result.known = case.result.known.take().filter(|_| differs);
        Ok(waits)
    }

    /// What never got an answer in the whole run is no accident of the way.
    fn hold_against_silence(&mut self) {
        let never = lost::never_answered(self.changes.iter());
        let agreed = &self.lab.agreed;
        for case in &mut self.ran {
            let Some(otherwise) = case
                .otherwise
                .take()
                .filter(|otherwise| otherwise.conformance == Conformance::Deviation)
            else {
                continue;
            };
            let silent = case
                .changes
                .iter()
                .any(|change| change.lost && never.contains(&change.question));
            if silent && case.result.conformance == Conformance::NotJudged {
                case.result.conformance = Conformance::Deviation;
                case.result.reasons = otherwise.reasons;
                case.result
                    .reasons
                    .iter_mut()
                    .for_each(|finding| finding.hint = Some(SILENT.to_owned()));
                case.result.known = agreed
                    .known
                    .reason(self.lab.kind, &case.result.id)
                    .map(str::to_owned);
                case.result.failed = case.result.known.is_none();
            }
        }
    }

    fn known(&self, id: &str) -> Option<String> {
        self.lab
            .agreed
            .known
            .reason(self.lab.kind, id)
            .map(str::to_owned)
    }
}

/// What is said where lost answers are no accident.
const SILENT: &str =
    "no such change was answered in the whole run; ask again to tell an accident from a fault";

/// The table of verdicts: a deviation and a changed answer fail, whatever else holds; the latter not where `taken` says that it was
/// written down on demand.
fn fails(result: &CaseResult, taken: bool) -> bool {
    matches!(
        result.conformance,
        Conformance::Deviation | Conformance::Unstable
    ) || result.regression == Some(Regression::Changed) && !taken
}
