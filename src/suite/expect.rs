//! What a step expects: an outcome, or an outcome for each reading of a fact.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, de, de::value::MapAccessDeserializer};

use crate::contract::{Condition, Outcome, UnknownName};

/// What a step expects.
///
/// ```yaml
/// expect: authenticated                                            # this outcome
/// expect: on_missing_field                                         # what the contract says of the condition, any reading of it
/// expect: { on: unknown_field, otherwise: authenticated }          # the same, where a reading lets the request proceed
/// expect: { on: duplicate_field, first: authenticated, last: credentials_rejected }
/// expect: { fact: admin_username, readings: { table: on_missing_field, curl: password_replaced } }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// It depends on the reading of a fact, named without its operation.
    By {
        /// The fact, `order` for `set_password.order`.
        fact: String,
        /// For every reading what is expected.
        readings: BTreeMap<String, Expect>,
    },
    /// What the contract says of a condition.
    On {
        /// The condition.
        condition: Condition,
        /// What a request gets that proceeds.
        otherwise: Option<Box<Expect>>,
        /// What it gets where the first of two values counts.
        first: Option<Outcome>,
        /// What it gets where the last of two values counts.
        last: Option<Outcome>,
    },
    /// One of these: of a captured request, what nobody knows of the user leaves several open. No file has it.
    OneOf(Vec<Expect>),
    /// This outcome.
    Outcome(Outcome),
}

impl std::str::FromStr for Expect {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Expect, UnknownName> {
        match text.strip_prefix("on_") {
            Some(condition) => condition.parse().map(|condition| Expect::On {
                condition,
                otherwise: None,
                first: None,
                last: None,
            }),
            None => text.parse().map(Expect::Outcome),
        }
    }
}

impl<'de> Deserialize<'de> for Expect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Expect, D::Error> {
        deserializer.deserialize_any(WordOrMap)
    }
}

struct WordOrMap;

impl<'de> de::Visitor<'de> for WordOrMap {
    type Value = Expect;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(WORD_OR_MAP)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Expect, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Expect, A::Error> {
        let raw = RawExpect::deserialize(MapAccessDeserializer::new(map))?;
        match (raw.on, raw.fact) {
            (Some(condition), None) if raw.readings.is_empty() => Ok(Expect::On {
                condition,
                otherwise: raw.otherwise,
                first: raw.first,
                last: raw.last,
            }),
            (None, Some(fact)) if !raw.readings.is_empty() => Ok(Expect::By {
                fact,
                readings: raw.readings,
            }),
            _ => Err(de::Error::custom(EITHER)),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExpect {
    on: Option<Condition>,
    otherwise: Option<Box<Expect>>,
    first: Option<Outcome>,
    last: Option<Outcome>,
    fact: Option<String>,
    #[serde(default)]
    readings: BTreeMap<String, Expect>,
}

const WORD_OR_MAP: &str =
    "an outcome, `on_` and a condition, or a map with `on` or with `fact` and `readings`";
const EITHER: &str =
    "expected either `on` (with `otherwise`, `first`, `last`) or `fact` with `readings`";
