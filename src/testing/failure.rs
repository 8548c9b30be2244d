//! A failure mode as a test writes it. It becomes the text that a fixture would have and is read by the same reader.

use std::{fmt, mem, time::Duration};

use serde_json::{Map, Value, json};

use super::error::{CallSite, Error};
use crate::{
    contract::{Kind, Operation, Outcome},
    failure::FailureMode,
    fixture,
    fixture::{Diagnostic, ModeContext},
};

/// A failure mode: what is done to an answer, and to which. Nothing is checked before it is armed, by [`Double::fail`] or a builder.
///
/// Without a refinement that says when, it fires always; without one that says what, any request.
///
/// ```
/// use std::time::Duration;
/// use d4iot_double::{Failure, Operation};
///
/// let first_three = Failure::ready_made("rebooting").times(3);
/// let lost_answer = Failure::reset_after_commit().on([Operation::SetPassword]).user("test").times(1);
/// let now_and_then = Failure::slow(Duration::from_secs(2)).rate(0.3).named("sluggish");
/// let anything_else = Failure::from_yaml("do: { status: 503, page: apache }").calls([1, 3]);
/// ```
///
/// [`Double::fail`]: crate::Double::fail
#[derive(Clone, Debug)]
#[must_use = "a failure happens where it is armed"]
pub struct Failure {
    /// The name that was given, or else one by what it does.
    name: String,
    is_name_given: bool,
    /// The keys of the mode; with a text, those that are added to it.
    keys: Map<String, Value>,
    text: Option<String>,
    unknown: Option<Diagnostic>,
    /// Whether it has the conditions of a ready-made mode, which the first refinement that says when replaces.
    has_when: bool,
}

impl Failure {
    /// The operation takes effect, then the connection is reset before the answer: the hazard that every rotation job must survive.
    pub fn reset_after_commit() -> Failure {
        let action = json!({ "reset": "before_head", "commit": true });
        Failure::does("reset_after_commit", action)
    }

    /// The connection is reset before the operation takes effect: to the client the same as [`Failure::reset_after_commit`].
    pub fn reset_before_commit() -> Failure {
        let action = json!({ "reset": "before_head", "commit": false });
        Failure::does("reset_before_commit", action)
    }

    /// The answer comes this much later, on the appliance's clock; in whole milliseconds, rounded up.
    pub fn slow(delay: Duration) -> Failure {
        Failure::does("slow", json!({ "delay": milliseconds(delay) }))
    }

    /// The answer never comes, and the connection stays open.
    pub fn hang() -> Failure {
        Failure::does("hang", json!({ "hang": "before_head" }))
    }

    /// The answer has this status, 200 to 599. With an error status it has no body, and the operation takes no effect unless the
    /// status is 2xx.
    pub fn status(status: u16) -> Failure {
        Failure::does("status", json!({ "status": status }))
    }

    /// The answer is that of this outcome, whatever the state, and the operation takes no effect.
    pub fn outcome(outcome: Outcome) -> Failure {
        Failure::does("outcome", json!({ "outcome": outcome.name() }))
    }

    /// A ready-made mode by its name, with its own operations and conditions; a refinement replaces them. `fixture::READY_MADE` lists them.
    pub fn ready_made(name: impl Into<String>) -> Failure {
        let name = name.into();
        let (keys, unknown) = match fixture::ready_made(&name) {
            Some(mode) => (mode.written.as_object().cloned().unwrap_or_default(), None),
            None => (Map::new(), fixture::built_in(Kind::Sensor).arm(&name).err()),
        };
        Failure {
            keys,
            unknown,
            has_when: true,
            ..Failure::new(&name)
        }
    }

    /// A mode as in the list `failures` of a fixture, YAML or JSON: `do: { truncate: 10 }`. It needs no name. A refinement cannot
    /// repeat a key of the text.
    pub fn from_yaml(text: impl Into<String>) -> Failure {
        let text = text.into();
        let keys: Option<Value> = serde_saphyr::from_str(&text).ok();
        let name = keys.as_ref().and_then(|keys| keys.get("name")?.as_str());
        Failure {
            is_name_given: name.is_some(),
            text: Some(text),
            ..Failure::new(name.unwrap_or("failure"))
        }
    }

    /// Happens at most this often.
    pub fn times(self, times: u64) -> Failure {
        self.when("times", json!(times))
    }

    /// Happens on these calls, counted from 1.
    pub fn calls(self, calls: impl IntoIterator<Item = u64>) -> Failure {
        self.when("calls", calls.into_iter().collect())
    }

    /// Happens from the call after this many on.
    pub fn after(self, calls: u64) -> Failure {
        self.when("after", json!(calls))
    }

    /// Happens on every n-th call.
    pub fn every(self, calls: u64) -> Failure {
        self.when("every", json!(calls))
    }

    /// Happens with this probability, 0 to 1, decided by the double's seed: the same calls on every run.
    pub fn rate(self, rate: f64) -> Failure {
        self.when("rate", json!(rate))
    }

    /// Happens to requests about this user, whom the double must have.
    pub fn user(self, username: impl Into<String>) -> Failure {
        self.key("user", json!(username.into()))
    }

    /// Happens to these operations.
    pub fn on(self, operations: impl IntoIterator<Item = Operation>) -> Failure {
        let names = operations.into_iter().map(Operation::name).collect();
        self.key("operations", names)
    }

    /// Has this name in the journal and the counters, 1 to 64 of `A-Z a-z 0-9 _ . -`. By default one by what it does.
    pub fn named(mut self, name: impl Into<String>) -> Failure {
        self.name = name.into();
        self.is_name_given = true;
        let name = json!(self.name);
        self.key("name", name)
    }

    fn new(name: &str) -> Failure {
        Failure {
            name: name.to_owned(),
            is_name_given: false,
            keys: Map::new(),
            text: None,
            unknown: None,
            has_when: false,
        }
    }

    fn does(name: &str, action: Value) -> Failure {
        Failure::new(name).key("do", action)
    }

    fn key(mut self, key: &str, value: Value) -> Failure {
        self.keys.insert(key.to_owned(), value);
        self
    }

    fn when(mut self, key: &str, value: Value) -> Failure {
        if mem::take(&mut self.has_when) {
            self.keys.remove("when");
        }
        let when = self.keys.entry("when").or_insert_with(|| json!({}));
        when[key] = value;
        self
    }

    /// Adds it under a name that is free. `add` reads a text with further keys; none means that the name is taken.
    pub(super) fn add(
        mut self,
        place: CallSite,
        mut add: impl FnMut(&str, &Map<String, Value>) -> Result<Option<FailureMode>, Diagnostic>,
    ) -> Result<FailureMode, Error> {
        if let Some(unknown) = self.unknown {
            return Err(Error::of_value(place, unknown));
        }
        let own = self.name.clone();
        let mut number = 1;
        loop {
            if !self.is_name_given {
                self.keys.insert("name".to_owned(), json!(self.name));
            }
            let added = match &self.text {
                Some(text) => add(text, &self.keys),
                None => add(&Value::from(self.keys.clone()).to_string(), &Map::new()),
            };
            match added {
                Ok(Some(mode)) => return Ok(mode),
                Ok(None) if self.is_name_given => {
                    let taken = format!("there is a failure mode `{own}` already");
                    let hint = "give it another name by `named`, or leave that out";
                    return Err(Error::at(place, taken).hint(hint));
                }
                Ok(None) => {
                    number += 1;
                    self.name = format!("{own}-{number}");
                }
                Err(error) => return Err(self.refused(place, error)),
            }
        }
    }

    /// Returns what is wrong: in a text of the test with the place in it, otherwise with the value.
    fn refused(&self, place: CallSite, error: Diagnostic) -> Error {
        if self.text.is_none() {
            let message = format!("failure mode `{}`: {}", self.name, error.message);
            return Error {
                message,
                ..Error::of_value(place, error)
            };
        }
        // The value of a key that was added.
        if error.line == 0 {
            return Error::of_value(place, error);
        }
        let is_duplicate = error.message.starts_with("duplicate key");
        let refused = Error::of_text(place, "the failure's YAML", error);
        if !is_duplicate {
            return refused;
        }
        refused.hint("a key of the YAML cannot be given again; `fail_any` gives no operation")
    }
}

/// Reads a failure mode from a text with further keys, for an appliance over HTTPS or plain HTTP.
pub(super) fn read(
    text: &str,
    keys: &Map<String, Value>,
    context: &ModeContext<'_>,
    https: bool,
) -> Result<FailureMode, Diagnostic> {
    let mode = fixture::read_mode_with("failure", text, keys, context)?;
    let possible = mode.check_transport(https);
    possible.map_err(|missing| Diagnostic::of_transport(&missing))?;
    Ok(mode)
}

/// Shows its name, unless that is taken.
impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)
    }
}

/// Returns a duration as fixtures have it.
pub(super) fn milliseconds(time: Duration) -> String {
    format!("{}ms", time.as_nanos().div_ceil(1_000_000))
}
