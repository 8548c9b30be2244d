//! The signals that end a command.

use std::{future::poll_fn, task::Poll};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::error::{CliError, Result};

/// Receives signals of some kinds.
pub(super) struct Signals(Vec<Signal>);

impl Signals {
    /// Receives signals from now on; they no longer end the process.
    pub(super) fn listen(kinds: &[SignalKind]) -> Result<Signals> {
        let signals: Result<Vec<Signal>, _> = kinds.iter().map(|kind| signal(*kind)).collect();
        let failed = |error| CliError::usage(format!("cannot wait for signals: {error}"));
        signals.map(Signals).map_err(failed)
    }

    /// Waits for the next signal.
    pub(super) async fn recv(&mut self) {
        poll_fn(|context| {
            let mut signals = self.0.iter_mut();
            match signals.any(|signal| signal.poll_recv(context).is_ready()) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }
}
