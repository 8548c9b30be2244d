//! An appliance's clock: read, frozen, advanced, released.

use axum::Json;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::{
    clock::{Clock, MAX_MOMENT},
    control::{
        extract::{AppliancePath, RequestJson},
        problem::{JsonResult, Problem, shorten},
    },
    failure,
};

/// What to do with a clock: one or both.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ClockChange {
    #[serde(default, deserialize_with = "not_null")]
    frozen: Option<bool>,
    #[serde(default, deserialize_with = "not_null")]
    advance: Option<Value>,
}

pub(super) async fn get(AppliancePath(running, _): AppliancePath) -> Json<Value> {
    Json(shown(running.appliance().clock()))
}

pub(super) async fn set(
    AppliancePath(running, _): AppliancePath,
    RequestJson(change): RequestJson<ClockChange>,
) -> JsonResult {
    if change.frozen.is_none() && change.advance.is_none() {
        let detail = "expected `frozen`, `advance`, or both";
        return Err(Problem::invalid_body(detail)
            .hint("{\"frozen\": true} stops it, {\"advance\": \"5s\"} advances it"));
    }
    let given = change.advance.unwrap_or("0s".into());
    let advance = given.as_str().and_then(failure::duration::parse);
    let wrong = |expected: &str| {
        let detail = format!("advance is {}, {expected}", shorten(&given.to_string()));
        Problem::invalid_body(detail).pointer("/advance".to_owned())
    };
    let advance =
        advance.ok_or_else(|| wrong("expected a duration, as `500ms`, `5s` or `1h30m`"))?;
    let clock = running.appliance().clock();
    if clock.now().0.saturating_add(advance) > MAX_MOMENT {
        let most = MAX_MOMENT.as_secs() / 3600;
        return Err(wrong(&format!("and the clock ends at {most}h")));
    }
    match change.frozen {
        Some(true) => clock.freeze(),
        Some(false) => clock.release(),
        None => {}
    }
    clock.advance(advance);
    Ok(Json(shown(clock)))
}

fn shown(clock: &Clock) -> Value {
    json!({ "now_ms": clock.now().0.as_secs_f64() * 1000.0, "frozen": clock.is_frozen() })
}

/// A key may be left out, but not null.
fn not_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}
