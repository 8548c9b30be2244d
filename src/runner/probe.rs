//! Which paths a target serves. It is probed before anything else, because the documentation names two for some operations.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};

use crate::{
    client::ConnectFailure,
    contract,
    contract::{Contract, Kind, Operation, Readings, distinct},
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

/// Probes each path of each operation that has several, with GET; if all paths answer alike, with POST of `{}`.
/// A path is served if its answer differs from the answer of a neighbouring path that no appliance serves.
/// `may_post` is asked before some POSTs are sent, since each may count as a failed sign-in.
pub(super) async fn paths(
    context: &RunContext,
    contract: &Contract,
    may_post: MayPost<'_>,
) -> ProbeResult {
    let mut probed = ProbeResult::default();
    for &operation in Operation::ALL {
        let paths = several_paths(contract, operation);
        if paths.is_empty() {
            continue;
        }
        let mut answers = Vec::new();
        let served = match served(context, &paths, &mut answers, may_post).await {
            Ok(served) => served,
            Err(end) => {
                probed.unreachable = end;
                return probed;
            }
        };
        let evidence = |answer| verdict::probe_evidence(contract, operation, answer);
        probed.evidence.extend(answers.iter().filter_map(evidence));
        let is_served = |paths: &[String]| {
            let mut each = paths.iter().map(String::as_str);
            paths.len() == served.len() && each.all(|path| served.contains(&path))
        };
        let mut readings = contract.clause(operation).path.readings().iter().zip(0..);
        if let Some((reading, rank)) = readings.find(|(reading, _)| is_served(&reading.is.0)) {
            let (fact, reading) = (format!("{operation}.path"), &reading.name);
            let chosen = probed.served.choose(contract, &fact, reading);
            debug_assert!(chosen.is_ok(), "the reading was found in this contract");
            let choice = ReadingChoice::new(&fact, reading, rank);
            probed.evidence.push(Evidence::plain(choice));
        }
    }
    probed
}

/// Returns the probes by GET as commands; nothing is sent.
pub fn probe_commands(kind: Kind, address: &str) -> Vec<String> {
    let operations = Operation::ALL.iter();
    let paths = operations.flat_map(|operation| several_paths(contract::of(kind), *operation));
    let paths = paths.flat_map(|path| [path.to_owned(), neighbour(path)]);
    let commands = paths.map(|path| format!("curl -sS -X GET '{address}{path}'"));
    commands.collect()
}

/// Returns the paths of an operation that has several.
fn several_paths(contract: &Contract, operation: Operation) -> Vec<&str> {
    let readings = contract.clause(operation).path.readings().iter();
    let paths = readings.flat_map(|reading| &reading.is.0);
    let mut paths = distinct(paths.map(String::as_str));
    if paths.len() < 2 {
        paths.clear();
    }
    paths
}

/// Returns a path next to another one, which no appliance serves.
fn neighbour(path: &str) -> String {
    let (folder, _) = path.rsplit_once('/').unwrap_or_default();
    format!("{folder}/{UNKNOWN_PATH}")
}

/// Why probing ends early: there is no connection, or none of these if the run is interrupted.
type ProbeEnd = Option<ConnectFailure>;

/// Returns the paths that are served. All answers are collected, since each one is evidence.
async fn served<'a>(
    context: &RunContext,
    paths: &[&'a str],
    answers: &mut Vec<Response<Bytes>>,
    may_post: MayPost<'_>,
) -> Result<Vec<&'a str>, ProbeEnd> {
    for (method, body) in [(Method::GET, ""), (Method::POST, "{}")] {
        // Each path and its neighbour, all or none: some of them alone say nothing.
        if context.stop.is_requested() {
            return Err(None);
        }
        if method == Method::POST && !may_post(2 * paths.len()) {
            break;
        }
        let mut served = Vec::new();
        for path in paths {
            let own = ask(context, &method, path, body, answers).await?;
            let other = ask(context, &method, &neighbour(path), body, answers).await?;
            // An answer that was lost says nothing of a path.
            if own.is_some() && other.is_some() && own != other {
                served.push(*path);
            }
        }
        if !served.is_empty() {
            return Ok(served);
        }
    }
    Ok(Vec::new())
}

/// Counts so many POSTs as failed sign-ins before they are sent, and tells whether they may be.
pub(super) type MayPost<'a> = &'a mut (dyn FnMut(usize) -> bool + Send);

/// Returns an answer for comparison, without the path, which some servers repeat. None if the connection broke.
async fn ask(
    context: &RunContext,
    method: &Method,
    path: &str,
    body: &'static str,
    answers: &mut Vec<Response<Bytes>>,
) -> Result<Option<(StatusCode, String)>, ProbeEnd> {
    let mut request = Request::builder().method(method).uri(path);
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let request = request.body(Bytes::from_static(body.as_bytes()));
    let request = request.expect("the paths of the contract are paths");
    let answer = tokio::select! {
        biased;
        // A probe changes nothing, so it can be abandoned.
        () = context.stop.requested() => return Err(None),
        answer = context.target.send(&request) => answer,
    };
    match answer {
        Ok(answer) => {
            let text = String::from_utf8_lossy(answer.body()).replace(path, "");
            let seen = (answer.status(), text);
            answers.push(answer);
            Ok(Some(seen))
        }
        Err(error) => {
            let failure = error.connect_failure().or(context.target.hanging());
            failure.map_or(Ok(None), |failure| Err(Some(failure)))
        }
    }
}

/// What the profile calls the probe, where it names the case that showed a reading.
pub(super) const NAME: &str = "probe";
/// No operation has this name under any reading.
const UNKNOWN_PATH: &str = "no_such_operation";
