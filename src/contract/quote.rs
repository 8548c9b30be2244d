//! What a document says, statement by statement, and what it prints word for word.

use serde::Deserialize;

use crate::contract::{Operation, fact::Place, names::closed_set};

/// A request example or command of the documents, byte for byte.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// The operation it shows.
    pub operation: Operation,
    /// What it is.
    pub form: QuoteForm,
    /// The lines it stands on.
    pub at: Vec<Place>,
    /// The text, as printed.
    pub text: String,
    /// Its placeholders, where it is a template.
    #[serde(default)]
    pub placeholders: Vec<String>,
}

/// What a quote is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum QuoteForm {
    /// A cURL command.
    Command,
    /// A request body.
    Example,
}

closed_set! {
    /// What a statement of a document is there.
    Form, "form of a statement" {
        /// A cURL command.
        Command = "command",
        /// A heading, or the head of a table.
        Heading = "heading",
        /// An item of a list, or a row of two cells: `Failure - error: User does not exist`.
        Item = "item",
        /// Bold words with a value: `URI: /external/authentication/validation`.
        Label = "label",
        /// An example of a request.
        Request = "request",
        /// An example of an answer.
        Response = "response",
        /// A row of a table: `username | String | Required`.
        Row = "row",
        /// A sentence.
        Sentence = "sentence",
    }
}
