//! Signals.

use std::{future::poll_fn, io, task::Poll};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::system::StopRequest;

/// Receives signals of some kinds.
pub(crate) struct Signals(Vec<Signal>);

impl Signals {
    /// Receives signals from now on; they no longer end the process.
    pub(crate) fn listen(requests: &[StopRequest]) -> io::Result<Signals> {
        let kinds = requests.iter().map(|request| match request {
            StopRequest::Interrupt => SignalKind::interrupt(),
            StopRequest::Terminate => SignalKind::terminate(),
            StopRequest::Hangup => SignalKind::hangup(),
            StopRequest::Quit => SignalKind::quit(),
        });
        kinds.map(signal).collect::<io::Result<_>>().map(Signals)
    }

    /// Waits for the next signal.
    pub(crate) async fn recv(&mut self) {
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
