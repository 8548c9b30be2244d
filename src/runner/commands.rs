//! What a run would send, as commands that do it: placeholders are variables, and nothing is sent.

use crate::{
    conformance::{Case, request},
    contract,
    contract::{Kind, Readings},
    runner::{probe, transcript},
};

/// Returns the requests of a case as commands, placeholders as variables; nothing is sent.
///
/// # Errors
/// A step that makes no request; a test holds all cases against that.
pub fn planned(kind: Kind, case: &Case, address: &str) -> Result<Vec<String>, String> {
    let served = Readings::default();
    let build = |step| {
        request::build(step, contract::of(kind), &served, &|placeholder| {
            Ok(placeholder.to_string())
        })
    };
    case.steps
        .iter()
        .map(|step| build(step).map(|shown| transcript::curl(&shown, address)))
        .collect()
}

/// Returns the requests that find out which paths a target serves, as commands; nothing is sent.
pub fn probes(kind: Kind, address: &str) -> Vec<String> {
    let paths = probe::asked(contract::of(kind));
    paths
        .into_iter()
        .map(|path| format!("curl -sS -X GET '{address}{path}'"))
        .collect()
}
