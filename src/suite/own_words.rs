//! An answer in words, a status or a content type of its own, as the readings by which a mock answers so too.

use std::slice;

use bytes::Bytes;
use http::{Response, header};

use crate::{
    contract::{Outcome, USERNAME, reading_of_body},
    suite::{
        evidence::Evidence,
        match_response::{MatchContext, choices, folded},
    },
};

/// Returns what an answer says of its target if it is an outcome in words of its own; none where a mock has no such answer.
pub fn evidence(
    context: &MatchContext<'_>,
    outcome: Outcome,
    answer: &Response<Bytes>,
) -> Option<Evidence> {
    let operation = outcome.at(context.operation);
    let (place, spec) = context.contract.response_spec(operation, outcome)?;
    let fact = |point: &str| format!("{place}.{outcome}.{point}");
    let status = choices(&fact("status"), &spec.status, |status| {
        status.0 == answer.status()
    });
    let (type_fact, types) = context.contract.answer_type(operation);
    let received = answer.headers().get(header::CONTENT_TYPE);
    let received = received.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let received_type = received.as_deref().map(folded);
    let types = choices(&type_fact, types, |reading| {
        received_type.as_deref() == Some(&*folded(&reading.0))
    });
    let other_status = (fact("status"), answer.status().as_u16().to_string());
    let other_status = status.is_empty().then_some(other_status);
    let other_type = received.filter(|_| types.is_empty());
    let other_type = other_type.map(|received| (type_fact, received));
    let body = reading(answer.body(), context.username)?;
    let other = other_status.into_iter().chain(other_type);
    // A status may be that of several readings.
    let ways = status
        .iter()
        .map(|it| [slice::from_ref(it), &types].concat());
    let mut ways: Vec<_> = ways.collect();
    if ways.is_empty() {
        ways.push(types);
    }
    Some(Evidence {
        interpretations: ways,
        other: other.chain([(fact("body"), body)]).collect(),
    })
}

/// Returns the reading that a body is itself, with a placeholder for the user name that it repeats; none of one that is not text, or long.
pub fn reading(body: &[u8], username: &str) -> Option<String> {
    let body = str::from_utf8(body).ok()?;
    let is_kept = body.len() <= MAX_BODY && !body.contains(USERNAME);
    is_kept.then(|| reading_of_body(&with_word(body, username, USERNAME)))
}

/// Replaces a word wherever it stands alone.
pub fn with_word(text: &str, word: &str, replacement: &str) -> String {
    if word.is_empty() {
        return text.to_owned();
    }
    let (mut replaced, mut at) = (String::with_capacity(text.len()), 0);
    for (place, _) in text.match_indices(word) {
        let end = place + word.len();
        let is_part = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
        let is_alone =
            !is_part(text[..place].chars().next_back()) && !is_part(text[end..].chars().next());
        if is_alone && place >= at {
            replaced.push_str(&text[at..place]);
            replaced.push_str(replacement);
            at = end;
        }
    }
    replaced + &text[at..]
}

/// How long a body may be that is kept as a reading, in bytes.
const MAX_BODY: usize = 4096;
