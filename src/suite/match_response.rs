//! Is this answer that outcome, and under which readings?

use std::cell::OnceCell;

use bytes::Bytes;
use http::{Response, header};
use serde_json::Value;

use crate::{
    contract::{AnswerType, Contract, Echo, Envelope, Fact, Internal, Operation, Outcome, Reading},
    suite::{allowed::ReadingChoice, strict_json},
};

/// Every combination of readings under which an answer says an outcome, the one nearest the default readings first.
#[derive(Clone, Debug)]
pub struct Match {
    /// The combinations, each one choice per fact.
    pub combinations: Vec<Vec<ReadingChoice>>,
    /// The choices its status agrees with. Never judged, only told.
    pub status: Vec<ReadingChoice>,
    /// The fact of the status, for one that is no reading of it.
    pub status_fact: String,
}

impl Match {
    /// Returns every way to read the answer, its status among the readings where it is one; each after these choices.
    pub fn interpretations(&self, before: &[ReadingChoice]) -> Vec<Vec<ReadingChoice>> {
        if self.status.is_empty() {
            return self
                .combinations
                .iter()
                .map(|combination| before.iter().chain(combination).cloned().collect())
                .collect();
        }
        let with = |combination: &Vec<ReadingChoice>| {
            self.status
                .iter()
                .map(|status| {
                    before
                        .iter()
                        .chain(combination)
                        .chain([status])
                        .cloned()
                        .collect()
                })
                .collect::<Vec<_>>()
        };
        self.combinations.iter().flat_map(with).collect()
    }
}

/// An answer, read once however many outcomes it is held against.
#[derive(Debug)]
pub struct ReceivedAnswer<'a> {
    /// As it came.
    pub response: &'a Response<Bytes>,
    body: OnceCell<Result<Value, String>>,
    /// What it says that it is, and the same in one spelling.
    content_type: OnceCell<Result<(String, String), String>>,
}

impl<'a> ReceivedAnswer<'a> {
    /// Takes an answer to be read.
    pub fn new(response: &'a Response<Bytes>) -> ReceivedAnswer<'a> {
        ReceivedAnswer {
            response,
            body: OnceCell::new(),
            content_type: OnceCell::new(),
        }
    }

    fn body(&self) -> Result<&Value, String> {
        self.body
            .get_or_init(|| strict_json::parse(self.response.body()))
            .as_ref()
            .map_err(String::clone)
    }

    fn content_type(&self) -> Result<&(String, String), String> {
        let read = || {
            let values = self.response.headers().get_all(header::CONTENT_TYPE);
            let mut received = values
                .iter()
                .map(|value| String::from_utf8_lossy(value.as_bytes()));
            let (received, further) = (
                received.next().ok_or("the answer names no content type")?,
                received.next(),
            );
            match further {
                Some(further) => Err(format!(
                    "the answer names two content types, `{received}` and `{further}`"
                )),
                None => Ok((folded(&received), received.into_owned())),
            }
        };
        self.content_type
            .get_or_init(read)
            .as_ref()
            .map_err(String::clone)
    }
}

/// Holds an answer against an outcome at an operation. `username` is the name that was sent.
///
/// # Errors
/// What is in the way, in words.
pub fn match_response(
    contract: &Contract,
    operation: Operation,
    outcome: Outcome,
    username: &str,
    answer: &ReceivedAnswer<'_>,
) -> Result<Match, String> {
    let (place, spec) = contract
        .response_spec(outcome.at(operation), outcome)
        .ok_or_else(|| format!("the contract has no wording for {outcome}"))?;
    let (type_name, type_fact) = contract.answer_type(outcome.at(operation));
    let types = answer_types(type_fact, answer)?;
    let received = answer.body()?;
    let name = |point: &str| format!("{place}.{}.{point}", outcome.name());
    let mut combinations = Vec::new();
    // Nearly every wording differs in its text: that is seen without dressing it.
    let said = Echo { username };
    let texts = texts(received);
    for (body_rank, body) in spec.body.readings().iter().enumerate() {
        let text = body.is.fill(said);
        if !texts.contains(&&*text) {
            continue;
        }
        for (envelope_rank, envelope) in alternatives(spec.envelope.as_ref()) {
            for (internal_rank, internal) in alternatives(spec.internal.as_ref()) {
                let (worn, within) = (
                    envelope.map_or(Envelope::Object, |reading| reading.is),
                    internal.map_or(&Internal::Absent, |reading| &reading.is),
                );
                if body.is.is_body(&text, worn, within, received) {
                    let mut choices = vec![choice(name("body"), body, body_rank)];
                    choices.extend(
                        envelope.map(|reading| choice(name("envelope"), reading, envelope_rank)),
                    );
                    choices.extend(
                        internal
                            .filter(|_| received_object(received))
                            .map(|reading| choice(name("internal"), reading, internal_rank)),
                    );
                    combinations.push(choices);
                }
            }
        }
    }
    if combinations.is_empty() {
        return Err(format!("the body is no wording of {outcome}"));
    }
    combinations.sort_by_key(|choices| choices.iter().map(|choice| choice.rank).sum::<usize>());
    combinations.dedup();
    let types: Vec<ReadingChoice> = types
        .into_iter()
        .map(|(rank, reading)| choice(type_name.clone(), reading, rank))
        .collect();
    combinations
        .iter_mut()
        .for_each(|choices| choices.extend_from_slice(&types));
    let status = spec
        .status
        .readings()
        .iter()
        .enumerate()
        .filter(|(_, reading)| reading.is.0 == answer.response.status());
    Ok(Match {
        combinations,
        status: status
            .map(|(rank, reading)| choice(name("status"), reading, rank))
            .collect(),
        status_fact: name("status"),
    })
}

/// Tells whether an answer says that something worked: `msg` without `error`, or the text of a success of this operation, however it is wrapped.
pub fn claims_success(contract: &Contract, operation: Operation, answer: &Response<Bytes>) -> bool {
    if let Ok(Value::Object(map)) = serde_json::from_slice::<Value>(answer.body())
        && map.contains_key("msg")
        && !map.contains_key("error")
    {
        return true;
    }
    let text = String::from_utf8_lossy(answer.body());
    let successes = contract
        .clause(operation)
        .outcomes
        .iter()
        .filter(|(outcome, _)| outcome.is_success());
    successes
        .flat_map(|(_, spec)| spec.body.readings())
        .any(|reading| text.contains(reading.is.text()))
}

/// Returns what an answer says at an operation, expected or not.
pub fn match_any(
    contract: &Contract,
    operation: Operation,
    username: &str,
    answer: &ReceivedAnswer<'_>,
) -> Option<(Outcome, Match)> {
    Outcome::ALL.iter().find_map(|outcome| {
        Some((
            *outcome,
            match_response(contract, operation, *outcome, username, answer).ok()?,
        ))
    })
}

/// The readings of a fact that may not be there: a success has neither envelope nor internal message.
fn alternatives<T>(fact: Option<&Fact<T>>) -> impl Iterator<Item = (usize, Option<&Reading<T>>)> {
    let (readings, none) = fact.map_or((&[][..], Some((0, None))), |fact| (fact.readings(), None));
    readings.iter().map(Some).enumerate().chain(none)
}

/// Every text in which a wording may stand: under a key, or under a key in there.
fn texts(received: &Value) -> Vec<&str> {
    let outer = inside(received);
    outer
        .flat_map(|value| inside(value).chain([value]))
        .filter_map(Value::as_str)
        .collect()
}

/// What stands in an object.
fn inside(value: &Value) -> impl Iterator<Item = &Value> {
    value
        .as_object()
        .into_iter()
        .flat_map(|object| object.values())
}

/// Only inside an object can an internal message be present or absent.
fn received_object(received: &Value) -> bool {
    received.get("error").is_some_and(Value::is_object)
}

/// The readings of the answer's content type, each with its rank.
fn answer_types<'a>(
    fact: &'a Fact<AnswerType>,
    answer: &ReceivedAnswer<'_>,
) -> Result<Vec<(usize, &'a Reading<AnswerType>)>, String> {
    let (spelt, received) = answer.content_type()?;
    let meant = |reading: &Reading<AnswerType>| {
        reading.is.0 == *received || folded(&reading.is.0) == *spelt
    };
    let types: Vec<_> = fact
        .readings()
        .iter()
        .enumerate()
        .filter(|(_, reading)| meant(reading))
        .collect();
    if types.is_empty() {
        Err(format!("the answer's content type is `{received}`"))
    } else {
        Ok(types)
    }
}

/// A content type in one spelling: without case, blanks, quotes and empty parameters (RFC 9110 sections 5.6.6 and 8.3.1), `utf8` being UTF-8 (WHATWG Encoding).
fn folded(text: &str) -> String {
    let parts = text
        .split(';')
        .map(|part| part.trim().to_ascii_lowercase().replace('"', ""))
        .filter(|part| !part.is_empty());
    let parts: Vec<String> = parts
        .map(|part| {
            if part == "charset=utf8" {
                "charset=utf-8".to_owned()
            } else {
                part
            }
        })
        .collect();
    parts.join(";")
}

fn choice<T>(fact: String, reading: &Reading<T>, rank: usize) -> ReadingChoice {
    ReadingChoice {
        fact,
        reading: reading.name.clone(),
        rank,
    }
}
