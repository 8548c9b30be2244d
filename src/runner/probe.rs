//! Which paths a target serves. It is probed before anything else, because the documentation names two for some operations.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};

use crate::{
    client::ConnectFailure,
    contract,
    contract::{Contract, Kind, Operation, Readings},
    runner::RunContext,
    suite::{allowed::ReadingChoice, evidence::Evidence, verdict},
};

/// What the probe found.
#[derive(Default)]
pub(super) struct ProbeResult {
    /// The reading that the target serves, for each operation with several paths.
    pub(super) served: Readings,
    /// The same for the profile, and what else the answers say.
    pub(super) evidence: Vec<Evidence>,
    /// Why the target could not be reached.
    pub(super) unreachable: Option<ConnectFailure>,
}

/// Probes each path of each operation that has several, with GET; if that does not tell them apart, with POST of `{}`.
/// A path is served if its answer differs from the answer of a neighbouring path that no appliance serves.
/// `posts` is how many POSTs may be sent, since each may count as a failed sign-in; those sent are subtracted.
pub(super) async fn paths(
    context: &RunContext,
    contract: &Contract,
    posts: &mut u32,
) -> ProbeResult {
    let mut probed = ProbeResult::default();
    for &operation in Operation::ALL {
        let readings = contract.clause(operation).path.readings();
        let paths = distinct(contract, operation);
        if paths.len() < 2 {
            continue;
        }
        let mut heard = Vec::new();
        let served = match served(context, &paths, &mut heard, posts).await {
            Ok(served) => served,
            Err(trouble) => {
                return ProbeResult {
                    unreachable: Some(trouble),
                    ..probed
                };
            }
        };
        probed.evidence.extend(
            heard
                .iter()
                .filter_map(|answer| verdict::probe_evidence(contract, operation, answer)),
        );
        let fact = format!("{operation}.path");
        let same = |is: &[String]| {
            is.len() == served.len() && is.iter().all(|path| served.contains(&path.as_str()))
        };
        if let Some((rank, reading)) = readings
            .iter()
            .enumerate()
            .find(|(_, reading)| same(&reading.is.0))
        {
            // The contract offers this reading: it was just found there.
            let chosen = probed.served.choose(contract, &fact, &reading.name);
            debug_assert!(chosen.is_ok(), "the reading was found in this contract");
            probed.evidence.push(Evidence::plain(ReadingChoice {
                fact,
                reading: reading.name.clone(),
                rank,
            }));
        }
    }
    probed
}

/// Returns the probes by GET as commands; nothing is sent.
pub fn probe_commands(kind: Kind, address: &str) -> Vec<String> {
    let contract = contract::of(kind);
    let several = Operation::ALL
        .iter()
        .map(|operation| distinct(contract, *operation))
        .filter(|paths| paths.len() > 1);
    several
        .flatten()
        .flat_map(|path| [path.to_owned(), neighbour(path)])
        .map(|path| format!("curl -sS -X GET '{address}{path}'"))
        .collect()
}

fn distinct(contract: &Contract, operation: Operation) -> Vec<&str> {
    let mut paths: Vec<&str> = Vec::new();
    for path in contract
        .clause(operation)
        .path
        .readings()
        .iter()
        .flat_map(|reading| &reading.is.0)
    {
        if !paths.contains(&path.as_str()) {
            paths.push(path);
        }
    }
    paths
}

/// Returns a path next to another one, which no appliance serves.
fn neighbour(path: &str) -> String {
    format!(
        "{}/{UNKNOWN_PATH}",
        path.rsplit_once('/').map_or("", |(folder, _)| folder)
    )
}

/// Returns the paths that are served. All answers are kept in `heard`, since each one is evidence.
async fn served<'a>(
    context: &RunContext,
    paths: &[&'a str],
    heard: &mut Vec<Response<Bytes>>,
    posts: &mut u32,
) -> Result<Vec<&'a str>, ConnectFailure> {
    for (method, body) in [(Method::GET, ""), (Method::POST, "{}")] {
        if method == Method::POST {
            // Each path and its neighbour, all or none: some of them alone say nothing.
            let Some(left) = u32::try_from(2 * paths.len())
                .ok()
                .and_then(|cost| posts.checked_sub(cost))
            else {
                break;
            };
            *posts = left;
        }
        let mut served = Vec::new();
        for path in paths {
            if ask(context, &method, path, body, heard).await?
                != ask(context, &method, &neighbour(path), body, heard).await?
            {
                served.push(*path);
            }
        }
        if !served.is_empty() {
            return Ok(served);
        }
    }
    Ok(Vec::new())
}

/// Returns an answer for comparison, without the path, which some servers repeat. None if the connection broke.
async fn ask(
    context: &RunContext,
    method: &Method,
    path: &str,
    body: &'static str,
    heard: &mut Vec<Response<Bytes>>,
) -> Result<Option<(StatusCode, String)>, ConnectFailure> {
    let mut request = Request::new(Bytes::from_static(body.as_bytes()));
    *request.method_mut() = method.clone();
    *request.uri_mut() = path.parse().map_err(|error| ConnectFailure {
        message: format!("{path}: {error}"),
        hint: String::new(),
    })?;
    if !body.is_empty() {
        request.headers_mut().insert(
            http::header::CONTENT_TYPE,
            http::HeaderValue::from_static("application/json"),
        );
    }
    match context.target.send(&request).await {
        Ok(answer) => {
            let text = String::from_utf8_lossy(answer.body()).replace(path, "");
            let seen = (answer.status(), text);
            heard.push(answer);
            Ok(Some(seen))
        }
        Err(error) => error.connect_failure().map_or(Ok(None), Err),
    }
}

/// What the profile calls the probe, where it names the case that showed a reading.
pub(super) const NAME: &str = "probe";
/// No operation has this name under any reading.
const UNKNOWN_PATH: &str = "no_such_operation";
