//! The control API: appliances created, driven and inspected while they run, by JSON over a listener of its own.
//!
//! ```text
//! listen ─ guard ─ routes ─┬─ process      health, ready, ca.pem, openapi.json
//!                          ├─ appliances   list, create, delete, reset
//!                          └─ one appliance: users, failures, clock, explain, …
//! ```
//!
//! Handlers read a body whole before they change anything, and change it in one step: a request that is refused changes nothing.
//! Errors are always a `Problem` (RFC 9457). The paths of `openapi.yaml` are the routes; tests
//! compare its methods and schemas with the answers.

mod appliances;
mod clock;
mod document;
mod explain;
mod extract;
mod failures;
mod guard;
mod journal;
mod listen;
mod problem;
mod process;
mod readings;
mod state;
mod users;

use std::{
    future::Future,
    sync::{Arc, atomic::AtomicU64},
};

use axum::{
    Router, middleware,
    routing::{MethodRouter, get, post, put},
};
use tokio::{net::TcpListener, sync::watch};

use crate::{
    control::{document::DOCUMENT, guard::Guard, problem::Problem},
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
    let guard = Guard {
        address: listener.local_addr()?,
        token,
    };
    let app = Arc::new(AppState {
        registry,
        guard,
        stopping: stopped,
        names: AtomicU64::new(0),
    });
    listen::serve(listener, router(app), stopping, shutdown).await;
    Ok(())
}

/// Serves probes until `shutdown` completes: every request is answered with the number of this process.
pub async fn serve_health(listener: TcpListener, shutdown: impl Future<Output = ()>) {
    let (stopping, _) = watch::channel(false);
    let answer = || async { format!("{}\n", std::process::id()) };
    listen::serve(listener, Router::new().fallback(answer), stopping, shutdown).await;
}

/// Runs what may take long on a thread of its own, so that appliances go on answering.
async fn away<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let ended = |_| Err(Problem::internal_error("the answer could not be made"));
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(ended)
}

/// What all handlers share.
struct AppState {
    registry: Registry,
    guard: Guard,
    stopping: watch::Receiver<bool>,
    /// How many names were made up.
    names: AtomicU64,
}

impl AppState {
    /// Completes when the process is ending.
    async fn stopped(&self) {
        // An error is an end as well: the sender lives as long as the listener.
        drop(self.stopping.clone().wait_for(|stopping| *stopping).await);
    }
}

/// Routes every path of the OpenAPI document.
fn router(app: Arc<AppState>) -> Router {
    let paths = DOCUMENT["paths"].as_object().expect("tests read it").keys();
    let check = middleware::from_fn_with_state(Arc::clone(&app), guard::check);
    paths
        .fold(Router::new(), |router, path| {
            router.route(path, methods(path))
        })
        .route_layer(middleware::from_fn(document::check_query))
        .fallback(document::no_such_path)
        .method_not_allowed_fallback(document::no_such_method)
        .layer(check)
        .with_state(app)
}

/// Returns the handlers of a documented path.
fn methods(path: &str) -> MethodRouter<Arc<AppState>> {
    match path {
        "/v1/health" => get(process::health),
        "/v1/ready" => get(process::ready),
        "/v1/ca.pem" => get(process::ca),
        "/v1/openapi.json" => get(document::openapi),
        "/v1/reset" => post(appliances::reset_all),
        "/v1/appliances" => {
            let made = get(appliances::list).post(appliances::create);
            made.delete(appliances::delete_all)
        }
        "/v1/appliances/{name}" => get(appliances::one).delete(appliances::delete),
        "/v1/appliances/{name}/reset" => post(appliances::reset),
        "/v1/appliances/{name}/users" => get(users::list).post(users::add),
        "/v1/appliances/{name}/users/{user}" => {
            let changed = put(users::put).patch(users::patch);
            changed.get(users::one).delete(users::remove)
        }
        "/v1/appliances/{name}/users/{user}/password-is" => post(users::password_is),
        "/v1/appliances/{name}/failures" => get(failures::list).post(failures::add),
        "/v1/appliances/{name}/failures/{mode}" => {
            let armed = put(failures::arm).patch(failures::arm);
            armed.get(failures::one).delete(failures::remove)
        }
        "/v1/appliances/{name}/clock" => get(clock::get).post(clock::set),
        "/v1/appliances/{name}/readings" => {
            let changed = put(readings::change).patch(readings::change);
            changed.get(readings::get)
        }
        "/v1/appliances/{name}/journal" => get(journal::get).delete(journal::clear),
        "/v1/appliances/{name}/journal/wait" => get(journal::wait),
        "/v1/appliances/{name}/findings" => get(journal::findings),
        "/v1/appliances/{name}/explain" => post(explain::explain),
        "/v1/appliances/{name}/state" => get(state::get).put(state::put),
        other => panic!("{other} is documented and has no handler"),
    }
}
