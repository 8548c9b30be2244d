//! The process: whether it is well, whether it serves, and its CA.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use http::header;
use serde_json::{Value, json};

use crate::{
    control::{
        AppState,
        problem::{JsonResult, Problem},
    },
    server::tls::Identity,
};

pub(super) async fn health(State(app): State<Arc<AppState>>) -> Json<Value> {
    let (version, appliances) = (env!("CARGO_PKG_VERSION"), app.registry.count());
    Json(json!({ "status": "ok", "version": version, "appliances": appliances }))
}

pub(super) async fn ready(State(app): State<Arc<AppState>>) -> JsonResult {
    if *app.stopping.borrow() {
        return Err(ending());
    }
    let mut all = app.registry.appliances().into_iter();
    let Some(closed) = all.find(|running| running.appliance().is_port_closed()) else {
        return Ok(Json(json!({ "ready": true })));
    };
    let name = closed.appliance().name();
    let detail = format!("a failure mode has closed the port of `{name}`");
    let hint = "wait, reset the appliance, or disarm the mode";
    Err(Problem::port_closed(detail).hint(hint))
}

pub(super) async fn ca(State(app): State<Arc<AppState>>) -> Result<impl IntoResponse, Problem> {
    let identity = app.registry.settings().identity.as_ref();
    let Some(pem) = identity.and_then(Identity::ca_pem) else {
        let detail =
            "no CA was generated: plain HTTP is served, or a certificate given with --tls-cert";
        return Err(Problem::unknown_path(detail));
    };
    let content_type = [(header::CONTENT_TYPE, "application/x-pem-file")];
    Ok((content_type, pem.to_owned()))
}

pub(super) fn ending() -> Problem {
    Problem::ending("the process is ending")
}
