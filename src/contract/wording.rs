//! What an answer says: the wording, the envelope it is wrapped in, the internal message beside it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::contract::fact::FactValue;

/// The wording of an answer, with `{username}` where the name that was sent is echoed.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Wording {
    /// A failure's text; its envelope says how it is wrapped.
    Error(String),
    /// A success's text, under `msg`.
    Msg(String),
}

/// How a failure's text is wrapped.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Envelope {
    /// `{"error": {"userDisplayErrorMessage": text}}`.
    Object,
    /// `{"error": text}`.
    String,
}

/// The second message inside a failure's object.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Internal {
    /// There is none.
    Absent,
    /// Another text than the displayed one.
    Another(String),
    /// The displayed text again.
    Same,
}

/// What an answer can echo of its request. Never a password.
#[derive(Clone, Copy, Debug, Default)]
pub struct Echo<'a> {
    /// The user name that the request was about.
    pub username: &'a str,
}

impl Wording {
    /// Returns the text, its placeholders unfilled.
    pub fn text(&self) -> &str {
        match self {
            Wording::Error(text) | Wording::Msg(text) => text,
        }
    }

    /// Returns whether the wording echoes something of the request.
    pub fn echoes(&self) -> bool {
        self.text().contains(USERNAME)
    }

    /// Returns the text, its placeholders filled.
    pub fn fill<'a>(&'a self, echo: Echo<'_>) -> Cow<'a, str> {
        if self.echoes() {
            self.text().replace(USERNAME, echo.username).into()
        } else {
            self.text().into()
        }
    }

    /// Returns the whole body under an envelope and an internal message, both of which a success ignores.
    pub fn body(&self, envelope: Envelope, internal: &Internal, echo: Echo<'_>) -> Json {
        let text = self.fill(echo);
        match (self, envelope, internal) {
            (Wording::Msg(_), _, _) => json!({ "msg": text }),
            (Wording::Error(_), Envelope::String, _) => json!({ "error": text }),
            (Wording::Error(_), Envelope::Object, Internal::Absent) => {
                json!({ "error": { DISPLAYED: text } })
            }
            (Wording::Error(_), Envelope::Object, Internal::Same) => {
                json!({ "error": { DISPLAYED: text, INTERNAL: text } })
            }
            (Wording::Error(_), Envelope::Object, Internal::Another(another)) => {
                json!({ "error": { DISPLAYED: text, INTERNAL: another } })
            }
        }
    }
}

/// Whether a member of an answer is one that the documents show.
pub(crate) fn is_documented_member(name: &str) -> bool {
    [MSG, ERROR, DISPLAYED, INTERNAL].contains(&name)
}

impl FactValue for Wording {
    fn describe(&self) -> String {
        match self {
            Wording::Error(text) => format!("error: {text}"),
            Wording::Msg(text) => format!("msg: {text}"),
        }
    }

    fn quotes(&self) -> Vec<String> {
        vec![self.text().to_owned()]
    }
}

impl FactValue for Envelope {
    fn describe(&self) -> String {
        match self {
            Envelope::Object => format!("{{\"error\": {{\"{DISPLAYED}\": …}}}}"),
            Envelope::String => "{\"error\": …}".into(),
        }
    }

    fn quotes(&self) -> Vec<String> {
        match self {
            Envelope::Object => vec!["\"error\"".into(), format!("\"{DISPLAYED}\"")],
            // "Message string" and "error" are the pages' words for it.
            Envelope::String => Vec::new(),
        }
    }
}

impl FactValue for Internal {
    fn describe(&self) -> String {
        match self {
            Internal::Absent => format!("no {INTERNAL}"),
            Internal::Another(text) => format!("{INTERNAL}: {text}"),
            Internal::Same => format!("{INTERNAL} with the same text"),
        }
    }

    fn quotes(&self) -> Vec<String> {
        match self {
            Internal::Absent => Vec::new(),
            Internal::Another(text) => vec![format!("\"{INTERNAL}\""), text.clone()],
            Internal::Same => vec![format!("\"{INTERNAL}\"")],
        }
    }
}

/// The member of a success.
pub(crate) const MSG: &str = "msg";
/// The member of a failure.
pub(crate) const ERROR: &str = "error";
/// What stands for the user name that was sent.
pub(crate) const USERNAME: &str = "{username}";
/// The member of a failure that a user is shown.
pub(crate) const DISPLAYED: &str = "userDisplayErrorMessage";
const INTERNAL: &str = "internalSystemErrorMessage";
