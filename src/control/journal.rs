//! An appliance's journal: looked at, waited for, emptied; and what is wrong with its clients.

use std::time::Duration;

use axum::{Json, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, ToSchema,
    openapi::{Object, ObjectBuilder, Type},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    contract::{Operation, Outcome},
    control::{
        AppState, appliance,
        appliance::AppliancePath,
        body::Query,
        problem::{Problem, ProblemKind},
        process,
    },
    fixture,
    journal::{EntryFilter, EntryView, Finding, Progress},
    server::{JournalPage, RunningAppliance},
};

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(look, clear))
        .routes(routes!(wait))
        .routes(routes!(findings))
}

/// Which entries: all conditions that are given must hold.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Of this operation.
    #[param(schema_with = operations)]
    operation: Option<String>,
    /// With this outcome.
    #[param(schema_with = outcomes)]
    outcome: Option<String>,
    /// Whose answer is as far as this.
    #[param(schema_with = states)]
    state: Option<String>,
    /// Bent by the failure mode of this name.
    failure: Option<String>,
    /// At most so many entries; by default 100.
    #[param(maximum = 1000)]
    limit: Option<usize>,
}

/// What is waited for: all conditions that are given must hold.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wait {
    /// Of this operation.
    #[param(schema_with = operations)]
    operation: Option<String>,
    /// With this outcome.
    #[param(schema_with = outcomes)]
    outcome: Option<String>,
    /// Whose answer is as far as this.
    #[param(schema_with = states)]
    state: Option<String>,
    /// Bent by the failure mode of this name.
    failure: Option<String>,
    /// At most so many entries in the answer; by default 100.
    #[param(maximum = 1000)]
    limit: Option<usize>,
    /// How many; by default 1.
    #[param(minimum = 1)]
    count: Option<u64>,
    /// How long at most, on the wall clock, `500ms` or `2s`; `10s` by default, at most `10m`.
    #[param(pattern = "^([1-9]m)?([1-5]?[0-9]s)?([0-9]{1,3}ms)?$", min_length = 2)]
    timeout: Option<String>,
}

/// Entries of a journal.
#[derive(Debug, Serialize, ToSchema)]
struct Entries {
    /// Those wanted that are held, newest first. No password is in them.
    entries: Vec<EntryView>,
    /// How many were as wanted since the start or the last reset, dropped ones too.
    count: u64,
    /// How many entries were dropped since then, wanted or not: the journal is bounded.
    dropped: u64,
}

/// What is wrong with the clients.
#[derive(Debug, Serialize, ToSchema)]
struct Findings {
    /// Each fault of a client's that was found since the start or the last reset.
    findings: Vec<Found>,
}

/// A fault of a client's.
#[derive(Debug, Serialize, ToSchema)]
struct Found {
    /// Its name.
    name: &'static str,
    /// In how many requests.
    count: u64,
    /// What is wrong, and what to do.
    advice: &'static str,
}

/// The journal, newest first, as far as it is held.
#[utoipa::path(get, path = "/v1/appliances/{name}/journal", tag = "appliance", params(("name" = String, Path, description = "The appliance's name"), Which),
    responses((status = 200, description = "The entries that are wanted", body = Entries)))]
async fn look(
    AppliancePath(running): AppliancePath,
    Query(which): Query<Which>,
) -> Result<Json<Entries>, Problem> {
    let (wanted, most) = (which.wanted()?, most(which.limit)?);
    Ok(Json(running.appliance().journal(&wanted, most).into()))
}

/// Forgets all entries, and begins to count anew. The numbers of entries go on.
#[utoipa::path(delete, path = "/v1/appliances/{name}/journal", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    responses((status = 204, description = "It is empty")))]
async fn clear(AppliancePath(running): AppliancePath) -> StatusCode {
    running.appliance().clear_journal();
    StatusCode::NO_CONTENT
}

/// Waits until so many requests were as wanted since the start or the last reset, dropped ones too; answers at once if they were.
///
/// Where they do not come in time, answers 408 and says what came instead. Ends with the appliance and with the process.
#[utoipa::path(get, path = "/v1/appliances/{name}/journal/wait", tag = "appliance", params(("name" = String, Path, description = "The appliance's name"), Wait),
    responses((status = 200, description = "They came; the entries are those that are held", body = Entries)))]
async fn wait(
    State(app): State<AppState>,
    AppliancePath(running): AppliancePath,
    Query(wait): Query<Wait>,
) -> Result<Json<Entries>, Problem> {
    let (wanted, count, most, time) = (
        wait.wanted()?,
        wait.count.unwrap_or(1),
        most(wait.limit)?,
        time(wait.timeout.as_deref())?,
    );
    if count == 0 {
        return Err(Problem::new(
            ProblemKind::InvalidQuery,
            "count is 0, expected at least 1",
        ));
    }
    tokio::select! {
        // What has happened counts, however late it is.
        biased;
        () = running.appliance().wait(&wanted, count) => Ok(Json(running.appliance().journal(&wanted, most).into())),
        () = running.stopped() => Err(if app.registry().is_ending() { process::ending() } else { appliance::unknown(app.registry(), &running.appliance().name()) }),
        () = app.stopped() => Err(process::ending()),
        () = tokio::time::sleep(time) => Err(late(&running, &wanted, count, time)),
    }
}

/// What is wrong with the clients: how often, and what to do.
#[utoipa::path(get, path = "/v1/appliances/{name}/findings", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    responses((status = 200, description = "What was found since the start or the last reset", body = Findings)))]
async fn findings(AppliancePath(running): AppliancePath) -> Json<Findings> {
    let found = |(finding, count): (Finding, u64)| Found {
        name: finding.name(),
        count,
        advice: finding.advice(),
    };
    Json(Findings {
        findings: running
            .appliance()
            .findings()
            .into_iter()
            .map(found)
            .collect(),
    })
}

impl Which {
    fn wanted(&self) -> Result<EntryFilter, Problem> {
        wanted(
            self.operation.as_deref(),
            self.outcome.as_deref(),
            self.state.as_deref(),
            self.failure.as_ref(),
        )
    }
}

impl Wait {
    fn wanted(&self) -> Result<EntryFilter, Problem> {
        wanted(
            self.operation.as_deref(),
            self.outcome.as_deref(),
            self.state.as_deref(),
            self.failure.as_ref(),
        )
    }
}

fn wanted(
    operation: Option<&str>,
    outcome: Option<&str>,
    state: Option<&str>,
    failure: Option<&String>,
) -> Result<EntryFilter, Problem> {
    let operations: Vec<(&str, Operation)> = Operation::ALL
        .iter()
        .map(|operation| (operation.name(), *operation))
        .collect();
    let outcomes: Vec<(&str, Outcome)> = Outcome::ALL
        .iter()
        .map(|outcome| (outcome.name(), *outcome))
        .collect();
    let states: Vec<(&str, Progress)> = Progress::ALL
        .iter()
        .map(|state| (state.name(), *state))
        .collect();
    Ok(EntryFilter {
        operation: operation
            .map(|name| member_of(name, "operation", &operations))
            .transpose()?,
        outcome: outcome
            .map(|name| member_of(name, "outcome", &outcomes))
            .transpose()?,
        state: state
            .map(|name| member_of(name, "state", &states))
            .transpose()?,
        failure: failure.cloned(),
    })
}

fn most(limit: Option<usize>) -> Result<usize, Problem> {
    match limit {
        Some(limit) if limit > MAX_LIMIT => Err(Problem::new(
            ProblemKind::InvalidQuery,
            format!("limit is {limit}, expected at most {MAX_LIMIT}"),
        )),
        limit => Ok(limit.unwrap_or(DEFAULT_LIMIT)),
    }
}

fn time(text: Option<&str>) -> Result<Duration, Problem> {
    let Some(text) = text else {
        return Ok(DEFAULT_TIMEOUT);
    };
    fixture::duration(text)
        .filter(|time| *time <= MAX_TIMEOUT)
        .ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            Problem::new(
                ProblemKind::InvalidQuery,
                format!("timeout is `{shown}`, expected a duration up to 10m, as `500ms` or `2s`"),
            )
        })
}

fn operations() -> Object {
    one_of(Operation::ALL.iter().map(|operation| operation.name()))
}

fn outcomes() -> Object {
    one_of(Outcome::ALL.iter().map(|outcome| outcome.name()))
}

fn states() -> Object {
    one_of(Progress::ALL.iter().map(|state| state.name()))
}

fn one_of(names: impl Iterator<Item = &'static str>) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names))
        .build()
}

impl From<JournalPage> for Entries {
    fn from(page: JournalPage) -> Entries {
        Entries {
            entries: page.entries,
            count: page.count,
            dropped: page.dropped,
        }
    }
}

/// Takes the one of a closed set that has this name.
fn member_of<T: Copy>(name: &str, noun: &str, set: &[(&str, T)]) -> Result<T, Problem> {
    set.iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            let shown: String = name.chars().take(64).collect();
            let known: Vec<&str> = set.iter().map(|(name, _)| *name).collect();
            Problem::new(
                ProblemKind::InvalidQuery,
                format!(
                    "unknown {noun} `{shown}`, expected one of {}",
                    known.join(", ")
                ),
            )
            .nearest(name, known)
        })
}

/// Says what came instead of what was waited for.
fn late(running: &RunningAppliance, wanted: &EntryFilter, count: u64, time: Duration) -> Problem {
    let appliance = running.appliance();
    let came = appliance.journal(&EntryFilter::default(), MAX_INSTEAD);
    let told = |entry: &EntryView| {
        format!(
            "{} {} ({})",
            entry.operation.unwrap_or("no operation"),
            entry.outcome,
            entry.state
        )
    };
    let instead: Vec<String> = came.entries.iter().map(told).collect();
    let detail = format!(
        "{} of {count} came within {time:?}",
        appliance.count(wanted)
    );
    let problem = Problem::new(ProblemKind::NotReached, detail);
    match came.count {
        0 => problem.hint(
            "no request at all has come since the last reset: is the client asking this appliance?",
        ),
        all => problem.hint(format!(
            "{all} came in all, the last of them: {}",
            instead.join(", ")
        )),
    }
}

/// How many entries are shown at most: a journal holds no more.
const MAX_LIMIT: usize = 1000;
/// How many entries are shown unless otherwise asked.
const DEFAULT_LIMIT: usize = 100;
/// How many entries are told of where others were waited for.
const MAX_INSTEAD: usize = 5;
/// How long is waited unless otherwise asked.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long is waited at most.
const MAX_TIMEOUT: Duration = Duration::from_secs(600);
