//! What all doubles of a process share: a small runtime, and one identity.
//!
//! A double never runs on its user's runtime: one of a single thread would not serve while a test blocks in it, a paused clock
//! would stop its timers, and a test without tokio has none.

use std::{
    future::Future,
    io,
    sync::{LazyLock, mpsc},
    thread,
};

use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

use super::error::{CallSite, Error};
use crate::server::tls::{Identity, IdentityError};

/// Lives as long as the process.
static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    let threads = thread::available_parallelism().map_or(MIN_THREADS, |count| count.get());
    let threads = threads.clamp(MIN_THREADS, MAX_THREADS);
    Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("d4iot-double")
        .enable_all()
        .build()
});

pub(crate) fn runtime(place: CallSite) -> Result<&'static Runtime, Error> {
    RUNTIME
        .as_ref()
        .map_err(|error| Error::at(place, format!("starting threads: {error}")))
}

/// Returns the identity of all doubles without further names: making one takes longer than the rest of a start.
pub(super) fn identity(place: CallSite) -> Result<Identity, Error> {
    static IDENTITY: LazyLock<Result<Identity, IdentityError>> =
        LazyLock::new(|| Identity::generate(&[]));
    IDENTITY
        .as_ref()
        .cloned()
        .map_err(|error| Error::at(place, error.to_string()))
}

/// Runs a future on the doubles' runtime, whatever polls this; none if it cannot start. Dropped, it stops.
pub(crate) async fn on<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let mut task = JoinSet::new();
    task.spawn_on(future, RUNTIME.as_ref().ok()?.handle());
    task.join_next().await?.ok()
}

/// Runs a future and blocks until it completes; can be called inside and outside of any runtime.
pub(crate) fn blocking<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let (sender, receiver) = mpsc::channel();
    RUNTIME
        .as_ref()
        .ok()?
        .spawn(async move { drop(sender.send(future.await)) });
    receiver.recv().ok()
}

/// One thread is not enough: a failure mode may keep it busy.
const MIN_THREADS: usize = 2;
const MAX_THREADS: usize = 4;
