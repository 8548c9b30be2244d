//! Why a double cannot be started or changed: the place in the test or in the fixture, what is wrong, and a hint.

use std::{fmt, panic::Location};

use crate::{fixture, fixture::hint_line};

/// What is wrong with the configuration of a double. Shows no password.
///
/// ```text
/// error: unknown reading `tabel`, expected one of example, table
///  --> tests/rotation.rs:12:10
///   hint: did you mean `table`?
/// ```
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("error: {message}\n --> {place}{}", hint_line(hint.as_deref()))]
#[non_exhaustive]
pub struct Error {
    /// What is wrong, in one line.
    pub message: String,
    /// The place of the value: `FILE:LINE:COLUMN`, of a test or of a fixture.
    pub place: String,
    /// What to do, if that is known.
    pub hint: Option<String>,
}

/// A line of a test.
pub(crate) type CallSite = &'static Location<'static>;

impl Error {
    /// Returns what is wrong at a line of a test.
    pub(crate) fn at(place: CallSite, message: impl Into<String>) -> Error {
        Error {
            message: message.into(),
            place: place.to_string(),
            hint: None,
        }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Error {
        Error {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// Returns what is wrong with a value at a line of a test.
    pub(crate) fn of_value(place: CallSite, error: fixture::Diagnostic) -> Error {
        Error {
            hint: error.hint,
            ..Error::at(place, error.message)
        }
    }

    /// Returns what is wrong with a text in a test.
    pub(crate) fn of_text(place: CallSite, what: &str, error: fixture::Diagnostic) -> Error {
        let (line, column) = (error.line, error.column);
        let message = format!("line {line} column {column} of {what}: {}", error.message);
        Error {
            message,
            ..Error::of_value(place, error)
        }
    }

    /// Returns what is wrong with a file.
    pub(crate) fn of_file(error: fixture::Diagnostic) -> Error {
        let place = format!("{}:{}:{}", error.file, error.line, error.column);
        Error {
            message: error.message,
            place,
            hint: error.hint,
        }
    }
}

/// The same: `unwrap` and a test that returns it print this.
impl fmt::Debug for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}
