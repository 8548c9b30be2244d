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
        AppState, appliance,
        appliance::{Appliance, AppliancePath},
        body::Text,
        problem::Problem,
    },
    fixture,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
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
async fn list(State(app): State<AppState>) -> Json<Appliances> {
    Json(Appliances {
        appliances: app
            .registry()
            .appliances()
            .iter()
            .map(|running| Appliance::from(&**running))
            .collect(),
    })
}

/// Makes an appliance from a fixture, in JSON or YAML, on a port of its own.
///
/// Over HTTP or HTTPS as the process was started; on the port its `listen` asks for, else on one of --ports, else on any free one.
#[utoipa::path(post, path = "/v1/appliances", tag = "appliances",
    request_body(content((ref("#/components/schemas/Fixture") = "application/json"), (ref("#/components/schemas/Fixture") = "application/yaml"))),
    responses((status = 201, description = "It answers", body = Appliance, headers(("Location" = String, description = "Where it is found here")))))]
async fn create(State(app): State<AppState>, Text(text): Text) -> Result<Response, Problem> {
    let fixture = fixture::read(BODY, &text)?;
    let running = app.registry().create(&fixture)?;
    let made = Appliance::from(&*running);
    Ok((
        StatusCode::CREATED,
        [(
            header::LOCATION,
            format!("/v1/appliances/{}", running.appliance().name()),
        )],
        Json(made),
    )
        .into_response())
}

/// One appliance.
#[utoipa::path(get, path = "/v1/appliances/{name}", tag = "appliances", params(("name" = String, Path, description = "The appliance's name")),
    responses((status = 200, description = "There it is", body = Appliance)))]
async fn one(AppliancePath(running): AppliancePath) -> Json<Appliance> {
    Json(Appliance::from(&*running))
}

/// Deletes an appliance. Answers when its port is closed and its connections are gone; what a failure mode holds back is cut.
#[utoipa::path(delete, path = "/v1/appliances/{name}", tag = "appliances", params(("name" = String, Path, description = "The appliance's name")),
    responses((status = 204, description = "It is gone")))]
async fn delete(
    State(app): State<AppState>,
    AppliancePath(running): AppliancePath,
) -> Result<StatusCode, Problem> {
    let name = running.appliance().name();
    // Two may ask for its end at once: the second finds it gone.
    app.registry()
        .delete(&name)
        .ok_or_else(|| appliance::unknown(app.registry(), &name))?
        .await;
    Ok(StatusCode::NO_CONTENT)
}

/// Goes back to the fixture as it was loaded: users, failure modes and what they counted, readings, journal, and the clock, which runs.
#[utoipa::path(post, path = "/v1/appliances/{name}/reset", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    responses((status = 204, description = "It is as it was at the start")))]
async fn reset(AppliancePath(running): AppliancePath) -> StatusCode {
    running.appliance().reset();
    StatusCode::NO_CONTENT
}

/// What errors call a body.
pub(super) const BODY: &str = "the body";
