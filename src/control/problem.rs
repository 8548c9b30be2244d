//! Errors of the control API (RFC 9457): what is wrong, where, what was expected, and a hint.

use std::io;

use axum::{
    extract::rejection::QueryRejection,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::{contract, fixture, server::RegistryError};

/// A problem, as the JSON object of the answer. A request that has one changed nothing.
#[derive(Debug)]
pub(super) struct Problem(Value);

/// A kind of problem: the end of its URN, the status, and the title.
pub(super) struct ProblemKind(&'static str, u16, &'static str);

impl ProblemKind {
    pub(super) const BODY_TOO_LARGE: Self = Self("body_too_large", 413, "Body too large");
    pub(super) const BODY_TOO_SLOW: Self = Self("body_too_slow", 408, "Body too slow");
    pub(super) const ENDING: Self = Self("ending", 503, "The process is ending");
    pub(super) const FOREIGN_HOST: Self = Self("foreign_host", 403, "Foreign Host");
    pub(super) const FOREIGN_ORIGIN: Self = Self("foreign_origin", 403, "Foreign Origin");
    pub(super) const IN_USE: Self = Self("in_use", 409, "It is in use");
    pub(super) const INVALID_BODY: Self = Self("invalid_body", 422, "Invalid body");
    pub(super) const INVALID_QUERY: Self = Self("invalid_query", 400, "Invalid query");
    pub(super) const MALFORMED_BODY: Self = Self("malformed_body", 400, "Malformed body");
    pub(super) const MALFORMED_HOST: Self =
        Self("malformed_host", 400, "Missing or invalid Host header");
    pub(super) const METHOD_NOT_ALLOWED: Self =
        Self("method_not_allowed", 405, "Method not allowed");
    pub(super) const NAME_TAKEN: Self = Self("name_taken", 409, "The name is taken");
    pub(super) const NOT_REACHED: Self = Self("not_reached", 408, "Not reached in time");
    pub(super) const PORT_CLOSED: Self =
        Self("port_closed", 503, "The port of an appliance is closed");
    pub(super) const PORT_TAKEN: Self = Self("port_taken", 409, "The port is taken");
    pub(super) const TOO_MANY_APPLIANCES: Self =
        Self("too_many_appliances", 503, "Too many appliances");
    pub(super) const UNAUTHORIZED: Self =
        Self("unauthorized", 401, "The token is missing or wrong");
    pub(super) const UNKNOWN_APPLIANCE: Self = Self("unknown_appliance", 404, "Unknown appliance");
    pub(super) const UNKNOWN_FAILURE: Self = Self("unknown_failure", 404, "Unknown failure mode");
    pub(super) const UNKNOWN_PATH: Self = Self("unknown_path", 404, "Unknown path");
    pub(super) const UNKNOWN_USER: Self = Self("unknown_user", 404, "Unknown user");
    pub(super) const UNSUPPORTED_CONTENT_TYPE: Self =
        Self("unsupported_content_type", 415, "Unsupported content type");
}

impl Problem {
    /// Returns a problem with what is wrong with this request.
    pub(super) fn new(kind: ProblemKind, detail: impl Into<String>) -> Problem {
        let ProblemKind(name, status, title) = kind;
        let (urn, detail) = (format!("urn:d4iot-double:{name}"), detail.into());
        Problem(json!({ "type": urn, "title": title, "status": status, "detail": detail }))
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.0["hint"] = hint.into().into();
        self
    }

    /// Adds the nearest of some names as a hint, if one is near.
    pub(super) fn nearest<'a>(
        self,
        value: &str,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Problem {
        match contract::nearest(value, names) {
            Some(name) => self.hint(format!("did you mean `{name}`?")),
            None => self,
        }
    }

    /// Adds the place in the body.
    pub(super) fn at(mut self, line: u64, column: u64) -> Problem {
        (self.0["line"], self.0["column"]) = (line.into(), column.into());
        self
    }

    /// Adds the place in a JSON body (RFC 6901).
    pub(super) fn pointer(mut self, pointer: String) -> Problem {
        self.0["pointer"] = pointer.into();
        self
    }
}

impl From<fixture::Error> for Problem {
    fn from(error: fixture::Error) -> Problem {
        let problem = Problem::new(ProblemKind::INVALID_BODY, error.message);
        let problem = problem.at(error.line, error.column);
        error.hint.into_iter().fold(problem, Problem::hint)
    }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Problem {
        let kind = match &error {
            RegistryError::Transport(error) => return error.clone().into(),
            RegistryError::Certificate { .. } => ProblemKind::INVALID_BODY,
            RegistryError::Ending => ProblemKind::ENDING,
            RegistryError::NameTaken(_) => ProblemKind::NAME_TAKEN,
            RegistryError::TooMany(_) => ProblemKind::TOO_MANY_APPLIANCES,
            RegistryError::Bind(unbound) => match unbound.reason.kind() {
                io::ErrorKind::AddrInUse => ProblemKind::PORT_TAKEN,
                io::ErrorKind::AddrNotAvailable | io::ErrorKind::PermissionDenied => {
                    ProblemKind::INVALID_BODY
                }
                // Out of descriptors or memory.
                _ => ProblemKind::TOO_MANY_APPLIANCES,
            },
        };
        let problem = Problem::new(kind, error.to_string());
        error.hint().into_iter().fold(problem, Problem::hint)
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Problem {
        // The text begins with a title of axum's.
        let text = rejection.body_text();
        let detail = text
            .split_once("query string: ")
            .map_or(text.as_str(), |(_, rest)| rest);
        Problem::new(ProblemKind::INVALID_QUERY, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.0["status"].as_u64().unwrap_or_default() as u16;
        let status = StatusCode::from_u16(status).expect("every kind has a valid status");
        let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (status, content_type, format!("{}\n", self.0)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let bearer = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

/// Returns as much of a text as a problem shows.
pub(super) fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}
