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
        Desk,
        appliance::{Named, Second},
        appliances::BODY,
        body::{Json, Text},
        problem::{Problem, What},
    },
    failure::{Counter, FailureMode},
    fixture,
    fleet::Member,
};

pub(super) fn routes() -> OpenApiRouter<Desk> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(one, arm, remove))
}

/// The failure modes of an appliance.
#[derive(Debug, Serialize, ToSchema)]
struct Failures {
    /// In the order in which they are asked: the first whose conditions hold strikes.
    failures: Vec<Shown>,
}

/// A failure mode, and what it counted since the start or the last reset.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShownFailure)]
struct Shown {
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
struct Arm {
    /// Armed or not.
    armed: bool,
}

/// All failure modes, with what they counted.
#[utoipa::path(get, path = "/v1/appliances/{name}/failures", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    responses((status = 200, description = "All", body = Failures)))]
async fn list(Named(member): Named) -> Answer<Failures> {
    Answer(Failures {
        failures: shown(&member),
    })
}

/// Adds a failure mode after the others, as a fixture writes one; until the next reset.
#[utoipa::path(post, path = "/v1/appliances/{name}/failures", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    request_body(content((ref("#/components/schemas/Failure") = "application/json"), (ref("#/components/schemas/Failure") = "application/yaml"))),
    responses((status = 201, description = "It strikes, if it is armed", body = Shown, headers(("Location" = String, description = "Where it is found here")))))]
async fn add(
    State(desk): State<Desk>,
    Named(member): Named,
    Text(text): Text,
) -> Result<Response, Problem> {
    let identity = desk.fleet().settings().identity.as_ref();
    // Read for a look at its name and its certificate; the host reads it again for the appliance as it then is.
    let failure = member.host().read_mode(BODY, &text, identity.is_some())?;
    desk.fleet().can_show(&member.name(), &failure)?;
    let name = failure.name;
    member
        .host()
        .add_written(BODY, &text, identity.is_some())?
        .ok_or_else(|| taken(&name))?;
    let location = format!("/v1/appliances/{}/failures/{name}", member.name());
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Answer(find(&member, &name)?),
    )
        .into_response())
}

/// One failure mode, with what it counted.
#[utoipa::path(get, path = "/v1/appliances/{name}/failures/{second}", tag = "appliance",
    params(("name" = String, Path, description = "The appliance's name"), ("second" = String, Path, description = "The failure mode's name")),
    responses((status = 200, description = "There is one", body = Shown)))]
async fn one(Named(member): Named, Second(name): Second) -> Result<Answer<Shown>, Problem> {
    find(&member, &name).map(Answer)
}

/// Arms a failure mode or disarms it; what it counted stays. A ready-made one that the appliance does not have is added, as by --fail.
#[utoipa::path(method(put, patch), path = "/v1/appliances/{name}/failures/{second}", tag = "appliance",
    params(("name" = String, Path, description = "The appliance's name"), ("second" = String, Path, description = "The failure mode's name, or a ready-made one's")),
    request_body = Arm, responses((status = 200, description = "It is as the body says", body = Shown)))]
async fn arm(
    State(desk): State<Desk>,
    Named(member): Named,
    Second(name): Second,
    Json(Arm { armed }): Json<Arm>,
) -> Result<Answer<Shown>, Problem> {
    if !member.host().arm(&name, armed) {
        let ready = fixture::ready_made(&name).ok_or_else(|| unknown(&member, &name))?;
        if let Some(greeting) = &ready.action.tls
            && desk.fleet().settings().identity.is_none()
        {
            let detail =
                format!("the failure mode `{name}` cannot happen over plain HTTP ({greeting:?})");
            return Err(Problem::new(What::InvalidBody, detail).hint("serve over HTTPS"));
        }
        join(&desk, &member, FailureMode { armed, ..ready })?;
    }
    find(&member, &name).map(Answer)
}

/// Removes a failure mode, until the next reset.
#[utoipa::path(delete, path = "/v1/appliances/{name}/failures/{second}", tag = "appliance",
    params(("name" = String, Path, description = "The appliance's name"), ("second" = String, Path, description = "The failure mode's name")),
    responses((status = 204, description = "It strikes no more")))]
async fn remove(Named(member): Named, Second(name): Second) -> Result<StatusCode, Problem> {
    if member.host().remove(&name) {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(unknown(&member, &name))
    }
}

fn join(desk: &Desk, member: &Member, failure: FailureMode) -> Result<(), Problem> {
    desk.fleet().can_show(&member.name(), &failure)?;
    let name = failure.name.clone();
    if member.host().add(failure) {
        Ok(())
    } else {
        Err(taken(&name))
    }
}

fn taken(name: &str) -> Problem {
    Problem::new(
        What::NameTaken,
        format!("a failure mode named `{name}` is there already"),
    )
    .hint("PATCH arms or disarms it, DELETE removes it")
}

fn shown(member: &Member) -> Vec<Shown> {
    let shown = |(failure, counter): (FailureMode, Counter)| Shown {
        name: counter.mode,
        armed: counter.armed,
        seen: counter.seen,
        fired: counter.fired,
        mode: (*failure.written).clone(),
    };
    member.host().modes().into_iter().map(shown).collect()
}

fn find(member: &Member, name: &str) -> Result<Shown, Problem> {
    shown(member)
        .into_iter()
        .find(|shown| shown.name == name)
        .ok_or_else(|| unknown(member, name))
}

fn unknown(member: &Member, name: &str) -> Problem {
    let counters = member.host().counters();
    let known = counters
        .iter()
        .map(|counter| counter.mode.as_str())
        .chain(fixture::READY_MADE.iter().copied());
    let shown: String = name.chars().take(64).collect();
    Problem::new(
        What::UnknownFailure,
        format!("neither the appliance nor the ready-made ones have a failure mode `{shown}`"),
    )
    .nearest(name, known)
}
