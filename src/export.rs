//! The contract in the formats of other tools: data out of data, the same bytes for the same readings.
//!
//! ```text
//! contract, readings ─▶ Source ─┬─ answers    what each outcome may be answered with
//!                               ├─ exchanges  a request for each documented outcome, and its answer
//!                               └─ Format     one file per format, one line in `FORMATS`
//! ```
//!
//! Every answer comes from [`crate::appliance`], as one that is served does.

mod answers;
mod exchanges;
pub(crate) mod har;
mod hurl;
mod openapi2;
mod openapi3;
mod postman;
mod schema;
mod wiremock;

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use serde_json::{Value as Json, json};

use crate::{
    appliance::{Appliance, Evaluation, Moment},
    contract,
    contract::{Contract, Fact, FactEntry, FactValue, Ground, Operation, Place, ReadingEntry},
    fixture,
    fixture::Fixture,
};

/// Every format. A new one is a file and a line here.
pub const FORMATS: &[Format] = &[
    har::FORMAT,
    hurl::FORMAT,
    openapi2::FORMAT,
    openapi3::FORMAT,
    postman::FORMAT,
    wiremock::FORMAT,
];

/// A format of another tool.
#[derive(Debug)]
pub struct Format {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is for, in a few words.
    pub about: &'static str,
    /// Whether it has the documented exchanges.
    has_exchanges: bool,
    /// Whether it has users with their passwords.
    pub has_passwords: bool,
    render: fn(&Source) -> String,
}

impl Format {
    /// Returns the contract of the fixture's kind, under its readings, in this format.
    pub fn render(&self, fixture: &Fixture) -> String {
        (self.render)(&Source::new(fixture))
    }

    /// Returns the documented exchanges that are left out, each with the reason.
    pub fn left_out(&self, fixture: &Fixture) -> Vec<String> {
        let exchanges = || Source::new(fixture).exchanges();
        let exchanges = self.has_exchanges.then(exchanges);
        exchanges.map_or_else(Vec::new, |(_, left_out)| left_out)
    }
}

/// What is exported: a contract, the readings that were chosen, and an appliance that answers by them.
struct Source {
    contract: &'static Contract,
    appliance: Appliance,
}

impl Source {
    fn new(fixture: &Fixture) -> Source {
        let (contract, appliance) = (contract::of(fixture.kind), fixture.appliance());
        Source {
            contract,
            appliance,
        }
    }

    /// Returns this with the users of the built-in fixture, and its policy.
    fn with_public_users(&self) -> Source {
        let mut public = Source::new(&fixture::built_in(self.contract.kind));
        public.appliance.rules = self.appliance.rules.clone();
        public
    }

    /// Returns the reading that was chosen for a fact, if one was.
    fn served(&self, fact: &str) -> Option<&str> {
        self.appliance.rules.readings().of(fact)
    }

    /// Returns the readings of a fact that a target may follow: the one that was chosen; else the default and every documented
    /// one. None where the choice is a value of its own.
    fn open_readings<'a>(&self, fact: &FactEntry<'a>) -> Vec<ReadingEntry<'a>> {
        let (chosen, mut rank) = (self.served(&fact.name), 0..);
        let is_open = |reading: &&ReadingEntry<'_>| match chosen {
            Some(chosen) => reading.name == chosen,
            None => rank.next() == Some(0) || reading.ground.is_documented(),
        };
        fact.readings.iter().filter(is_open).cloned().collect()
    }

    /// Returns the facts about how an operation is asked.
    fn request_facts(&self, operation: Operation) -> Vec<FactEntry<'static>> {
        let mut facts = self.contract.facts();
        facts.retain(|fact| match fact.name.split('.').collect::<Vec<_>>()[..] {
            [of, point] => of == operation.name() && !point.starts_with("on_"),
            _ => false,
        });
        facts
    }

    /// Returns the lines that document readings: `sensor:79`.
    fn lines(&self, readings: &[ReadingEntry<'_>]) -> Vec<String> {
        let mut places: BTreeSet<Place> = BTreeSet::new();
        for reading in readings {
            if let Ground::Documented { at, .. } = reading.ground {
                places.extend(at);
            }
        }
        let places = places.iter();
        places.map(|place| place.cite(self.contract.kind)).collect()
    }

    /// Returns what the open readings of a fact list, each once, what is served first.
    fn listed<'a, T: FactValue>(
        &self,
        name: String,
        fact: &'a Fact<T>,
        list: impl Fn(&'a T) -> &'a [String],
    ) -> Vec<&'a String> {
        let mut all = Vec::new();
        for reading in self.open_readings(&fact.entry(name)) {
            for text in list(&fact.pick(Some(reading.name)).is) {
                if !all.contains(&text) {
                    all.push(text);
                }
            }
        }
        all
    }
}

/// Returns every list that has one item of each of these lists.
fn product<T: Clone>(lists: &[Vec<T>]) -> Vec<Vec<T>> {
    lists.iter().fold(vec![Vec::new()], |lists, items| {
        let with = |list: &Vec<T>, item: &T| list.iter().chain([item]).cloned().collect();
        let longer = |list| items.iter().map(move |item| with(list, item));
        lists.iter().flat_map(longer).collect()
    })
}

/// Evaluates a request as a mock does, without a change.
fn evaluate(appliance: &Appliance, request: &Request<Bytes>) -> (Evaluation, Response<Bytes>) {
    let Appliance { rules, state } = appliance;
    let parsed = rules.parse_request(request);
    let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let evaluation = state.evaluate(rules, &parsed, source, Moment::default());
    let answer = rules.render_response(evaluation.key, &parsed);
    (evaluation, answer)
}

/// Returns headers as a list of objects, in which the name has this key.
fn headers(key: &str, headers: &HeaderMap) -> Json {
    let headers = headers.iter();
    let header =
        headers.map(|(name, value)| json!({ key: name.as_str(), "value": text(value.as_bytes()) }));
    header.collect()
}

/// Returns bytes of ours as the text they are.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns a body of JSON without the braces that begin a variable in other tools.
fn without_variables(body: &[u8]) -> String {
    text(body).replace("{{", "{\\u007b")
}

/// Returns a text as a regular expression that matches it alone.
fn escaped(text: &str) -> String {
    let mut pattern = String::new();
    for letter in text.chars() {
        if r"\.+*?()|[]{}^$/".contains(letter) {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

/// Where the address of a target is to be set.
const ADDRESS: &str = "127.0.0.1:8443";
