//! What the two documents say of an appliance, as facts with named readings.
//!
//! ```text
//! conformance/contract/{any,sensor,console}.yaml ── of(kind) ──▶ Contract
//!     any         what belongs to no operation: unknown paths, broken bodies
//!     operations  path, method, fields, order of checks, conditions, outcomes
//!     ambiguities X01 … X27, each with the facts it is about
//!     quotes      the documents' request examples and cURL commands
//! ```
//!
//! The appliance answers by it and the suite judges by it; nothing of it is written twice.

#[cfg(test)]
pub(crate) mod bless;
pub(crate) mod encoding;
mod fact;
mod glob;
mod lists;
mod names;
mod nearest;
#[cfg(feature = "cli")]
pub mod page;
mod quote;
mod readings;
mod rule;
mod wording;

use std::{
    collections::BTreeMap,
    sync::{LazyLock, OnceLock},
};

pub use fact::{Fact, FactEntry, FactValue, Ground, Place, Reading, ReadingEntry};
pub use glob::Glob;
pub(crate) use lists::{distinct, grouped};
pub(crate) use names::closed_set;
pub use names::{
    Check, ClosedSet, Condition, Field, Handling, Kind, Operation, Outcome, Role, UnknownName,
};
pub(crate) use nearest::nearest;
#[cfg(feature = "cli")]
pub(crate) use nearest::nearest_names;
pub use quote::{Form, Quote, QuoteForm};
use readings::matcher;
pub use readings::{Readings, UnknownReading};
pub(crate) use readings::{own_body, own_type, reading_of_body, status_code};
pub use rule::{AnswerType, ExtraMembers, FieldNames, Method, Names, Paths, Status, Types};
use serde::Deserialize;
#[cfg(feature = "cli")]
pub(crate) use wording::DISPLAYED;
pub(crate) use wording::{ERROR, MSG, USERNAME, is_documented_member};
pub use wording::{Echo, Envelope, Internal, Wording};

/// Returns the contract of one kind of appliance, read once from the text inside the binary.
///
/// # Panics
/// Never in a released binary: the text is compiled in, and a test reads both.
pub fn of(kind: Kind) -> &'static Contract {
    static SENSOR: LazyLock<Contract> = LazyLock::new(|| embedded(Kind::Sensor));
    static CONSOLE: LazyLock<Contract> = LazyLock::new(|| embedded(Kind::Console));
    match kind {
        Kind::Console => &CONSOLE,
        Kind::Sensor => &SENSOR,
    }
}

/// The text of a kind's contract, as compiled in, with its path in the project. What both kinds share stands before it.
pub fn text(kind: Kind) -> (&'static str, String) {
    let own = FILES
        .iter()
        .filter(|(_, of, _)| of.is_none_or(|of| of == kind));
    let path = match kind {
        Kind::Console => "conformance/contract/console.yaml",
        Kind::Sensor => "conformance/contract/sensor.yaml",
    };
    (path, own.map(|(_, _, text)| *text).collect())
}

/// The files of both contracts: their names, whose they are, their texts.
pub(crate) const FILES: [(&str, Option<Kind>, &str); 3] = [
    (
        "any.yaml",
        None,
        include_str!("../conformance/contract/any.yaml"),
    ),
    (
        "console.yaml",
        Some(Kind::Console),
        include_str!("../conformance/contract/console.yaml"),
    ),
    (
        "sensor.yaml",
        Some(Kind::Sensor),
        include_str!("../conformance/contract/sensor.yaml"),
    ),
];

fn embedded(kind: Kind) -> Contract {
    let (file, text) = text(kind);
    Contract::read(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// What one document says of one kind of appliance.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Which appliance this is the contract of.
    pub kind: Kind,
    /// The edition of the document that was transcribed.
    pub document: Document,
    /// What belongs to no operation, and what all operations share.
    pub any: Any,
    /// What this kind's document alone says of a condition of `any`.
    #[serde(default)]
    on: BTreeMap<Condition, Fact<Handling>>,
    /// The three operations.
    pub operations: BTreeMap<Operation, Clause>,
    /// The documents' own request examples and commands, by name (`S85`: sensor, line 85).
    pub quotes: BTreeMap<String, Quote>,
    /// The contradictions and silences, by number.
    pub ambiguities: BTreeMap<String, Ambiguity>,
    /// The full names of all facts, in order: what globs are compared with, again and again.
    #[serde(skip)]
    names: Vec<String>,
    /// The ambiguity of each fact that has one, by the fact's name; made when first asked for.
    #[serde(skip)]
    numbers: OnceLock<BTreeMap<String, String>>,
}

/// The edition of a document.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: String,
    /// What it says outside all operations, which states no rule.
    pub introduction: Vec<(Place, Form, String)>,
    /// What it says of each operation, in its own words, except for its commands and examples of requests: those are the quotes.
    pub says: BTreeMap<Operation, Vec<(Place, Form, String)>>,
}

/// What every operation shares: conditions no document describes, and their answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Any {
    /// The content type of the answers given here.
    pub answer_type: Fact<AnswerType>,
    /// What `WWW-Authenticate` says in answers with status 401.
    pub challenge: Fact<Option<String>>,
    /// Whether answers have members that no document shows.
    pub extra_members: Fact<ExtraMembers>,
    /// How long a lock lasts where a fixture does not say it.
    pub lock_minutes: Fact<u64>,
    /// What a request in some condition gets, unless its operation says otherwise.
    pub on: BTreeMap<Condition, Fact<Handling>>,
    /// The answers that belong to no operation.
    pub outcomes: BTreeMap<Outcome, ResponseSpec>,
    /// The contradictions and silences of both documents.
    #[serde(default)]
    ambiguities: BTreeMap<String, Ambiguity>,
}

/// One operation: how it is asked and what it answers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clause {
    /// The path or paths it is served on.
    pub path: Fact<Paths>,
    /// The method it is asked with.
    pub method: Fact<Method>,
    /// The content types a request may have.
    pub accepts: Fact<Types>,
    /// Whether an access token is needed: `ignored`, since absent, present or bogus make no difference.
    pub token: Fact<String>,
    /// Which roles may use it.
    pub roles: Fact<Names<Role>>,
    /// In which order its checks are made.
    pub order: Fact<Names<Check>>,
    /// The fields of its body, each with the names it goes by. All are required.
    pub fields: BTreeMap<Field, Fact<FieldNames>>,
    /// The content type of its answers.
    pub answer_type: Fact<AnswerType>,
    /// Conditions that this operation treats in its own way.
    #[serde(default)]
    pub on: BTreeMap<Condition, Fact<Handling>>,
    /// What it can answer.
    pub outcomes: BTreeMap<Outcome, ResponseSpec>,
}

/// One answer: four facts chosen independently.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseSpec {
    /// The HTTP status. No document names one.
    pub status: Fact<Status>,
    /// The wording.
    pub body: Fact<Wording>,
    /// How a failure is wrapped; absent for a success.
    pub envelope: Option<Fact<Envelope>>,
    /// Whether a failure carries a second, internal message; absent for a success.
    pub internal: Option<Fact<Internal>>,
}

/// A contradiction or a silence of the documents, with the facts it is about.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ambiguity {
    /// What is contradictory or unsaid, in a few words.
    pub point: String,
    /// Names or globs of the facts concerned; empty where it is a fault of the page alone.
    #[serde(default)]
    pub facts: Vec<String>,
}

impl Contract {
    /// Reads a contract from YAML text.
    ///
    /// # Errors
    /// The first thing that is wrong, with line and column.
    pub fn read(text: &str) -> Result<Contract, serde_saphyr::Error> {
        serde_saphyr::from_str(text).map(Contract::with_names)
    }

    fn with_names(mut self) -> Contract {
        self.any.on.append(&mut self.on);
        self.ambiguities.append(&mut self.any.ambiguities);
        self.names = self.facts().into_iter().map(|fact| fact.name).collect();
        self
    }

    /// Returns the clause of an operation. Every contract has all three; a test says so.
    pub fn clause(&self, operation: Operation) -> &Clause {
        &self.operations[&operation]
    }

    /// Returns the answer an outcome has under an operation, else the one all operations share, with the name of its facts' first part.
    pub fn response_spec(
        &self,
        operation: Option<Operation>,
        outcome: Outcome,
    ) -> Option<(&'static str, &ResponseSpec)> {
        let own = operation.and_then(|operation| {
            let spec = self.clause(operation).outcomes.get(&outcome)?;
            Some((operation.name(), spec))
        });
        own.or_else(|| Some((ANY, self.any.outcomes.get(&outcome)?)))
    }

    /// Returns what a condition gets under an operation, with the full name of the fact.
    pub fn handling(
        &self,
        operation: Option<Operation>,
        condition: Condition,
    ) -> Option<(String, &Fact<Handling>)> {
        let own = operation.and_then(|operation| {
            let fact = self.clause(operation).on.get(&condition)?;
            Some((operation.name(), fact))
        });
        let (place, fact) = own.or_else(|| Some((ANY, self.any.on.get(&condition)?)))?;
        Some((format!("{place}.on_{condition}"), fact))
    }

    /// Returns the content type of the answers under an operation, or of those that belong to none.
    pub fn answer_type(&self, operation: Option<Operation>) -> (String, &Fact<AnswerType>) {
        match operation {
            Some(operation) => (
                format!("{operation}.answer_type"),
                &self.clause(operation).answer_type,
            ),
            None => (format!("{ANY}.answer_type"), &self.any.answer_type),
        }
    }

    /// Returns a fact about how an operation is asked or checks, by its point: `order`, `admin_username`; none where there is no such.
    pub fn fact(&self, operation: Operation, point: &str) -> Option<FactEntry<'_>> {
        self.clause(operation).fact(operation.name(), point)
    }

    /// Returns every fact under its full name, in the order of the names.
    pub fn facts(&self) -> Vec<FactEntry<'_>> {
        let mut facts = vec![self.any.answer_type.entry(format!("{ANY}.answer_type"))];
        facts.push(self.any.challenge.entry(CHALLENGE.to_owned()));
        facts.push(self.any.extra_members.entry(EXTRA_MEMBERS.to_owned()));
        facts.push(self.any.lock_minutes.entry(format!("{ANY}.lock_minutes")));
        facts.extend(condition_facts(&self.any.on, ANY));
        facts.extend(outcome_facts(&self.any.outcomes, ANY));
        for (operation, clause) in &self.operations {
            let fields = clause.fields.keys().map(|field| field.name());
            let points = POINTS.into_iter().chain(fields);
            facts.extend(points.filter_map(|point| self.fact(*operation, point)));
            facts.extend(condition_facts(&clause.on, operation.name()));
            facts.extend(outcome_facts(&clause.outcomes, operation.name()));
        }
        facts.sort_by(|left, right| left.name.cmp(&right.name));
        facts
    }

    /// Returns the number of an ambiguity of a fact, if there is one: the lowest of several.
    pub fn ambiguity_number(&self, fact: &str) -> Option<&str> {
        let numbers = self.numbers.get_or_init(|| {
            // The first ambiguity that names a fact is its own.
            let points = self.ambiguities.keys().rev();
            let meant = points.flat_map(|number| {
                let facts = self.facts_meant(number).into_iter();
                facts.map(|fact| (fact, number.clone()))
            });
            meant.collect()
        });
        numbers.get(fact).map(String::as_str)
    }

    /// Returns the names of the facts that a name, a glob or a number of an ambiguity means; empty where it means none.
    pub fn facts_meant(&self, pattern: &str) -> Vec<String> {
        let own = [pattern.to_owned()];
        let patterns = self.ambiguities.get(pattern);
        let patterns = patterns.map_or(&own[..], |point| &point.facts);
        let matchers: Vec<_> = patterns.iter().map(|glob| matcher(glob)).collect();
        self.names
            .iter()
            .filter(|name| matchers.iter().any(|is_match| is_match(name)))
            .cloned()
            .collect()
    }
}

impl Clause {
    /// One of the facts about how it is asked and how it checks.
    fn fact(&self, operation: &str, point: &str) -> Option<FactEntry<'_>> {
        let name = format!("{operation}.{point}");
        Some(match point {
            "path" => self.path.entry(name),
            "method" => self.method.entry(name),
            "accepts" => self.accepts.entry(name),
            "token" => self.token.entry(name),
            "roles" => self.roles.entry(name),
            "order" => self.order.entry(name),
            "answer_type" => self.answer_type.entry(name),
            field => self.fields.get(&field.parse().ok()?)?.entry(name),
        })
    }
}

fn condition_facts<'a>(
    on: &'a BTreeMap<Condition, Fact<Handling>>,
    part: &str,
) -> impl Iterator<Item = FactEntry<'a>> {
    on.iter()
        .map(move |(condition, fact)| fact.entry(format!("{part}.on_{condition}")))
}

fn outcome_facts<'a>(
    outcomes: &'a BTreeMap<Outcome, ResponseSpec>,
    part: &str,
) -> impl Iterator<Item = FactEntry<'a>> {
    outcomes.iter().flat_map(move |(outcome, spec)| {
        let name = |point: &str| format!("{part}.{outcome}.{point}");
        let facts = [
            Some(spec.status.entry(name("status"))),
            Some(spec.body.entry(name("body"))),
            spec.envelope
                .as_ref()
                .map(|fact| fact.entry(name("envelope"))),
            spec.internal
                .as_ref()
                .map(|fact| fact.entry(name("internal"))),
        ];
        facts.into_iter().flatten()
    })
}

/// The first part of the names of facts that belong to no operation.
pub const ANY: &str = "any";
/// The name of the fact about `WWW-Authenticate`.
pub const CHALLENGE: &str = "any.challenge";
/// The name of the fact about members of answers that no document shows.
pub const EXTRA_MEMBERS: &str = "any.extra_members";
/// The facts about answers of which no page says anything, so that an answer that follows another reading is no variant.
pub const UNJUDGED: [&str; 2] = [CHALLENGE, EXTRA_MEMBERS];
/// The points that every clause has, beside its fields, its conditions and its outcomes.
const POINTS: [&str; 7] = [
    "path",
    "method",
    "accepts",
    "token",
    "roles",
    "order",
    "answer_type",
];

#[cfg(test)]
mod tests;
