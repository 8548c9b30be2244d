//! Appliances: listed, made from a fixture, looked at, reset, deleted.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    control::{
        Desk, appliance,
        appliance::{Appliance, Named},
        body::Text,
        problem::Problem,
    },
    fixture,
};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(one, delete))
        .routes(routes!(reset))
}

/// All appliances.
#[derive(Debug, Serialize, ToSchema)]
struct Appliances {
    /// The first made first.
    appliances: Vec<Appliance>,
}

/// All appliances, the first made first.
#[utoipa::path(get, path = "/v1/appliances", tag = "appliances", responses((status = 200, description = "All", body = Appliances)))]
async fn list(State(desk): State<Desk>) -> Json<Appliances> {
    Json(Appliances {
        appliances: desk
            .fleet()
            .members()
            .iter()
            .map(|member| Appliance::from(&**member))
            .collect(),
    })
}

/// Makes an appliance from a fixture, in JSON or YAML, on a port of its own.
///
/// Over HTTP or HTTPS as the process was started; on the port its `listen` asks for, else on one of --ports, else on any free one.
#[utoipa::path(post, path = "/v1/appliances", tag = "appliances",
    request_body(content((ref("#/components/schemas/Fixture") = "application/json"), (ref("#/components/schemas/Fixture") = "application/yaml"))),
    responses((status = 201, description = "It answers", body = Appliance, headers(("Location" = String, description = "Where it is found here")))))]
async fn create(State(desk): State<Desk>, Text(text): Text) -> Result<Response, Problem> {
    let fixture = fixture::read(BODY, &text)?;
    let member = desk.fleet().create(&fixture)?;
    let made = Appliance::from(&*member);
    Ok((
        StatusCode::CREATED,
        [(
            header::LOCATION,
            format!("/v1/appliances/{}", member.name()),
        )],
        Json(made),
    )
        .into_response())
}

/// One appliance.
#[utoipa::path(get, path = "/v1/appliances/{name}", tag = "appliances", params(("name" = String, Path, description = "The appliance's name")),
    responses((status = 200, description = "There it is", body = Appliance)))]
async fn one(Named(member): Named) -> Json<Appliance> {
    Json(Appliance::from(&*member))
}

/// Deletes an appliance. Answers when its port is closed and its connections are gone; what a failure mode holds back is cut.
#[utoipa::path(delete, path = "/v1/appliances/{name}", tag = "appliances", params(("name" = String, Path, description = "The appliance's name")),
    responses((status = 204, description = "It is gone")))]
async fn delete(State(desk): State<Desk>, Named(member): Named) -> Result<StatusCode, Problem> {
    let name = member.name();
    // Two may ask for its end at once: the second finds it gone.
    desk.fleet()
        .delete(&name)
        .ok_or_else(|| appliance::unknown(desk.fleet(), &name))?
        .await;
    Ok(StatusCode::NO_CONTENT)
}

/// Goes back to the fixture as it was loaded: users, failure modes and what they counted, readings, journal, and the clock, which runs.
#[utoipa::path(post, path = "/v1/appliances/{name}/reset", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    responses((status = 204, description = "It is as it was at the start")))]
async fn reset(Named(member): Named) -> StatusCode {
    member.host().reset();
    StatusCode::NO_CONTENT
}

/// What errors call a body.
pub(super) const BODY: &str = "the body";
