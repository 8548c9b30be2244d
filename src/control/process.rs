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
        Desk,
        problem::{Problem, What},
    },
    server::tls::Identity,
};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new()
        .routes(routes!(health))
        .routes(routes!(ready))
        .routes(routes!(ca))
        .routes(routes!(openapi))
}

/// How the process is.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// Always `ok`: whoever answers is well.
    status: &'static str,
    /// The version of d4iot-double.
    version: &'static str,
    /// How many appliances there are.
    appliances: usize,
}

/// Is the process well?
#[utoipa::path(get, path = "/v1/health", tag = "process", responses((status = 200, description = "It answers", body = Health)))]
async fn health(State(desk): State<Desk>) -> Json<Health> {
    Json(Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
        appliances: desk.fleet().count(),
    })
}

/// Whether the process serves.
#[derive(Debug, Serialize, ToSchema)]
struct Ready {
    /// Always true: otherwise a problem is told.
    ready: bool,
}

/// Does every appliance serve? From the moment this API answers until the process is told to end.
#[utoipa::path(get, path = "/v1/ready", tag = "process", responses((status = 200, description = "All serve", body = Ready)))]
async fn ready(State(desk): State<Desk>) -> Result<Json<Ready>, Problem> {
    if desk.is_stopping() {
        Err(ending())
    } else {
        Ok(Json(Ready { ready: true }))
    }
}

/// The certificate of the CA to trust, as PEM.
#[utoipa::path(get, path = "/v1/ca.pem", tag = "process",
    responses((status = 200, description = "The generated CA; 404 over plain HTTP or with a certificate of the user's", body = String, content_type = "application/x-pem-file")))]
async fn ca(State(desk): State<Desk>) -> Result<Response, Problem> {
    let identity = desk.fleet().settings().identity.as_ref();
    let Some(pem) = identity.and_then(Identity::ca_pem) else {
        let detail = if identity.is_some() {
            "the certificate was given with --tls-cert: trust its own CA"
        } else {
            "plain HTTP is served, without certificates"
        };
        return Err(Problem::new(What::UnknownPath, detail));
    };
    Ok((
        [(header::CONTENT_TYPE, "application/x-pem-file")],
        pem.to_owned(),
    )
        .into_response())
}

/// This API, as OpenAPI 3.1.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "process", responses((status = 200, description = "This document", body = Object)))]
async fn openapi(State(desk): State<Desk>) -> ([(header::HeaderName, &'static str); 1], Bytes) {
    (
        [(header::CONTENT_TYPE, "application/json")],
        desk.document().text(),
    )
}

/// Returns what is said when the process is ending.
pub(super) fn ending() -> Problem {
    Problem::new(What::Ending, "the process was told to end")
}
