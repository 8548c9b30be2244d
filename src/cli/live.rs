//! `check TARGET`: a run at a live target, from its lock to the steps that restore a password by hand.

use std::{io, path::PathBuf, sync::Arc};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    cli::{check, code, progress::Progress, recover, serve, talk::Talk, target},
    conformance::Known,
    runner::live::{LiveError, LiveResult, PreparedRun, StopSignal},
    snapshot::SnapshotStore,
};

/// Runs a check at a target and returns the exit code.
pub fn run(options: &check::Options, talk: &Talk) -> u8 {
    prepare(options, talk).map_or_else(
        |code| code,
        |(run, store, known)| match serve::runtime() {
            Ok(runtime) => runtime.block_on(go(options, run, store, &known, talk)),
            Err(error) => {
                talk.error(format!("starting: {error}"));
                code::INTERNAL
            }
        },
    )
}

/// Prepares a run, up to its lock and journal.
fn prepare(
    options: &check::Options,
    talk: &Talk,
) -> Result<(PreparedRun, SnapshotStore, Known), u8> {
    let mut run = options
        .target
        .prepare(&options.selection, options.repeat, talk)?;
    if run.plan.is_empty() {
        talk.error(format!(
            "no case is selected, so nothing was judged\n  hint: {}",
            options.selection.way_out()
        ));
        return Err(code::NOTHING);
    }
    let kind = run.context.kind;
    let usage = |error| talk.code(Err(error));
    let (agreed, known) = check::agreed_of(options, kind).map_err(usage)?;
    let store = check::store_of(options, kind, talk).map_err(usage)?;
    run.context.agreed = agreed;
    run.begin().map_err(|error| target::report(&error, talk))?;
    for warning in &run.warnings {
        talk.warning(warning);
    }
    Ok((run, store, known))
}

async fn go(
    options: &check::Options,
    run: PreparedRun,
    store: SnapshotStore,
    known: &Known,
    talk: &Talk,
) -> u8 {
    let (journal, accounts) = (run.journal_path(), run.accounts_path());
    let (kind, address) = (run.context.kind, run.context.target.address().to_owned());
    let stop = StopSignal::default();
    listen(&stop, journal.clone(), *talk);
    let progress = Arc::new(Progress::new(
        run.plan.cases.len() + run.plan.left_out.len(),
        talk,
    ));
    let shown = Arc::clone(&progress);
    let is_full = options.selection.is_full();
    let result = run
        .run(store, is_full, stop, move |case| shown.tell(kind, case))
        .await;
    progress.end();
    let result = match result {
        Ok(result) => result,
        Err(LiveError::Panicked { message, recovery }) => {
            talk.error(format!("the run ended early: {message}"));
            let code = match recovery.zip(journal) {
                Some((Ok(recovery), journal)) => recover::report(&recovery, &journal, talk),
                Some((Err(error), journal)) => recover::failed(&error, &journal, talk),
                None => code::GOOD,
            };
            return code::gravest(code, code::INTERNAL);
        }
        Err(error) => return target::report(&error, talk),
    };
    let problems = result.problems();
    let LiveResult {
        run,
        suspicion,
        is_interrupted,
        unrestored,
    } = result;
    let mut worst = check::finish(options, vec![run], known, problems, talk);
    if let Some(suspicion) = suspicion {
        talk.error(format!(
            "the run was stopped: a lock-out is suspected, because {suspicion}\n  hint: a sensor locks the address, not the account: wait until the lock-out ends"
        ));
        worst = code::gravest(worst, code::REFUSED);
    }
    if is_interrupted {
        talk.error("interrupted");
        worst = code::gravest(worst, code::INTERRUPTED);
    }
    if let Some(journal) = journal.filter(|_| !unrestored.is_empty()) {
        talk.error(recover::steps(&unrestored, &address, &accounts, &journal));
        worst = code::gravest(worst, code::LOST);
    }
    worst
}

/// Listens for signals: the first asks the run to stop, the second ends the process.
#[expect(
    clippy::disallowed_methods,
    reason = "signals are waited for beside the run"
)]
fn listen(stop: &StopSignal, journal: Option<PathBuf>, talk: Talk) {
    let stop = stop.clone();
    tokio::spawn(async move {
        let mut signals = match Signals::new() {
            Ok(signals) => signals,
            Err(error) => return talk.warning(format!("signals cannot be waited for: {error}")),
        };
        signals.next().await;
        stop.request();
        talk.note("stopping: changed passwords are restored first");
        signals.next().await;
        let code = match journal.filter(|journal| journal.exists()) {
            Some(journal) => {
                talk.error(format!(
                    "ended at once; passwords may still be changed\n  hint: {}",
                    recover::command(&journal)
                ));
                code::LOST
            }
            None => code::INTERRUPTED,
        };
        talk.flush();
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
