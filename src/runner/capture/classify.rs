//! What a captured request was, and which outcomes it allows: the appliance's own reader says what is wrong with it, one thing after
//! another, and the contract what that may come to.

use std::borrow::Cow;

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
    /// For each operation, and for each reading of the fact that changes what a request is, the rules under which everything
    /// undocumented is refused.
    rules: Vec<Vec<(String, Rules)>>,
}

/// What a request is under a reading.
struct Read {
    conditions: Vec<Condition>,
    /// What it asks if nothing of that counts.
    asked: Operation,
    values: Values,
}

impl Classified {
    /// A request on a path that no appliance serves.
    pub(super) fn at_unknown_path(operation: Operation) -> Classified {
        Classified {
            operation,
            expect: on(Condition::UnknownPath, None),
            conditions: vec![Condition::UnknownPath],
            values: Values::default(),
            username: String::new(),
        }
    }

    pub(super) fn has(&self, condition: Condition) -> bool {
        self.conditions.contains(&condition)
    }

    /// Tells whether the request lacks what no success goes without.
    pub(super) fn forbids_success(&self) -> bool {
        self.conditions.iter().any(|it| it.forbids_success())
    }
}

impl Classifier {
    pub(super) fn new(contract: &'static Contract) -> Classifier {
        let of_operation = |operation: &Operation| {
            let fact = contract.fact(*operation, deciding_fact(*operation));
            let readings = fact.into_iter().flat_map(|fact| {
                let names = fact.readings.into_iter().map(|reading| reading.name);
                names.map(move |name| (fact.name.clone(), name))
            });
            let rules = readings.map(|(fact, name)| {
                let mut readings = Readings::default();
                // Both names are the contract's own.
                let _ = readings.choose(contract, &fact, name);
                let refuse = |rules: Rules, condition: &Condition| {
                    rules.with_handling(*condition, Handling::Reject)
                };
                let rules = Rules::new(contract, &readings);
                (name.to_owned(), Condition::ALL.iter().fold(rules, refuse))
            });
            rules.collect()
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
        credentials: impl Fn(&Values) -> KnownCredentials,
    ) -> Classified {
        let path = request.uri().path();
        let rules = self.rules.iter().flatten();
        let Some(operation) = rules
            .map(|(_, rules)| rules)
            .find_map(|it| it.operation_at(path))
        else {
            let last = path.rsplit('/').next().unwrap_or_default();
            return Classified::at_unknown_path(last.parse().unwrap_or(Operation::Validation));
        };
        let (mut expected, mut best): (Vec<(String, Expect)>, Option<Read>) = (Vec::new(), None);
        for (reading, rules) in &self.rules[operation as usize] {
            let mut read = self.read(rules, operation, request);
            let is_missing = sent == SentBody::Missing;
            read.conditions
                .retain(|it| !is_missing || !OF_BODY.contains(it));
            // Of two values of a field, nobody knows which one counts.
            if is_missing || read.conditions.contains(&Condition::DuplicateField) {
                read.values = Values::default();
            }
            let base = base(self.contract, read.asked, credentials(&read.values));
            let mut expect = self.chain(operation, &read.conditions, base.clone());
            // What the capture does not show may have been wrong with the request.
            let open: Vec<Outcome> = match sent {
                SentBody::Whole => Vec::new(),
                SentBody::Masked(outcome) => vec![outcome.unwrap_or(Outcome::WrongType)],
                SentBody::Missing => OPEN.to_vec(),
            };
            if sent != SentBody::Whole {
                let open = open.into_iter().filter(|outcome| OPEN.contains(outcome));
                let open = open.map(Expect::Outcome);
                expect = Expect::OneOf([expect, base].into_iter().chain(open).collect());
            }
            expected.push((reading.clone(), expect));
            let forbids = |read: &Read| read.conditions.iter().any(|it| it.forbids_success());
            if best.as_ref().is_none_or(forbids) {
                best = Some(read);
            }
        }
        let is_alike = expected.iter().all(|(_, expect)| *expect == expected[0].1);
        let expect = match is_alike {
            true => expected.swap_remove(0).1,
            false => Expect::By {
                fact: deciding_fact(operation).to_owned(),
                readings: expected.into_iter().collect(),
            },
        };
        let (conditions, values) = best
            .map(|it| (it.conditions, it.values))
            .unwrap_or_default();
        Classified {
            operation,
            expect,
            conditions,
            username: username(request, &values),
            values,
        }
    }

    /// Returns what is wrong with a request, one thing after another.
    fn read(&self, rules: &Rules, operation: Operation, request: &Request<Bytes>) -> Read {
        let mut read = Read {
            conditions: Vec::new(),
            asked: operation,
            values: Values::default(),
        };
        if request.body().len() > MAX_REQUEST {
            read.conditions.push(Condition::BodyTooLarge);
            return read;
        }
        // Nearly every request is a good one.
        let mut rules = Cow::Borrowed(rules);
        loop {
            match rules.parse_request(request) {
                ParsedRequest::Fields(asked, values) => {
                    (read.asked, read.values) = (asked, Values::new(asked, &values));
                    return read;
                }
                ParsedRequest::Rejected(_, condition) => {
                    let is_known = read.conditions.contains(&condition);
                    read.conditions.push(condition);
                    if is_known || !self.can_proceed(operation, condition) {
                        return read;
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
        let mut readings = handling.iter().flat_map(|(_, fact)| fact.readings());
        readings.any(|it| !matches!(it.is, Handling::Answer(_) | Handling::Reject))
    }

    fn chain(&self, operation: Operation, conditions: &[Condition], base: Expect) -> Expect {
        let last = conditions.last();
        let goes_on = last.is_none_or(|last| self.can_proceed(operation, *last));
        let conditions = conditions.iter().rev();
        let expect = conditions.fold(goes_on.then_some(base), |expect, condition| {
            Some(on(*condition, expect))
        });
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

/// Returns the point of the fact that changes what a request is.
fn deciding_fact(operation: Operation) -> &'static str {
    match operation {
        Operation::SetPasswordByAdmin => Field::AdminUsername.name(),
        _ => "accepts",
    }
}

/// Returns what a good request may get: every documented outcome, without those that are known not to come.
fn base(contract: &Contract, operation: Operation, known: KnownCredentials) -> Expect {
    let outcomes = contract.clause(operation).outcomes.keys().copied();
    let can_come = |outcome: &Outcome| match known {
        KnownCredentials::Right => *outcome != operation.rejection(),
        KnownCredentials::Replaced => !outcome.is_success(),
        KnownCredentials::Other | KnownCredentials::Unknown => true,
    };
    Expect::OneOf(outcomes.filter(can_come).map(Expect::Outcome).collect())
}

fn username(request: &Request<Bytes>, values: &Values) -> String {
    if !values.target.is_empty() {
        return values.target.clone();
    }
    let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let name = body[Field::Username.name()].as_str();
    name.unwrap_or_default().to_owned()
}

fn on(condition: Condition, otherwise: Option<Expect>) -> Expect {
    Expect::On {
        condition,
        otherwise: otherwise.map(Box::new),
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
