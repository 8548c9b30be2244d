//! An appliance's clock: looked at, frozen, put forward, released.

use std::time::Duration;

use axum::Json as Answer;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    clock::Clock,
    control::{
        AppState,
        appliance::AppliancePath,
        body::Json,
        problem::{Problem, ProblemKind, shorten},
    },
    fixture,
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(look, turn))
}

/// What an appliance's clock shows.
#[derive(Debug, Serialize, ToSchema)]
struct ClockDto {
    /// Milliseconds since the start or the last reset.
    now_ms: f64,
    /// Whether it stands still.
    frozen: bool,
}

/// What to do with a clock: at least one of both, `frozen` first.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1)]
struct Turn {
    /// Stop it where it stands, or let it run again from there.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = bool)]
    frozen: Option<bool>,
    /// Put it forward: `500ms`, `5s`, `1h30m`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = String, pattern = "^([0-9]{1,4}h)?([0-9]{1,4}m)?([0-9]{1,4}s)?([0-9]{1,4}ms)?$", min_length = 2)]
    advance: Option<String>,
}

/// What the clock shows.
#[utoipa::path(get, path = "/v1/appliances/{name}/clock", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    responses((status = 200, description = "The moment", body = ClockDto)))]
async fn look(AppliancePath(running): AppliancePath) -> Answer<ClockDto> {
    Answer(shown(running.appliance().clock()))
}

/// Freezes the clock, puts it forward, or releases it. A frozen clock holds back delays, never a reset or a delete.
#[utoipa::path(post, path = "/v1/appliances/{name}/clock", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    request_body = Turn, responses((status = 200, description = "The moment then", body = ClockDto)))]
async fn turn(
    AppliancePath(running): AppliancePath,
    Json(turn): Json<Turn>,
) -> Result<Answer<ClockDto>, Problem> {
    let advance = turn.advance.as_deref().map(duration).transpose()?;
    if turn.frozen.is_none() && advance.is_none() {
        return Err(Problem::new(
            ProblemKind::InvalidBody,
            "expected `frozen`, `advance`, or both",
        )
        .hint("{\"frozen\": true} stops it, {\"advance\": \"5s\"} puts it forward"));
    }
    let clock = running.appliance().clock();
    match turn.frozen {
        Some(true) => clock.freeze(),
        Some(false) => clock.release(),
        None => {}
    }
    clock.advance(advance.unwrap_or_default());
    Ok(Answer(shown(clock)))
}

fn shown(clock: &Clock) -> ClockDto {
    ClockDto {
        now_ms: clock.now().0.as_secs_f64() * 1000.0,
        frozen: clock.is_frozen(),
    }
}

fn duration(text: &str) -> Result<Duration, Problem> {
    fixture::duration(text).ok_or_else(|| {
        let shown = shorten(text);
        Problem::new(
            ProblemKind::InvalidBody,
            format!("advance is `{shown}`, expected a duration, as `500ms`, `5s` or `1h30m`"),
        )
        .pointing("/advance".to_owned())
    })
}

/// A key may be left out, but not null.
fn given<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
