//! An appliance's state as a fixture, out and in.

use std::sync::Arc;

use axum::{extract::State, response::IntoResponse};
use http::{StatusCode, header};

use crate::{
    control::{
        AppState,
        appliances::BODY,
        away,
        extract::{AppliancePath, RequestText},
        problem::Problem,
    },
    fixture,
};

pub(super) async fn get(
    AppliancePath(running, _): AppliancePath,
) -> Result<impl IntoResponse, Problem> {
    let exported = away(move || {
        let mut fixture = running.appliance().export();
        fixture.name = running.appliance().name().to_string();
        Ok(fixture.export())
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
