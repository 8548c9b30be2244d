//! Quirks: named switches with which an appliance deviates in exactly one way. They make the mutants and twins of `prove`; no fixture knows them.
//!
//! ```text
//! request ─[Misread]→ hear ─[Misjudged]→ deem ─[Misworded]→ speak
//! ```
//!
//! [`Rules`] hold at most one, and look for it once where they read, judge and word: whoever has none pays a comparison.

mod misjudged;
mod misread;
mod misworded;
mod percent;

use std::{net::IpAddr, str::FromStr};

use bytes::Bytes;
use http::{Request, Response};
pub use misjudged::Misjudged;
pub use misread::Misread;
pub use misworded::Misworded;

use crate::{
    appliance::{Asked, Change, Moment, Reason, Rules, State, Worded},
    contract::Operation,
};

/// One way to deviate, and at which operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirk {
    /// The way.
    pub way: Way,
    /// The one operation that shows it; all do where none is named.
    pub on: Option<Operation>,
}

/// A way to deviate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// In what a request comes to.
    Misjudged(Misjudged),
    /// In what is read out of a request.
    Misread(Misread),
    /// In what is answered.
    Misworded(Misworded),
}

impl Way {
    /// Returns every name there is, by the part of an appliance that deviates.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Misread::NAMES
            .iter()
            .chain(Misjudged::NAMES)
            .chain(Misworded::NAMES)
            .copied()
    }
}

impl FromStr for Way {
    type Err = String;

    fn from_str(text: &str) -> Result<Way, String> {
        let read = text.parse().map(Way::Misread).ok();
        let judged = || text.parse().map(Way::Misjudged).ok();
        let worded = || text.parse().map(Way::Misworded).ok();
        let expected = || {
            format!(
                "unknown quirk `{text}`, expected one of {}",
                Way::names().collect::<Vec<_>>().join(", ")
            )
        };
        read.or_else(judged).or_else(worded).ok_or_else(expected)
    }
}

impl Quirk {
    pub(super) fn read(self, rules: &Rules, request: &Request<Bytes>) -> Asked<'static> {
        match self.way {
            Way::Misread(way) if self.shows(misread::operation(request)) => {
                way.read(rules, request)
            }
            Way::Misjudged(_) | Way::Misread(_) | Way::Misworded(_) => {
                rules.hear(request).into_owned()
            }
        }
    }

    pub(super) fn judge(
        self,
        state: &State,
        rules: &Rules,
        asked: &Asked,
        source: IpAddr,
        now: Moment,
    ) -> (Worded, Reason, Option<Change>) {
        let Asked::Fields(operation, values) = asked else {
            return state.deem(rules, asked, source, now);
        };
        let question = misjudged::Question {
            state,
            rules,
            operation: *operation,
            values,
            source,
            now,
        };
        match self.way {
            Way::Misjudged(way) if self.shows(Some(*operation)) => way.judge(&question),
            // What was read may have said that any password will do.
            Way::Misread(_) => question.with_any_password(|given| given == misread::ANY),
            Way::Misjudged(_) | Way::Misworded(_) => state.deem(rules, asked, source, now),
        }
    }

    pub(super) fn word(self, rules: &Rules, worded: Worded, asked: &Asked) -> Response<Bytes> {
        match self.way {
            Way::Misworded(way) if self.on.is_none() || self.on == worded.operation => {
                way.word(rules, worded, asked)
            }
            Way::Misjudged(_) | Way::Misread(_) | Way::Misworded(_) => {
                rules.speak(worded, asked).into_response()
            }
        }
    }

    fn shows(self, operation: Option<Operation>) -> bool {
        self.on.is_none() || self.on == operation
    }
}

#[cfg(test)]
mod tests;
