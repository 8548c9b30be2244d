//! `check TARGET`: a run at a live target, from its lock to the steps that restore a password by hand.

use std::{path::PathBuf, sync::Arc};

use tokio::signal::unix::SignalKind;

use crate::{
    cli::{
        check, code, console::Console, error::Result, progress::Progress, recover, serve,
        signals::Signals, snapshots, target,
    },
    runner::live::{LiveError, PreparedRun, StopSignal},
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
    let (journal, accounts) = (run.journal_path(), run.accounts_path());
    let (kind, address) = (run.context.kind, run.context.target.address().to_owned());
    let stop = StopSignal::default();
    listen(&stop, journal.clone(), *console);
    let count = run.plan.cases.len() + run.plan.left_out.len();
    let progress = Arc::new(Progress::new(count, console));
    let (is_full, shown) = (options.selection.is_full(), Arc::clone(&progress));
    let add = move |case: &_| shown.add(kind, case);
    let result = run.run(store, is_full, stop, add).await;
    progress.end();
    let result = match result {
        Ok(result) => result,
        Err(LiveError::Panicked { message, recovery }) => {
            console.error(format!("the run ended early: {message}"));
            let code = match recovery.zip(journal) {
                Some((Ok(recovery), journal)) => recover::report(&recovery, &journal, console),
                Some((Err(error), journal)) => recover::failed(&error, &journal, console),
                None => code::SUCCESS,
            };
            return Ok(code::worst(code, code::INTERNAL));
        }
        Err(error) => return Err(target::error_of(&error)),
    };
    let problems = result.problems();
    let finished = check::finish(options, vec![result.run], known, problems, console);
    let mut worst = console.code(finished);
    if let Some(suspicion) = result.suspicion {
        console.error(format!(
            "the run was stopped: a lock-out is suspected, because {suspicion}\n  hint: a sensor locks the address, not the account: wait until the lock-out ends"
        ));
        worst = code::worst(worst, code::REFUSED);
    }
    if result.is_interrupted {
        console.error("interrupted");
        worst = code::worst(worst, code::INTERRUPTED);
    }
    let unrestored = &result.unrestored;
    if let Some(journal) = journal.filter(|_| !unrestored.is_empty()) {
        console.error(recover::steps(unrestored, &address, &accounts, &journal));
        worst = code::worst(worst, code::UNRESTORED);
    }
    Ok(worst)
}

/// Listens for signals: the first asks the run to stop, the second ends the process.
#[expect(
    clippy::disallowed_methods,
    reason = "signals are waited for beside the run"
)]
fn listen(stop: &StopSignal, journal: Option<PathBuf>, console: Console) {
    let stop = stop.clone();
    tokio::spawn(async move {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ];
        let mut signals = match Signals::listen(&kinds) {
            Ok(signals) => signals,
            Err(error) => return console.warning(error),
        };
        signals.recv().await;
        stop.request();
        console.note("stopping: changed passwords are restored first");
        signals.recv().await;
        let code = match journal.filter(|journal| journal.exists()) {
            Some(journal) => {
                let command = recover::command(&journal);
                console.error(format!(
                    "ended at once; passwords may still be changed\n  hint: {command}"
                ));
                code::UNRESTORED
            }
            None => code::INTERRUPTED,
        };
        console.flush();
        std::process::exit(i32::from(code));
    });
}
