//! What went wrong with a request to the control API, as RFC 9457 has it: what, where, what was expected, and a way out.

use std::io;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{fixture, fleet};

/// A problem. What was there before the request is there after it.
#[derive(Clone, Debug)]
pub(super) struct Problem(Box<Told>);

/// A problem, as RFC 9457 has it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Told {
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

/// The problems there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    BodyTooLarge,
    BodyTooSlow,
    Ending,
    ForeignHost,
    ForeignOrigin,
    InUse,
    InvalidBody,
    InvalidQuery,
    MalformedBody,
    MalformedHost,
    MethodNotAllowed,
    NameTaken,
    NotReached,
    PortTaken,
    TooManyAppliances,
    Unauthorized,
    UnknownAppliance,
    UnknownFailure,
    UnknownPath,
    UnknownUser,
    UnsupportedContentType,
}

impl What {
    /// Its name in the URN, its status, and its title.
    fn told(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            What::BodyTooLarge => (
                "body_too_large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "The body is too large",
            ),
            What::BodyTooSlow => (
                "body_too_slow",
                StatusCode::REQUEST_TIMEOUT,
                "The body came too slowly",
            ),
            What::Ending => (
                "ending",
                StatusCode::SERVICE_UNAVAILABLE,
                "The process is ending",
            ),
            What::ForeignHost => (
                "foreign_host",
                StatusCode::FORBIDDEN,
                "The Host is not this machine's",
            ),
            What::ForeignOrigin => (
                "foreign_origin",
                StatusCode::FORBIDDEN,
                "The Origin is not this API's",
            ),
            What::InUse => ("in_use", StatusCode::CONFLICT, "It is in use"),
            What::InvalidBody => (
                "invalid_body",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The body says what cannot be",
            ),
            What::InvalidQuery => (
                "invalid_query",
                StatusCode::BAD_REQUEST,
                "The query says what cannot be",
            ),
            What::MalformedBody => (
                "malformed_body",
                StatusCode::BAD_REQUEST,
                "The body cannot be read",
            ),
            What::MalformedHost => (
                "malformed_host",
                StatusCode::BAD_REQUEST,
                "The request has not one valid Host",
            ),
            What::MethodNotAllowed => (
                "method_not_allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "The resource does not take this method",
            ),
            What::NameTaken => ("name_taken", StatusCode::CONFLICT, "The name is taken"),
            What::NotReached => (
                "not_reached",
                StatusCode::REQUEST_TIMEOUT,
                "What was waited for has not come in time",
            ),
            What::PortTaken => ("port_taken", StatusCode::CONFLICT, "The port is taken"),
            What::TooManyAppliances => (
                "too_many_appliances",
                StatusCode::SERVICE_UNAVAILABLE,
                "There is no room for another appliance",
            ),
            What::Unauthorized => (
                "unauthorized",
                StatusCode::UNAUTHORIZED,
                "The token is missing or wrong",
            ),
            What::UnknownAppliance => (
                "unknown_appliance",
                StatusCode::NOT_FOUND,
                "There is no such appliance",
            ),
            What::UnknownFailure => (
                "unknown_failure",
                StatusCode::NOT_FOUND,
                "There is no such failure mode",
            ),
            What::UnknownPath => (
                "unknown_path",
                StatusCode::NOT_FOUND,
                "There is no such resource",
            ),
            What::UnknownUser => (
                "unknown_user",
                StatusCode::NOT_FOUND,
                "There is no such user",
            ),
            What::UnsupportedContentType => (
                "unsupported_content_type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The content type is not taken here",
            ),
        }
    }
}

impl Problem {
    /// Returns a problem with what is wrong with this very request.
    pub(super) fn new(what: What, detail: impl Into<String>) -> Problem {
        let (name, status, title) = what.told();
        let urn = format!("urn:d4iot-double:{name}");
        let detail = detail.into();
        Problem(Box::new(Told {
            urn,
            title,
            status: status.as_u16(),
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
        match fixture::nearest(value, names) {
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
        Problem::new(What::InvalidBody, error.message)
            .at(error.line, error.column)
            .hinting(error.hint)
    }
}

impl From<fleet::Error> for Problem {
    fn from(error: fleet::Error) -> Problem {
        let what = match &error {
            fleet::Error::Transport(error) => return error.clone().into(),
            fleet::Error::Certificate { .. } => What::InvalidBody,
            fleet::Error::Ending => What::Ending,
            fleet::Error::NameTaken(_) => What::NameTaken,
            fleet::Error::TooMany(_) => What::TooManyAppliances,
            fleet::Error::Unbound(unbound) => match unbound.reason.kind() {
                io::ErrorKind::AddrInUse => What::PortTaken,
                io::ErrorKind::AddrNotAvailable | io::ErrorKind::PermissionDenied => {
                    What::InvalidBody
                }
                // Out of descriptors or memory.
                _ => What::TooManyAppliances,
            },
        };
        Problem::new(what, error.to_string()).hinting(error.hint())
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

/// The content type of problems.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";
