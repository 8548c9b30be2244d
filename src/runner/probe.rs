//! Which paths a target serves, found out before anything else: the documents name two for some operations.

use bytes::Bytes;
use http::Method;
use http::Request;
use http::StatusCode;

use crate::conformance::verdict::Evidence;
use crate::contract::Contract;
use crate::contract::Operation;
use crate::contract::Readings;
use crate::runner::Lab;
use crate::target::Error;

/// What was found out.
#[derive(Default)]
pub(super) struct Probed {
    /// For each operation with several paths, the reading the target serves.
    pub(super) served: Readings,
    /// The same, for the profile.
    pub(super) evidence: Vec<Evidence>,
    /// Why nothing could be found out.
    pub(super) unreachable: Option<String>,
}

/// Asks each path of each operation that has several, by GET; where that does not tell them apart, by POST of `{}`.
/// A path is served if it is answered otherwise than a path that nobody serves, never by the status alone.
/// `posts` is how many POSTs to such a path may be sent, since each may count as a failed sign-in; those sent are taken from it.
pub(super) async fn paths(lab: &Lab, contract: &Contract, posts: &mut u32) -> Probed {
    let mut probed = Probed::default();
    for &operation in Operation::ALL {
        let readings = contract.clause(operation).path.readings();
        let paths = distinct(contract, operation);
        if paths.len() < 2 {
            continue;
        }
        let served = match served(lab, &paths, posts).await {
            Ok(served) => served,
            Err(error) => return Probed { unreachable: Some(error.to_string()), ..probed },
        };
        let fact = format!("{operation}.path");
        let same = |is: &[String]| is.len() == served.len() && is.iter().all(|path| served.contains(&path.as_str()));
        if let Some(reading) = readings.iter().find(|reading| same(&reading.is.0)) {
            probed.evidence.push(Evidence { fact: fact.clone(), readings: vec![reading.name.clone()], other: None });
            // The contract offers this reading: it was just found there.
            let chosen = probed.served.choose(contract, &fact, &reading.name);
            debug_assert!(chosen.is_ok(), "the reading was found in this contract");
        }
    }
    probed
}

/// Every path that may be asked for by GET, in order.
pub(super) fn asked(contract: &Contract) -> Vec<&str> {
    let several = Operation::ALL.iter().map(|operation| distinct(contract, *operation)).filter(|paths| paths.len() > 1);
    several.flat_map(|paths| std::iter::once(NOBODY_S).chain(paths.into_iter().map(String::as_str))).collect()
}

fn distinct(contract: &Contract, operation: Operation) -> Vec<&String> {
    let mut paths: Vec<&String> = Vec::new();
    for path in contract.clause(operation).path.readings().iter().flat_map(|reading| &reading.is.0) {
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

async fn served<'a>(lab: &Lab, paths: &[&'a String], posts: &mut u32) -> Result<Vec<&'a str>, Error> {
    for (method, body) in [(Method::GET, ""), (Method::POST, "{}")] {
        if method == Method::POST {
            let Some(left) = u32::try_from(paths.len()).ok().and_then(|cost| posts.checked_sub(cost)) else { break };
            *posts = left;
        }
        let nobody = ask(lab, &method, NOBODY_S, body).await?;
        let mut served = Vec::new();
        for path in paths {
            if ask(lab, &method, path, body).await? != nobody {
                served.push(path.as_str());
            }
        }
        if !served.is_empty() {
            return Ok(served);
        }
    }
    Ok(Vec::new())
}

async fn ask(lab: &Lab, method: &Method, path: &str, body: &'static str) -> Result<(StatusCode, Bytes), Error> {
    let mut request = Request::new(Bytes::from_static(body.as_bytes()));
    *request.method_mut() = method.clone();
    *request.uri_mut() = path.parse().map_err(|error| Error::Setup(format!("{path}: {error}")))?;
    if !body.is_empty() {
        request.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    }
    let answer = lab.target.send(&request).await?;
    Ok((answer.status(), answer.into_body()))
}

/// What the profile calls the probe, where it names the case that showed a reading.
pub(super) const NAME: &str = "probe";
/// A path that no operation of any reading has.
const NOBODY_S: &str = "/external/authentication/no_such_operation";
