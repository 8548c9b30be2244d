//! What all doubles of a process share: a small runtime of their own, and one identity.
//!
//! A double never runs on its user's runtime: one of a single thread would not serve while a test blocks in it, a paused clock
//! would stop its timers, and a test without tokio has none.

use std::{
    future::Future,
    sync::{OnceLock, mpsc},
    thread,
};

use tokio::{runtime::Runtime, task::JoinSet};

use crate::server::tls::Identity;

/// Returns the runtime of all doubles, which lives as long as the process.
///
/// # Errors
/// The system gives no thread, in words.
pub(crate) fn runtime() -> Result<&'static Runtime, String> {
    static RUNTIME: OnceLock<Result<Runtime, String>> = OnceLock::new();
    let start = || {
        let threads = thread::available_parallelism().map_or(LEAST_THREADS, |count| {
            count.get().clamp(LEAST_THREADS, MOST_THREADS)
        });
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder
            .worker_threads(threads)
            .thread_name("d4iot-double")
            .enable_all()
            .build()
            .map_err(|error| format!("starting threads: {error}"))
    };
    RUNTIME.get_or_init(start).as_ref().map_err(Clone::clone)
}

/// Returns the identity of all doubles that ask for no further name: making one takes longer than all the rest of a start.
///
/// # Errors
/// It cannot be made, in words.
pub(crate) fn identity() -> Result<&'static Identity, String> {
    static IDENTITY: OnceLock<Result<Identity, String>> = OnceLock::new();
    IDENTITY
        .get_or_init(|| Identity::generate(&[]).map_err(|error| error.to_string()))
        .as_ref()
        .map_err(Clone::clone)
}

/// Completes with what this completes with, on the doubles' runtime, whatever polls it; none where the system gives no thread.
/// Dropped, it stops.
pub(crate) async fn on<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let mut task = JoinSet::new();
    task.spawn_on(future, runtime().ok()?.handle());
    task.join_next().await?.ok()
}

/// Returns what this completes with, and blocks until then; may be called inside and outside of any runtime.
pub(crate) fn blocking<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let (tell, told) = mpsc::channel();
    runtime().ok()?.spawn(async move {
        // Whoever asked waits below.
        let _ = tell.send(future.await);
    });
    told.recv().ok()
}

/// One thread is not enough: a failure mode may keep it busy.
const LEAST_THREADS: usize = 2;
const MOST_THREADS: usize = 4;
