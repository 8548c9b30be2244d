//! A choice of readings: which one an appliance serves, or a target is expected to follow, for each fact.

use std::collections::BTreeMap;

use http::{HeaderValue, StatusCode};
use serde::{Serialize, de::IgnoredAny};

use crate::contract::{Contract, Glob};

/// For some facts the reading that holds; for all others the default does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Readings {
    chosen: BTreeMap<String, String>,
}

/// A choice that the contract does not offer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {} `{asked}`, expected one of {}", if *fact { "fact" } else { "reading" }, listed(expected))]
pub struct UnknownReading {
    /// What was asked for, fact or reading.
    pub asked: String,
    /// What there is instead.
    pub expected: Vec<String>,
    /// Whether the fact is unknown; otherwise it is its reading.
    pub fact: bool,
}

impl Readings {
    /// Adds a choice: `fact` is a full name, a glob (`*.status`) or a number of an ambiguity (`X16`), and every fact it means that has a reading of that name takes it.
    /// A reading of a status is also a number, `400`; of a body, the body itself, see [`own_body`]; of a content type, the type itself.
    ///
    /// # Errors
    /// Where no fact is meant, or none of those meant has such a reading.
    pub fn choose(
        &mut self,
        contract: &Contract,
        fact: &str,
        reading: &str,
    ) -> Result<(), UnknownReading> {
        let meant = contract.facts_meant(fact);
        let facts = contract.facts();
        let entries = || facts.iter().filter(|entry| meant.contains(&entry.name));
        let is_status = status_code(reading).is_some();
        let (is_body, is_type) = (own_body(reading).is_some(), own_type(reading).is_some());
        let with_reading = entries().filter(|entry| {
            let is_offered = entry.readings.iter().any(|offer| offer.name == reading);
            is_offered
                || is_status && entry.name.ends_with(".status")
                || is_body && entry.name.ends_with(".body")
                || is_type && entry.name.ends_with(".answer_type")
        });
        let chosen: Vec<String> = with_reading.map(|entry| entry.name.clone()).collect();
        if !chosen.is_empty() {
            let chosen = chosen.into_iter().map(|name| (name, reading.to_owned()));
            self.chosen.extend(chosen);
            return Ok(());
        }
        let is_fact = meant.is_empty();
        let mut expected = Vec::new();
        if is_fact {
            expected.extend(facts.iter().map(|entry| entry.name.clone()));
        }
        for offer in entries().flat_map(|entry| &entry.readings) {
            if !expected.iter().any(|name| name == offer.name) {
                expected.push(offer.name.to_owned());
            }
        }
        Err(UnknownReading {
            asked: if is_fact { fact } else { reading }.to_owned(),
            expected,
            fact: is_fact,
        })
    }

    /// Returns these choices, and those others in addition or instead.
    #[must_use]
    pub fn and(mut self, others: &Readings) -> Readings {
        self.chosen.extend(others.chosen.clone());
        self
    }

    /// Returns the reading chosen for a fact, by its full name.
    pub fn of(&self, fact: &str) -> Option<&str> {
        self.chosen.get(fact).map(String::as_str)
    }

    /// Returns every choice, fact and reading, in the order of the facts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.chosen
            .iter()
            .map(|(fact, reading)| (fact.as_str(), reading.as_str()))
    }

    /// Returns whether every fact has its default reading.
    pub fn is_empty(&self) -> bool {
        self.chosen.is_empty()
    }
}

impl UnknownReading {
    /// Returns the name that may be meant.
    #[cfg(feature = "cli")]
    pub(crate) fn nearest(&self) -> Option<&str> {
        crate::contract::nearest(&self.asked, self.expected.iter().map(String::as_str))
    }
}

/// Returns the status that a reading names by its number.
pub(crate) fn status_code(reading: &str) -> Option<StatusCode> {
    let code = reading
        .parse()
        .ok()
        .filter(|code| (200..600).contains(code))?;
    StatusCode::from_u16(code).ok()
}

/// Returns the body that a reading is itself: a JSON object or list, or what follows `text:`. `{username}` in it stands for the name that
/// was sent.
pub(crate) fn own_body(reading: &str) -> Option<&str> {
    let is_json =
        || reading.starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(reading).is_ok();
    let text = reading.strip_prefix(OWN_TEXT);
    text.or_else(|| is_json().then_some(reading))
}

/// Returns the reading that is a body itself.
pub(crate) fn reading_of_body(body: &str) -> String {
    let is_json = own_body(body) == Some(body);
    let prefix = if is_json { "" } else { OWN_TEXT };
    format!("{prefix}{body}")
}

/// Returns the content type that a reading is itself: no name of a reading has a slash.
pub(crate) fn own_type(reading: &str) -> Option<HeaderValue> {
    let value = reading.contains('/').then_some(reading)?;
    HeaderValue::from_str(value).ok()
}

fn listed(names: &[String]) -> String {
    match names.len() {
        count if count > FEW => format!("{count} (`d4iot-double explain` lists them)"),
        _ => names.join(", "),
    }
}

/// Returns whether a name or a glob means a name. A glob that cannot be read means none.
pub(super) fn matcher(pattern: &str) -> impl Fn(&str) -> bool + '_ {
    let is_glob = pattern.contains(['*', '?', '[', '{']);
    let glob = is_glob.then(|| Glob::new(pattern).ok());
    move |name| match &glob {
        Some(glob) => glob.as_ref().is_some_and(|glob| glob.is_match(name)),
        None => pattern == name,
    }
}

/// What stands before a body that is not JSON.
const OWN_TEXT: &str = "text:";
/// How many names a message lists before it points at `explain`.
const FEW: usize = 12;
