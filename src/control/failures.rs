//! An appliance's failure modes: listed with what they counted, added, armed and disarmed, removed.

use axum::{
    Json as Answer,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    control::{
        AppState,
        appliance::{AppliancePath, ItemPath},
        appliances::BODY,
        body::{Json, Text},
        problem::{Problem, ProblemKind, shorten},
    },
    failure::{Counter, FailureMode},
    fixture,
    server::RunningAppliance,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(one, arm, remove))
}

/// The failure modes of an appliance.
#[derive(Debug, Serialize, ToSchema)]
struct Failures {
    /// In the order in which they are asked: the first whose conditions hold applies.
    failures: Vec<FailureDto>,
}

/// A failure mode, and what it counted since the start or the last reset.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShownFailure)]
struct FailureDto {
    /// Its name.
    #[schema(pattern = "^[A-Za-z0-9_.-]{1,64}$")]
    name: String,
    /// Whether it is armed.
    armed: bool,
    /// How many requests, or connections, it admitted while armed.
    seen: u64,
    /// How many it fired.
    fired: u64,
    /// The mode as a fixture writes it; none of one that was made in code.
    #[schema(value_type = Option<Object>)]
    mode: Value,
}

/// Whether a failure mode is armed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ArmRequest {
    /// Armed or not.
    armed: bool,
}

/// All failure modes, with what they counted.
#[utoipa::path(get, path = "/v1/appliances/{name}/failures", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    responses((status = 200, description = "All", body = Failures)))]
async fn list(AppliancePath(running): AppliancePath) -> Answer<Failures> {
    Answer(Failures {
        failures: shown(&running),
    })
}

/// Adds a failure mode after the others, as a fixture writes one; until the next reset.
#[utoipa::path(post, path = "/v1/appliances/{name}/failures", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    request_body(content((ref("#/components/schemas/Failure") = "application/json"), (ref("#/components/schemas/Failure") = "application/yaml"))),
    responses((status = 201, description = "The mode, as it was added", body = FailureDto, headers(("Location" = String, description = "Where it is found here")))))]
async fn add(
    State(app): State<AppState>,
    AppliancePath(running): AppliancePath,
    Text(text): Text,
) -> Result<Response, Problem> {
    let identity = app.registry().settings().identity.as_ref();
    // Read for a look at its name and its certificate; the host reads it again for the appliance as it then is.
    let failure = running
        .appliance()
        .parse_failure(BODY, &text, identity.is_some())?;
    app.registry()
        .check_failure(&running.appliance().name(), &failure)?;
    let name = failure.name;
    running
        .appliance()
        .add_failure_text(BODY, &text, identity.is_some())?
        .ok_or_else(|| taken(&name))?;
    let location = format!(
        "/v1/appliances/{}/failures/{name}",
        running.appliance().name()
    );
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Answer(find(&running, &name)?),
    )
        .into_response())
}

/// One failure mode, with what it counted.
#[utoipa::path(get, path = "/v1/appliances/{name}/failures/{second}", tag = "appliance",
    params(("name" = String, Path, description = "The appliance's name"), ("second" = String, Path, description = "The failure mode's name")),
    responses((status = 200, description = "There is one", body = FailureDto)))]
async fn one(
    AppliancePath(running): AppliancePath,
    ItemPath(name): ItemPath,
) -> Result<Answer<FailureDto>, Problem> {
    find(&running, &name).map(Answer)
}

/// Arms a failure mode or disarms it; what it counted stays. A ready-made one that the appliance does not have is added, as by --fail.
#[utoipa::path(method(put, patch), path = "/v1/appliances/{name}/failures/{second}", tag = "appliance",
    params(("name" = String, Path, description = "The appliance's name"), ("second" = String, Path, description = "The failure mode's name, or a ready-made one's")),
    request_body = ArmRequest, responses((status = 200, description = "It is as the body says", body = FailureDto)))]
async fn arm(
    State(app): State<AppState>,
    AppliancePath(running): AppliancePath,
    ItemPath(name): ItemPath,
    Json(ArmRequest { armed }): Json<ArmRequest>,
) -> Result<Answer<FailureDto>, Problem> {
    if !running.appliance().set_armed(&name, armed) {
        let ready = fixture::ready_made(&name).ok_or_else(|| unknown(&running, &name))?;
        if ready.action.tls.is_some() && app.registry().settings().identity.is_none() {
            let detail = format!("the failure mode `{name}` cannot happen over plain HTTP");
            return Err(Problem::new(ProblemKind::InvalidBody, detail).hint("serve over HTTPS"));
        }
        join(&app, &running, FailureMode { armed, ..ready })?;
    }
    find(&running, &name).map(Answer)
}

/// Removes a failure mode, until the next reset.
#[utoipa::path(delete, path = "/v1/appliances/{name}/failures/{second}", tag = "appliance",
    params(("name" = String, Path, description = "The appliance's name"), ("second" = String, Path, description = "The failure mode's name")),
    responses((status = 204, description = "It was removed")))]
async fn remove(
    AppliancePath(running): AppliancePath,
    ItemPath(name): ItemPath,
) -> Result<StatusCode, Problem> {
    if running.appliance().remove_failure(&name) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(unknown(&running, &name))
    }
}

fn join(app: &AppState, running: &RunningAppliance, failure: FailureMode) -> Result<(), Problem> {
    app.registry()
        .check_failure(&running.appliance().name(), &failure)?;
    let name = failure.name.clone();
    if running.appliance().add_failure(failure) {
        Ok(())
    } else {
        Err(taken(&name))
    }
}

fn taken(name: &str) -> Problem {
    Problem::new(
        ProblemKind::NameTaken,
        format!("a failure mode named `{name}` is there already"),
    )
    .hint("PATCH arms or disarms it, DELETE removes it")
}

fn shown(running: &RunningAppliance) -> Vec<FailureDto> {
    let shown = |(failure, counter): (FailureMode, Counter)| FailureDto {
        name: counter.mode,
        armed: counter.armed,
        seen: counter.seen,
        fired: counter.fired,
        mode: (*failure.written).clone(),
    };
    running
        .appliance()
        .failures()
        .into_iter()
        .map(shown)
        .collect()
}

fn find(running: &RunningAppliance, name: &str) -> Result<FailureDto, Problem> {
    shown(running)
        .into_iter()
        .find(|shown| shown.name == name)
        .ok_or_else(|| unknown(running, name))
}

fn unknown(running: &RunningAppliance, name: &str) -> Problem {
    let counters = running.appliance().counters();
    let known = counters
        .iter()
        .map(|counter| counter.mode.as_str())
        .chain(fixture::READY_MADE.iter().copied());
    let shown = shorten(name);
    Problem::new(
        ProblemKind::UnknownFailure,
        format!("neither the appliance nor the ready-made ones have a failure mode `{shown}`"),
    )
    .nearest(name, known)
}
