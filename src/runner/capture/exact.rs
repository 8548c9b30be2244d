//! Makes a profile exact: where an appliance writes a documented body or content type in another way than the mock does, the profile
//! has it as it was seen, besides the reading's name.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::HeaderValue;

use crate::{
    appliance::{FieldValues, ParsedRequest, ResponseKey, Rules},
    contract::{Contract, Field, Operation, Outcome, Readings},
    report::Followed,
    suite::own_words,
};

/// An answer that was recognised.
pub(super) struct SeenAnswer {
    pub(super) operation: Operation,
    pub(super) outcome: Outcome,
    /// The user whom it may name.
    pub(super) username: String,
    pub(super) body: Bytes,
    pub(super) content_type: Option<HeaderValue>,
}

/// Adds the bodies and types that a mock with these readings would write in another way.
pub(super) fn complete(contract: &Contract, followed: &mut [Followed], seen: &[SeenAnswer]) {
    let mut readings = Readings::default();
    for fact in followed.iter() {
        if let Some(reading) = fact.readings.first() {
            // A reading of a profile is the contract's own.
            let _ = readings.choose(contract, &fact.fact, reading);
        }
    }
    let rules = Rules::new(contract, &readings);
    // By fact, what was seen, and whether the mock does otherwise.
    let mut own: BTreeMap<String, (BTreeSet<String>, bool)> = BTreeMap::new();
    for answer in seen {
        let key = ResponseKey {
            operation: answer.outcome.at(answer.operation),
            outcome: answer.outcome,
        };
        let Some((place, spec)) = contract.response_spec(key.operation, key.outcome) else {
            continue;
        };
        let mut values = FieldValues::default();
        values.set(Field::Username, answer.username.clone());
        let rendered = rules.render_response(key, &ParsedRequest::Fields(answer.operation, values));
        let repeats = spec
            .body
            .readings()
            .iter()
            .any(|reading| reading.is.echoes());
        let username = if repeats { &*answer.username } else { "" };
        let mut note = |fact: String, text: Option<String>, differs: bool| {
            let (texts, is_other) = own.entry(fact).or_default();
            texts.extend(text);
            *is_other |= differs;
        };
        let body = own_words::reading(&answer.body, username);
        let differs = rendered.body() != &answer.body;
        note(format!("{place}.{}.body", answer.outcome), body, differs);
        if let Some(value) = &answer.content_type {
            let (fact, _) = contract.answer_type(key.operation);
            let differs = rendered.headers().get("content-type") != Some(value);
            note(fact, value.to_str().ok().map(str::to_owned), differs);
        }
    }
    for fact in followed
        .iter_mut()
        .filter(|fact| !fact.readings.is_empty() && fact.other.is_empty())
    {
        let Some((texts, true)) = own.get(&fact.fact) else {
            continue;
        };
        // Written in several ways, none is the one.
        if let [text] = texts.iter().collect::<Vec<_>>()[..] {
            fact.readings.insert(0, text.clone());
            fact.is_default = false;
        }
    }
}
