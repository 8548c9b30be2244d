//! The signals that end a command.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use crate::{
    cli::{
        code,
        console::Console,
        error::{CliError, Result},
    },
    journal::lock,
    runner::live::{StopSignal, undo::recover_command},
    system::{Signals, StopRequest},
};

/// Receives signals from now on; they no longer end the process.
pub(super) fn receive(requests: &[StopRequest]) -> Result<Signals> {
    let failed = |error| CliError::usage(format!("cannot wait for signals: {error}"));
    Signals::listen(requests).map_err(failed)
}

/// The journals of runs that are in progress.
pub(super) type Journals = Arc<Mutex<Vec<PathBuf>>>;

/// Listens for signals: the first asks the run to stop, the second ends the process.
#[expect(
    clippy::disallowed_methods,
    reason = "signals are waited for beside the run"
)]
pub(super) fn listen(stop: &StopSignal, journals: &Journals, console: Console) {
    let (stop, journals) = (stop.clone(), Arc::clone(journals));
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
        match lock(&journals).is_empty() {
            false => console.note("stopping: changed passwords are restored first"),
            true if stop.is_requested() => {}
            true => console.note("stopping; again: at once"),
        }
        stop.request();
        signals.recv().await;
        let open = lock(&journals).clone().into_iter();
        let open = open.filter(|journal| journal.exists());
        let code = left_at_once(open, &console);
        console.flush();
        std::process::exit(i32::from(code));
    });
}

/// Says that runs ended before they restored passwords, if they have journals. Returns the exit code.
pub(super) fn left_at_once(journals: impl IntoIterator<Item = PathBuf>, console: &Console) -> u8 {
    let mut code = code::INTERRUPTED;
    for journal in journals {
        let command = recover_command(&journal);
        console.error(format!(
            "ended at once; passwords may still be changed\n  hint: {command}"
        ));
        code = code::UNRESTORED;
    }
    code
}
