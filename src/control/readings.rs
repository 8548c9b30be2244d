//! The readings that an appliance serves: of every fact the one that holds, and changed while it runs.

use axum::Json;
use http::Method;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    contract,
    control::{AppState, appliance::AppliancePath, appliances::BODY, body::Text, problem::Problem},
    fixture,
    server::MockAppliance,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(look, choose))
}

/// The readings that an appliance serves.
#[derive(Debug, Serialize, ToSchema)]
struct ReadingsDto {
    /// Every fact of its contract with the reading that is served.
    #[schema(value_type = HashMap<String, String>)]
    readings: Map<String, Value>,
    /// Those among them that were chosen instead of the defaults.
    #[schema(value_type = HashMap<String, String>)]
    chosen: Map<String, Value>,
}

/// Every fact, with the reading that is served.
#[utoipa::path(get, path = "/v1/appliances/{name}/readings", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    responses((status = 200, description = "All", body = ReadingsDto)))]
async fn look(AppliancePath(running): AppliancePath) -> Json<ReadingsDto> {
    Json(shown(running.appliance()))
}

/// Serves other readings until the next reset, as a fixture's `readings` chooses them: a fact's name, a glob or a register number, and
/// the reading's name. PUT in place of what was chosen before, PATCH in addition. Users, failure modes and counts stay.
#[utoipa::path(method(put, patch), path = "/v1/appliances/{name}/readings", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    request_body(content((ref("#/components/schemas/Readings") = "application/json"), (ref("#/components/schemas/Readings") = "application/yaml"))),
    responses((status = 200, description = "They are served from now on", body = ReadingsDto)))]
async fn choose(
    method: Method,
    AppliancePath(running): AppliancePath,
    Text(text): Text,
) -> Result<Json<ReadingsDto>, Problem> {
    let appliance = running.appliance();
    let mut readings = fixture::read_readings(BODY, &text, appliance.kind())?;
    if method == Method::PATCH {
        readings = appliance.readings().and(&readings);
    }
    appliance.set_readings(&readings)?;
    Ok(Json(shown(appliance)))
}

fn shown(appliance: &MockAppliance) -> ReadingsDto {
    let chosen = appliance.readings();
    let facts = contract::of(appliance.kind()).facts();
    let reading = |name: &str, default: &str| Value::from(chosen.of(name).unwrap_or(default));
    let all = facts.iter().filter_map(|fact| {
        Some((
            fact.name.clone(),
            reading(&fact.name, fact.readings.first()?.name),
        ))
    });
    ReadingsDto {
        readings: all.collect(),
        chosen: chosen
            .iter()
            .map(|(fact, reading)| (fact.to_owned(), reading.into()))
            .collect(),
    }
}
