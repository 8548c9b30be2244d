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
        away,
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
    let exported = away(move || {
        let mut fixture = running.appliance().export();
        fixture.name = running.appliance().name().to_string();
        Ok(fixture.export(secrets))
    });
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    Ok((content_type, exported.await?))
}

pub(super) async fn put(
    State(app): State<Arc<AppState>>,
    AppliancePath(running, _): AppliancePath,
    RequestText(text): RequestText,
) -> Result<StatusCode, Problem> {
    away(move || {
        let mut fixture = fixture::read(BODY, &text)?;
        fixture.name = running.appliance().name().to_string();
        app.registry.change(&running, &fixture)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
