//! Appliances: listed, created from a fixture, reset, deleted.

use std::sync::{Arc, atomic::Ordering};

use axum::{Json, extract::State, response::IntoResponse};
use http::{HeaderMap, StatusCode, header, uri::Authority};
use serde_json::{Value, json};

use crate::{
    contract::encoding::percent_encode,
    control::{
        AppState, away,
        extract::{AppliancePath, RequestText, unknown_appliance},
        problem::Problem,
    },
    fixture,
    server::{RegistryError, RunningAppliance},
};

pub(super) async fn list(State(app): State<Arc<AppState>>, headers: HeaderMap) -> Json<Value> {
    let all = app.registry.appliances();
    let appliances = all.iter().map(|running| shown(running, &headers));
    let appliances: Value = appliances.collect();
    Json(json!({ "appliances": appliances }))
}

pub(super) async fn create(
    State(app): State<Arc<AppState>>,
    headers: HeaderMap,
    RequestText(text): RequestText,
) -> Result<impl IntoResponse, Problem> {
    let mut fixture = away(move || Ok(fixture::read(BODY, &text)?)).await?;
    let running = loop {
        // A name that nobody gave is made up: `sensor`, `sensor-2`. None is made up twice: a test that still has the name of an appliance
        // that was deleted must not reach another test's.
        if !fixture.is_named {
            let number = app.names.fetch_add(1, Ordering::Relaxed) + 1;
            fixture.name = match number {
                1 => fixture.kind.to_string(),
                _ => format!("{}-{number}", fixture.kind),
            };
        }
        match app.registry.create(&fixture) {
            Err(RegistryError::NameTaken(_)) if !fixture.is_named => {}
            created => break created?,
        }
    };
    let name = running.appliance().name();
    Ok(created(&[&name], Json(shown(&running, &headers))))
}

/// Says that something was created; the names lead to it from `/v1/appliances`.
pub(super) fn created(names: &[&str], shown: Json<Value>) -> impl IntoResponse + use<> {
    let names: Vec<String> = names.iter().map(|name| percent_encode(name)).collect();
    let location = format!("/v1/appliances/{}", names.join("/"));
    (StatusCode::CREATED, [(header::LOCATION, location)], shown)
}

pub(super) async fn one(
    AppliancePath(running, _): AppliancePath,
    headers: HeaderMap,
) -> Json<Value> {
    Json(shown(&running, &headers))
}

pub(super) async fn delete(
    State(app): State<Arc<AppState>>,
    AppliancePath(running, _): AppliancePath,
) -> Result<StatusCode, Problem> {
    let name = running.appliance().name();
    // Of two that delete it at once, the second does not find it.
    let deleted = app.registry.delete(&name);
    deleted
        .ok_or_else(|| unknown_appliance(&app.registry, &name))?
        .await;
    Ok(StatusCode::NO_CONTENT)
}

/// All are stopped before the first is waited for.
pub(super) async fn delete_all(State(app): State<Arc<AppState>>) -> StatusCode {
    let all = app.registry.appliances().into_iter();
    let deleted = all.filter_map(|running| app.registry.delete(&running.appliance().name()));
    for deleted in deleted.collect::<Vec<_>>() {
        deleted.await;
    }
    StatusCode::NO_CONTENT
}

pub(super) async fn reset_all(State(app): State<Arc<AppState>>) -> StatusCode {
    let all = app.registry.appliances();
    all.iter().for_each(|running| running.appliance().reset());
    StatusCode::NO_CONTENT
}

pub(super) async fn reset(AppliancePath(running, _): AppliancePath) -> StatusCode {
    running.appliance().reset();
    StatusCode::NO_CONTENT
}

fn shown(running: &RunningAppliance, headers: &HeaderMap) -> Value {
    let appliance = running.appliance();
    let asked = headers.get(header::HOST);
    let asked: Option<Authority> = asked.and_then(|host| host.to_str().ok()?.parse().ok());
    json!({
        "name": &*appliance.name(),
        "kind": appliance.kind(),
        "url": running.url_for(asked.as_ref().map(Authority::host)),
        "port": running.address().port(),
        "seed": appliance.seed(),
    })
}

/// What errors call a body.
pub(super) const BODY: &str = "the body";
