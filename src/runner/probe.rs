//! Which paths a target serves, found out before anything else: the documents name two for some operations.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};

use crate::{
    client::ConnectFailure,
    conformance::{evidence::Evidence, expected::Choice, verdict},
    contract::{Contract, Operation, Readings},
    runner::Lab,
};

/// What was found out.
#[derive(Default)]
pub(super) struct Probed {
    /// For each operation with several paths, the reading the target serves.
    pub(super) served: Readings,
    /// The same for the profile, and what else the answers tell.
    pub(super) evidence: Vec<Evidence>,
    /// Why nothing could be found out.
    pub(super) unreachable: Option<ConnectFailure>,
}

/// Asks each path of each operation that has several, by GET; where that does not tell them apart, by POST of `{}`.
/// A path is served if it is answered otherwise than a neighbour that nobody serves, never by the status alone.
/// `posts` is how many POSTs may be sent, to paths and neighbours alike, since each may count as a failed sign-in; those sent are taken from it.
pub(super) async fn paths(lab: &Lab, contract: &Contract, posts: &mut u32) -> Probed {
    let mut probed = Probed::default();
    for &operation in Operation::ALL {
        let readings = contract.clause(operation).path.readings();
        let paths = distinct(contract, operation);
        if paths.len() < 2 {
            continue;
        }
        let mut heard = Vec::new();
        let served = match served(lab, &paths, &mut heard, posts).await {
            Ok(served) => served,
            Err(trouble) => {
                return Probed {
                    unreachable: Some(trouble),
                    ..probed
                };
            }
        };
        probed.evidence.extend(
            heard
                .iter()
                .filter_map(|answer| verdict::whatever_it_tells(contract, operation, answer)),
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
            probed.evidence.push(Evidence::plain(Choice {
                fact,
                reading: reading.name.clone(),
                rank,
            }));
        }
    }
    probed
}

/// Every path that may be asked for by GET, in order, neighbours among them.
pub(super) fn asked(contract: &Contract) -> Vec<String> {
    let several = Operation::ALL
        .iter()
        .map(|operation| distinct(contract, *operation))
        .filter(|paths| paths.len() > 1);
    several
        .flatten()
        .flat_map(|path| [path.to_owned(), neighbour(path)])
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

/// A path beside another one, that nobody serves.
fn neighbour(path: &str) -> String {
    format!(
        "{}/{NOBODY_S}",
        path.rsplit_once('/').map_or("", |(folder, _)| folder)
    )
}

/// The paths that are served. What was heard on the way is kept: every answer of a run counts.
async fn served<'a>(
    lab: &Lab,
    paths: &[&'a str],
    heard: &mut Vec<Response<Bytes>>,
    posts: &mut u32,
) -> Result<Vec<&'a str>, ConnectFailure> {
    for (method, body) in [(Method::GET, ""), (Method::POST, "{}")] {
        if method == Method::POST {
            // Each path and its neighbour: all or none, since some of them tell nothing.
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
            if ask(lab, &method, path, body, heard).await?
                != ask(lab, &method, &neighbour(path), body, heard).await?
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

/// What came back, comparable: some servers repeat the path in the body. A connection that breaks is an answer too, if a poor one.
async fn ask(
    lab: &Lab,
    method: &Method,
    path: &str,
    body: &'static str,
    heard: &mut Vec<Response<Bytes>>,
) -> Result<Option<(StatusCode, String)>, ConnectFailure> {
    let mut request = Request::new(Bytes::from_static(body.as_bytes()));
    *request.method_mut() = method.clone();
    *request.uri_mut() = path.parse().map_err(|error| ConnectFailure {
        told: format!("{path}: {error}"),
        hint: String::new(),
    })?;
    if !body.is_empty() {
        request.headers_mut().insert(
            http::header::CONTENT_TYPE,
            http::HeaderValue::from_static("application/json"),
        );
    }
    match lab.target.send(&request).await {
        Ok(answer) => {
            let text = String::from_utf8_lossy(answer.body()).replace(path, "");
            let seen = (answer.status(), text);
            heard.push(answer);
            Ok(Some(seen))
        }
        Err(error) => error.unreached().map_or(Ok(None), Err),
    }
}

/// What the profile calls the probe, where it names the case that showed a reading.
pub(super) const NAME: &str = "probe";
/// A name that no operation of any reading has.
const NOBODY_S: &str = "no_such_operation";
