//! A live run: first the cases without effect, then changes, each restored, then the cases whose sign-ins may fail.

use std::collections::BTreeSet;

use super::{
    error::LiveError,
    guard::SafetyGuard,
    plan::{Phase, Plan, PlannedCase},
    stop::StopSignal,
    undo::{TargetSession, UndoJournal, UnrestoredPassword},
};
use crate::{
    client::ConnectFailure,
    contract,
    report::CaseResult,
    runner::{RunContext, RunResult, case_runner::CaseRunner, collector::RunCollector, probe},
    snapshot::SnapshotStore,
    suite::Account,
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
            let account = unrestored.account.name();
            format!("the password of account `{account}` could not be restored")
        });
        let suspicion = self.suspicion.iter().map(|suspicion| {
            format!("the run was stopped: a lock-out is suspected, because {suspicion}")
        });
        let interrupted = self
            .is_interrupted
            .then(|| "the run was interrupted".to_owned());
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
    let contract = contract::of(context.kind);
    let mut posts = options.max_auth_failures;
    let probed = probe::paths(context, contract, &mut posts).await;
    let served = probed.served.clone();
    let mut reach = Reach::new(probed.unreachable.clone());
    let mut collector = RunCollector::new(context, contract, store, watch);
    collector.add_probe(probed);
    let session = TargetSession::new(&context.target, contract, &context.accounts, served.clone());
    let mut guard = SafetyGuard::new(
        session,
        contract,
        options.journal,
        (options.max_auth_failures, options.max_auth_failures - posts),
        options.stop.clone(),
    );
    if let Some(journal) = &mut guard.journal {
        for (fact, reading) in served.iter() {
            journal.serves(fact, reading)?;
        }
    }
    let cases = CaseRunner {
        context,
        contract,
        served: &served,
    };
    let error = send(plan, &cases, &mut guard, &mut reach, &mut collector)
        .await
        .err();
    guard.restore_all().await;
    collector.add_evidence(OWN_REQUESTS, std::mem::take(&mut guard.session.evidence));
    if guard.unrestored.is_empty()
        && let Some(journal) = guard.journal.take()
    {
        journal.close()?;
    }
    if let Some(error) = error.filter(|_| guard.unrestored.is_empty()) {
        return Err(error);
    }
    Ok(LiveResult {
        run: collector.finish(),
        suspicion: guard.suspicion,
        is_interrupted: options.stop.is_requested(),
        unrestored: guard.unrestored,
    })
}

/// Sends the cases of a plan; adds those that are left out.
async fn send(
    plan: &Plan,
    cases: &CaseRunner<'_>,
    guard: &mut SafetyGuard<'_>,
    reach: &mut Reach,
    collector: &mut RunCollector<'_>,
) -> Result<(), LiveError> {
    let present: BTreeSet<Account> = cases.context.accounts.present();
    let mut is_proven = false;
    for planned in &plan.cases {
        let PlannedCase { located, phase, .. } = *planned;
        let mut refusal = reach.refusal().or_else(|| guard.refusal(planned));
        if phase == Phase::Mutating && !is_proven && refusal.is_none() {
            guard.prove_restorable(&plan.objects, &present).await;
            is_proven = true;
            refusal = guard.refusal(planned);
        }
        let case = match refusal {
            Some(reason) => cases.not_run(located, reason, reach.hint()),
            None => cases.run_repeatedly(located, Some(guard)).await,
        };
        reach.note(collector.add(located, case)?);
    }
    for (located, reason) in &plan.left_out {
        collector.add(located, cases.not_run(located, reason.clone(), None))?;
    }
    Ok(())
}

/// Whether the target is still reached. After some cases in a row without a connection nothing more is sent.
struct Reach {
    /// Why the first request did not reach the target.
    failure: Option<ConnectFailure>,
    /// How many cases in a row had no connection.
    silent: usize,
}

impl Reach {
    fn new(failure: Option<ConnectFailure>) -> Reach {
        let silent = if failure.is_some() { MAX_SILENT } else { 0 };
        Reach { failure, silent }
    }

    fn note(&mut self, is_reached: bool) {
        if !is_reached {
            self.silent += 1;
        } else if self.silent < MAX_SILENT {
            self.silent = 0;
        }
    }

    fn refusal(&self) -> Option<String> {
        (self.silent >= MAX_SILENT).then(|| match &self.failure {
            Some(failure) => format!("{UNREACHABLE}: {}", failure.message),
            None => UNREACHABLE.to_owned(),
        })
    }

    fn hint(&self) -> Option<String> {
        self.failure.as_ref().map(|failure| failure.hint.clone())
    }
}

/// After how many cases in a row without a connection nothing more is sent.
const MAX_SILENT: usize = 3;
const UNREACHABLE: &str = "the target could not be reached";
/// What the profile calls the run's own requests, where it names the case that showed a reading.
const OWN_REQUESTS: &str = "set-up and undo";

#[cfg(test)]
mod tests;
