//! The open connections of one listener: started, reaped, reset, and closed in time.

use std::{collections::HashMap, sync::Arc};

use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

use crate::server::{Limits, Service, connection_state::ConnectionState};

/// The open connections of one listener.
pub(super) struct ConnectionSet {
    service: Arc<dyn Service>,
    limits: Arc<Limits>,
    tasks: JoinSet<()>,
    handles: HashMap<Id, Handle>,
}

struct Handle {
    connection: u64,
    state: Arc<ConnectionState>,
    task: AbortHandle,
}

impl ConnectionSet {
    pub(super) fn new(service: Arc<dyn Service>, limits: Arc<Limits>) -> ConnectionSet {
        ConnectionSet {
            service,
            limits,
            tasks: JoinSet::new(),
            handles: HashMap::new(),
        }
    }

    /// Starts the task of a connection.
    pub(super) fn start(
        &mut self,
        connection: u64,
        state: Arc<ConnectionState>,
        serve: impl Future<Output = ()> + Send + 'static,
    ) {
        let task = self.tasks.spawn(serve);
        let handle = Handle {
            connection,
            state,
            task,
        };
        self.handles.insert(handle.task.id(), handle);
    }

    /// Waits for a connection to end, and forgets it; for ever where there is none.
    pub(super) async fn reap(&mut self) {
        match self.tasks.join_next_with_id().await {
            Some(end) => self.forget(end),
            None => std::future::pending().await,
        }
    }

    /// Ends every connection with RST.
    pub(super) fn reset(&self) {
        for handle in self.handles.values() {
            handle.state.reset();
            handle.task.abort();
        }
    }

    /// Cuts at once what is idle, being read or delayed, and lets running answers finish for [`Limits::grace`].
    pub(super) async fn close(mut self) {
        for handle in self.handles.values() {
            if !handle.state.begin_shutdown() {
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
                // The panic's own text may hold what the request held.
                if error.is_panic() {
                    let log = &self.limits.log;
                    log.line("a connection ended because its service panicked");
                }
                error.id()
            }
        };
        if let Some(handle) = self.handles.remove(&id) {
            self.service.on_closed(handle.connection);
        }
    }
}
