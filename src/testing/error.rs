//! Why a double cannot be had, or cannot do as it was told: the place in the test or in the fixture, what is wrong, and the way out.

use std::{fmt, panic::Location};

use crate::fixture;

/// What is wrong with what a double was told. Shows no password.
///
/// ```text
/// error: unknown reading `tabel`, expected one of example, table
///  --> tests/rotation.rs:12:10
///   hint: did you mean `table`?
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Error {
    /// What is wrong, in one line.
    pub message: String,
    /// Where it was said: `FILE:LINE:COLUMN`, of a test or of a fixture.
    pub place: String,
    /// The way out, where one is known.
    pub hint: Option<String>,
}

/// A line of a test.
pub(crate) type Place = &'static Location<'static>;

impl Error {
    /// Says what is wrong with a line of a test.
    pub(crate) fn at(place: Place, message: impl Into<String>) -> Error {
        Error {
            message: message.into(),
            place: told(place),
            hint: None,
        }
    }

    /// Adds a way out.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Error {
        Error {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// Says what is wrong with a value of a line, in the words that a fixture's reader has for it.
    pub(crate) fn of_value(place: Place, error: fixture::Error) -> Error {
        Error {
            message: error.message,
            place: told(place),
            hint: error.hint,
        }
    }

    /// Says what is wrong with a text that stands in a test.
    pub(crate) fn of_text(place: Place, what: &str, error: fixture::Error) -> Error {
        let message = format!(
            "line {} column {} of {what}: {}",
            error.line, error.column, error.message
        );
        Error {
            message,
            place: told(place),
            hint: error.hint,
        }
    }

    /// Says what is wrong with a file.
    pub(crate) fn of_file(error: fixture::Error) -> Error {
        Error {
            message: error.message,
            place: format!("{}:{}:{}", error.file, error.line, error.column),
            hint: error.hint,
        }
    }
}

/// Returns a line of a test as compilers write it.
pub(crate) fn told(place: Place) -> String {
    format!("{}:{}:{}", place.file(), place.line(), place.column())
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "error: {}\n --> {}", self.message, self.place)?;
        self.hint
            .iter()
            .try_for_each(|hint| write!(out, "\n  hint: {hint}"))
    }
}

/// The same: it is what `unwrap` and a test that returns it print.
impl fmt::Debug for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{self}")
    }
}

impl std::error::Error for Error {}
