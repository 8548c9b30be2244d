//! The two files that say what is tried: `mutants.yaml` and `controls.yaml`.

pub mod controls;
pub mod mutants;

use std::{error::Error, fmt};

use d4iot_double::contract::Kind;
use serde::de::DeserializeOwned;
pub(crate) use serde_saphyr::Spanned;

/// The first fault of a file, with its place.
#[derive(Debug)]
pub struct SpecError {
    file: String,
    line: u64,
    column: u64,
    message: String,
}

impl SpecError {
    pub(crate) fn at<T>(file: &str, place: &Spanned<T>, message: impl Into<String>) -> SpecError {
        SpecError {
            file: file.to_owned(),
            line: place.referenced.line(),
            column: place.referenced.column(),
            message: message.into(),
        }
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SpecError {
            file,
            line,
            column,
            message,
        } = self;
        write!(out, "{file}:{line}:{column}: {message}")
    }
}

impl Error for SpecError {}

/// Reads the YAML of a file.
fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, SpecError> {
    serde_saphyr::from_str(text).map_err(|error| {
        let location = error.location();
        SpecError {
            file: file.to_owned(),
            line: location.map_or(0, |location| location.line()),
            column: location.map_or(0, |location| location.column()),
            message: error.to_string(),
        }
    })
}

/// Rejects a text without content.
fn non_empty(file: &str, key: &str, text: Spanned<String>) -> Result<String, SpecError> {
    if text.value.trim().is_empty() {
        return Err(SpecError::at(
            file,
            &text,
            format!("`{key}` is empty, expected a sentence for a later reader"),
        ));
    }
    Ok(text.value)
}

/// Checks that an id is well formed and unique.
fn unique_id(file: &str, id: Spanned<String>, taken: &[&str]) -> Result<String, SpecError> {
    let is_allowed =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    if id.value.is_empty() || !id.value.chars().all(is_allowed) {
        let message = format!(
            "`{}` is not an id, expected lower-case letters, digits and `_`",
            id.value
        );
        return Err(SpecError::at(file, &id, message));
    }
    if taken.contains(&id.value.as_str()) {
        let message = format!("the id `{}` occurs twice", id.value);
        return Err(SpecError::at(file, &id, message));
    }
    Ok(id.value)
}

/// Separates a block from its place.
fn split<T>(block: Spanned<T>) -> (T, Spanned<()>) {
    let place = Spanned {
        value: (),
        referenced: block.referenced,
        defined: block.defined,
    };
    (block.value, place)
}

fn both_kinds() -> Vec<Kind> {
    vec![Kind::Sensor, Kind::Console]
}
