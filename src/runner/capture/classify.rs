//! What a captured request was, and which outcomes it allows: the appliance's own reader says what is wrong with it, one thing after
//! another, and the contract what that may come to.

use std::{borrow::Cow, collections::BTreeSet};

use bytes::Bytes;
use http::Request;

use crate::{
    appliance::{FieldValues, ParsedRequest, Rules},
    contract::{Condition, Contract, Field, Handling, Operation, Outcome, Readings},
    runner::capture::SentBody,
    suite::Expect,
};

/// A request, as far as it can be read.
pub(super) struct Classified {
    /// The operation that it is about.
    pub(super) operation: Operation,
    /// What is answered as far as the request alone says.
    pub(super) expect: Expect,
    /// What is wrong with the request, or undocumented of it.
    pub(super) conditions: Vec<Condition>,
    /// Who signs in and with what, and what is to be changed; empty where it was not recorded.
    pub(super) values: Values,
    /// The user name that an answer may repeat.
    pub(super) username: String,
    /// Whether no appliance serves an operation here.
    pub(super) is_unknown_path: bool,
}

/// The fields of a request.
#[derive(Default)]
pub(super) struct Values {
    pub(super) account: String,
    pub(super) password: String,
    /// The user whose password is to be changed.
    pub(super) target: String,
    pub(super) new_password: String,
}

/// What is known of the credentials of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KnownCredentials {
    Right,
    /// The password was replaced by another one.
    Replaced,
    /// The password is another than the last one known; it may have been set outside of the capture.
    Other,
    Unknown,
}

/// Reads the requests of one kind of appliance.
pub(super) struct Classifier {
    contract: &'static Contract,
    /// For each operation the rules under which everything undocumented is refused, for each reading of the fact that changes what a
    /// request is.
    rules: Vec<(Operation, Vec<FactRules>)>,
}

/// The point of a fact, one of its readings, and the rules under it.
type FactRules = (String, String, Rules);

impl Classifier {
    pub(super) fn new(contract: &'static Contract) -> Classifier {
        let of_operation = |operation: &Operation| {
            let fact = match operation {
                Operation::SetPasswordByAdmin => Field::AdminUsername.name(),
                _ => "accepts",
            };
            let entry = contract.fact(*operation, fact);
            let names = entry.iter().flat_map(|entry| &entry.readings);
            let rules = names.map(|reading| {
                let mut readings = Readings::default();
                let full = format!("{operation}.{fact}");
                // Both names are the contract's own.
                let _ = readings.choose(contract, &full, reading.name);
                let rules = Condition::ALL
                    .iter()
                    .fold(Rules::new(contract, &readings), |rules, condition| {
                        rules.with_handling(*condition, Handling::Reject)
                    });
                (fact.to_owned(), reading.name.to_owned(), rules)
            });
            (*operation, rules.collect())
        };
        Classifier {
            contract,
            rules: Operation::ALL.iter().map(of_operation).collect(),
        }
    }

    /// Classifies a request whose path is below `/external/authentication/`.
    pub(super) fn classify(
        &self,
        request: &Request<Bytes>,
        sent: SentBody,
        credentials: impl Fn(Operation, &Values) -> KnownCredentials,
    ) -> Classified {
        let path = request.uri().path();
        let served = |(_, rules): &&(Operation, Vec<FactRules>)| {
            rules
                .iter()
                .any(|(.., rules)| rules.operation_at(path).is_some())
        };
        let operation = self
            .rules
            .iter()
            .find(served)
            .and_then(|(_, rules)| rules[0].2.operation_at(path));
        let Some(operation) = operation else {
            let last = path.rsplit('/').next().unwrap_or_default();
            let condition = Condition::UnknownPath;
            return Classified {
                operation: last.parse().unwrap_or(Operation::Validation),
                expect: on(condition, None),
                conditions: vec![condition],
                values: Values::default(),
                username: String::new(),
                is_unknown_path: true,
            };
        };
        let (_, rules) = &self.rules[operation as usize];
        let mut readings: Vec<(String, Expect)> = Vec::new();
        let mut first = None;
        for (_, reading, rules) in rules {
            let (mut conditions, asked, values) = self.read(rules, operation, request);
            conditions.retain(|it| sent != SentBody::Missing || !OF_BODY.contains(it));
            let values = match sent {
                SentBody::Missing => Values::default(),
                // Nobody knows which of the two counts.
                _ if conditions.contains(&Condition::DuplicateField) => Values::default(),
                _ => values,
            };
            let known = credentials(asked, &values);
            let mut expect = self.chain(operation, &conditions, base(self.contract, asked, known));
            if sent != SentBody::Whole {
                // What the capture does not show may have been wrong with it.
                let open = match sent {
                    SentBody::Masked(outcome) => vec![outcome.unwrap_or(Outcome::WrongType)],
                    _ => OPEN.to_vec(),
                };
                let open = open.into_iter().filter(|outcome| OPEN.contains(outcome));
                let open = open.map(Expect::Outcome);
                let own = [expect, base(self.contract, asked, known)];
                expect = Expect::OneOf(own.into_iter().chain(open).collect());
            }
            readings.push((reading.clone(), expect));
            let is_best = first.as_ref().is_none_or(|(_, conditions): &(_, Vec<_>)| {
                conditions
                    .iter()
                    .any(|condition: &Condition| condition.forbids_success())
            });
            if is_best {
                first = Some((values, conditions));
            }
        }
        let (values, conditions) = first.unwrap_or_default();
        let is_alike = readings.iter().all(|(_, expect)| *expect == readings[0].1);
        let expect = match is_alike {
            true => readings.swap_remove(0).1,
            false => Expect::By {
                fact: rules[0].0.clone(),
                readings: readings.into_iter().collect(),
            },
        };
        Classified {
            operation,
            expect,
            conditions,
            username: username(request, &values),
            values,
            is_unknown_path: false,
        }
    }

    /// Returns what is wrong with a request, one thing after another, and what it asks if nothing of that counts.
    fn read(
        &self,
        rules: &Rules,
        operation: Operation,
        request: &Request<Bytes>,
    ) -> (Vec<Condition>, Operation, Values) {
        let mut conditions = Vec::new();
        if request.body().len() > MAX_REQUEST {
            return (vec![Condition::BodyTooLarge], operation, Values::default());
        }
        // Nearly every request is a good one.
        let mut rules = Cow::Borrowed(rules);
        loop {
            match rules.parse_request(request) {
                ParsedRequest::Fields(asked, values) => {
                    return (conditions, asked, Values::new(asked, &values));
                }
                ParsedRequest::Rejected(_, condition) => {
                    let is_known = conditions.contains(&condition);
                    conditions.push(condition);
                    if is_known || !self.can_proceed(operation, condition) {
                        return (conditions, operation, Values::default());
                    }
                    let own = rules.into_owned();
                    rules = Cow::Owned(own.with_handling(condition, Handling::Proceed));
                }
            }
        }
    }

    /// Tells whether a request in a condition goes on under some reading.
    fn can_proceed(&self, operation: Operation, condition: Condition) -> bool {
        let handling = self.contract.handling(Some(operation), condition);
        let goes_on = |handling: Handling| {
            matches!(
                handling,
                Handling::First | Handling::Last | Handling::Proceed
            )
        };
        handling.is_some_and(|(_, fact)| fact.readings().iter().any(|reading| goes_on(reading.is)))
    }

    fn chain(&self, operation: Operation, conditions: &[Condition], base: Expect) -> Expect {
        let last = conditions.last().copied();
        let ends = last.is_some_and(|last| !self.can_proceed(operation, last));
        let mut expect = (!ends).then_some(base);
        for condition in conditions.iter().rev() {
            expect = Some(on(*condition, expect));
        }
        expect.unwrap_or(Expect::Outcome(operation.rejection()))
    }
}

impl Values {
    fn new(operation: Operation, values: &FieldValues<'_>) -> Values {
        let of = |field| values.get(field).to_owned();
        let (account, password) = match operation {
            Operation::SetPasswordByAdmin => (Field::AdminUsername, Field::AdminPassword),
            _ => (Field::Username, Field::Password),
        };
        Values {
            account: of(account),
            password: of(password),
            target: of(Field::Username),
            new_password: of(Field::NewPassword),
        }
    }
}

/// Returns what a good request may get: every documented outcome, without those that are known not to come.
fn base(contract: &Contract, operation: Operation, known: KnownCredentials) -> Expect {
    let clause = contract.clause(operation);
    let outcomes: BTreeSet<Outcome> = clause.outcomes.keys().copied().collect();
    let can_come = |outcome: &Outcome| match known {
        KnownCredentials::Right => *outcome != operation.rejection(),
        KnownCredentials::Replaced => !outcome.is_success(),
        KnownCredentials::Other | KnownCredentials::Unknown => true,
    };
    let outcomes = outcomes.into_iter().filter(can_come);
    Expect::OneOf(outcomes.map(Expect::Outcome).collect())
}

fn username(request: &Request<Bytes>, values: &Values) -> String {
    let name = Field::Username.name();
    if !values.target.is_empty() {
        return values.target.clone();
    }
    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap_or_default();
    body[name].as_str().unwrap_or_default().to_owned()
}

fn on(condition: Condition, otherwise: Option<Expect>) -> Expect {
    let otherwise = otherwise.map(Box::new);
    Expect::On {
        condition,
        otherwise,
        first: None,
        last: None,
    }
}

/// Splits a path at the operation's own, before which a gateway may have put another. None where nothing of it is an appliance's.
pub(super) fn without_prefix(path: &str) -> Option<(&str, &str)> {
    let place = ["/api/external/authentication/", "/external/authentication/"];
    let place = place.iter().find_map(|folder| path.find(folder))?;
    Some(path.split_at(place))
}

/// What an absent body seems to be.
const OF_BODY: [Condition; 4] = [
    Condition::EmptyBody,
    Condition::MalformedBody,
    Condition::MissingField,
    Condition::SetPasswordBody,
];
/// What a request may get of which the capture does not show everything.
const OPEN: [Outcome; 6] = [
    Outcome::MissingField,
    Outcome::MalformedBody,
    Outcome::WrongType,
    Outcome::UnsupportedContentType,
    Outcome::BodyTooLarge,
    Outcome::MethodNotAllowed,
];
/// How long a request may be that an appliance must read, in bytes.
const MAX_REQUEST: usize = 64 * 1024;
