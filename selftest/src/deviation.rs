//! What makes a mutant or a control differ from the reference mock: keys of a fixture, or one fault of the front before it.

use d4iot_double::{
    contract::{Kind, Operation},
    fixture,
    fixture::Fixture,
};
use serde_json::{Map, Value};

use crate::{
    fault::{Fault, FaultKind},
    spec::{Spanned, SpecError},
};

/// A difference from the reference mock.
#[derive(Clone, Debug)]
pub enum Deviation {
    /// A fault of the front that answers in place of the mock.
    Fault(Fault),
    /// Keys of a fixture, besides `appliance`.
    Fixture(Map<String, Value>),
}

impl Deviation {
    /// Reads a deviation for these kinds: exactly one of `fixture` and `quirk`.
    pub(crate) fn read(
        file: &str,
        block: &Spanned<()>,
        kinds: &[Kind],
        keys: Option<Spanned<Map<String, Value>>>,
        quirk: Option<Spanned<String>>,
        on: Option<Operation>,
    ) -> Result<Deviation, SpecError> {
        match (keys, quirk) {
            (Some(keys), None) if on.is_none() => {
                for kind in kinds {
                    read_fixture(&keys.value, *kind).map_err(|error| {
                        SpecError::at(file, &keys, format!("as a {kind}: {}", error.message))
                    })?;
                }
                Ok(Deviation::Fixture(keys.value))
            }
            (None, Some(name)) => {
                let kind: FaultKind = name
                    .value
                    .parse()
                    .map_err(|unknown| SpecError::at(file, &name, unknown))?;
                Ok(Deviation::Fault(Fault { kind, on }))
            }
            _ => Err(SpecError::at(
                file,
                block,
                "expected either `fixture`, or `quirk` with or without `on`",
            )),
        }
    }

    /// Returns how many things of a fixture differ: readings, failure modes, other keys.
    pub(crate) fn count(&self) -> usize {
        let Deviation::Fixture(keys) = self else {
            return 1;
        };
        let count = |(key, value): (&String, &Value)| match value {
            Value::Array(list) if ["failures", "use"].contains(&key.as_str()) => list.len(),
            Value::Object(choices) if key == "readings" => choices.len(),
            _ => 1,
        };
        keys.iter().map(count).sum()
    }

    /// Returns the fault, if that is what it is.
    pub(crate) fn fault(&self) -> Option<Fault> {
        match self {
            Deviation::Fault(fault) => Some(*fault),
            Deviation::Fixture(_) => None,
        }
    }

    /// Returns the fixture of the mock: the built-in one where only the front deviates.
    pub(crate) fn fixture(&self, kind: Kind) -> Result<Fixture, fixture::Diagnostic> {
        match self {
            Deviation::Fault(_) => Ok(fixture::built_in(kind)),
            Deviation::Fixture(keys) => read_fixture(keys, kind),
        }
    }
}

/// JSON is YAML, so the product's own reader validates the keys.
fn read_fixture(keys: &Map<String, Value>, kind: Kind) -> Result<Fixture, fixture::Diagnostic> {
    let mut keys = keys.clone();
    keys.insert("appliance".to_owned(), kind.name().into());
    fixture::read("fixture", &Value::Object(keys).to_string())
}
