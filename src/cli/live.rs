//! `check TARGET`: a run at a live target, from its lock to the steps that restore a password by hand.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use serde_json::Map;
use tracing::Level;

use crate::{
    cli::{
        check, code,
        console::Console,
        error::{CliError, Result},
        progress::Progress,
        recover, runtime,
        selection::Selection,
        signals, snapshots,
        snapshots::UpdateChoice,
        target,
        target::TargetArgs,
    },
    report::{NotJudged, ReasonCode},
    runner::live::{LiveError, LiveResult, PreparedRun, StopSignal},
    snapshot::SnapshotStore,
    suite::KnownDifferences,
};

/// Runs a check at a target and returns the exit code.
pub(super) fn run(options: &check::CheckArgs, console: &Console) -> Result {
    let (target, selection) = (&options.target, &options.selection);
    let prepared = prepare(options, target, selection, options.readings.as_deref())?;
    let warnings = prepared.run.warnings.iter();
    warnings.for_each(|warning| console.warning(warning));
    runtime::start()?.block_on(go(options, prepared, console))
}

/// A run that holds its target's lock, and what its answers are compared with.
pub(super) struct PreparedCheck {
    pub(super) run: PreparedRun,
    pub(super) store: SnapshotStore,
    known: KnownDifferences,
}

/// Prepares a run at a target, of the cases selected; `readings` is a file of profiles.
pub(super) fn prepare(
    options: &check::CheckArgs,
    target: &TargetArgs,
    selection: &Selection,
    readings: Option<&Path>,
) -> Result<PreparedCheck> {
    let mut run = target.prepare(selection, options.repeat)?;
    let kind = run.context.kind;
    let (agreed, known) = check::agreed_of(readings, options.known.as_deref(), kind)?;
    // Targets side by side would write over one another's snapshots.
    let reads_only = options.target.targets.as_ref().map(|_| UpdateChoice::No);
    let update = reads_only.or(options.update);
    let store = snapshots::store(options.snapshots.as_deref(), kind, false, false, update)?;
    run.context.agreed = agreed;
    run.begin().map_err(|error| target::error_of(&error))?;
    Ok(PreparedCheck { run, store, known })
}

async fn go(
    options: &check::CheckArgs,
    PreparedCheck { run, store, known }: PreparedCheck,
    console: &Console,
) -> Result {
    let kind = run.context.kind;
    let stop = StopSignal::default();
    let journals = Arc::new(Mutex::new(run.journal_path().into_iter().collect()));
    signals::listen(&stop, &journals, *console);
    let count = run.plan.cases.len() + run.plan.left_out.len();
    let progress = Arc::new(Progress::new(count, console));
    let (is_full, shown) = (options.selection.is_full(), Arc::clone(&progress));
    let add = move |case: &_| shown.add_case(kind, case);
    let result = run.run(store, is_full, stop, add).await;
    progress.end();
    let result = result_of(result, console)?;
    Ok(conclude(options, result, &known, console))
}

/// Returns the result of a run, or why it has none.
pub(super) fn result_of(
    result: Result<LiveResult, LiveError>,
    console: &Console,
) -> Result<LiveResult> {
    result.map_err(|error| match error {
        LiveError::Panicked { message, journal } => {
            let code = code::worst(code::INTERNAL, signals::left_at_once(journal, console));
            CliError::new(code, format!("the run ended early: {message}"))
        }
        error => target::error_of(&error),
    })
}

/// Writes the reports, says how the run ended, and returns the exit code.
fn conclude(
    options: &check::CheckArgs,
    result: LiveResult,
    known: &KnownDifferences,
    console: &Console,
) -> u8 {
    let (code, messages) = ending(&result, options.target.change_passwords_on.is_some());
    let trouble = (result.problems(), result.actions);
    let finished = check::finish(options, vec![result.run], known, trouble, console);
    let finished = console.code(finished);
    for (level, message) in messages {
        console.event(level, message, Map::new());
    }
    code::worst(finished, code)
}

/// Returns the exit code of how a run ended, whatever its verdicts are, and what is to be said of it.
pub(super) fn ending(result: &LiveResult, may_change: bool) -> (u8, Vec<(Level, String)>) {
    let (mut worst, mut messages) = (code::SUCCESS, Vec::new());
    let mut error = |code, message| {
        worst = code::worst(worst, code);
        messages.push((Level::ERROR, message));
    };
    let why = result.why_no_change();
    if let Some(why) = why.filter(|_| may_change) {
        let message = format!("no change could be judged: {why}");
        error(code::NOTHING_JUDGED, message);
    }
    if let Some(NotJudged { code, text }) = &result.stopped {
        let hint = match code {
            ReasonCode::LockedOut => LOCKED_OUT,
            _ => "",
        };
        error(
            code::SAFETY_RULE,
            format!("the run was stopped: {text}{hint}"),
        );
    }
    if result.is_interrupted {
        error(code::INTERRUPTED, "interrupted".to_owned());
    }
    if !result.unrestored.is_empty() {
        error(code::UNRESTORED, recover::act_now(&result.actions));
    }
    for refused in result.other_refused() {
        error(code::SAFETY_RULE, refused.clone());
    }
    if result.unrestored.is_empty() {
        let actions = result.actions.iter();
        messages.extend(actions.map(|action| (Level::WARN, action.clone())));
    }
    (worst, messages)
}

const LOCKED_OUT: &str =
    "\n  hint: a sensor locks the address, not the account: wait until the lock-out ends";
