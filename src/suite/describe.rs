//! What an unexpected answer is: what it differs in from the nearest wording, and a hint for the reader of the report.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde_json::Value;

use crate::{
    contract::{ERROR, Kind, Outcome},
    report::{CaseFinding, SeenReading},
    suite::{
        allowed::{ReadingChoice, numbered_fact},
        match_response::MatchContext,
        similarity::similarity,
        strict_json,
    },
};

/// Describes an answer, with a hint where one is known. `outcome` is what it says, where it is the wording of something; `mismatches`
/// say why it is none of the expected outcomes. The answer itself is in its exchange and is not repeated.
pub(super) fn describe(
    context: MatchContext<'_>,
    outcomes: &[Outcome],
    outcome: Option<Outcome>,
    answer: &Response<Bytes>,
    mismatches: &[String],
) -> CaseFinding {
    let kind = context.contract.kind;
    let described = |received: &str, hint: Option<&str>| CaseFinding {
        hint: hint.map(str::to_owned),
        ..CaseFinding::new(0, "", received)
    };
    let other_kind = other_kind(kind);
    if let Some(outcome) = outcome {
        let hint = match outcome {
            Outcome::LockedOut => Some(LOCKED_OUT),
            Outcome::UnknownPath => Some(&*other_kind),
            _ => None,
        };
        let expected: Vec<&str> = outcomes.iter().map(|outcome| outcome.name()).collect();
        let expected = expected.join(" or ");
        return described(&format!("{outcome}, expected {expected}"), hint);
    }
    let header = |name| {
        let value = answer.headers().get(name).map(|value| value.as_bytes());
        String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
    };
    let location = header(header::LOCATION);
    let content_type = header(header::CONTENT_TYPE).to_ascii_lowercase();
    let is_page = content_type.contains("html") || answer.body().starts_with(b"<");
    match (answer.status(), is_page) {
        (status, _) if status.is_redirection() && !location.is_empty() => {
            described(&format!("a redirect to `{location}`"), Some(REDIRECT))
        }
        (StatusCode::NOT_FOUND, true) => described("a page that says 404", Some(&other_kind)),
        (StatusCode::NOT_FOUND, false) => {
            described("404, in no words of the contract", Some(&other_kind))
        }
        (_, true) => described("a page of HTML", Some(PAGE)),
        _ => match strict_json::parse(answer.body()) {
            Ok(body) => describe_body(context, outcomes, &body, mismatches),
            Err(mismatch) => described(&format!("the body: {mismatch}"), None),
        },
    }
}

/// Describes a body by what differs from the nearest wording.
fn describe_body(
    context: MatchContext<'_>,
    outcomes: &[Outcome],
    received: &Value,
    mismatches: &[String],
) -> CaseFinding {
    let unlike = CaseFinding::new(0, "", mismatches.join("; "));
    let Some((choices, body)) = nearest(context, outcomes, received) else {
        return unlike;
    };
    let ReadingChoice { fact, reading, .. } = &choices[0];
    let name = format!("{}: {reading}", numbered_fact(context.contract, fact));
    let (found, texts): (Vec<String>, Vec<_>) =
        differences(&body, received, "").into_iter().unzip();
    if found.is_empty() {
        let hint = Some(format!("the words are those of {name}"));
        return CaseFinding { hint, ..unlike };
    }
    let facts = context.contract.facts();
    let readings = facts.iter().filter(|entry| entry.name == *fact);
    let mut readings = readings.flat_map(|entry| &entry.readings);
    let expected = readings.find(|one| one.name == reading);
    let text = texts.into_iter().flatten().next();
    let seen = text.map(|reading| SeenReading {
        fact: fact.clone(),
        reading,
        ground: expected.map(|one| one.ground.cite(context.contract.kind)),
    });
    CaseFinding {
        hint: Some(format!("nearest: {name}")),
        seen,
        ..CaseFinding::new(0, "", found.join(", "))
    }
}

fn other_kind(kind: Kind) -> String {
    let other = Kind::ALL.iter().find(|other| **other != kind);
    let other = other.unwrap_or(&kind);
    format!("nothing is served on this path: is this a {other}? --kind {other}")
}

/// Returns the wording most similar to what was received, with the readings that make it; none where nothing is similar.
fn nearest(
    context: MatchContext<'_>,
    outcomes: &[Outcome],
    received: &Value,
) -> Option<(Vec<ReadingChoice>, Value)> {
    let text = received.to_string();
    if text.len() > MAX_COMPARED_BYTES {
        return None;
    }
    let mut best = (SIMILARITY_THRESHOLD, None);
    let outcomes = outcomes.iter();
    let wordings = outcomes.flat_map(|outcome| context.wordings(*outcome, |_| true));
    for (choices, body) in wordings {
        // An object where the wording has one: what it lacks can be named, however little is left.
        let is_alike = body[ERROR].is_object() && received[ERROR].is_object();
        let alike = f32::from(is_alike);
        let ratio = similarity(&body.to_string(), &text, best.0 - alike);
        let similarity = ratio.map_or(0.0, |ratio| ratio + alike);
        if similarity > best.0 {
            best = (similarity, Some((choices, body)));
        }
    }
    best.1
}

/// Lists what differs in a body: a text, with what it is instead; a missing key; an additional key.
fn differences(expected: &Value, received: &Value, path: &str) -> Vec<(String, Option<String>)> {
    let below = |key: &str| format!("{path}.{key}").trim_start_matches('.').to_owned();
    let (Value::Object(expected), Value::Object(received)) = (expected, received) else {
        if expected == received {
            return Vec::new();
        }
        let place = match path {
            "" => "the body".to_owned(),
            path => format!("`{path}`"),
        };
        let shown = |value: &Value| {
            let text = value.as_str().map(str::to_owned);
            text.unwrap_or_else(|| value.to_string())
        };
        let (received, expected) = (shown(received), shown(expected));
        let text = format!("{place} is `{received}`, expected `{expected}`");
        return vec![(text, Some(received))];
    };
    let known = expected.iter();
    let known = known.flat_map(|(key, value)| match received.get(key) {
        Some(other) => differences(value, other, &below(key)),
        None => vec![(format!("`{}` is missing", below(key)), None)],
    });
    let additional = received.keys().filter(|key| !expected.contains_key(*key));
    let additional = additional.map(|key| (format!("`{}` is not expected", below(key)), None));
    known.chain(additional).collect()
}

const LOCKED_OUT: &str =
    "the target has locked this address or account out: wait until that ends, then check again";
const REDIRECT: &str =
    "the documents know no redirect: name that address as the target, or a path with it";
const PAGE: &str = "a proxy or the web server answered, not the API: is the address the appliance's own, and is it up?";
/// The longest body that is compared with the wordings letter by letter, in bytes.
const MAX_COMPARED_BYTES: usize = 2_000;
/// How similar a body and a wording must be for the one to be described by the other, from 0 to 1.
const SIMILARITY_THRESHOLD: f32 = 0.5;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::{contract, contract::Operation};

    fn of(status: u16, content_type: &str, body: &str) -> CaseFinding {
        let answer = Response::builder()
            .status(status)
            .header(header::CONTENT_TYPE, content_type)
            .body(Bytes::from(body.to_owned()))
            .unwrap();
        let context = MatchContext {
            contract: contract::of(Kind::Sensor),
            operation: Operation::Validation,
            username: "test",
        };
        let outcomes = [Outcome::Authenticated];
        describe(context, &outcomes, None, &answer, &["why".to_owned()])
    }

    #[rstest]
    #[case::another_word(
        "{\"msg\":\"Authentication succeeded. Welcome\"}",
        "`msg` is `Authentication succeeded. Welcome`, expected `Authentication succeeded.`"
    )]
    #[case::a_key_more(
        "{\"msg\":\"Authentication succeeded.\",\"code\":0}",
        "`code` is not expected"
    )]
    #[case::another_key(
        "{\"message\":\"Authentication succeeded.\"}",
        "`msg` is missing, `message` is not expected"
    )]
    fn what_differs_from_the_nearest_reading_is_named(#[case] body: &str, #[case] received: &str) {
        let hint = "nearest: X11 validation.authenticated.body: example";
        let described = of(200, "application/json", body);
        assert_eq!(described.received, received);
        assert_eq!(described.hint.as_deref(), Some(hint));
    }

    #[rstest]
    #[case::nothing("{}", "`error.userDisplayErrorMessage` is missing")]
    #[case::another_member(
        r#"{"text":"Credentials validation failed"}"#,
        "`error.userDisplayErrorMessage` is missing, `error.text` is not expected"
    )]
    fn what_a_failure_lacks_is_named(#[case] error: &str, #[case] received: &str) {
        let context = MatchContext {
            contract: contract::of(Kind::Sensor),
            operation: Operation::Validation,
            username: "test",
        };
        let body = Bytes::from(format!(r#"{{"error":{error}}}"#));
        let answer = Response::new(body);
        let outcomes = [Outcome::CredentialsRejected];
        let described = describe(context, &outcomes, None, &answer, &["why".to_owned()]);
        assert_eq!(described.received, received);
    }

    #[test]
    fn what_was_seen_of_the_nearest_fact_is_data() {
        let described = of(200, "application/json", r#"{"msg":"Authentication done."}"#);
        let seen = SeenReading {
            fact: "validation.authenticated.body".into(),
            reading: "Authentication done.".into(),
            ground: Some("sensor:220".into()),
        };
        assert_eq!(described.seen, Some(seen));
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
    fn an_answer_without_any_wording_is_described(
        #[case] status: u16,
        #[case] kind: &str,
        #[case] body: &str,
        #[case] says: &str,
        #[case] hint: Option<&str>,
    ) {
        let CaseFinding {
            received,
            hint: given,
            ..
        } = of(status, kind, body);
        assert_eq!(received, says);
        assert_eq!(given.is_some(), hint.is_some());
        let hint = hint.unwrap_or_default();
        assert!(given.unwrap_or_default().contains(hint), "{hint}");
    }
}
