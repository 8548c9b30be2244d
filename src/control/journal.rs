//! An appliance's journal: read, waited for, cleared; and what is wrong with its clients.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    contract,
    contract::ClosedSet,
    control::{
        AppState, away,
        extract::{AppliancePath, unknown_appliance},
        problem::{Problem, shorten},
        process,
    },
    failure, fixture,
    journal::{EntryFilter, EntryView, Finding, OTHER_ANSWER},
    server::{JournalPage, MockAppliance},
};

/// Which entries, where all conditions that are given must hold; and, for `wait` alone, how many and how long.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntryQuery {
    operation: Option<String>,
    outcome: Option<String>,
    judged: Option<String>,
    state: Option<String>,
    failure: Option<String>,
    user: Option<String>,
    path: Option<String>,
    limit: Option<usize>,
    count: Option<u64>,
    timeout: Option<String>,
}

pub(super) async fn get(
    AppliancePath(running, _): AppliancePath,
    query: Result<Query<EntryQuery>, QueryRejection>,
) -> Result<Json<JournalPage>, Problem> {
    let Query(query) = query?;
    let count = query.count.map(|_| "count");
    if let Some(name) = count.or(query.timeout.as_ref().map(|_| "timeout")) {
        let detail = format!("unknown field `{name}`, only journal/wait takes it");
        return Err(Problem::invalid_query(detail));
    }
    away(move || {
        let filter = query.filter(running.appliance())?;
        Ok(Json(running.appliance().journal(&filter, query.limit()?)))
    })
    .await
}

pub(super) async fn clear(AppliancePath(running, _): AppliancePath) -> StatusCode {
    running.appliance().clear_journal();
    StatusCode::NO_CONTENT
}

pub(super) async fn wait(
    State(app): State<Arc<AppState>>,
    AppliancePath(running, _): AppliancePath,
    query: Result<Query<EntryQuery>, QueryRejection>,
) -> Result<Json<JournalPage>, Problem> {
    let Query(query) = query?;
    let appliance = running.appliance();
    let (filter, limit, timeout) = (query.filter(appliance)?, query.limit()?, query.timeout()?);
    let count = query.count.unwrap_or(1);
    if count == 0 {
        let problem = Problem::invalid_query("count is 0, expected at least 1");
        return Err(problem.hint("GET …/journal tells at once how many came"));
    }
    tokio::select! {
        // What has happened counts, however late it is.
        biased;
        () = appliance.wait(&filter, count) => {
            let (appliance, filter) = (Arc::clone(appliance), filter.clone());
            away(move || Ok(Json(appliance.journal(&filter, limit)))).await
        }
        () = running.stopped() => Err(if app.registry.is_ending() {
            process::ending()
        } else {
            unknown_appliance(&app.registry, &appliance.name())
        }),
        () = app.stopped() => Err(process::ending()),
        () = tokio::time::sleep(timeout) => Err(not_reached(appliance, &filter, count, timeout)),
    }
}

pub(super) async fn findings(AppliancePath(running, _): AppliancePath) -> Json<Value> {
    let found = running.appliance().findings().into_iter();
    let shown = |(finding, count): (Finding, u64)| json!({ "name": finding.name(), "count": count, "advice": finding.advice() });
    let findings: Value = found.map(shown).collect();
    Json(json!({ "findings": findings }))
}

impl EntryQuery {
    fn filter(&self, appliance: &MockAppliance) -> Result<EntryFilter, Problem> {
        let filter = EntryFilter {
            operation: named(self.operation.as_ref())?,
            outcome: named(self.outcome.as_ref())?,
            judged: named(self.judged.as_ref())?,
            state: named(self.state.as_ref())?,
            failure: self.failure.clone(),
            user: self.user.clone(),
            path: self.path.clone(),
        };
        let Some(name) = &self.failure else {
            return Ok(filter);
        };
        let counters = appliance.counters();
        let known = counters.iter().map(|counter| counter.mode.as_str());
        let known: Vec<&str> = known.chain(fixture::READY_MADE.iter().copied()).collect();
        let removed = EntryFilter {
            failure: Some(name.clone()),
            ..EntryFilter::default()
        };
        if known.contains(&name.as_str()) || appliance.count(&removed) > 0 {
            return Ok(filter);
        }
        let detail = format!("unknown failure mode `{}`", shorten(name));
        Err(Problem::unknown_failure(detail).did_you_mean(fixture::nearest_mode(name, known)))
    }

    fn limit(&self) -> Result<usize, Problem> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if limit > MAX_LIMIT {
            let detail = format!("limit is {limit}, expected at most {MAX_LIMIT}");
            return Err(Problem::invalid_query(detail));
        }
        Ok(limit)
    }

    fn timeout(&self) -> Result<Duration, Problem> {
        let text = self.timeout.as_deref().unwrap_or("10s");
        let timeout = failure::duration::parse(text).filter(|time| *time <= MAX_TIMEOUT);
        timeout.ok_or_else(|| {
            let (shown, expected) = (shorten(text), "a duration up to 10m, as `500ms` or `2s`");
            Problem::invalid_query(format!("timeout is `{shown}`, expected {expected}"))
        })
    }
}

/// Returns the member of a closed set that has this name.
fn named<T: ClosedSet>(name: Option<&String>) -> Result<Option<T>, Problem> {
    let find = |name: &String| {
        T::named(name).ok_or_else(|| {
            let (noun, shown, names) = (T::NOUN, shorten(name), T::NAMES.join(", "));
            let detail = format!("unknown {noun} `{shown}`, expected one of {names}");
            let near = contract::nearest(name, T::NAMES.iter().copied());
            Problem::invalid_query(detail).did_you_mean(near)
        })
    };
    name.map(find).transpose()
}

/// Returns the problem of a wait that is over, with what came instead.
fn not_reached(
    appliance: &MockAppliance,
    filter: &EntryFilter,
    count: u64,
    timeout: Duration,
) -> Problem {
    let all = appliance.journal(&EntryFilter::default(), MAX_INSTEAD);
    let describe = |entry: &EntryView| {
        let operation = entry.operation.unwrap_or("no operation");
        let outcome = entry.outcome.unwrap_or(OTHER_ANSWER);
        format!("{operation} {outcome} ({})", entry.state)
    };
    let instead: Vec<String> = all.entries.iter().map(describe).collect();
    let instead = instead.join(", ");
    let came = appliance.count(filter);
    let detail = format!("{came} of {count} came within {timeout:?}");
    let nothing =
        "no request at all has come since the last reset: is the client asking this appliance?";
    Problem::not_reached(detail).hint(match all.count {
        0 => nothing.to_owned(),
        all => format!("{all} came in all, the last of them: {instead}"),
    })
}

/// How many entries an answer has at most: a journal keeps no more.
const MAX_LIMIT: usize = 1000;
const DEFAULT_LIMIT: usize = 100;
/// How many entries are listed where others were waited for.
const MAX_INSTEAD: usize = 5;
const MAX_TIMEOUT: Duration = Duration::from_secs(600);
