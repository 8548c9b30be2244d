//! What a step expects: an outcome, or an outcome for each reading of a fact.

use std::collections::BTreeMap;

use serde::Deserialize;

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
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "RawExpect")]
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

/// An expectation as it is written.
#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    untagged,
    expecting = "expected an outcome, `on_` and a condition, a map with `on` (and `otherwise`, `first`, `last`), or one with `fact` and `readings`"
)]
enum RawExpect {
    Word(String),
    On {
        on: Condition,
        otherwise: Option<Box<Expect>>,
        first: Option<Outcome>,
        last: Option<Outcome>,
    },
    By {
        fact: String,
        readings: BTreeMap<String, Expect>,
    },
}

impl TryFrom<RawExpect> for Expect {
    type Error = UnknownName;

    fn try_from(raw: RawExpect) -> Result<Expect, UnknownName> {
        match raw {
            RawExpect::Word(text) => text.parse(),
            RawExpect::By { fact, readings } => Ok(Expect::By { fact, readings }),
            RawExpect::On {
                on: condition,
                otherwise,
                first,
                last,
            } => Ok(Expect::On {
                condition,
                otherwise,
                first,
                last,
            }),
        }
    }
}
