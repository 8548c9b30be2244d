//! Is this answer that outcome, and under which readings?

use std::{collections::BTreeMap, iter};

use bytes::Bytes;
use http::{Response, StatusCode, header};
use serde_json::Value;

use crate::{
    contract::{
        CHALLENGE, Contract, ERROR, EXTRA_MEMBERS, Echo, Envelope, Fact, Internal, MSG, Operation,
        Outcome, Reading, ResponseSpec, is_documented_member,
    },
    suite::{
        allowed::{ReadingChoice, rank},
        contradiction::content_coding,
        strict_json,
        strict_json::Mismatch,
    },
};

/// What an answer is compared with: the wordings of an operation, and the user name that was sent.
#[derive(Clone, Copy, Debug)]
pub struct MatchContext<'a> {
    /// The contract.
    pub contract: &'a Contract,
    /// The operation that was asked.
    pub operation: Operation,
    /// The user name that was sent, which some answers repeat.
    pub username: &'a str,
}

/// The combinations of readings under which an answer says an outcome, the one nearest the defaults first.
#[derive(Clone, Debug)]
pub struct Match {
    /// The combinations, each one choice per fact.
    pub combinations: Vec<Vec<ReadingChoice>>,
    /// The choices that the status follows. Never judged, only reported.
    pub status: Vec<ReadingChoice>,
    /// The fact of the status, for one that no reading has.
    pub status_fact: String,
}

impl Match {
    fn new(
        combinations: Vec<Vec<ReadingChoice>>,
        place: &str,
        outcome: Outcome,
        spec: &ResponseSpec,
        answer: &ReceivedAnswer<'_>,
    ) -> Match {
        let status_fact = format!("{place}.{outcome}.status");
        let received = answer.response.status();
        let status = choices(&status_fact, &spec.status, |status| status.0 == received);
        Match {
            combinations,
            status,
            status_fact,
        }
    }
}

/// An answer, read once for all the outcomes it is compared with.
#[derive(Debug)]
pub struct ReceivedAnswer<'a> {
    /// As it came.
    pub response: &'a Response<Bytes>,
    body: Result<Value, Mismatch>,
    content_type: Result<String, Mismatch>,
}

impl<'a> ReceivedAnswer<'a> {
    /// Reads an answer.
    pub fn new(response: &'a Response<Bytes>) -> ReceivedAnswer<'a> {
        let types = response.headers().get_all(header::CONTENT_TYPE).iter();
        let types = types.map(|value| String::from_utf8_lossy(value.as_bytes()));
        let content_type = match &types.collect::<Vec<_>>()[..] {
            [] => wrong("the answer names no content type"),
            [one] => Ok(one.clone().into_owned()),
            [one, two, ..] => wrong(format!(
                "the answer names two content types, `{one}` and `{two}`"
            )),
        };
        let body = match content_coding(response) {
            Some(coding) => wrong(format!(
                "the body is encoded as `{coding}`, which the request did not ask for"
            )),
            None => strict_json::parse(response.body()),
        };
        ReceivedAnswer {
            response,
            body,
            content_type,
        }
    }
}

fn wrong<T>(reason: impl Into<String>) -> Result<T, Mismatch> {
    Err(Mismatch(reason.into()))
}

impl<'a> MatchContext<'a> {
    /// Compares with the wordings of an operation.
    pub fn new(
        contract: &'a Contract,
        operation: Operation,
        username: &'a str,
    ) -> MatchContext<'a> {
        MatchContext {
            contract,
            operation,
            username,
        }
    }

    fn spec(&self, outcome: Outcome) -> Option<(&'static str, &'a ResponseSpec)> {
        let operation = outcome.at(self.operation);
        self.contract.response_spec(operation, outcome)
    }

    /// Compares an answer with an outcome.
    ///
    /// # Errors
    /// Why the answer is not this outcome.
    pub fn match_outcome(
        &self,
        outcome: Outcome,
        answer: &ReceivedAnswer<'_>,
    ) -> Result<Match, Mismatch> {
        let Some((place, spec)) = self.spec(outcome) else {
            return wrong(format!("the contract has no wording for {outcome}"));
        };
        let (type_fact, types) = self.contract.answer_type(outcome.at(self.operation));
        let received_type = answer.content_type.as_ref().map_err(Mismatch::clone)?;
        let folded_type = folded(received_type);
        let types = choices(&type_fact, types, |it| folded(&it.0) == folded_type);
        if types.is_empty() {
            return wrong(format!("the answer's content type is `{received_type}`"));
        }
        let received = answer.body.as_ref().map_err(Mismatch::clone)?;
        let challenges = self.challenges(answer.response);
        // Nearly every wording differs in its text, which is cheap to see.
        let texts = texts(received);
        let mut combinations = Vec::new();
        for (choices, body) in self.wordings(outcome, |text| texts.contains(&text)) {
            let has_extra = body != *received;
            if has_extra && !extends(received, &body) {
                continue;
            }
            let extra = ReadingChoice::new(EXTRA_MEMBERS, "present", 1);
            let extra = has_extra.then_some(extra);
            let of_answer = types.iter().chain(&challenges).cloned().chain(extra);
            combinations.push(choices.into_iter().chain(of_answer).collect::<Vec<_>>());
        }
        if combinations.is_empty() {
            return wrong(format!("the body is not a wording of {outcome}"));
        }
        combinations.sort_by_key(|choices| rank(choices));
        combinations.dedup();
        Ok(Match::new(combinations, place, outcome, spec, answer))
    }

    /// Returns the reading that the challenge of a 401 follows, by its scheme; none of another scheme.
    fn challenges(&self, answer: &Response<Bytes>) -> Vec<ReadingChoice> {
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Vec::new();
        }
        let scheme = |value: &str| value.split(' ').next().map(str::to_ascii_lowercase);
        let received = answer.headers().get(header::WWW_AUTHENTICATE);
        let received = received.and_then(|value| scheme(value.to_str().unwrap_or_default()));
        choices(CHALLENGE, &self.contract.any.challenge, |reading| {
            reading.as_deref().and_then(scheme) == received
        })
    }

    /// Returns the fact of the body of an outcome, and the body that an answer has in its place, if every wording of the outcome is
    /// assumed.
    pub fn match_own_words(
        &self,
        outcome: Outcome,
        answer: &ReceivedAnswer<'_>,
    ) -> Option<(Match, (String, String))> {
        let (place, spec) = self.spec(outcome)?;
        let body = str::from_utf8(answer.response.body()).ok()?;
        let is_documented = spec.body.readings().iter().any(Reading::is_documented);
        let has_error = answer.body.as_ref().ok()?.get(ERROR).is_some();
        let is_own = has_error && !is_documented && !self.has_documented_words(body);
        let is_kept = is_own && body.len() <= MAX_OWN_WORDS;
        let found = Match::new(vec![Vec::new()], place, outcome, spec, answer);
        let fact = format!("{place}.{outcome}.body");
        is_kept.then(|| (found, (fact, body.to_owned())))
    }

    /// Returns whether a body has words of the documents, of whatever operation and for whatever user.
    fn has_documented_words(&self, body: &str) -> bool {
        let clauses = Operation::ALL.iter().map(|it| self.contract.clause(*it));
        let specs = clauses.flat_map(|clause| clause.outcomes.values());
        let mut readings = specs.flat_map(|spec| spec.body.readings());
        readings.any(|reading| {
            let text = reading.is.text();
            let before_echo = text.split('{').next().unwrap_or(text);
            reading.is_documented() && body.contains(before_echo)
        })
    }

    /// Returns what an answer says, expected or not.
    pub fn match_any(&self, answer: &ReceivedAnswer<'_>) -> Option<(Outcome, Match)> {
        let mut outcomes = Outcome::ALL.iter();
        outcomes.find_map(|outcome| Some((*outcome, self.match_outcome(*outcome, answer).ok()?)))
    }

    /// Returns whether an answer says that something worked: `msg` without `error`, or the text of a success of this operation, however it is wrapped.
    pub fn claims_success(&self, answer: &Response<Bytes>) -> bool {
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        if body.get(MSG).is_some() && body.get(ERROR).is_none() {
            return true;
        }
        let text = String::from_utf8_lossy(answer.body());
        let mut outcomes = self.contract.clause(self.operation).outcomes.iter();
        outcomes.any(|(outcome, spec)| {
            let mut readings = spec.body.readings().iter();
            outcome.is_success() && readings.any(|reading| text.contains(reading.is.text()))
        })
    }

    /// Returns every text of a wording of any outcome, with the same one for another user name.
    pub fn all_texts(&self, username: &str) -> BTreeMap<String, String> {
        let other = MatchContext { username, ..*self };
        let own = Outcome::ALL.iter().flat_map(|outcome| {
            let [own, other] = [self, &other].map(|it| it.wordings(*outcome, |_| true));
            own.into_iter().zip(other)
        });
        let mut all = BTreeMap::new();
        for ((_, own), (_, other)) in own {
            let [own, other] = [texts(&own), texts(&other)];
            let texts = iter::zip(own, other);
            all.extend(texts.map(|(own, other)| (own.to_owned(), other.to_owned())));
        }
        all
    }

    /// Returns every body of an outcome whose text is wanted, with the readings that make it.
    pub(super) fn wordings(
        &self,
        outcome: Outcome,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Vec<(Vec<ReadingChoice>, Value)> {
        let Some((place, spec)) = self.spec(outcome) else {
            return Vec::new();
        };
        let username = self.username;
        let echo = Echo { username };
        let fact = |point: &str| format!("{place}.{outcome}.{point}");
        let envelopes = alternatives(&fact("envelope"), &spec.envelope, &Envelope::Object);
        let internals = alternatives(&fact("internal"), &spec.internal, &Internal::Absent);
        let mut wordings = Vec::new();
        for (rank, body) in spec.body.readings().iter().enumerate() {
            if !is_wanted(&body.is.fill(echo)) {
                continue;
            }
            let choice = ReadingChoice::new(&fact("body"), &body.name, rank);
            for (envelope, of_envelope) in &envelopes {
                for (internal, of_internal) in &internals {
                    let wrapped = body.is.body(**envelope, internal, echo);
                    // Only inside an object can an internal message be present or absent.
                    let has_internal = wrapped["error"].is_object();
                    let of_internal = of_internal.as_ref().filter(|_| has_internal);
                    let choices = [Some(&choice), of_envelope.as_ref(), of_internal];
                    let choices = choices.into_iter().flatten().cloned().collect();
                    wordings.push((choices, wrapped));
                }
            }
        }
        wordings
    }
}

/// Returns the value of each reading of a fact, with its choice, or the value of an absent one: a success has neither envelope nor
/// internal message.
fn alternatives<'a, T>(
    name: &str,
    fact: &'a Option<Fact<T>>,
    absent: &'a T,
) -> Vec<(&'a T, Option<ReadingChoice>)> {
    let Some(fact) = fact else {
        return vec![(absent, None)];
    };
    let readings = fact.readings().iter().enumerate();
    let choice = |(rank, reading): (_, &'a Reading<T>)| {
        let choice = ReadingChoice::new(name, &reading.name, rank);
        (&reading.is, Some(choice))
    };
    readings.map(choice).collect()
}

/// Returns whether a body is another one with further members, which no document shows.
fn extends(body: &Value, documented: &Value) -> bool {
    let (Value::Object(body), Value::Object(documented)) = (body, documented) else {
        return body == documented;
    };
    let has_all = documented.iter().all(|(name, value)| {
        let own = body.get(name);
        own.is_some_and(|own| extends(own, value))
    });
    let mut further = body.keys().filter(|name| !documented.contains_key(*name));
    has_all && further.all(|name| !is_documented_member(name))
}

/// Returns every text that may be a wording: under a key, or under a key in there.
fn texts(received: &Value) -> Vec<&str> {
    let mut texts = Vec::new();
    for (_, value) in received.as_object().into_iter().flatten() {
        texts.extend(value.as_str());
        let inner = value.as_object().into_iter().flatten();
        texts.extend(inner.filter_map(|(_, value)| value.as_str()));
    }
    texts
}

/// Returns the readings of a fact that an answer follows.
pub(crate) fn choices<T>(
    fact: &str,
    readings: &Fact<T>,
    follows: impl Fn(&T) -> bool,
) -> Vec<ReadingChoice> {
    let readings = readings.readings().iter().enumerate();
    let followed = readings.filter(|(_, reading)| follows(&reading.is));
    let choice = |(rank, reading): (_, &Reading<T>)| ReadingChoice::new(fact, &reading.name, rank);
    followed.map(choice).collect()
}

/// Returns a content type in one spelling: without case, blanks, quotes and empty parameters (RFC 9110 sections 5.6.6 and 8.3.1),
/// `utf8` being UTF-8 (WHATWG Encoding).
pub(super) fn folded(text: &str) -> String {
    let text = text.to_ascii_lowercase().replace('"', "");
    let parts = text.split(';').map(str::trim);
    let mut parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    for part in parts.iter_mut().filter(|part| **part == "charset=utf8") {
        *part = "charset=utf-8";
    }
    parts.join(";")
}

/// How long a body may be that is kept as a reading, in bytes.
const MAX_OWN_WORDS: usize = 500;
