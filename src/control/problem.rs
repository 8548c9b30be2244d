//! Errors of the control API (RFC 9457): what is wrong, where, what was expected, and a hint.

use std::io::ErrorKind;

use axum::{
    Json,
    extract::rejection::QueryRejection,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::{fixture, server::RegistryError};

/// A problem, as the JSON object of the answer. A request that has one changed nothing.
#[derive(Debug)]
pub(super) struct Problem(Value);

/// Defines a constructor for each problem, from the end of its URN, the status, and the title.
macro_rules! problems {
    ($($name:ident $status:literal $title:literal,)*) => {
        impl Problem {
            $(pub(super) fn $name(detail: impl Into<String>) -> Problem {
                let urn = concat!("urn:d4iot-double:", stringify!($name));
                let detail = detail.into();
                Problem(json!({ "type": urn, "title": $title, "status": $status, "detail": detail }))
            })*
        }
    };
}

problems! {
    bad_request 400 "The request breaks a rule of HTTP",
    body_too_large 413 "Body too large",
    body_too_slow 408 "Body too slow",
    ending 503 "The process is ending",
    foreign_host 403 "Foreign Host",
    foreign_origin 403 "Foreign Origin",
    in_use 409 "It is in use",
    head_too_large 431 "Head too large",
    internal_error 500 "Internal error",
    invalid_body 422 "Invalid body",
    invalid_query 400 "Invalid query",
    malformed_body 400 "Malformed body",
    malformed_host 400 "Missing or invalid Host header",
    method_not_allowed 405 "Method not allowed",
    name_taken 409 "The name is taken",
    not_reached 409 "Not reached in time",
    port_closed 503 "The port of an appliance is closed",
    port_taken 409 "The port is taken",
    too_many_appliances 503 "Too many appliances",
    unauthorized 401 "The token is missing or wrong",
    unknown_appliance 404 "Unknown appliance",
    unknown_failure 404 "Unknown failure mode",
    unknown_path 404 "Unknown path",
    unknown_user 404 "Unknown user",
    unsupported_content_type 415 "Unsupported content type",
}

impl Problem {
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.0["hint"] = hint.into().into();
        self
    }

    /// Adds a hint to the problem of a field that is not known.
    pub(super) fn hint_on_unknown_field(self, hint: &str) -> Problem {
        let detail = self.0["detail"].as_str().unwrap_or_default();
        match detail.starts_with("unknown field ") {
            true => self.hint(hint),
            false => self,
        }
    }

    /// Adds a name as a hint, if one is meant.
    pub(super) fn did_you_mean(self, name: Option<&str>) -> Problem {
        match name {
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

impl From<fixture::Diagnostic> for Problem {
    fn from(error: fixture::Diagnostic) -> Problem {
        let problem = Problem::invalid_body(error.message);
        let problem = problem.at(error.line, error.column);
        error.hint.into_iter().fold(problem, Problem::hint)
    }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Problem {
        let detail = error.to_string();
        let problem = match &error {
            RegistryError::Transport(..) | RegistryError::Certificate { .. } => {
                Problem::invalid_body(detail)
            }
            RegistryError::Ending => Problem::ending(detail),
            RegistryError::NameTaken(_) => Problem::name_taken(detail),
            RegistryError::TooMany(_) => Problem::too_many_appliances(detail),
            RegistryError::Bind(unbound) => match unbound.reason.kind() {
                ErrorKind::AddrInUse => Problem::port_taken(detail),
                ErrorKind::AddrNotAvailable | ErrorKind::PermissionDenied => {
                    Problem::invalid_body(detail)
                }
                // Out of descriptors or memory.
                _ => Problem::too_many_appliances(detail),
            },
        };
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
        Problem::invalid_query(detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.0["status"].as_u64().unwrap_or_default() as u16;
        let status = StatusCode::from_u16(status).expect("every kind has a valid status");
        let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
        let is_unauthorized = status == StatusCode::UNAUTHORIZED;
        let challenge = is_unauthorized.then_some([(header::WWW_AUTHENTICATE, "Bearer")]);
        (status, content_type, challenge, format!("{}\n", self.0)).into_response()
    }
}

/// What a handler returns.
pub(super) type JsonResult = Result<Json<Value>, Problem>;

/// Returns as much of a text as a problem shows.
pub(super) fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}
