//! How a mutant or a twin is made out of the reference mock: by one key of a fixture, or by one quirk.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{
    appliance::{Appliance, Quirk, Rules, quirk::Way},
    contract,
    contract::{Kind, Operation},
    fixture,
    fixture::{Fixture, Position, Spanned},
};

/// What is otherwise than in the reference mock.
#[derive(Clone, Debug)]
pub struct Made {
    /// Keys of a fixture, beside `appliance`.
    keys: Map<String, Value>,
    quirk: Option<Quirk>,
}

impl Made {
    /// Reads how something is made, for these kinds; `at` is where an error points if nothing better is known.
    ///
    /// # Errors
    /// Both or neither, an unknown quirk, or a fixture that does not hold.
    pub(super) fn meant(
        file: &str,
        at: Position,
        kinds: &[Kind],
        written: Option<Spanned<Map<String, Value>>>,
        quirk: Option<Spanned<String>>,
        on: Option<Operation>,
    ) -> Result<Made, fixture::Error> {
        let made = match (written, quirk) {
            (Some(keys), None) if on.is_none() => {
                let made = Made {
                    keys: keys.value.clone(),
                    quirk: None,
                };
                for kind in kinds {
                    made.read(*kind).map_err(|error| {
                        error_at(file, keys.place, format!("as a {kind}: {}", error.message))
                    })?;
                }
                made
            }
            (None, Some(name)) => {
                let way: Way = name
                    .value
                    .parse()
                    .map_err(|unknown| error_at(file, name.place, unknown))?;
                Made {
                    keys: Map::new(),
                    quirk: Some(Quirk { way, on }),
                }
            }
            _ => {
                return Err(error_at(
                    file,
                    at,
                    "expected either `fixture`, or `quirk` with or without `on`".to_owned(),
                ));
            }
        };
        Ok(made)
    }

    /// Returns how many things of a fixture are otherwise: readings chosen, modes, other keys.
    pub(super) fn count(&self) -> usize {
        let several = |value: &Value| match value {
            Value::Array(list) => list.len(),
            Value::Object(choices) => choices.len(),
            _ => 1,
        };
        self.keys
            .iter()
            .map(|(key, value)| {
                if ["failures", "readings", "use"].contains(&key.as_str()) {
                    several(value)
                } else {
                    1
                }
            })
            .sum()
    }

    /// Returns the fixture and the appliance as they are at the start.
    ///
    /// # Errors
    /// What is wrong with the fixture; it was read before for every kind that it is meant for.
    pub fn appliance(&self, kind: Kind) -> Result<(Fixture, Appliance), fixture::Error> {
        let fixture = if self.keys.is_empty() {
            fixture::built_in(kind)
        } else {
            self.read(kind)?
        };
        let mut appliance = fixture.appliance();
        if let Some(quirk) = self.quirk {
            appliance.rules =
                Arc::new(Rules::new(contract::of(kind), &fixture.readings).with_quirk(quirk));
        }
        Ok((fixture, appliance))
    }

    /// JSON is YAML: a fixture's own reader says what holds.
    fn read(&self, kind: Kind) -> Result<Fixture, fixture::Error> {
        let mut keys = self.keys.clone();
        keys.insert("appliance".to_owned(), kind.name().into());
        fixture::read("fixture", &Value::Object(keys).to_string())
    }
}

pub(super) fn error_at(file: &str, at: Position, message: String) -> fixture::Error {
    fixture::Error {
        file: file.to_owned(),
        line: at.line,
        column: at.column,
        message,
        hint: None,
    }
}

/// Refuses a text that says nothing.
pub(super) fn said(file: &str, key: &str, text: Spanned<String>) -> Result<String, fixture::Error> {
    if text.value.trim().is_empty() {
        return Err(error_at(
            file,
            text.place,
            format!("`{key}` is empty, expected words that a later reader understands"),
        ));
    }
    Ok(text.value)
}

/// Checks that an id is well formed and used once.
pub(super) fn id(
    file: &str,
    id: Spanned<String>,
    taken: &[&str],
) -> Result<String, fixture::Error> {
    let lawful =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    if id.value.is_empty() || !id.value.chars().all(lawful) {
        let message = format!(
            "`{}` is no id, expected lower-case letters, digits and `_`",
            id.value
        );
        return Err(error_at(file, id.place, message));
    }
    if taken.contains(&id.value.as_str()) {
        return Err(error_at(
            file,
            id.place,
            format!("the id `{}` stands twice", id.value),
        ));
    }
    Ok(id.value)
}
