//! A live run: first the accounts are validated, then the cases without effect, changes, each restored, and the cases whose sign-ins
//! may fail.

use std::path::Path;

use super::{
    error::LiveError,
    guard::{INTERRUPTED, SafetyGuard},
    plan::{CasePhase, Plan, PlannedCase},
    recover,
    sign_ins::SignInCounter,
    stop::StopSignal,
    undo::{JournalLine, TargetLock, TargetSession, UndoJournal, UnrestoredPassword},
};
use crate::{
    client::{Pin, Target},
    report::{CaseFinding, CaseResult, Conformance, FailedSignIns, NotJudged, ReasonCode},
    runner::{CaseRun, RunContext, RunResult, collector::RunCollector},
    snapshot::SnapshotStore,
    suite::Effect,
};

/// The result of a live run.
#[derive(Debug)]
pub struct LiveResult {
    /// The results of the cases.
    pub run: RunResult,
    /// Why a safety rule ended the run.
    pub stopped: Option<NotJudged>,
    /// The accounts whose password the target refuses.
    pub refused: Vec<String>,
    /// Whether the run was asked to stop.
    pub is_interrupted: bool,
    /// The passwords that could not be restored. The journal is still open then.
    pub unrestored: Vec<UnrestoredPassword>,
    /// Why no further password was changed.
    pub changes_forbidden: Option<NotJudged>,
    /// What a person must do now.
    pub actions: Vec<String>,
    /// What went wrong with the journal.
    pub trouble: Option<String>,
}

impl LiveResult {
    /// Returns what went wrong with the run itself, for the reports.
    pub fn problems(&self) -> Vec<String> {
        let unrestored = self.unrestored.iter().map(|one| one.account);
        let unrestored = unrestored
            .map(|account| format!("the password of account `{account}` could not be restored"));
        let stopped = self.stopped.iter();
        let stopped = stopped.map(|stopped| format!("the run was stopped: {stopped}"));
        let interrupted = self.is_interrupted.then(|| INTERRUPTED.to_owned());
        let problems = unrestored.chain(stopped).chain(interrupted);
        let problems = problems.chain(self.other_refused().cloned());
        problems.chain(self.trouble.clone()).collect()
    }

    /// Returns what is said of the accounts whose password the target refuses, but for the one that ended the run.
    pub fn other_refused(&self) -> impl Iterator<Item = &String> {
        let stopped = self.stopped.as_ref().map(|stopped| &stopped.text);
        let refused = self.refused.iter();
        refused.filter(move |text| Some(*text) != stopped)
    }

    /// Returns why no change was judged; none if a case was judged that may change a password, or if none was selected.
    pub fn why_no_change(&self) -> Option<&str> {
        let cases = self.run.summary.cases.iter();
        let changing: Vec<_> = cases.filter(|case| case.effect == CHANGE).collect();
        let is_judged = |case: &&CaseResult| case.conformance != Conformance::NotJudged;
        let is_judged = changing.iter().any(is_judged);
        let first = changing.first().filter(|_| !is_judged)?;
        let reason = self.changes_forbidden.as_ref().map(|reason| &*reason.text);
        Some(reason.unwrap_or(first.reason()))
    }
}

/// What a live run needs besides its context and plan.
#[derive(Debug)]
pub(super) struct LiveRunOptions<'a> {
    /// Counts failed sign-ins, up to the limit.
    pub(super) sign_ins: SignInCounter,
    /// The journal; needed if the plan has changes.
    pub(super) journal: Option<UndoJournal>,
    /// The target's lock.
    pub(super) lock: Option<TargetLock>,
    /// The accounts file, for messages.
    pub(super) accounts_file: &'a Path,
    /// Asks the run to stop.
    pub(super) stop: StopSignal,
}

/// Runs a plan. `watch` is called with each case as it ends.
///
/// # Errors
/// Another run is in progress at the same appliance, or a snapshot cannot be read or written. What was changed is restored before.
pub(super) async fn run(
    context: &RunContext,
    plan: &Plan,
    store: &SnapshotStore,
    mut options: LiveRunOptions<'_>,
    watch: &(dyn Fn(&CaseResult) + Sync),
) -> Result<LiveResult, LiveError> {
    let mut may_post = |posts| options.sign_ins.claim(posts);
    let mut collector = RunCollector::start(context, store, watch, &mut may_post).await;
    let key = context.target.key();
    if let (Some(lock), Some(key)) = (&mut options.lock, &key)
        && let Err(error) = claim_key(lock, key, options.journal.as_ref(), &context.target)
    {
        options.journal.map(UndoJournal::close);
        return Err(error);
    }
    let (contract, served) = (collector.cases.contract, collector.cases.served.clone());
    if let Some(journal) = &mut options.journal {
        if let Some(key) = key {
            journal.note(JournalLine::Key { key });
        }
        for (fact, reading) in served.iter() {
            let (fact, reading) = (fact.to_owned(), reading.to_owned());
            journal.note(JournalLine::Served { fact, reading });
        }
    }
    let (target, accounts, file) = (&context.target, &context.accounts, options.accounts_file);
    let session = TargetSession::new(target, contract, accounts, served, options.sign_ins);
    let (journal, stop) = (options.journal, options.stop.clone());
    let mut guard = SafetyGuard::new(session, journal, file_name(file), stop);
    send(plan, &mut guard, &mut collector).await;
    guard.restore_all().await;
    guard.look_at_doubts().await;
    collector.add_evidence(OWN_REQUESTS, std::mem::take(&mut guard.session.evidence));
    let result = conclude(guard, collector.finish(), file);
    Ok(LiveResult {
        is_interrupted: options.stop.is_requested(),
        ..result
    })
}

/// Closes the journal, and says how the run ended.
fn conclude(mut guard: SafetyGuard<'_>, mut run: RunResult, accounts: &Path) -> LiveResult {
    let (mut actions, mut trouble) = (guard.actions(), None);
    let target = guard.session.target;
    if let Some(journal) = guard.undo_journal.take() {
        if guard.unrestored.is_empty() {
            let names = journal.doubtful_names();
            let (kept, failure) = journal.close();
            actions.extend(kept.map(|kept| recover::watch_step(&names, &kept)));
            trouble = failure;
        } else {
            let (address, path) = (target.address(), &journal.path);
            actions.extend(recover::steps(&guard.unrestored, address, accounts, path));
        }
    }
    run.summary.certificate = target.key().map(|key| key.to_string());
    run.summary.failed_sign_ins = Some(FailedSignIns {
        count: guard.session.sign_ins.count(),
        limit: guard.session.sign_ins.limit(),
    });
    run.summary.stopped = guard.safety_stop.as_ref().map(|ended| ended.text.clone());
    LiveResult {
        run,
        stopped: guard.safety_stop,
        refused: guard.rejected_accounts.into_values().collect(),
        is_interrupted: false,
        unrestored: guard.unrestored,
        changes_forbidden: guard.changes_forbidden,
        actions,
        trouble,
    }
}

/// Takes the lock of the key that the target showed, unless an open journal has it.
fn claim_key(
    lock: &mut TargetLock,
    key: &Pin,
    own: Option<&UndoJournal>,
    target: &Target,
) -> Result<(), LiveError> {
    let address = target.address().to_owned();
    if !lock.add_key(key)? {
        return Err(LiveError::RunInProgress(address));
    }
    let own = own.map(|own| &*own.path);
    match lock.dir.open_journal(&lock.place, Some(key), own)? {
        Some(journal) => Err(LiveError::OpenJournal { address, journal }),
        None => Ok(()),
    }
}

/// Sends the cases of a plan; adds those that are left out. After some cases in a row without a connection nothing more is sent.
async fn send(plan: &Plan, guard: &mut SafetyGuard<'_>, collector: &mut RunCollector<'_>) {
    // A target that not even the probe reached has a reason, and is not tried again.
    let failure = collector.result.unreachable.clone();
    let mut silent = if failure.is_some() { MAX_SILENT } else { 0 };
    if failure.is_none() {
        guard.validate_accounts().await;
    }
    let failure = failure.map(|it| (format!(": {}", it.message), it.hint));
    let (reason, hint) = failure.unzip();
    let unreachable = format!("{UNREACHABLE}{}", reason.unwrap_or_default());
    let unreachable = NotJudged::new(ReasonCode::Unreachable, unreachable);
    let mut is_proven = false;
    for planned in &plan.cases {
        let is_gone = silent >= MAX_SILENT;
        let mut refusal = is_gone.then(|| unreachable.clone());
        refusal = refusal.or_else(|| guard.why_not_start(planned));
        // Where the budget is used up, the dry runs still show whether passwords can be changed.
        let reason = refusal.as_ref();
        let may_prove = reason.is_none_or(|reason| reason.code == ReasonCode::Budget);
        if planned.phase == CasePhase::Mutating && !is_proven && may_prove {
            guard.prove_restorable(&plan.objects).await;
            is_proven = true;
            refusal = guard.why_not_start(planned);
        }
        let located = planned.located;
        let case = match refusal {
            Some(reason) => collector.cases.not_run(located, reason, hint.clone()),
            None => run_with_passwords(planned, guard, collector).await,
        };
        if !collector.add(located, observed(case, guard)) {
            silent += 1;
        } else if !is_gone {
            silent = 0;
        }
    }
    for (located, reason) in &plan.left_out {
        let case = collector.cases.not_run(located, reason.clone(), None);
        collector.add(located, observed(case, guard));
    }
    if let Some(hanging) = guard.session.target.hanging() {
        collector.result.unreachable.get_or_insert(hanging);
    }
}

/// Runs a case until no other passwords are to be tried. The exchanges of earlier attempts follow those of the last one.
async fn run_with_passwords(
    planned: &PlannedCase,
    guard: &mut SafetyGuard<'_>,
    collector: &RunCollector<'_>,
) -> CaseRun {
    let mut earlier = Vec::new();
    loop {
        let case = collector.cases.run_repeatedly(planned.located, Some(guard));
        let mut case = case.await;
        match guard.use_other_passwords(planned, &case.result) {
            Ok(true) => {
                earlier.append(&mut case.result.exchanges);
                continue;
            }
            Ok(false) => {}
            // The answers do not tell. What was sent stays.
            Err(reason) => {
                case.snapshot = None;
                case.result.conformance = Conformance::NotJudged;
                case.result.reading.clear();
                case.result.reasons = vec![CaseFinding::not_judged(1, reason)];
            }
        }
        case.result.exchanges.append(&mut earlier);
        return case;
    }
}

/// Judges a case by what the run saw before its first change, if the case itself was not judged.
fn observed(mut case: CaseRun, guard: &SafetyGuard<'_>) -> CaseRun {
    let result = &mut case.result;
    if let Some(finding) = &guard.dry_run_deviation
        && result.id == OBSERVED
        && result.conformance == Conformance::NotJudged
    {
        result.conformance = Conformance::Deviation;
        result.reasons = vec![finding.clone()];
    }
    case
}

/// Names the accounts file as the user does.
fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or("the accounts".as_ref());
    name.to_string_lossy().into_owned()
}

/// After how many cases in a row without a connection nothing more is sent.
const MAX_SILENT: usize = 3;
const UNREACHABLE: &str = "the target could not be reached";
/// What the profile calls the run's own requests, where it names the case that showed a reading.
const OWN_REQUESTS: &str = "set-up and undo";
/// The case that setting a password to itself tells of.
const OBSERVED: &str = "set_password.password_replaced";
/// The effect of a case that may change a password.
const CHANGE: &str = Effect::PasswordChange.name();

#[cfg(test)]
mod tests;
