//! The readings that an appliance serves: for every fact one, changed while it runs.

use axum::Json;
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

pub(super) async fn put(
    AppliancePath(running, _): AppliancePath,
    RequestText(text): RequestText,
) -> JsonResult {
    away(move || {
        let appliance = running.appliance();
        appliance.set_readings(&fixture::read_readings(BODY, &text, appliance.kind())?)?;
        Ok(shown(appliance))
    })
    .await
}

pub(super) async fn patch(
    AppliancePath(running, _): AppliancePath,
    RequestText(text): RequestText,
) -> JsonResult {
    away(move || {
        let appliance = running.appliance();
        let further = fixture::read_readings(BODY, &text, appliance.kind())?;
        appliance.add_readings(&further)?;
        Ok(shown(appliance))
    })
    .await
}

fn shown(appliance: &MockAppliance) -> Json<Value> {
    let readings = appliance.readings();
    let chosen: Map<_, _> = readings
        .iter()
        .map(|(fact, reading)| (fact.to_owned(), reading.into()))
        .collect();
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
    Json(json!({ "readings": served, "chosen": chosen }))
}
