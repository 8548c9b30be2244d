//! The readings that an appliance serves: for every fact one, changed while it runs.

use axum::Json;
use http::Method;
use serde_json::{Map, Value, json};

use crate::{
    contract,
    control::{
        appliances::BODY,
        away,
        extract::{AppliancePath, RequestText},
        problem::JsonResult,
    },
    fixture,
    server::MockAppliance,
};

pub(super) async fn get(AppliancePath(running, _): AppliancePath) -> Json<Value> {
    shown(running.appliance())
}

/// Takes readings: PUT those alone, PATCH on top of those that are served.
pub(super) async fn change(
    method: Method,
    AppliancePath(running, _): AppliancePath,
    RequestText(text): RequestText,
) -> JsonResult {
    away(move || {
        let appliance = running.appliance();
        let readings = fixture::read_readings(BODY, &text, appliance.kind())?;
        match method {
            Method::PATCH => appliance.add_readings(&readings)?,
            _ => appliance.set_readings(&readings)?,
        }
        Ok(shown(appliance))
    })
    .await
}

fn shown(appliance: &MockAppliance) -> Json<Value> {
    let readings = appliance.readings();
    let facts = contract::of(appliance.kind()).facts();
    let served: Map<_, _> = facts
        .iter()
        .filter_map(|fact| {
            let reading = readings
                .of(&fact.name)
                .or(Some(fact.readings.first()?.name))?;
            Some((fact.name.clone(), reading.into()))
        })
        .collect();
    Json(json!({ "readings": served, "chosen": readings }))
}
