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
mod har;
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
use http::{Request, Response};

use crate::{
    appliance::{Appliance, Evaluation, Moment},
    contract,
    contract::{Contract, FactEntry, Ground, Operation, Place},
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
    render: fn(&Source) -> String,
}

impl Format {
    /// Returns the contract of the fixture's kind, under its readings, in this format.
    pub fn render(&self, fixture: &Fixture) -> String {
        (self.render)(&Source::new(fixture))
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

    /// Returns the reading that was chosen for a fact, if one was.
    fn served(&self, fact: &str) -> Option<&str> {
        self.appliance.rules.readings().of(fact)
    }

    /// Returns the names of the readings of a fact that a target may follow: the one that was chosen; else the default and
    /// every documented one.
    fn open_readings<'a>(&'a self, fact: &FactEntry<'a>) -> Vec<&'a str> {
        if let Some(chosen) = self.served(&fact.name) {
            return vec![chosen];
        }
        let readings = fact.readings.iter().enumerate();
        let open = readings.filter(|(rank, reading)| *rank == 0 || reading.ground.is_documented());
        open.map(|(_, reading)| reading.name).collect()
    }

    /// Returns the facts about how an operation is asked.
    fn request_facts(&self, operation: Operation) -> Vec<FactEntry<'static>> {
        let mut facts = self.contract.facts();
        let point = |name: &str| {
            let point = name.strip_prefix(operation.name())?.strip_prefix('.')?;
            Some(!point.contains('.') && !point.starts_with("on_"))
        };
        facts.retain(|fact| point(&fact.name) == Some(true));
        facts
    }

    /// Returns the lines that document the open readings of facts: `sensor:79`.
    fn lines(&self, facts: &[FactEntry<'_>]) -> Vec<String> {
        let mut places: BTreeSet<Place> = BTreeSet::new();
        for fact in facts {
            let open = self.open_readings(fact);
            let readings = fact.readings.iter();
            for reading in readings.filter(|reading| open.contains(&reading.name)) {
                if let Ground::Documented { at, .. } = reading.ground {
                    places.extend(at);
                }
            }
        }
        let places = places.iter();
        places.map(|place| place.cite(self.contract.kind)).collect()
    }

    /// Returns the paths of an operation, the one served first.
    fn paths(&self, operation: Operation) -> Vec<String> {
        let fact = &self.contract.clause(operation).path;
        let open = self.open_readings(&fact.entry(format!("{operation}.path")));
        let mut paths: Vec<String> = Vec::new();
        for path in open.iter().flat_map(|name| &fact.pick(Some(name)).is.0) {
            if !paths.contains(path) {
                paths.push(path.clone());
            }
        }
        paths
    }
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
