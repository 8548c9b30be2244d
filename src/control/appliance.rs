//! The appliance that a path names, and how one is shown.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    contract::{Kind, encoding::percent_encode},
    control::{
        AppState,
        problem::{Problem, ProblemKind, shorten},
    },
    server::{Registry, RunningAppliance},
};

/// The appliance whose name stands in the path.
#[derive(Debug)]
pub(super) struct AppliancePath(pub(super) Arc<RunningAppliance>);

/// The second name in the path: a user's, or a failure mode's.
#[derive(Debug)]
pub(super) struct ItemPath(pub(super) String);

/// An appliance: where to reach it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Appliance {
    /// Its name, by which it is found here.
    #[schema(pattern = "^[A-Za-z0-9_.-]{1,64}$")]
    name: String,
    /// What it is.
    #[schema(value_type = String, pattern = "^(sensor|console)$")]
    kind: Kind,
    /// A URL that a client on this machine can use.
    url: String,
    /// The port it listens on.
    port: u16,
    /// The seed of everything random about it.
    seed: u64,
}

impl From<&RunningAppliance> for Appliance {
    fn from(running: &RunningAppliance) -> Appliance {
        Appliance {
            name: running.appliance().name().to_string(),
            kind: running.appliance().kind(),
            url: running.url(),
            port: running.address().port(),
            seed: running.appliance().seed(),
        }
    }
}

impl FromRequestParts<AppState> for AppliancePath {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &AppState,
    ) -> Result<AppliancePath, Problem> {
        let name = parameter(parts, app, "name").await?;
        app.registry()
            .find(&name)
            .map(AppliancePath)
            .ok_or_else(|| unknown(app.registry(), &name))
    }
}

impl FromRequestParts<AppState> for ItemPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<ItemPath, Problem> {
        parameter(parts, app, "second").await.map(ItemPath)
    }
}

/// Returns what is said of a name that no appliance has.
pub(super) fn unknown(registry: &Registry, name: &str) -> Problem {
    let names: Vec<Arc<str>> = registry
        .appliances()
        .iter()
        .take(MAX_COMPARED)
        .map(|running| running.appliance().name())
        .collect();
    let shown = shorten(name);
    Problem::new(
        ProblemKind::UnknownAppliance,
        format!("no appliance is named `{shown}`"),
    )
    .nearest(name, names.iter().map(|name| &**name))
}

/// Writes a name as a segment of a path.
pub(super) fn encoded(name: &str) -> String {
    percent_encode(name)
}

async fn parameter(parts: &mut Parts, app: &AppState, wanted: &str) -> Result<String, Problem> {
    let refused = || Problem::new(ProblemKind::UnknownPath, "a name in the path is not UTF-8");
    let parameters = RawPathParams::from_request_parts(parts, app)
        .await
        .map_err(|_| refused())?;
    parameters
        .iter()
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value.to_owned())
        .ok_or_else(refused)
}

/// How many names are held against one that is unknown.
const MAX_COMPARED: usize = 1_000;
