//! What a document prints word for word, and which of its lines state no rule.

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
    /// A kind of line that states no rule.
    LineKind, "kind of line" {
        /// A comment on something else, with its ends.
        Comment = "comment",
        /// What frames an example: `request:`, braces.
        Frame = "frame",
        /// A heading, or a label such as `**Example**:`.
        Heading = "heading",
        /// A sentence outside all operations.
        Introduction = "introduction",
        /// A rule between two parts.
        Rule = "rule",
        /// The head of a table.
        Table = "table",
    }
}

/// Lines of a document that state no rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IgnoredLines {
    /// The lines, single or as ranges.
    pub lines: Vec<Place>,
    /// What they are: nothing needs to claim such lines.
    pub kind: LineKind,
}
