//! A live run: first the cases without effect, then changes, each restored, then the cases whose sign-ins may fail.

use super::{
    error::LiveError,
    guard::{INTERRUPTED, SafetyGuard},
    plan::{CasePhase, Plan},
    stop::StopSignal,
    undo::{JournalLine, TargetSession, UndoJournal, UnrestoredPassword},
};
use crate::{
    report::{CaseResult, NotJudged, ReasonCode},
    runner::{RunContext, RunResult, collector::RunCollector},
    snapshot::SnapshotStore,
};

/// The result of a live run.
#[derive(Debug)]
pub struct LiveResult {
    /// The results of the cases.
    pub run: RunResult,
    /// Why a lock-out is suspected: the run was stopped for it.
    pub suspicion: Option<String>,
    /// Whether the run was asked to stop.
    pub is_interrupted: bool,
    /// The passwords that could not be restored. The journal is still open then.
    pub unrestored: Vec<UnrestoredPassword>,
}

impl LiveResult {
    /// Returns what went wrong with the run itself, for the reports.
    pub fn problems(&self) -> Vec<String> {
        let unrestored = self.unrestored.iter().map(|unrestored| {
            let account = unrestored.account;
            format!("the password of account `{account}` could not be restored")
        });
        let suspicion = self.suspicion.iter().map(|suspicion| {
            format!("the run was stopped: a lock-out is suspected, because {suspicion}")
        });
        let interrupted = self.is_interrupted.then(|| INTERRUPTED.to_owned());
        unrestored.chain(suspicion).chain(interrupted).collect()
    }
}

/// How many sign-ins may fail, the journal, and the signal to stop.
#[derive(Debug)]
pub struct LiveRunOptions {
    /// How many sign-ins may fail.
    pub max_auth_failures: u32,
    /// The journal; needed if the plan has changes.
    pub journal: Option<UndoJournal>,
    /// Asks the run to stop.
    pub stop: StopSignal,
}

/// Runs a plan. `watch` is called with each case as it ends.
///
/// # Errors
/// A snapshot or the journal cannot be read or written. What was changed is restored before.
pub async fn run(
    context: &RunContext,
    plan: &Plan,
    store: &SnapshotStore,
    options: LiveRunOptions,
    watch: &(dyn Fn(&CaseResult) + Sync),
) -> Result<LiveResult, LiveError> {
    let budget = options.max_auth_failures;
    let mut posts = budget;
    let mut collector = RunCollector::start(context, store, watch, &mut posts).await;
    let served = collector.cases.served.clone();
    let session = TargetSession::new(
        &context.target,
        collector.cases.contract,
        &context.accounts,
        served.clone(),
    );
    let mut guard = SafetyGuard {
        session,
        journal: options.journal,
        suspicion: None,
        unproven: None,
        unrestored: Vec::new(),
        stop: options.stop.clone(),
        budget,
        spent: budget - posts,
        has_missed: false,
        findings: Vec::new(),
    };
    if let Some(journal) = &mut guard.journal {
        for (fact, reading) in served.iter() {
            let (fact, reading) = (fact.to_owned(), reading.to_owned());
            journal.write(JournalLine::Served { fact, reading })?;
        }
    }
    let sent = send(plan, &mut guard, &mut collector).await;
    guard.restore_all().await;
    collector.add_evidence(OWN_REQUESTS, std::mem::take(&mut guard.session.evidence));
    if guard.unrestored.is_empty() {
        if let Some(journal) = guard.journal.take() {
            journal.close()?;
        }
        sent?;
    }
    Ok(LiveResult {
        run: collector.finish(),
        suspicion: guard.suspicion,
        is_interrupted: options.stop.is_requested(),
        unrestored: guard.unrestored,
    })
}

/// Sends the cases of a plan; adds those that are left out. After some cases in a row without a connection nothing more is sent.
async fn send(
    plan: &Plan,
    guard: &mut SafetyGuard<'_>,
    collector: &mut RunCollector<'_>,
) -> Result<(), LiveError> {
    // A target that not even the probe reached has a reason, and is not tried again.
    let failure = collector.unreachable.clone();
    let mut silent = if failure.is_some() { MAX_SILENT } else { 0 };
    let reason = failure
        .as_ref()
        .map(|failure| format!(": {}", failure.message));
    let unreachable = format!("{UNREACHABLE}{}", reason.unwrap_or_default());
    let unreachable = NotJudged::new(ReasonCode::Unreachable, unreachable);
    let hint = failure.map(|failure| failure.hint);
    let mut is_proven = false;
    for planned in &plan.cases {
        let is_gone = silent >= MAX_SILENT;
        let mut refusal = is_gone
            .then(|| unreachable.clone())
            .or_else(|| guard.refusal(planned));
        if planned.phase == CasePhase::Mutating && !is_proven && refusal.is_none() {
            guard.prove_restorable(&plan.objects).await;
            is_proven = true;
            refusal = guard.refusal(planned);
        }
        let located = planned.located;
        let case = match refusal {
            Some(reason) => collector.cases.not_run(located, reason, hint.clone()),
            None => collector.cases.run_repeatedly(located, Some(guard)).await,
        };
        if !collector.add(located, case)? {
            silent += 1;
        } else if !is_gone {
            silent = 0;
        }
    }
    for (located, reason) in &plan.left_out {
        collector.add(
            located,
            collector.cases.not_run(located, reason.clone(), None),
        )?;
    }
    Ok(())
}

/// After how many cases in a row without a connection nothing more is sent.
const MAX_SILENT: usize = 3;
const UNREACHABLE: &str = "the target could not be reached";
/// What the profile calls the run's own requests, where it names the case that showed a reading.
const OWN_REQUESTS: &str = "set-up and undo";

#[cfg(test)]
mod tests;
