//! An appliance's journal: read, waited for, emptied; and what is wrong with its clients.

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
    contract::{ClosedSet, Operation, Outcome},
    control::{
        AppState,
        appliance::{self, AppliancePath},
        body::Query,
        problem::{Problem, ProblemKind, shorten},
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

/// Defines a query that selects entries, with further parameters.
macro_rules! entry_query {
    ($(#[$doc:meta])* $query:ident { $($further:tt)* }) => {
        $(#[$doc])*
        #[derive(Debug, Deserialize, IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        struct $query {
            /// Of this operation.
            #[param(schema_with = names::<Operation>)]
            operation: Option<String>,
            /// With this outcome.
            #[param(schema_with = names::<Outcome>)]
            outcome: Option<String>,
            /// Whose answer is as far as this.
            #[param(schema_with = names::<Progress>)]
            state: Option<String>,
            /// Bent by the failure mode of this name.
            failure: Option<String>,
            /// At most so many entries in the answer; by default 100.
            #[param(maximum = 1000)]
            limit: Option<usize>,
            $($further)*
        }

        impl $query {
            fn filter(&self) -> Result<EntryFilter, Problem> {
                Ok(EntryFilter {
                    operation: choose(self.operation.as_deref())?,
                    outcome: choose(self.outcome.as_deref())?,
                    state: choose(self.state.as_deref())?,
                    failure: self.failure.clone(),
                })
            }

            fn limit(&self) -> Result<usize, Problem> {
                match self.limit {
                    Some(limit) if limit > MAX_LIMIT => Err(Problem::new(
                        ProblemKind::InvalidQuery,
                        format!("limit is {limit}, expected at most {MAX_LIMIT}"),
                    )),
                    limit => Ok(limit.unwrap_or(DEFAULT_LIMIT)),
                }
            }
        }
    };
}

entry_query! {
    /// Which entries: all conditions that are given must hold.
    EntryQuery {}
}

entry_query! {
    /// What is waited for: all conditions that are given must hold.
    WaitQuery {
        /// How many; by default 1.
        #[param(minimum = 1)]
        count: Option<u64>,
        /// How long at most, on the wall clock, `500ms` or `2s`; `10s` by default, at most `10m`.
        #[param(pattern = "^([1-9]m)?([1-5]?[0-9]s)?([0-9]{1,3}ms)?$", min_length = 2)]
        timeout: Option<String>,
    }
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
#[utoipa::path(get, path = "/v1/appliances/{name}/journal", tag = "appliance", params(("name" = String, Path, description = "The appliance's name"), EntryQuery),
    responses((status = 200, description = "The entries that are wanted", body = Entries)))]
async fn look(
    AppliancePath(running): AppliancePath,
    Query(query): Query<EntryQuery>,
) -> Result<Json<Entries>, Problem> {
    let (filter, limit) = (query.filter()?, query.limit()?);
    Ok(Json(running.appliance().journal(&filter, limit).into()))
}

/// Forgets all entries, and begins to count again. The numbers of entries go on.
#[utoipa::path(delete, path = "/v1/appliances/{name}/journal", tag = "appliance", params(("name" = String, Path, description = "The appliance's name")),
    responses((status = 204, description = "It is empty")))]
async fn clear(AppliancePath(running): AppliancePath) -> StatusCode {
    running.appliance().clear_journal();
    StatusCode::NO_CONTENT
}

/// Waits until so many requests were as wanted since the start or the last reset, dropped ones too; answers at once if they were.
///
/// Where they do not come in time, answers 408 and says what came instead. Ends with the appliance and with the process.
#[utoipa::path(get, path = "/v1/appliances/{name}/journal/wait", tag = "appliance", params(("name" = String, Path, description = "The appliance's name"), WaitQuery),
    responses((status = 200, description = "They came; the entries are those that are held", body = Entries)))]
async fn wait(
    State(app): State<AppState>,
    AppliancePath(running): AppliancePath,
    Query(query): Query<WaitQuery>,
) -> Result<Json<Entries>, Problem> {
    let (filter, limit) = (query.filter()?, query.limit()?);
    let (count, timeout) = (query.count.unwrap_or(1), query.timeout()?);
    if count == 0 {
        let detail = "count is 0, expected at least 1";
        return Err(Problem::new(ProblemKind::InvalidQuery, detail));
    }
    let appliance = running.appliance();
    tokio::select! {
        // What has happened counts, however late it is.
        biased;
        () = appliance.wait(&filter, count) => Ok(Json(appliance.journal(&filter, limit).into())),
        () = running.stopped() => Err(if app.registry().is_ending() {
            process::ending()
        } else {
            appliance::unknown(app.registry(), &appliance.name())
        }),
        () = app.stopped() => Err(process::ending()),
        () = tokio::time::sleep(timeout) => Err(not_reached(&running, &filter, count, timeout)),
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
    let findings = running.appliance().findings();
    Json(Findings {
        findings: findings.into_iter().map(found).collect(),
    })
}

impl WaitQuery {
    fn timeout(&self) -> Result<Duration, Problem> {
        let Some(text) = self.timeout.as_deref() else {
            return Ok(DEFAULT_TIMEOUT);
        };
        let timeout = fixture::duration(text).filter(|time| *time <= MAX_TIMEOUT);
        timeout.ok_or_else(|| {
            let detail = format!(
                "timeout is `{}`, expected a duration up to 10m, as `500ms` or `2s`",
                shorten(text)
            );
            Problem::new(ProblemKind::InvalidQuery, detail)
        })
    }
}

fn names<T: ClosedSet>() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(T::NAMES.iter().copied()))
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

/// Returns the member of a closed set that has this name.
fn choose<T: ClosedSet>(name: Option<&str>) -> Result<Option<T>, Problem> {
    let Some(name) = name else {
        return Ok(None);
    };
    let unknown = || {
        let detail = format!(
            "unknown {} `{}`, expected one of {}",
            T::NOUN,
            shorten(name),
            T::NAMES.join(", ")
        );
        let names = T::NAMES.iter().copied();
        Problem::new(ProblemKind::InvalidQuery, detail).nearest(name, names)
    };
    T::named(name).map(Some).ok_or_else(unknown)
}

/// Says what came instead of what was waited for.
fn not_reached(
    running: &RunningAppliance,
    filter: &EntryFilter,
    count: u64,
    timeout: Duration,
) -> Problem {
    let appliance = running.appliance();
    let all = appliance.journal(&EntryFilter::default(), MAX_INSTEAD);
    let describe = |entry: &EntryView| {
        let operation = entry.operation.unwrap_or("no operation");
        format!("{operation} {} ({})", entry.outcome, entry.state)
    };
    let instead: Vec<String> = all.entries.iter().map(describe).collect();
    let came = appliance.count(filter);
    let problem = Problem::new(
        ProblemKind::NotReached,
        format!("{came} of {count} came within {timeout:?}"),
    );
    match all.count {
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
/// How many entries are shown by default.
const DEFAULT_LIMIT: usize = 100;
/// How many entries are named where others were waited for.
const MAX_INSTEAD: usize = 5;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_TIMEOUT: Duration = Duration::from_secs(600);
