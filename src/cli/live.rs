//! `check TARGET`: a run at a live target, from its lock to the steps that restore a password by hand.

use std::{io, path::PathBuf, sync::Arc};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    cli::{
        check, code, console::Console, error::Result, progress::Progress, recover, serve, target,
    },
    runner::live::{LiveError, LiveResult, PreparedRun, StopSignal},
    snapshot::SnapshotStore,
    suite::KnownDifferences,
};

/// Runs a check at a target and returns the exit code.
pub(super) fn run(options: &check::CheckArgs, console: &Console) -> Result {
    let (run, store, known) = prepare(options, console)?;
    let runtime = serve::runtime().map_err(serve::cannot_start)?;
    runtime.block_on(go(options, run, store, &known, console))
}

/// Prepares a run, up to its lock and journal.
fn prepare(
    options: &check::CheckArgs,
    console: &Console,
) -> Result<(PreparedRun, SnapshotStore, KnownDifferences)> {
    let mut run = options.target.prepare(&options.selection, options.repeat)?;
    if run.plan.is_empty() {
        return Err(options.selection.nothing());
    }
    let kind = run.context.kind;
    let (agreed, known) = check::agreed_of(options, kind)?;
    let store = check::store_of(options, kind)?;
    run.context.agreed = agreed;
    run.begin().map_err(|error| target::error_of(&error))?;
    for warning in &run.warnings {
        console.warning(warning);
    }
    Ok((run, store, known))
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
    let progress = Arc::new(Progress::new(
        run.plan.cases.len() + run.plan.left_out.len(),
        console,
    ));
    let shown = Arc::clone(&progress);
    let is_full = options.selection.is_full();
    let result = run
        .run(store, is_full, stop, move |case| shown.add(kind, case))
        .await;
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
    let LiveResult {
        run,
        suspicion,
        is_interrupted,
        unrestored,
    } = result;
    let finished = check::finish(options, vec![run], known, problems, console);
    let mut worst = console.code(finished);
    if let Some(suspicion) = suspicion {
        console.error(format!(
            "the run was stopped: a lock-out is suspected, because {suspicion}\n  hint: a sensor locks the address, not the account: wait until the lock-out ends"
        ));
        worst = code::worst(worst, code::REFUSED);
    }
    if is_interrupted {
        console.error("interrupted");
        worst = code::worst(worst, code::INTERRUPTED);
    }
    if let Some(journal) = journal.filter(|_| !unrestored.is_empty()) {
        console.error(recover::steps(&unrestored, &address, &accounts, &journal));
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
        let mut signals = match Signals::new() {
            Ok(signals) => signals,
            Err(error) => return console.warning(format!("signals cannot be waited for: {error}")),
        };
        signals.next().await;
        stop.request();
        console.note("stopping: changed passwords are restored first");
        signals.next().await;
        let code = match journal.filter(|journal| journal.exists()) {
            Some(journal) => {
                console.error(format!(
                    "ended at once; passwords may still be changed\n  hint: {}",
                    recover::command(&journal)
                ));
                code::UNRESTORED
            }
            None => code::INTERRUPTED,
        };
        console.flush();
        std::process::exit(i32::from(code));
    });
}

/// The signals that end a run.
struct Signals([Signal; 3]);

impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals([
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::hangup())?,
        ]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
