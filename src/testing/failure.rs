//! A failure mode as a test writes it. It becomes the text that a fixture would hold and is read by the same reader, so there is
//! one law for all modes, and one wording of what is wrong with them.

use std::{fmt, time::Duration};

use serde_json::{Map, Value, json};

use super::error::{Error, Place};
use crate::{
    contract::{Kind, Operation, Outcome},
    fixture,
};

/// A failure mode: what is done to an answer, and to which. Nothing is checked before it is armed, by [`Double::fail`] or a builder.
///
/// Without a refinement that says when, it strikes always; without one that says what, any request.
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
#[must_use = "a failure strikes where it is armed"]
pub struct Failure {
    base: Base,
    /// What is said in place of, or beside, what the base says.
    said: Map<String, Value>,
    name: Option<String>,
}

#[derive(Clone, Debug)]
enum Base {
    /// What it does, under a name of its own.
    Does(&'static str, Value),
    ReadyMade(String),
    Yaml(String),
}

/// A failure as a text for the reader, and keys that are added to those of the text.
struct Source {
    text: String,
    keys: Map<String, Value>,
}

impl Failure {
    /// The operation takes effect, then the connection is reset before the answer: the hazard that every rotation job must survive.
    pub fn reset_after_commit() -> Failure {
        Failure::does(
            "reset_after_commit",
            json!({ "reset": "before_answer", "commit": true }),
        )
    }

    /// The connection is reset before the operation takes effect: to the client the same as [`Failure::reset_after_commit`].
    pub fn reset_before_commit() -> Failure {
        Failure::does(
            "reset_before_commit",
            json!({ "reset": "before_answer", "commit": false }),
        )
    }

    /// The answer comes this much later, on the appliance's clock; in whole milliseconds, rounded up.
    pub fn slow(delay: Duration) -> Failure {
        Failure::does("slow", json!({ "delay": written(delay) }))
    }

    /// The answer never comes, and the connection stays open.
    pub fn hang() -> Failure {
        Failure::does("hang", json!({ "hang": "before_head" }))
    }

    /// The answer has this status, and the operation takes no effect. 100 to 599 where the reader agrees.
    pub fn status(status: u16) -> Failure {
        Failure::does("status", json!({ "status": status }))
    }

    /// The answer is that of this outcome, whatever the state, and the operation takes no effect.
    pub fn outcome(outcome: Outcome) -> Failure {
        Failure::does("outcome", json!({ "outcome": outcome.name() }))
    }

    /// A ready-made mode by its name, with its own operations and times; a refinement takes their place. `fixture::READY_MADE` lists them.
    pub fn ready_made(name: impl Into<String>) -> Failure {
        Failure {
            base: Base::ReadyMade(name.into()),
            said: Map::new(),
            name: None,
        }
    }

    /// A mode as in the list `failures` of a fixture, YAML or JSON: `do: { truncate: 10 }`. It needs no name. What the text says
    /// cannot be said again by a refinement.
    pub fn from_yaml(text: impl Into<String>) -> Failure {
        Failure {
            base: Base::Yaml(text.into()),
            said: Map::new(),
            name: None,
        }
    }

    /// Strikes so often at most.
    pub fn times(self, times: u64) -> Failure {
        self.when("times", json!(times))
    }

    /// Strikes these calls, counted from 1.
    pub fn calls(self, calls: impl IntoIterator<Item = u64>) -> Failure {
        self.when("calls", calls.into_iter().collect())
    }

    /// Strikes from the call after so many on.
    pub fn after(self, calls: u64) -> Failure {
        self.when("after", json!(calls))
    }

    /// Strikes every so-manieth call.
    pub fn every(self, calls: u64) -> Failure {
        self.when("every", json!(calls))
    }

    /// Strikes with this probability, 0 to 1, decided by the double's seed: the same calls on every run.
    pub fn rate(self, rate: f64) -> Failure {
        self.when("rate", json!(rate))
    }

    /// Strikes requests about this user, whom the double must have.
    pub fn user(self, username: impl Into<String>) -> Failure {
        self.says("user", json!(username.into()))
    }

    /// Strikes these operations.
    pub fn on(self, operations: impl IntoIterator<Item = Operation>) -> Failure {
        let names = operations
            .into_iter()
            .map(|operation| Value::from(operation.name()))
            .collect();
        self.says("on", names)
    }

    /// Goes by this name in the journal and the counters, 1 to 64 of `A-Z a-z 0-9 _ . -`. By default by what it does.
    pub fn named(mut self, name: impl Into<String>) -> Failure {
        self.name = Some(name.into());
        self
    }

    fn does(name: &'static str, act: Value) -> Failure {
        Failure {
            base: Base::Does(name, act),
            said: Map::new(),
            name: None,
        }
    }

    fn says(mut self, key: &str, value: Value) -> Failure {
        self.said.insert(key.to_owned(), value);
        self
    }

    fn when(mut self, key: &str, value: Value) -> Failure {
        if let Value::Object(when) = self.said.entry("when").or_insert_with(|| json!({})) {
            when.insert(key.to_owned(), value);
        }
        self
    }

    /// Lets a reader take it under a name that is free, and returns that name. `take` reads a text with
    /// further keys, and tells whether the name was free.
    pub(super) fn place(
        &self,
        place: Place,
        mut take: impl FnMut(&str, &str, &Map<String, Value>) -> Result<bool, fixture::Error>,
    ) -> Result<String, Error> {
        let (own, is_given) = self.own_name();
        let names = (2..).map(|number| format!("{own}-{number}"));
        for name in std::iter::once(own.clone()).chain(names) {
            let source = self.source(&name).map_err(|unknown| Error {
                hint: unknown.hint,
                ..Error::at(place, unknown.message)
            })?;
            match take(&name, &source.text, &source.keys) {
                Ok(true) => return Ok(name),
                Ok(false) if is_given => {
                    let taken =
                        Error::at(place, format!("there is a failure mode `{name}` already"));
                    return Err(taken.hint("give it another name by `named`, or leave that out"));
                }
                Ok(false) => {}
                Err(error) => return Err(self.refused(place, &name, error)),
            }
        }
        Err(Error::at(
            place,
            format!("no name is left for a failure mode `{own}`"),
        ))
    }

    /// The name it goes by if that is free, and whether it was given.
    fn own_name(&self) -> (String, bool) {
        if let Some(name) = &self.name {
            return (name.clone(), true);
        }
        match &self.base {
            Base::Does(name, _) => ((*name).to_owned(), false),
            Base::ReadyMade(name) => (name.clone(), false),
            Base::Yaml(text) => {
                named_in(text).map_or_else(|| ("failure".to_owned(), false), |name| (name, true))
            }
        }
    }

    fn source(&self, name: &str) -> Result<Source, fixture::UnknownMode> {
        let mut keys = match &self.base {
            Base::Does(_, act) => Map::from_iter([("do".to_owned(), act.clone())]),
            Base::ReadyMade(ready) => ready_made(ready)?,
            Base::Yaml(text) => {
                let mut keys = self.said.clone();
                if self.name.is_some() || named_in(text).is_none() {
                    keys.insert("name".to_owned(), name.into());
                }
                let text = text.clone();
                return Ok(Source { text, keys });
            }
        };
        keys.insert("name".to_owned(), name.into());
        for (key, value) in &self.said {
            match (keys.get_mut(key), value) {
                (Some(Value::Object(base)), Value::Object(said)) => base.extend(said.clone()),
                _ => drop(keys.insert(key.clone(), value.clone())),
            }
        }
        Ok(Source {
            text: Value::Object(keys).to_string(),
            keys: Map::new(),
        })
    }

    /// Says what is wrong: in the test's own YAML with the place in it, of all else by the value.
    fn refused(&self, place: Place, name: &str, error: fixture::Error) -> Error {
        if !matches!(self.base, Base::Yaml(_)) {
            let refused = Error::of_value(place, error);
            return Error {
                message: format!("failure mode `{name}`: {}", refused.message),
                ..refused
            };
        }
        // The value of a key that was added.
        if error.line == 0 {
            return Error::of_value(place, error);
        }
        let twice = error.message.starts_with("duplicate key");
        let refused = Error::of_text(place, "the failure's YAML", error);
        if twice {
            refused.hint(
                "what the YAML says cannot be said again beside it; `fail_any` says no operation",
            )
        } else {
            refused
        }
    }
}

/// Shows the name that it goes by, unless that is taken.
impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.own_name().0)
    }
}

/// Returns the keys of a ready-made mode.
fn ready_made(name: &str) -> Result<Map<String, Value>, fixture::UnknownMode> {
    let mode = fixture::ready_made(name).and_then(|mode| mode.written.as_object().cloned());
    mode.ok_or_else(|| {
        let unknown = fixture::built_in(Kind::Sensor).arm(name).err();
        unknown.unwrap_or_else(|| unreachable!("`{name}` is not a ready-made mode"))
    })
}

/// Returns the name that a mode has in its own text.
fn named_in(text: &str) -> Option<String> {
    serde_saphyr::from_str::<Value>(text)
        .ok()?
        .get("name")?
        .as_str()
        .map(str::to_owned)
}

/// Writes a duration as fixtures have it.
pub(super) fn written(time: Duration) -> String {
    format!("{}ms", time.as_nanos().div_ceil(1_000_000))
}
