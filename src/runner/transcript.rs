//! What is shown of an exchange: for the snapshot, and as a command that a person can repeat. Placeholders replace the values of accounts.

use std::{cell::RefCell, collections::BTreeSet};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, header, uri::PathAndQuery};

use crate::{
    client::TargetAnswer,
    contract,
    contract::{Contract, Kind, Readings},
    runner::Accounts,
    snapshot,
    suite::{Case, Placeholder, Step, StepError, request},
};

/// A step of a case, and its request with the values of accounts and with placeholders.
#[derive(Debug)]
pub(super) struct StepRequest<'a> {
    pub(super) case: &'a Case,
    /// Its place in the case, from 0.
    pub(super) number: usize,
    pub(super) real: Request<Bytes>,
    pub(super) shown: Request<Bytes>,
}

impl<'a> StepRequest<'a> {
    pub(super) fn step(&self) -> &'a Step {
        &self.case.steps[self.number]
    }
}

/// Builds the request of a step with placeholders instead of values.
///
/// # Errors
/// The step does not make a request; a test checks all cases for that.
pub(super) fn shown_request(
    step: &Step,
    contract: &Contract,
    served: &Readings,
) -> Result<Request<Bytes>, StepError> {
    let shown = |placeholder: Placeholder| Ok(placeholder.to_string());
    request::build(step, contract, served, &shown)
}

/// Builds a step's request as a snapshot shows it, with the placeholders in it.
pub(super) fn request_with_placeholders(
    step: &Step,
    contract: &Contract,
) -> (Result<Request<Bytes>, StepError>, BTreeSet<Placeholder>) {
    let used = RefCell::new(BTreeSet::new());
    let shown = request::build(step, contract, &Readings::default(), &|placeholder| {
        used.borrow_mut().insert(placeholder);
        Ok(placeholder.to_string())
    });
    (shown, used.into_inner())
}

/// Returns the requests of a case as commands; nothing is sent.
///
/// # Errors
/// As for `shown_request`.
pub fn case_commands(kind: Kind, case: &Case, address: &str) -> Result<Vec<String>, StepError> {
    let (contract, served) = (contract::of(kind), Readings::default());
    let command = |step| Ok(curl(&shown_request(step, contract, &served)?, address));
    case.steps.iter().map(command).collect()
}

/// Returns a shown request as a snapshot has it.
pub(super) fn request_of(shown: &Request<Bytes>) -> snapshot::Request {
    snapshot::Request {
        method: shown.method().as_str().to_owned(),
        path: path(shown),
        headers: sent(shown.headers()),
        body: Some(shown.body().to_vec()).filter(|body| !body.is_empty()),
    }
}

/// Returns an answer as a snapshot has it.
pub(super) fn answer_of(answer: &TargetAnswer, accounts: &Accounts) -> snapshot::ShownAnswer {
    match answer {
        Ok(answer) => snapshot::ShownAnswer::Received {
            status: answer.status().as_u16(),
            headers: received(answer.headers(), accounts),
            body: accounts.redact_bytes(answer.body()),
        },
        Err(trouble) => snapshot::ShownAnswer::Failed(accounts.redact(&trouble.to_string())),
    }
}

/// Returns a request as a cURL command, with the values of accounts as shell variables: `$USER_PASSWORD`.
pub(crate) fn curl(shown: &Request<Bytes>, address: &str) -> String {
    let path = path(shown);
    // An address that is a variable is not inside the single quotes.
    let url = match address.starts_with('$') {
        true => format!("\"{address}\"{}", quoted(&path)),
        false => quoted(&format!("{address}{path}")),
    };
    let mut command = format!("curl -sS -X {} {url}", shown.method());
    for (name, value) in sent(shown.headers()) {
        command.push_str(&format!(" -H {}", quoted(&format!("{name}: {value}"))));
    }
    match std::str::from_utf8(shown.body()) {
        Ok("") => {}
        Ok(body) if body.len() <= MAX_SHOWN && !body.contains('\0') => {
            command.push_str(&format!(" --data-binary {}", quoted(body)));
        }
        _ => {
            let length = shown.body().len();
            command.push_str(&format!(" --data-binary @body.bin  # {length} bytes"));
        }
    }
    command
}

/// Returns the headers that a case sends on purpose, without those that every client adds.
fn sent(headers: &HeaderMap) -> Vec<(String, String)> {
    let headers = headers.iter();
    let headers = headers.map(|(name, value)| (name.to_string(), shortened(&text(value))));
    headers.collect()
}

/// Returns the headers of an answer that matter; the value only if it is stable.
fn received(headers: &HeaderMap, accounts: &Accounts) -> Vec<(String, Option<String>)> {
    let stable = STABLE_HEADERS.into_iter().flat_map(|name| {
        let values = headers.get_all(&name).iter();
        let values = values.map(|value| shortened(&accounts.redact(&text(value))));
        values.map(move |value| (name.to_string(), Some(value)))
    });
    let others = [header::RETRY_AFTER, header::SET_COOKIE].into_iter();
    let others = others.filter(|name| headers.contains_key(name));
    let others = others.map(|name| (name.to_string(), None));
    stable.chain(others).collect()
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

fn path(request: &Request<Bytes>) -> String {
    let path = request.uri().path_and_query();
    let path = path.map_or("/", PathAndQuery::as_str);
    // In a query, placeholders are percent-encoded.
    path.replace("%C2%AB", "«").replace("%C2%BB", "»")
}

fn shortened(value: &str) -> String {
    if value.len() <= MAX_SHOWN {
        return value.to_owned();
    }
    let start: String = value.chars().take(20).collect();
    format!("{start}… ({} bytes)", value.len())
}

/// Quotes for a shell; a placeholder becomes a variable outside the single quotes.
fn quoted(text: &str) -> String {
    let mut quoted = format!("'{}'", text.replace('\'', r"'\''"));
    while let (Some(start), Some(end)) = (quoted.find('«'), quoted.find('»')) {
        let name = &quoted[start + '«'.len_utf8()..end.max(start + 2)];
        let variable = format!("'\"${}\"'", name.to_uppercase().replace('.', "_"));
        quoted.replace_range(start..end + '»'.len_utf8(), &variable);
    }
    quoted
}

const STABLE_HEADERS: [header::HeaderName; 5] = [
    header::CONTENT_TYPE,
    header::ALLOW,
    header::LOCATION,
    header::WWW_AUTHENTICATE,
    header::CONTENT_ENCODING,
];
const MAX_SHOWN: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted_and_shows_no_value() {
        let request = Request::post("/x?a=1")
            .header("content-type", "application/json")
            .body(Bytes::from("{\"a\": \"«user.password»\", \"b\": \"it's\"}"))
            .unwrap();
        let expected = r#"curl -sS -X POST "$TARGET"'/x?a=1' -H 'content-type: application/json' --data-binary '{"a": "'"$USER_PASSWORD"'", "b": "it'\''s"}'"#;
        assert_eq!(curl(&request, "$TARGET"), expected);
    }
}
