//! The values a fact about a request or an answer's head can have.

use serde::Deserialize;

use crate::contract::Role;
use crate::contract::fact::Value;
use crate::contract::names::Check;
use crate::contract::names::Treatment;

/// The paths an operation is served on, the preferred one first.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Paths(pub Vec<String>);

/// An HTTP method.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Method(pub String);

/// Content types a request may have, without parameters.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Types(pub Vec<String>);

/// The content type of answers, with its parameters.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct AnswerType(pub String);

/// An HTTP status code.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "u16")]
pub struct Status(pub http::StatusCode);

/// The names a field goes by: the first in the law's own words, the others taken in addition.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct FieldNames(pub Vec<String>);

/// Whether an access token is needed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Token {
    /// Absent, present or bogus: it makes no difference.
    Ignored,
}

/// An ordered list of members of a closed set.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(transparent)]
pub struct Names<T>(pub Vec<T>);

impl TryFrom<u16> for Status {
    type Error = String;

    fn try_from(code: u16) -> Result<Status, String> {
        http::StatusCode::from_u16(code).map(Status).map_err(|_| format!("{code} is no HTTP status: expected 100 to 999"))
    }
}

/// The value's own words are what a document must show.
macro_rules! words {
    ($type:ty, $value:ident => $words:expr) => {
        impl Value for $type {
            fn describe(&self) -> String {
                self.quotes().join(", ")
            }

            fn quotes(&self) -> Vec<String> {
                let $value = self;
                $words
            }
        }
    };
}

words!(Paths, paths => paths.0.clone());
words!(Method, method => vec![method.0.clone()]);
words!(Types, types => types.0.clone());
words!(AnswerType, answer => vec![answer.0.clone()]);
words!(Status, status => vec![status.0.as_u16().to_string()]);
words!(FieldNames, names => names.0.clone());
words!(Token, token => vec![match token { Token::Ignored => "ignored".into() }]);
words!(Names<Check>, checks => checks.0.iter().map(ToString::to_string).collect());
words!(Names<Role>, roles => roles.0.iter().map(ToString::to_string).collect());
words!(Treatment, treatment => vec![treatment.to_string()]);
