//! An appliance's state as a fixture, out and in.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    control::{
        AppState,
        appliance::AppliancePath,
        appliances::BODY,
        body::{Query, Text},
        problem::{Problem, ProblemKind},
    },
    fixture,
    fixture::Secrets,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(out, put))
}

/// Whether passwords are included.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct How {
    /// `omit`: without passwords. Loading such a fixture reports whose are missing.
    #[param(pattern = "^omit$")]
    secrets: Option<String>,
}

/// The appliance as a fixture: users, settings, readings, and failure modes, armed or not. Nothing that was counted is in it.
///
/// The one place that gives passwords out, because they were put in; `?secrets=omit` does not.
#[utoipa::path(get, path = "/v1/appliances/{name}/state", tag = "appliance", params(("name" = String, Path, description = "The appliance's name"), How),
    responses((status = 200, description = "A fixture, which is JSON", body = Object)))]
async fn out(
    AppliancePath(running): AppliancePath,
    Query(How { secrets }): Query<How>,
) -> Result<Response, Problem> {
    let secrets = match secrets.as_deref() {
        None => Secrets::Included,
        Some("omit") => Secrets::Omitted,
        Some(_) => {
            return Err(Problem::new(
                ProblemKind::InvalidQuery,
                "secrets: expected `omit`, or nothing",
            ));
        }
    };
    let mut fixture = running.appliance().export();
    fixture.name = running.appliance().name().to_string();
    Ok((
        [(header::CONTENT_TYPE, "application/json")],
        fixture.export(secrets),
    )
        .into_response())
}

/// Becomes the appliance of a fixture between two requests; a reset goes back to this from now on.
/// Name, port and connections stay: the fixture's `name` and `listen` are not looked at.
#[utoipa::path(put, path = "/v1/appliances/{name}/state", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    request_body(content((ref("#/components/schemas/Fixture") = "application/json"), (ref("#/components/schemas/Fixture") = "application/yaml"))),
    responses((status = 204, description = "It is as the fixture says")))]
async fn put(
    State(app): State<AppState>,
    AppliancePath(running): AppliancePath,
    Text(text): Text,
) -> Result<StatusCode, Problem> {
    let mut fixture = fixture::read(BODY, &text)?;
    fixture.name = running.appliance().name().to_string();
    app.registry().change(&running, &fixture)?;
    Ok(StatusCode::NO_CONTENT)
}
