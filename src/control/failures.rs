//! An appliance's failure modes: listed with their counts, added, armed and disarmed, removed.

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    control::{
        AppState,
        appliances::{BODY, created},
        away,
        extract::{AppliancePath, RequestJson, RequestText},
        problem::{JsonResult, Problem, shorten},
        users::created_or_ok,
    },
    failure::{Counter, FailureMode},
    fixture,
    fixture::ModeContext,
    server::RunningAppliance,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ArmRequest {
    armed: bool,
}

pub(super) async fn list(AppliancePath(running, _): AppliancePath) -> Json<Value> {
    let failures = running.appliance().failures();
    let failures: Value = failures.into_iter().map(shown).collect();
    Json(json!({ "failures": failures }))
}

pub(super) async fn add(
    State(app): State<Arc<AppState>>,
    AppliancePath(running, _): AppliancePath,
    RequestText(text): RequestText,
) -> Result<impl IntoResponse, Problem> {
    let (state, owner) = (Arc::clone(&app), Arc::clone(&running));
    let name = away(move || {
        let read = |context: &ModeContext<'_>| Ok(fixture::read_mode(BODY, &text, context)?);
        join(&state, &owner, read)
    });
    let name = name.await?;
    let owner = running.appliance().name();
    let shown = find(&running, &name)?;
    Ok(created(&[&owner, "failures", &name], shown))
}

pub(super) async fn one(AppliancePath(running, name): AppliancePath) -> JsonResult {
    find(&running, &name)
}

pub(super) async fn arm(
    State(app): State<Arc<AppState>>,
    method: Method,
    AppliancePath(running, name): AppliancePath,
    request: Result<RequestJson<ArmRequest>, Problem>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let hint = "POST …/failures adds a mode with other keys";
    let RequestJson(ArmRequest { armed }) =
        request.map_err(|problem| problem.hint_on_unknown_field(hint))?;
    let appliance = running.appliance();
    let is_new = !appliance.set_armed(&name, armed);
    if is_new {
        let ready_made = fixture::ready_made(&name).ok_or_else(|| unknown(&running, &name))?;
        join(&app, &running, |_| {
            Ok(FailureMode {
                armed,
                ..ready_made
            })
        })?;
    }
    let status = created_or_ok(is_new && method == Method::PUT);
    Ok((status, find(&running, &name)?))
}

pub(super) async fn remove(
    AppliancePath(running, name): AppliancePath,
) -> Result<StatusCode, Problem> {
    if !running.appliance().remove_failure(&name) {
        return Err(unknown(&running, &name));
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Adds a failure mode that can happen here, and returns its name.
fn join(
    app: &AppState,
    running: &RunningAppliance,
    read: impl FnOnce(&ModeContext<'_>) -> Result<FailureMode, Problem>,
) -> Result<String, Problem> {
    let appliance = running.appliance();
    let mut name = String::new();
    let added = appliance.add_failure(BODY, |context| {
        let failure = read(context)?;
        app.registry.check_failure(&appliance.name(), &failure)?;
        name.clone_from(&failure.name);
        Ok::<_, Problem>(failure)
    })?;
    added.ok_or_else(|| taken(&name))?;
    Ok(name)
}

fn shown((failure, counter): (FailureMode, Counter)) -> Value {
    json!({
        "name": counter.mode,
        "armed": counter.armed,
        "seen": counter.seen,
        "fired": counter.fired,
        "mode": &*failure.written,
    })
}

fn find(running: &RunningAppliance, name: &str) -> JsonResult {
    let mut failures = running.appliance().failures().into_iter();
    let found = failures.find(|(_, counter)| counter.mode == name);
    let failure = found.ok_or_else(|| unknown(running, name))?;
    Ok(Json(shown(failure)))
}

fn taken(name: &str) -> Problem {
    let detail = format!("there is a failure mode named `{name}` already");
    Problem::name_taken(detail).hint("PATCH arms or disarms it, DELETE removes it")
}

fn unknown(running: &RunningAppliance, name: &str) -> Problem {
    let counters = running.appliance().counters();
    let known = counters.iter().map(|counter| counter.mode.as_str());
    let shown = shorten(name);
    let detail =
        format!("neither the appliance nor the ready-made ones have a failure mode `{shown}`");
    Problem::unknown_failure(detail).did_you_mean(fixture::nearest_mode(name, known))
}
