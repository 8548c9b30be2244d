//! The control API: appliances made, driven and looked at while they run, by JSON over a listener of its own.
//!
//! ```text
//! listen ─ guard ─ router ─┬─ process      health, ready, ca.pem, openapi.json
//!                          ├─ appliances   list, create, delete, reset
//!                          └─ one appliance: users, failures, clock, explain, …
//! ```
//!
//! Handlers read a body whole before they change anything, and change it in one step: a request that is refused changes nothing.
//! Errors are always a `problem` (RFC 9457). The paths of the OpenAPI document and of the router are one list.

mod appliance;
mod appliances;
mod body;
mod clock;
mod document;
mod explain;
mod failures;
mod guard;
mod journal;
mod listen;
mod problem;
mod process;
mod readings;
mod state;
mod users;

use std::{future::Future, sync::Arc};

use axum::{Router, middleware};
use tokio::{net::TcpListener, sync::watch};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    control::{document::Document, guard::Guard},
    redact::Secret,
    server::Registry,
};

/// How many descriptors the control API may need for itself.
pub const DESCRIPTORS: usize = listen::MAX_CONNECTIONS;

/// Serves the control API of a registry until `shutdown` completes. With a token its bearers may ask, by any Host; without one
/// this machine alone.
///
/// Long polls end at the shutdown; what else is being answered may go on for a second.
///
/// # Errors
/// The system's, where the listener has no address.
pub async fn serve(
    listener: TcpListener,
    registry: Registry,
    token: Option<Secret>,
    shutdown: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let (stopping, stopped) = watch::channel(false);
    let guard = Guard::new(listener.local_addr()?, token);
    listen::serve(
        listener,
        router(AppState::new(registry, guard, stopped)),
        stopping,
        shutdown,
    )
    .await;
    Ok(())
}

/// What all handlers share.
#[derive(Clone)]
struct AppState(Arc<Inner>);

struct Inner {
    registry: Registry,
    guard: Guard,
    stopping: watch::Receiver<bool>,
    document: Document,
}

impl AppState {
    fn new(registry: Registry, guard: Guard, stopping: watch::Receiver<bool>) -> AppState {
        AppState(Arc::new(Inner {
            registry,
            guard,
            stopping,
            document: Document::default(),
        }))
    }

    fn registry(&self) -> &Registry {
        &self.0.registry
    }

    fn guard(&self) -> &Guard {
        &self.0.guard
    }

    fn document(&self) -> &Document {
        &self.0.document
    }

    fn is_stopping(&self) -> bool {
        *self.0.stopping.borrow()
    }

    /// Completes when the process is ending.
    async fn stopped(&self) {
        // The sender lives as long as the listener; were it gone, so were the process.
        drop(self.0.stopping.clone().wait_for(|stopping| *stopping).await);
    }
}

fn router(app: AppState) -> Router {
    let (router, api) = routes().split_for_parts();
    app.document().fill(api);
    router
        .fallback(document::no_such_path)
        .method_not_allowed_fallback(document::no_such_method)
        .layer(middleware::from_fn_with_state(app.clone(), guard::check))
        .with_state(app)
}

/// Every resource: a new one is a file and a line here.
fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(document::preface())
        .merge(process::routes())
        .merge(appliances::routes())
        .merge(users::routes())
        .merge(failures::routes())
        .merge(clock::routes())
        .merge(readings::routes())
        .merge(journal::routes())
        .merge(explain::routes())
        .merge(state::routes())
}
