//! A client that is a closure of a test.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use super::{Attempt, ClientEnding, ClientUnderTest, Ended, SweepError};
use crate::journal::lock;

/// A closure, to be run on a thread of its own each time.
pub(super) struct ClosureClient(Arc<ErrorText>);

/// Runs the closure and returns its error as text; none after a success.
type ErrorText = dyn Fn(&Attempt) -> Option<String> + Send + Sync;

impl ClosureClient {
    pub(super) fn new<E: fmt::Display>(
        client: impl Fn(&Attempt) -> Result<(), E> + Send + Sync + 'static,
    ) -> ClosureClient {
        let run = move |attempt: &Attempt| Some(client(attempt).err()?.to_string());
        ClosureClient(Arc::new(run))
    }
}

impl ClientUnderTest for ClosureClient {
    fn run(&self, attempt: &Attempt, limit: Duration) -> Result<Ended, SweepError> {
        let (sender, ended) = mpsc::channel();
        let (client, given) = (Arc::clone(&self.0), attempt.clone());
        let run = move || {
            let result = catch_unwind(AssertUnwindSafe(|| client(&given)));
            drop(sender.send(result));
        };
        let thread = thread::Builder::new().name("client under test".to_owned());
        let spawned = thread.spawn(run);
        spawned.map_err(|error| SweepError::Start(error.to_string()))?;
        let (ending, words, stderr) = match ended.recv_timeout(limit) {
            Ok(Ok(None)) => (ClientEnding::Success, "success".to_owned(), String::new()),
            Ok(Ok(Some(error))) => (ClientEnding::Failure, "failure".to_owned(), error),
            Ok(Err(panic)) => {
                let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
                let words = "a panic".to_owned();
                (ClientEnding::Crashed, words, text.unwrap_or_default())
            }
            Err(_) => {
                let words = format!("no end within {limit:?}");
                (ClientEnding::Hung, words, String::new())
            }
        };
        Ok(Ended {
            ending,
            words,
            stdout: String::new(),
            stderr,
            dropped_password: false,
            believed: lock(&attempt.believed).take(),
        })
    }
}
