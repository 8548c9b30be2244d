//! The process: whether it is well, whether it serves, its CA, and this API's own description.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::header;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    control::{
        AppState,
        problem::{Problem, ProblemKind},
    },
    server::tls::Identity,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(ready))
        .routes(routes!(ca))
        .routes(routes!(openapi))
}

/// How the process is.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// Always `ok`.
    status: &'static str,
    /// The version of d4iot-double.
    version: &'static str,
    /// How many appliances there are.
    appliances: usize,
}

/// Is the process well?
#[utoipa::path(get, path = "/v1/health", tag = "process", responses((status = 200, description = "It answers", body = Health)))]
async fn health(State(app): State<AppState>) -> Json<Health> {
    Json(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        appliances: app.registry().count(),
    })
}

/// Whether the process serves.
#[derive(Debug, Serialize, ToSchema)]
struct Ready {
    /// Always true: otherwise a problem is returned.
    ready: bool,
}

/// Does every appliance serve? From the moment this API answers until the process ends.
#[utoipa::path(get, path = "/v1/ready", tag = "process", responses((status = 200, description = "All serve", body = Ready)))]
async fn ready(State(app): State<AppState>) -> Result<Json<Ready>, Problem> {
    if app.is_stopping() {
        return Err(ending());
    }
    let all = app.registry().appliances();
    match all
        .iter()
        .find(|running| running.appliance().is_port_closed())
    {
        None => Ok(Json(Ready { ready: true })),
        Some(closed) => {
            let name = closed.appliance().name();
            let detail = format!("a failure mode has closed the port of `{name}`");
            let hint = "wait, reset the appliance, or disarm the mode";
            Err(Problem::new(ProblemKind::PortClosed, detail).hint(hint))
        }
    }
}

/// The certificate of the CA to trust, as PEM.
#[utoipa::path(get, path = "/v1/ca.pem", tag = "process",
    responses((status = 200, description = "The generated CA; 404 over plain HTTP or with a certificate of the user's", body = String, content_type = "application/x-pem-file")))]
async fn ca(State(app): State<AppState>) -> Result<Response, Problem> {
    let identity = app.registry().settings().identity.as_ref();
    let Some(pem) = identity.and_then(Identity::ca_pem) else {
        let detail = if identity.is_some() {
            "the certificate was given with --tls-cert: trust its own CA"
        } else {
            "plain HTTP is served, without certificates"
        };
        return Err(Problem::new(ProblemKind::UnknownPath, detail));
    };
    Ok((
        [(header::CONTENT_TYPE, "application/x-pem-file")],
        pem.to_owned(),
    )
        .into_response())
}

/// This API, as OpenAPI 3.1.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "process", responses((status = 200, description = "This document", body = Object)))]
async fn openapi(State(app): State<AppState>) -> ([(header::HeaderName, &'static str); 1], Bytes) {
    (
        [(header::CONTENT_TYPE, "application/json")],
        app.document().text(),
    )
}

/// Returns what is said when the process is ending.
pub(super) fn ending() -> Problem {
    Problem::new(ProblemKind::Ending, "the process is ending")
}
