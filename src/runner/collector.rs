//! Collects the results of a run: the cases, compared with their snapshots, and the readings that the answers follow.

use crate::{
    client::ConnectFailure,
    contract::Contract,
    report::{CaseResult, Conformance, Counts, Regression, TargetSummary},
    runner::{
        CaseRun, RunContext, RunResult,
        live::delivery::{SentChange, never_answered},
        probe,
        probe::ProbeResult,
    },
    snapshot::{Comparison, Header, Snapshot, SnapshotError, SnapshotStore},
    suite::{cases::CaseWithLocation, evidence::Evidence, profile},
};

/// Collects the results of a run.
pub(super) struct RunCollector<'a> {
    context: &'a RunContext,
    contract: &'a Contract,
    store: &'a SnapshotStore,
    watch: &'a (dyn Fn(&CaseResult) + Sync),
    /// What the answers say, each with the name of its case.
    evidence: Vec<(String, Evidence)>,
    cases: Vec<CaseRun>,
    unreachable: Option<ConnectFailure>,
    /// Whether a snapshot waits for review.
    has_pending: bool,
}

impl<'a> RunCollector<'a> {
    pub(super) fn new(
        context: &'a RunContext,
        contract: &'a Contract,
        store: &'a SnapshotStore,
        watch: &'a (dyn Fn(&CaseResult) + Sync),
    ) -> RunCollector<'a> {
        RunCollector {
            context,
            contract,
            store,
            watch,
            evidence: Vec::new(),
            cases: Vec::new(),
            unreachable: None,
            has_pending: false,
        }
    }

    pub(super) fn add_probe(&mut self, probed: ProbeResult) {
        self.add_evidence(probe::NAME, probed.evidence);
        self.unreachable = probed.unreachable;
    }

    pub(super) fn add_evidence(&mut self, case: &str, evidence: Vec<Evidence>) {
        let named = evidence
            .into_iter()
            .map(|evidence| (case.to_owned(), evidence));
        self.evidence.extend(named);
    }

    /// Adds a case that has ended; tells whether the target was reached.
    pub(super) fn add(
        &mut self,
        located: &CaseWithLocation,
        mut case: CaseRun,
    ) -> Result<bool, SnapshotError> {
        self.has_pending |= self.compare(located, &mut case)?;
        let failure = if case.is_unreached {
            connect_failure(&case.result)
        } else {
            None
        };
        let is_reached = failure.is_none();
        self.unreachable = self.unreachable.take().or(failure);
        (self.watch)(&case.result);
        let evidence = std::mem::take(&mut case.evidence);
        self.add_evidence(&located.case.id, evidence);
        self.cases.push(case);
        Ok(is_reached)
    }

    pub(super) fn finish(mut self) -> RunResult {
        self.judge_silence();
        let (profile, mut inconsistent) = profile::of(self.contract, &self.evidence);
        for inconsistency in &mut inconsistent {
            inconsistency.known = self.known(&inconsistency.id());
        }
        let results: Vec<CaseResult> = self.cases.iter().map(|case| case.result.clone()).collect();
        let summary = TargetSummary {
            kind: self.context.kind,
            target: self.context.label.clone(),
            counts: Counts::of(&results),
            profile,
            inconsistent,
            gone: Vec::new(),
            review: self.store.folder().filter(|_| self.has_pending),
            cases: results,
        };
        RunResult {
            cases: self.cases,
            summary,
            unreachable: self.unreachable,
        }
    }

    /// Compares a case with its snapshot, and decides whether it fails. A known difference does not. Returns whether a snapshot waits
    /// for review.
    fn compare(
        &self,
        located: &CaseWithLocation,
        case: &mut CaseRun,
    ) -> Result<bool, SnapshotError> {
        let known = self.known(&located.case.id);
        let result = &mut case.result;
        let mut is_pending = false;
        if let Some(body) = &case.snapshot
            && let Some(comparison) = self.store.compare(&located.case.id, body)?
        {
            let is_unknown = result.conformance == Conformance::Deviation && known.is_none();
            let header = Header {
                source: None,
                description: located.case.title.clone(),
                input_file: located.file.to_owned(),
            };
            let body = body.clone();
            let new = Snapshot { header, body };
            is_pending = self
                .store
                .update(&located.case.id, new, &comparison, is_unknown)?;
            result.regression = Some(match comparison {
                Comparison::Changed(difference) => {
                    result.difference = difference;
                    Regression::Changed
                }
                Comparison::New => Regression::New,
                Comparison::Same => Regression::Same,
            });
        }
        let is_changed =
            result.regression == Some(Regression::Changed) && !self.store.accepts_changes();
        let differs = is_changed
            || matches!(
                result.conformance,
                Conformance::Deviation | Conformance::Unstable
            );
        result.failed = differs && known.is_none();
        result.known = known.filter(|_| differs);
        Ok(is_pending)
    }

    /// Makes a deviation of each change that was never answered in the whole run: that is not an accident on the way.
    fn judge_silence(&mut self) {
        let sent: Vec<SentChange> = self
            .cases
            .iter()
            .flat_map(|case| case.changes.iter().cloned())
            .collect();
        let never = never_answered(sent.iter());
        let known: Vec<_> = self
            .cases
            .iter()
            .map(|case| self.known(&case.result.id))
            .collect();
        for (case, known) in self.cases.iter_mut().zip(known) {
            let is_silent = case
                .changes
                .iter()
                .any(|change| change.is_lost && never.contains(&change.question));
            let Some(deferred) = case
                .deferred
                .take()
                .filter(|deferred| is_silent && deferred.conformance == Conformance::Deviation)
            else {
                continue;
            };
            let result = &mut case.result;
            if result.conformance != Conformance::NotJudged {
                continue;
            }
            result.conformance = Conformance::Deviation;
            result.reasons = deferred.reasons;
            for reason in &mut result.reasons {
                reason.hint = Some(NEVER_ANSWERED.to_owned());
            }
            result.failed = known.is_none();
            result.known = known;
        }
    }

    fn known(&self, id: &str) -> Option<String> {
        let known = &self.context.agreed.known;
        known.reason(self.context.kind, id).map(str::to_owned)
    }
}

/// Returns why a case did not reach the target.
fn connect_failure(result: &CaseResult) -> Option<ConnectFailure> {
    let mut exchanges = result.exchanges.iter();
    let message = exchanges.find_map(|exchange| exchange.trouble.clone())?;
    let mut reasons = result.reasons.iter();
    let hint = reasons.find_map(|finding| finding.hint.clone());
    Some(ConnectFailure {
        message,
        hint: hint.unwrap_or_default(),
    })
}

const NEVER_ANSWERED: &str =
    "no such change was answered in the whole run; run again to tell an accident from a fault";
