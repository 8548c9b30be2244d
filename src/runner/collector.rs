//! Collects the results of a run: the cases, compared with their snapshots, and the readings that the answers follow.

use std::collections::BTreeSet;

use crate::{
    client::ConnectFailure,
    contract,
    contract::Contract,
    report::{CaseFinding, CaseResult, Conformance, Counts, Regression, TargetSummary, fact_name},
    runner::{
        RunContext,
        case_runner::{CaseRun, CaseRunner},
        live::delivery::never_answered,
        probe,
        probe::MayPost,
    },
    snapshot::{Header, SnapshotComparison, SnapshotError, SnapshotStore, SnapshotWrite},
    suite::{cases::CaseWithLocation, evidence::Evidence, profile},
};

/// The result of a run.
#[derive(Debug, Default)]
pub struct RunResult {
    /// Every case, in order.
    pub cases: Vec<CaseRun>,
    /// What the run says about the target.
    pub summary: TargetSummary,
    /// Why the target could not be reached, for the exit code.
    pub unreachable: Option<ConnectFailure>,
    /// What went wrong beside the cases: a snapshot that cannot be read or written.
    pub problems: Vec<String>,
    /// What was written of each case that was compared with its snapshot.
    pub writes: Vec<SnapshotWrite>,
}

/// Collects the results of a run.
pub(super) struct RunCollector<'a> {
    /// Runs the cases.
    pub(super) cases: CaseRunner<'a>,
    store: &'a SnapshotStore,
    watch: &'a (dyn Fn(&CaseResult) + Sync),
    /// What the answers say, each with the name of its case.
    evidence: Vec<(String, Evidence)>,
    /// What has been found so far; without the summary.
    pub(super) result: RunResult,
}

impl<'a> RunCollector<'a> {
    /// Probes which paths the target serves; `may_post` is asked before POSTs are sent.
    pub(super) async fn start(
        context: &'a RunContext,
        store: &'a SnapshotStore,
        watch: &'a (dyn Fn(&CaseResult) + Sync),
        may_post: MayPost<'_>,
    ) -> RunCollector<'a> {
        let contract = contract::of(context.kind);
        let probed = probe::paths(context, contract, may_post).await;
        let mut collector = RunCollector {
            cases: CaseRunner {
                context,
                contract,
                served: probed.served,
            },
            store,
            watch,
            evidence: Vec::new(),
            result: RunResult {
                unreachable: probed.unreachable,
                ..RunResult::default()
            },
        };
        collector.add_evidence(probe::NAME, probed.evidence);
        collector
    }

    pub(super) fn add_evidence(&mut self, case: &str, evidence: Vec<Evidence>) {
        let named = evidence.into_iter().map(|one| (case.to_owned(), one));
        self.evidence.extend(named);
    }

    /// Adds a case that has ended; tells whether the target was reached.
    pub(super) fn add(&mut self, located: &CaseWithLocation, mut case: CaseRun) -> bool {
        if let Err(error) = self.compare(located, &mut case) {
            self.result.problems.push(error.to_string());
        }
        self.decide(&mut case.result);
        (self.watch)(&case.result);
        self.add_evidence(&located.case.id, std::mem::take(&mut case.evidence));
        let is_reached = case.unreached.is_none();
        let unreachable = &mut self.result.unreachable;
        *unreachable = unreachable.take().or(case.unreached.take());
        self.result.cases.push(case);
        is_reached
    }

    pub(super) fn finish(mut self) -> RunResult {
        self.judge_silence();
        let context = self.cases.context;
        let (profile, mut inconsistent) = profile::of(self.cases.contract, &self.evidence);
        for inconsistency in &mut inconsistent {
            let known = &context.agreed.known;
            let reason = known.excuse_inconsistency(context.kind, &inconsistency.id());
            inconsistency.known = reason.map(str::to_owned);
        }
        let has_pending = self.result.writes.contains(&SnapshotWrite::Pending);
        let cases = self.result.cases.iter();
        let cases: Vec<CaseResult> = cases.map(|run| run.result.clone()).collect();
        self.result.summary = TargetSummary {
            kind: context.kind,
            target: context.label.clone(),
            not_asked: not_asked(self.cases.contract, &cases),
            counts: Counts::of(&cases),
            profile,
            inconsistent,
            review: self.store.folder().filter(|_| has_pending),
            cases,
            ..TargetSummary::default()
        };
        self.result
    }

    /// Compares a case with its snapshot, and writes it down as far as that is allowed.
    fn compare(
        &mut self,
        located: &CaseWithLocation,
        case: &mut CaseRun,
    ) -> Result<(), SnapshotError> {
        let (id, result) = (&located.case.id, &mut case.result);
        let Some(body) = &case.snapshot else {
            return Ok(());
        };
        let Some(comparison) = self.store.compare(id, body)? else {
            return Ok(());
        };
        let is_deviation = result.conformance == Conformance::Deviation;
        let is_unknown = is_deviation && known(self.cases.context, result).is_none();
        // What never came is nothing to compare with.
        let is_unanswered = result.exchanges.iter().any(|one| one.status.is_none());
        let header = Header {
            source: None,
            description: located.case.title.clone(),
            input_file: located.file.to_owned(),
        };
        let is_wrong = is_unknown || is_unanswered;
        let written = self.store.update(id, header, body, &comparison, is_wrong);
        result.regression = Some(match comparison {
            SnapshotComparison::Changed(difference) => {
                result.difference = difference;
                Regression::Changed
            }
            SnapshotComparison::New => Regression::New,
            SnapshotComparison::Same => Regression::Same,
        });
        self.result.writes.push(written?);
        Ok(())
    }

    /// Decides whether a case fails. A known difference does not.
    fn decide(&self, result: &mut CaseResult) {
        let known = known(self.cases.context, result);
        let is_changed = result.regression == Some(Regression::Changed);
        let wrong = [Conformance::Deviation, Conformance::Unstable];
        let is_wrong = wrong.contains(&result.conformance);
        // A known difference excuses no other change.
        result.failed = is_wrong && known.is_none() || is_changed && !self.store.accepts_changes();
        result.known = known.filter(|_| is_wrong);
    }

    /// Makes a deviation of each change that was never answered in the whole run: that is not an accident on the way.
    fn judge_silence(&mut self) {
        let never = never_answered(self.result.cases.iter().flat_map(|run| &run.changes));
        for run in &mut self.result.cases {
            let result = &mut run.result;
            let changes = run.changes.iter();
            let silent = changes.filter(|one| never.contains(&one.question));
            let deviations: Vec<_> = silent.filter_map(|one| one.deviation.clone()).collect();
            if result.conformance != Conformance::NotJudged || deviations.is_empty() {
                continue;
            }
            result.conformance = Conformance::Deviation;
            let lost = std::mem::take(&mut result.reasons);
            for mut reason in deviations.into_iter().chain(lost) {
                reason.hint = Some(NEVER_ANSWERED.to_owned());
                result.add_reason(reason);
            }
            result.known = known(self.cases.context, result);
            result.failed = result.known.is_none();
        }
    }
}

/// Returns why the differences of a case are known, if they are.
fn known(context: &RunContext, result: &CaseResult) -> Option<String> {
    let known = context.agreed.known.excuse_all(context.kind, result);
    known.map(str::to_owned)
}

impl CaseResult {
    /// Adds a reason, unless it is known already.
    pub(super) fn add_reason(&mut self, reason: CaseFinding) {
        let is_known =
            |one: &CaseFinding| (one.step, &one.received) == (reason.step, &reason.received);
        if !self.reasons.iter().any(is_known) {
            self.reasons.push(reason);
        }
    }
}

/// Returns the facts with a documented reading that no judged case covers.
pub(crate) fn not_asked(contract: &Contract, cases: &[CaseResult]) -> Vec<String> {
    let judged = cases.iter().filter(|case| case.conformance.is_judged());
    let asked = judged.flat_map(|case| &case.facts);
    let asked: BTreeSet<&str> = asked.map(|fact| fact_name(fact)).collect();
    let mut facts = contract.facts();
    facts.retain(|fact| fact.is_documented() && !asked.contains(&*fact.name));
    facts.into_iter().map(|fact| fact.name).collect()
}

const NEVER_ANSWERED: &str =
    "no such change was answered in the whole run; run again to tell an accident from a fault";
