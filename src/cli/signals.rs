//! The signals that end a command.

use std::path::PathBuf;

use crate::{
    cli::{
        code,
        console::Console,
        error::{CliError, Result},
    },
    runner::live::{StopSignal, undo::recover_command},
    system::{Signals, StopRequest},
};

/// Receives signals from now on; they no longer end the process.
pub(super) fn receive(requests: &[StopRequest]) -> Result<Signals> {
    let failed = |error| CliError::usage(format!("cannot wait for signals: {error}"));
    Signals::listen(requests).map_err(failed)
}

/// Listens for signals: the first asks the run to stop, the second ends the process.
#[expect(
    clippy::disallowed_methods,
    reason = "signals are waited for beside the run"
)]
pub(super) fn listen(stop: &StopSignal, journal: Option<PathBuf>, console: Console) {
    let stop = stop.clone();
    tokio::spawn(async move {
        let requests = [
            StopRequest::Interrupt,
            StopRequest::Terminate,
            StopRequest::Hangup,
        ];
        let mut signals = match receive(&requests) {
            Ok(signals) => signals,
            Err(error) => return console.warning(error),
        };
        signals.recv().await;
        match journal {
            Some(_) => console.note("stopping: changed passwords are restored first"),
            None if stop.is_requested() => {}
            None => console.note("stopping"),
        }
        stop.request();
        signals.recv().await;
        let code = left_at_once(journal.filter(|journal| journal.exists()), &console);
        console.flush();
        std::process::exit(i32::from(code));
    });
}

/// Says that a run ended before it restored passwords, if it has a journal. Returns the exit code.
pub(super) fn left_at_once(journal: Option<PathBuf>, console: &Console) -> u8 {
    let Some(journal) = journal else {
        return code::INTERRUPTED;
    };
    let command = recover_command(&journal);
    console.error(format!(
        "ended at once; passwords may still be changed\n  hint: {command}"
    ));
    code::UNRESTORED
}
