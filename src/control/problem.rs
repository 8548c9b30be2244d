//! What went wrong with a request to the control API, as RFC 9457 has it: what, where, what was expected, and a way out.

use std::io;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{contract, fixture, server::RegistryError};

/// A problem. What was there before the request is there after it.
#[derive(Clone, Debug)]
pub(super) struct Problem(Box<ProblemBody>);

/// A problem, as RFC 9457 has it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemBody {
    /// Which problem, for a program to compare: `urn:d4iot-double:name_taken`.
    #[serde(rename = "type")]
    urn: String,
    /// The same in words that never change.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What is wrong with this very request, with the value and what was expected. Never holds a password.
    detail: String,
    /// The way out, where one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// The line of the body, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// The column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u64>,
    /// The place in a JSON body, as RFC 6901 writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
}

/// Defines the problems: each with its name in the URN, its status, and its title.
macro_rules! problem_kinds {
    ($($kind:ident = $name:literal, $status:literal, $title:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum ProblemKind {
            $($kind,)*
        }

        impl ProblemKind {
            fn describe(self) -> (&'static str, u16, &'static str) {
                match self {
                    $(ProblemKind::$kind => ($name, $status, $title),)*
                }
            }
        }
    };
}

problem_kinds! {
    BodyTooLarge = "body_too_large", 413, "Body too large";
    BodyTooSlow = "body_too_slow", 408, "Body too slow";
    Ending = "ending", 503, "The process is ending";
    ForeignHost = "foreign_host", 403, "Foreign Host";
    ForeignOrigin = "foreign_origin", 403, "Foreign Origin";
    InUse = "in_use", 409, "It is in use";
    InvalidBody = "invalid_body", 422, "Invalid body";
    InvalidQuery = "invalid_query", 400, "Invalid query";
    MalformedBody = "malformed_body", 400, "Malformed body";
    MalformedHost = "malformed_host", 400, "Missing or invalid Host header";
    MethodNotAllowed = "method_not_allowed", 405, "Method not allowed";
    NameTaken = "name_taken", 409, "The name is taken";
    NotReached = "not_reached", 408, "Not reached in time";
    PortClosed = "port_closed", 503, "The port of an appliance is closed";
    PortTaken = "port_taken", 409, "The port is taken";
    TooManyAppliances = "too_many_appliances", 503, "Too many appliances";
    Unauthorized = "unauthorized", 401, "The token is missing or wrong";
    UnknownAppliance = "unknown_appliance", 404, "Unknown appliance";
    UnknownFailure = "unknown_failure", 404, "Unknown failure mode";
    UnknownPath = "unknown_path", 404, "Unknown path";
    UnknownUser = "unknown_user", 404, "Unknown user";
    UnsupportedContentType = "unsupported_content_type", 415, "Unsupported content type";
}

impl Problem {
    /// Returns a problem with what is wrong with this very request.
    pub(super) fn new(kind: ProblemKind, detail: impl Into<String>) -> Problem {
        let (name, status, title) = kind.describe();
        let urn = format!("urn:d4iot-double:{name}");
        let detail = detail.into();
        Problem(Box::new(ProblemBody {
            urn,
            title,
            status,
            detail,
            hint: None,
            line: None,
            column: None,
            pointer: None,
        }))
    }

    /// Adds a way out.
    pub(super) fn hint(self, hint: impl Into<String>) -> Problem {
        self.hinting(Some(hint.into()))
    }

    /// Adds a way out where one is known.
    fn hinting(mut self, hint: Option<String>) -> Problem {
        self.0.hint = hint;
        self
    }

    /// Adds the nearest of some names as a way out, if one is near.
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

    /// Adds where in the body it is.
    pub(super) fn at(mut self, line: u64, column: u64) -> Problem {
        (self.0.line, self.0.column) = (Some(line), Some(column));
        self
    }

    /// Adds where in a JSON body it is.
    pub(super) fn pointing(mut self, pointer: String) -> Problem {
        self.0.pointer = Some(pointer);
        self
    }
}

impl From<fixture::Error> for Problem {
    fn from(error: fixture::Error) -> Problem {
        Problem::new(ProblemKind::InvalidBody, error.message)
            .at(error.line, error.column)
            .hinting(error.hint)
    }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Problem {
        let kind = match &error {
            RegistryError::Transport(error) => return error.clone().into(),
            RegistryError::Certificate { .. } => ProblemKind::InvalidBody,
            RegistryError::Ending => ProblemKind::Ending,
            RegistryError::NameTaken(_) => ProblemKind::NameTaken,
            RegistryError::TooMany(_) => ProblemKind::TooManyAppliances,
            RegistryError::Bind(unbound) => match unbound.reason.kind() {
                io::ErrorKind::AddrInUse => ProblemKind::PortTaken,
                io::ErrorKind::AddrNotAvailable | io::ErrorKind::PermissionDenied => {
                    ProblemKind::InvalidBody
                }
                // Out of descriptors or memory.
                _ => ProblemKind::TooManyAppliances,
            },
        };
        Problem::new(kind, error.to_string()).hinting(error.hint())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).expect("it was made of one");
        let mut body = serde_json::to_string(&self.0).expect("texts and numbers are JSON");
        body.push('\n');
        let mut response = (status, body).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Returns as much of a text as a problem shows.
pub(super) fn shorten(text: &str) -> String {
    text.chars().take(64).collect()
}

/// The content type of problems.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";
