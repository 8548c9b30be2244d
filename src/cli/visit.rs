//! `check TARGET`: a run at an appliance that is not ours, from the lock to the last word on what could not be given back.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    cli::{
        check, client::Client, code, progress::Progress, recover, rescue::rescued, serve,
        talk::Talk, target::Aim,
    },
    conformance::Known,
    runner::{
        Memory, Stop, careful,
        careful::{After, Care},
        undo::{Header, Journal, Lock, Shelf},
    },
};

/// Runs a check at a target and returns the exit code.
pub fn run(options: &check::Options, talk: &Talk) -> u8 {
    let mut aim = match options.target.aim(&options.selection, options.repeat) {
        Ok(aim) => aim,
        Err((code, text)) => {
            talk.error(text);
            return code;
        }
    };
    if aim.is_empty() {
        talk.error(format!(
            "no case is selected, so nothing was judged\n  hint: {}",
            options.selection.way_out()
        ));
        return code::NOTHING;
    }
    let agreed = check::agreed_of(options, aim.lab.kind);
    let (memory, known) = match agreed
        .and_then(|agreed| Ok((check::memory_of(options, aim.lab.kind, talk)?, agreed)))
    {
        Ok((memory, (agreed, known))) => {
            aim.lab.agreed = agreed;
            (memory, known)
        }
        Err(error) => {
            talk.error(error);
            return code::USAGE;
        }
    };
    aim.warnings
        .iter()
        .for_each(|warning| talk.warning(warning));
    let (journal, _lock) = match begin(&aim, &options.target.client, talk) {
        Ok(begun) => begun,
        Err((code, text)) => {
            talk.error(text);
            return code;
        }
    };
    match serve::runtime() {
        Ok(runtime) => runtime.block_on(visit(options, aim, memory, journal, &known, talk)),
        Err(error) => {
            talk.error(format!("starting: {error}"));
            code::INTERNAL
        }
    }
}

/// Takes the target's lock and begins the journal, where passwords may be changed.
fn begin(
    aim: &Aim,
    client: &Client,
    talk: &Talk,
) -> Result<(Option<Journal>, Option<Lock>), (u8, String)> {
    let changes = aim.plan.changes();
    let shelf = match Shelf::find() {
        Ok(shelf) => shelf,
        Err(error) if changes => return Err((code::USAGE, error)),
        Err(error) => {
            talk.warning(format!(
                "another run at this target would not be noticed: {error}"
            ));
            return Ok((None, None));
        }
    };
    let lock = shelf.lock(&aim.key).map_err(|error| (code::USAGE, error))?;
    let lock = lock.ok_or_else(|| {
        (
            code::REFUSED,
            format!("another run is at {} now", aim.lab.target.address()),
        )
    })?;
    let path = shelf.journal(&aim.key);
    if path.exists() && !matches!(Journal::open(&path), Ok(None)) {
        let text = format!(
            "an interrupted run at {} may have left passwords changed\n  hint: give them back first: {}",
            aim.lab.target.address(),
            recover::command(&path)
        );
        return Err((code::REFUSED, text));
    }
    let Some(named) = aim.named.as_ref().filter(|_| changes) else {
        return Ok((None, Some(lock)));
    };
    let header = Header {
        version: 1,
        target: aim.lab.target.address().to_owned(),
        kind: aim.lab.kind.name().to_owned(),
        client: serde_json::to_value(client.absolute())
            .map_err(|error| (code::INTERNAL, error.to_string()))?,
        accounts: named.file.clone(),
        environment: named.environment.clone(),
    };
    let journal = Journal::begin(&shelf, &aim.key, header, &aim.seed);
    let journal = journal.map_err(|error| {
        (
            code::USAGE,
            format!("beginning the journal {}: {error}", path.display()),
        )
    })?;
    Ok((Some(journal), Some(lock)))
}

async fn visit(
    options: &check::Options,
    aim: Aim,
    memory: Memory,
    journal: Option<Journal>,
    known: &Known,
    talk: &Talk,
) -> u8 {
    let path = journal.as_ref().map(|journal| journal.path().to_owned());
    let accounts = aim
        .named
        .as_ref()
        .map(|named| named.file.clone())
        .unwrap_or_default();
    let address = aim.lab.target.address().to_owned();
    let stop = Stop::new();
    listen(&stop, path.clone(), *talk);
    let progress = Arc::new(Progress::new(
        aim.plan.cases.len() + aim.plan.left_out.len(),
        talk,
    ));
    let care = Care {
        failures: options.target.max_auth_failures,
        journal,
        stop,
    };
    let (shown, full) = (Arc::clone(&progress), options.selection.is_full());
    let run = async move {
        let kind = aim.lab.kind;
        let mut ended = careful::run(&aim.lab, &aim.plan, &memory, care, &|case| {
            shown.tell(kind, case)
        })
        .await?;
        if full {
            ended.run.summary.gone = memory
                .gone(&aim.plan.ids())
                .map_err(|error| error.to_string())?;
        }
        Ok::<_, String>(ended)
    };
    let ended = rescued(run, path.as_deref(), talk).await;
    progress.end();
    match ended {
        Ok(Ok(ended)) => {
            let code = check::finish(options, vec![ended.run], known, trouble(&ended.after), talk);
            code::gravest(code, tell(&ended.after, &address, &accounts, path, talk))
        }
        Ok(Err(error)) => {
            talk.error(error);
            code::USAGE
        }
        Err(code) => code,
    }
}

/// What went wrong with the run itself, for the reports.
fn trouble(after: &After) -> Vec<String> {
    let lost = after.lost.iter().map(|lost| {
        format!(
            "the password of account `{}` could not be given back",
            lost.account.name()
        )
    });
    let suspicion = after
        .suspicion
        .iter()
        .map(|suspicion| format!("the run was stopped: lock-out is suspected, since {suspicion}"));
    let interrupted = after
        .interrupted
        .then(|| "the run was interrupted".to_owned());
    lost.chain(suspicion).chain(interrupted).collect()
}

/// Tells the user what to do about it, and returns the code it has.
fn tell(
    after: &After,
    address: &str,
    accounts: &Path,
    journal: Option<PathBuf>,
    talk: &Talk,
) -> u8 {
    let mut worst = code::GOOD;
    if let Some(suspicion) = &after.suspicion {
        talk.error(format!(
            "the run was stopped: lock-out is suspected, since {suspicion}\n  hint: a locked sensor bars the address, not the account"
        ));
        worst = code::gravest(worst, code::REFUSED);
    }
    if after.interrupted {
        talk.error("interrupted");
        worst = code::gravest(worst, code::INTERRUPTED);
    }
    if let Some(journal) = journal.filter(|_| !after.lost.is_empty()) {
        talk.error(recover::steps(&after.lost, address, accounts, &journal));
        worst = code::gravest(worst, code::LOST);
    }
    worst
}

/// Listens for signals: the first asks the run to stop, the second leaves at once.
#[expect(
    clippy::disallowed_methods,
    reason = "signals are waited for beside the run"
)]
fn listen(stop: &Stop, journal: Option<PathBuf>, talk: Talk) {
    let stop = stop.clone();
    tokio::spawn(async move {
        let mut signals = match Signals::new() {
            Ok(signals) => signals,
            Err(error) => return talk.warning(format!("signals cannot be waited for: {error}")),
        };
        signals.next().await;
        stop.ask();
        talk.note("stopping: what was changed is given back first");
        signals.next().await;
        match journal.filter(|journal| journal.exists()) {
            Some(journal) => {
                talk.error(format!(
                    "left at once; passwords may be changed still\n  hint: {}",
                    recover::command(&journal)
                ));
                talk.flush();
                std::process::exit(i32::from(code::LOST));
            }
            None => std::process::exit(i32::from(code::INTERRUPTED)),
        }
    });
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
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

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals)
    }

    async fn next(&mut self) {
        drop(tokio::signal::ctrl_c().await);
    }
}
