//! The open connections of one listener: started, tidied away, reset, and ended in time.

use std::{collections::HashMap, future::Future, sync::Arc};

use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use crate::server::{Limits, pulse::Pulse};

/// The open connections of one listener.
pub(super) struct Open {
    limits: Arc<Limits>,
    tasks: JoinSet<()>,
    handles: HashMap<Id, Handle>,
    gone: Box<dyn Fn(u64) + Send + Sync>,
}

struct Handle {
    connection: u64,
    pulse: Arc<Pulse>,
    task: AbortHandle,
}

impl Open {
    /// Returns none; `gone` is told the number of each connection that has ended.
    pub(super) fn new(limits: Arc<Limits>, gone: impl Fn(u64) + Send + Sync + 'static) -> Open {
        Open {
            limits,
            tasks: JoinSet::new(),
            handles: HashMap::new(),
            gone: Box::new(gone),
        }
    }

    /// Starts a connection of a number.
    pub(super) fn start<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        connection: u64,
        serve: impl FnOnce(Arc<Pulse>) -> F,
    ) {
        let pulse = Arc::new(Pulse::default());
        let task = self.tasks.spawn(serve(Arc::clone(&pulse)));
        self.handles.insert(
            task.id(),
            Handle {
                connection,
                pulse,
                task,
            },
        );
    }

    /// Waits for a connection to end, and forgets it; for ever where there is none.
    pub(super) async fn tidy(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(end) => self.forget(end),
            None => std::future::pending().await,
        }
    }

    /// Ends every connection with RST.
    pub(super) fn reset(&self) {
        for handle in self.handles.values() {
            handle.pulse.sever();
            handle.task.abort();
        }
    }

    /// Cuts at once what is not being answered, or held back, and lets running answers finish for [`Limits::grace`].
    pub(super) async fn close(mut self) {
        for handle in self.handles.values() {
            if !handle.pulse.leave() {
                handle.task.abort();
            }
        }
        let grace = self.limits.grace;
        let all = async {
            while let Some(end) = self.tasks.join_next_with_id().await {
                self.forget(end);
            }
        };
        if tokio::time::timeout(grace, all).await.is_err() {
            self.tasks.shutdown().await;
        }
    }

    fn forget(&mut self, end: Result<(Id, ()), JoinError>) {
        let id = match end {
            Ok((id, ())) => id,
            Err(error) => {
                // The panic's own text stays out of the log: it may hold what the request held.
                if error.is_panic() {
                    self.limits
                        .log
                        .line("a connection ended because its service panicked");
                }
                error.id()
            }
        };
        if let Some(handle) = self.handles.remove(&id) {
            (self.gone)(handle.connection);
        }
    }
}
