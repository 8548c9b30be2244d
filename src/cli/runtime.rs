//! The runtimes of commands: of one thread, of several, and with the signals that end a command.

use std::{io, thread};

use tokio::runtime::{Builder, Runtime};

use crate::{
    cli::{
        code,
        error::{CliError, Result},
        signals,
    },
    system::{Signals, StopRequest},
};

/// Starts a runtime: of one thread where there is one processor, else of as many as there are.
///
/// # Errors
/// The system's.
pub(super) fn start() -> Result<Runtime> {
    if thread::available_parallelism().is_ok_and(|count| count.get() == 1) {
        return of_one_thread();
    }
    of_threads()
}

/// Starts a runtime with worker threads of its own.
///
/// # Errors
/// The system's.
pub(super) fn of_threads() -> Result<Runtime> {
    or_internal_error(Builder::new_multi_thread().enable_all().build())
}

/// Starts a runtime that runs in the thread that blocks on it.
///
/// # Errors
/// The system's.
pub(super) fn of_one_thread() -> Result<Runtime> {
    or_internal_error(Builder::new_current_thread().enable_all().build())
}

fn or_internal_error(runtime: io::Result<Runtime>) -> Result<Runtime> {
    runtime.map_err(|error| CliError::new(code::INTERNAL, format!("cannot start: {error}")))
}

/// Reads or writes on a thread that may wait: a FIFO keeps its writer until it has a reader.
///
/// # Errors
/// Those of the work.
pub(super) async fn on_blocking_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let ended = |_| {
        let message = "reading or writing a file ended early";
        Err(CliError::new(code::INTERNAL, message))
    };
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(ended)
}

/// A runtime that receives the signals that end a command.
pub(super) struct SignalRuntime {
    pub(super) runtime: Runtime,
    pub(super) signals: Signals,
}

impl SignalRuntime {
    /// # Errors
    /// The system's.
    pub(super) fn new() -> Result<SignalRuntime> {
        let runtime = start()?;
        let entered = runtime.enter();
        let signals = signals::receive(&[StopRequest::Terminate, StopRequest::Interrupt])?;
        drop(entered);
        Ok(SignalRuntime { runtime, signals })
    }
}
