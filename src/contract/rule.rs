//! The values a fact about a request or an answer's head can have.

use std::fmt::Display;

use serde::Deserialize;

use crate::contract::{fact::FactValue, names::Handling};

/// The paths an operation is served on, the preferred one first.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Paths(pub Vec<String>);

/// An HTTP method.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Method(pub String);

/// Content types a request may have, without parameters.
pub type Types = Names<String>;

/// The content type of answers, with its parameters.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct AnswerType(pub String);

/// An HTTP status code.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "u16")]
pub struct Status(pub http::StatusCode);

/// The names a field goes by: the first in the documents' own words, the others taken in addition.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct FieldNames(pub Vec<String>);

/// Whether the JSON of an answer has members that no document shows.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ExtraMembers {
    /// No further member.
    None,
    /// Further members, which a client ignores.
    Present,
}

/// An ordered list of members of a closed set.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Names<T>(pub Vec<T>);

impl TryFrom<u16> for Status {
    type Error = http::status::InvalidStatusCode;

    fn try_from(code: u16) -> Result<Status, Self::Error> {
        http::StatusCode::from_u16(code).map(Status)
    }
}

impl FactValue for Paths {
    fn describe(&self) -> String {
        self.0.join(", ")
    }

    fn quotes(&self) -> Vec<String> {
        self.0.clone()
    }
}

impl FactValue for Method {
    fn describe(&self) -> String {
        self.0.clone()
    }

    fn quotes(&self) -> Vec<String> {
        vec![self.0.clone()]
    }
}

impl FactValue for FieldNames {
    fn describe(&self) -> String {
        self.0.join(", ")
    }

    /// Where other names are taken in addition, the lines must show those: the first is shown by the reading it comes from.
    fn quotes(&self) -> Vec<String> {
        self.0[usize::from(self.0.len() > 1)..].to_vec()
    }
}

// The documents say these in other words, which the contract gives beside the value.

impl FactValue for AnswerType {
    fn describe(&self) -> String {
        self.0.clone()
    }
}

impl<T: Display> FactValue for Names<T> {
    fn describe(&self) -> String {
        let names: Vec<String> = self.0.iter().map(T::to_string).collect();
        names.join(", ")
    }
}

impl FactValue for Status {
    fn describe(&self) -> String {
        self.0.as_str().to_owned()
    }
}

/// A word of our own.
impl FactValue for String {
    fn describe(&self) -> String {
        self.clone()
    }
}

/// The value of a header; none where there is no such header.
impl FactValue for Option<String> {
    fn describe(&self) -> String {
        self.as_deref().unwrap_or("no such header").into()
    }
}

/// A number.
impl FactValue for u64 {
    fn describe(&self) -> String {
        self.to_string()
    }
}

impl FactValue for ExtraMembers {
    fn describe(&self) -> String {
        match self {
            ExtraMembers::None => "no further member".into(),
            ExtraMembers::Present => "further members".into(),
        }
    }
}

impl FactValue for Handling {
    fn describe(&self) -> String {
        self.to_string()
    }
}
