//! `check TARGET`: a run at a live target, from its lock to the steps that restore a password by hand.

use std::sync::Arc;

use crate::{
    cli::{
        check, code, console::Console, error::Result, progress::Progress, recover, serve, signals,
        snapshots, target,
    },
    report::{NotJudged, ReasonCode},
    runner::live::{LiveError, LiveResult, PreparedRun, StopSignal},
    snapshot::SnapshotStore,
    suite::KnownDifferences,
};

/// Runs a check at a target and returns the exit code.
pub(super) fn run(options: &check::CheckArgs, console: &Console) -> Result {
    let mut run = options.target.prepare(&options.selection, options.repeat)?;
    let kind = run.context.kind;
    let (agreed, known) = check::agreed_of(options, kind)?;
    let store = snapshots::store(
        options.snapshots.as_deref(),
        kind,
        false,
        false,
        options.update,
    )?;
    run.context.agreed = agreed;
    run.begin().map_err(|error| target::error_of(&error))?;
    run.warnings
        .iter()
        .for_each(|warning| console.warning(warning));
    serve::runtime()?.block_on(go(options, run, store, &known, console))
}

async fn go(
    options: &check::CheckArgs,
    run: PreparedRun,
    store: SnapshotStore,
    known: &KnownDifferences,
    console: &Console,
) -> Result {
    let kind = run.context.kind;
    let stop = StopSignal::default();
    signals::listen(&stop, run.journal_path(), *console);
    let count = run.plan.cases.len() + run.plan.left_out.len();
    let progress = Arc::new(Progress::new(count, console));
    let (is_full, shown) = (options.selection.is_full(), Arc::clone(&progress));
    let add = move |case: &_| shown.add_case(kind, case);
    let result = run.run(store, is_full, stop, add).await;
    progress.end();
    let result = match result {
        Ok(result) => result,
        Err(LiveError::Panicked { message, journal }) => {
            console.error(format!("the run ended early: {message}"));
            return Ok(code::worst(
                code::INTERNAL,
                signals::left_at_once(journal, console),
            ));
        }
        Err(error) => return Err(target::error_of(&error)),
    };
    Ok(conclude(options, result, known, console))
}

/// Writes the reports, says how the run ended, and returns the exit code.
fn conclude(
    options: &check::CheckArgs,
    mut result: LiveResult,
    known: &KnownDifferences,
    console: &Console,
) -> u8 {
    let has_no_change = options.target.change_passwords_on.is_some() && !result.has_judged_change();
    let why = result.why_no_change();
    let (problems, actions) = (result.problems(), std::mem::take(&mut result.actions));
    let runs = vec![result.run];
    let finished = check::finish(options, runs, known, (problems, actions.clone()), console);
    let mut worst = console.code(finished);
    if let Some(why) = why.filter(|_| has_no_change) {
        console.error(format!("no change could be judged: {why}"));
        worst = code::worst(worst, code::NOTHING_JUDGED);
    }
    if let Some(NotJudged { code, text }) = result.stopped {
        let hint = match code {
            ReasonCode::LockedOut => {
                "\n  hint: a sensor locks the address, not the account: wait until the lock-out ends"
            }
            _ => "",
        };
        console.error(format!("the run was stopped: {text}{hint}"));
        worst = code::worst(worst, code::REFUSED);
    }
    if result.is_interrupted {
        console.error("interrupted");
        worst = code::worst(worst, code::INTERRUPTED);
    }
    if result.unrestored.is_empty() {
        actions.iter().for_each(|action| console.warning(action));
    } else {
        console.error(recover::act_now(&actions));
        worst = code::worst(worst, code::UNRESTORED);
    }
    for refused in result.refused {
        console.error(refused);
        worst = code::worst(worst, code::REFUSED);
    }
    worst
}
