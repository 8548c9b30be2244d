//! An appliance's state as a fixture, out and in.

use std::sync::Arc;

use axum::{
    extract::{Query, State, rejection::QueryRejection},
    response::IntoResponse,
};
use http::{StatusCode, header};
use serde::Deserialize;

use crate::{
    control::{
        AppState,
        appliances::BODY,
        extract::{AppliancePath, RequestText},
        problem::Problem,
    },
    fixture,
    fixture::Secrets,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateQuery {
    secrets: Option<String>,
}

pub(super) async fn get(
    AppliancePath(running, _): AppliancePath,
    query: Result<Query<StateQuery>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let secrets = match query?.secrets.as_deref() {
        None => Secrets::Included,
        Some("omit") => Secrets::Omitted,
        Some(_) => {
            let detail = "secrets: expected `omit`, or nothing";
            return Err(Problem::invalid_query(detail));
        }
    };
    let mut fixture = running.appliance().export();
    fixture.name = running.appliance().name().to_string();
    Ok((
        [(header::CONTENT_TYPE, "application/json")],
        fixture.export(secrets),
    ))
}

pub(super) async fn put(
    State(app): State<Arc<AppState>>,
    AppliancePath(running, _): AppliancePath,
    RequestText(text): RequestText,
) -> Result<StatusCode, Problem> {
    let mut fixture = fixture::read(BODY, &text)?;
    fixture.name = running.appliance().name().to_string();
    app.registry.change(&running, &fixture)?;
    Ok(StatusCode::NO_CONTENT)
}
