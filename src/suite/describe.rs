//! What an answer that was not expected is: what it differs in from the nearest wording, and a way out for whoever reads the report.

use bytes::Bytes;
use http::{Response, header};
use serde_json::Value;

use crate::{
    contract::{Contract, Echo, Envelope, Internal, Kind, Operation, Outcome},
    suite::strict_json,
};

/// What is told of such an answer. The answer itself stands in its exchange and is not repeated.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Description {
    /// What it is, in a few words.
    pub(super) received: String,
    /// The way out, where one is known.
    pub(super) hint: Option<String>,
}

/// What was asked, and what could have been answered.
#[derive(Clone, Copy)]
pub(super) struct MatchContext<'a> {
    pub(super) contract: &'a Contract,
    pub(super) operation: Operation,
    pub(super) username: &'a str,
    /// The outcomes that were expected.
    pub(super) outcomes: &'a [Outcome],
}

/// Tells what an answer is: `outcome` is what it says, where it is the wording of something; `why` is what was in the way of each expected outcome.
pub(super) fn describe(
    asked: MatchContext<'_>,
    outcome: Option<Outcome>,
    answer: &Response<Bytes>,
    why: &[String],
) -> Description {
    if let Some(outcome) = outcome {
        return recognised(asked.contract.kind, outcome);
    }
    let header = |name: header::HeaderName| {
        answer
            .headers()
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    if let Some(location) = header(header::LOCATION).filter(|_| answer.status().is_redirection()) {
        return told(
            format!("a redirect to `{location}`"),
            "the documents know no redirect: name that address as the target, or a path with it",
        );
    }
    let is_page = header(header::CONTENT_TYPE)
        .is_some_and(|name| name.to_ascii_lowercase().contains("html"))
        || answer.body().starts_with(b"<");
    if answer.status() == http::StatusCode::NOT_FOUND {
        let received = if is_page {
            "a page that says 404"
        } else {
            "404, in no words of the contract"
        };
        return told(received.to_owned(), other_kind(asked.contract.kind));
    }
    if is_page {
        return told(
            "a page of HTML".to_owned(),
            "a proxy or the web server answered, not the API: is the address the appliance's own, and is it up?",
        );
    }
    let received = match strict_json::parse(answer.body()) {
        Ok(received) => received,
        Err(why) => {
            return Description {
                received: format!("the body: {why}"),
                hint: None,
            };
        }
    };
    match nearest(asked, &received) {
        Some((name, differences)) if differences.is_empty() => Description {
            received: why.join("; "),
            hint: Some(format!("the words are those of {name}")),
        },
        Some((name, differences)) => Description {
            received: differences.join(", "),
            hint: Some(format!("nearest: {name}")),
        },
        None => Description {
            received: why.join("; "),
            hint: None,
        },
    }
}

fn told(received: String, hint: impl Into<String>) -> Description {
    Description {
        received,
        hint: Some(hint.into()),
    }
}

fn recognised(kind: Kind, outcome: Outcome) -> Description {
    let hint = match outcome {
        Outcome::LockedOut => Some("the target has locked this address or account out: wait until that ends, then check --failed".to_owned()),
        Outcome::UnknownPath => Some(other_kind(kind)),
        _ => None,
    };
    Description {
        received: format!("{outcome}, which is not expected here"),
        hint,
    }
}

fn other_kind(kind: Kind) -> String {
    let other = Kind::ALL
        .iter()
        .find(|other| **other != kind)
        .copied()
        .unwrap_or(kind);
    format!("nothing is served on this path: is this a {other}? --kind {other}")
}

/// The reading whose wording is most like what was received, by name, and what differs; none where nothing is like it.
fn nearest(asked: MatchContext<'_>, received: &Value) -> Option<(String, Vec<String>)> {
    let text = received.to_string();
    if text.len() > MAX_COMPARED_BYTES {
        return None;
    }
    let mut best: Option<(f32, String, Value)> = None;
    for outcome in asked.outcomes {
        let Some((place, spec)) = asked
            .contract
            .response_spec(outcome.at(asked.operation), *outcome)
        else {
            continue;
        };
        let envelopes: Vec<Envelope> = spec
            .envelope
            .as_ref()
            .map_or(vec![Envelope::Object], |fact| {
                fact.readings().iter().map(|reading| reading.is).collect()
            });
        let internals: Vec<&Internal> = spec
            .internal
            .as_ref()
            .map_or(vec![&Internal::Absent], |fact| {
                fact.readings().iter().map(|reading| &reading.is).collect()
            });
        for body in spec.body.readings() {
            for (envelope, internal) in envelopes
                .iter()
                .flat_map(|envelope| internals.iter().map(move |internal| (*envelope, *internal)))
            {
                let dressed = body.is.body(
                    envelope,
                    internal,
                    Echo {
                        username: asked.username,
                    },
                );
                let alike =
                    similar::TextDiff::from_chars(dressed.to_string().as_str(), text.as_str())
                        .ratio();
                if best.as_ref().is_none_or(|(most, ..)| alike > *most) {
                    best = Some((
                        alike,
                        named(
                            asked.contract,
                            &format!("{place}.{outcome}.body"),
                            &body.name,
                        ),
                        dressed,
                    ));
                }
            }
        }
    }
    let (_, name, dressed) = best.filter(|(alike, ..)| *alike > SIMILARITY_THRESHOLD)?;
    let mut found = Vec::new();
    differences(&dressed, received, "", &mut found);
    Some((name, found))
}

fn named(contract: &Contract, fact: &str, reading: &str) -> String {
    let number = contract
        .ambiguity_number(fact)
        .map(|number| format!("{number} "))
        .unwrap_or_default();
    format!("{number}{fact}: {reading}")
}

/// Says what of a body is otherwise: a text that differs, a key that is missing or there in addition.
fn differences(expected: &Value, received: &Value, path: &str, found: &mut Vec<String>) {
    let below = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    match (expected, received) {
        (Value::Object(expected), Value::Object(received)) => {
            for (key, value) in expected {
                match received.get(key) {
                    Some(other) => differences(value, other, &below(key), found),
                    None => found.push(format!("`{}` is missing", below(key))),
                }
            }
            found.extend(
                received
                    .keys()
                    .filter(|key| !expected.contains_key(*key))
                    .map(|key| format!("`{}` is there in addition", below(key))),
            );
        }
        (expected, received) if expected != received => {
            let place = if path.is_empty() {
                "the body"
            } else {
                &format!("`{path}`")
            };
            found.push(format!(
                "{place} is {} instead of {}",
                shown(received),
                shown(expected)
            ));
        }
        _ => {}
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    }
}

/// How long a body may be, in bytes, to be held against the wordings letter by letter.
const MAX_COMPARED_BYTES: usize = 2_000;
/// How alike a body and a wording must be for the one to be told as the other, from 0 to 1.
const SIMILARITY_THRESHOLD: f32 = 0.5;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::contract;

    fn of(status: u16, content_type: &str, body: &str) -> Description {
        let answer = Response::builder()
            .status(status)
            .header(header::CONTENT_TYPE, content_type)
            .body(Bytes::from(body.to_owned()))
            .unwrap();
        let outcomes = [Outcome::Authenticated];
        let asked = MatchContext {
            contract: contract::of(Kind::Sensor),
            operation: Operation::Validation,
            username: "test",
            outcomes: &outcomes,
        };
        describe(asked, None, &answer, &["why".to_owned()])
    }

    #[rstest]
    #[case::another_word(
        "{\"msg\":\"Authentication succeeded. Welcome\"}",
        "`msg` is `Authentication succeeded. Welcome` instead of `Authentication succeeded.`"
    )]
    #[case::a_key_more(
        "{\"msg\":\"Authentication succeeded.\",\"code\":0}",
        "`code` is there in addition"
    )]
    #[case::another_key(
        "{\"message\":\"Authentication succeeded.\"}",
        "`msg` is missing, `message` is there in addition"
    )]
    fn what_differs_from_the_nearest_reading_is_named(#[case] body: &str, #[case] received: &str) {
        let told = of(200, "application/json", body);
        assert_eq!(
            (told.received.as_str(), told.hint.as_deref()),
            (
                received,
                Some("nearest: X11 validation.authenticated.body: example")
            )
        );
    }

    #[rstest]
    #[case::page(
        502,
        "text/html",
        "<html>",
        "a page of HTML",
        Some("a proxy or the web server answered")
    )]
    #[case::not_found(
        404,
        "text/html",
        "<html>",
        "a page that says 404",
        Some("is this a console? --kind console")
    )]
    #[case::words_of_another_type(
        200,
        "text/plain",
        "{\"msg\":\"Authentication succeeded.\"}",
        "why",
        Some("the words are those of X11")
    )]
    #[case::something_else(200, "application/json", "[1,2,3]", "why", None)]
    fn what_is_no_wording_at_all_is_told(
        #[case] status: u16,
        #[case] kind: &str,
        #[case] body: &str,
        #[case] says: &str,
        #[case] hint: Option<&str>,
    ) {
        let told = of(status, kind, body);
        assert_eq!(told.received, says);
        match hint {
            Some(hint) => assert!(
                told.hint.as_deref().unwrap_or_default().contains(hint),
                "{told:?}"
            ),
            None => assert_eq!(told.hint, None),
        }
    }
}
