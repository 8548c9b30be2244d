//! What an appliance answers under the readings it serves: the contract, resolved once at load, its wordings rendered.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, LazyLock},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header, request::Parts};

use super::{
    fields,
    fields::{Body, Given, Name},
};
use crate::{
    appliance::{Reason, Reply},
    contract,
    contract::{
        Check, Circumstance, Contract, Envelope, Field, Internal, Kind, Operation, Outcome,
        Readings, Role, Said, Treatment, Wording,
    },
};

/// The contract under one choice of readings.
#[derive(Debug)]
pub struct Rules {
    kind: Kind,
    readings: Readings,
    routes: Vec<(String, Operation)>,
    manners: Vec<Manner>,
    /// By operation, the last for requests that are none.
    tables: Vec<Table>,
}

/// How one operation reads and checks.
#[derive(Debug)]
struct Manner {
    method: String,
    accepts: Vec<String>,
    fields: Vec<(Field, Vec<String>)>,
    roles: Vec<Role>,
    order: Vec<Check>,
}

/// What is answered, by circumstance and by outcome.
#[derive(Debug)]
struct Table {
    treatments: Vec<Treatment>,
    content_type: HeaderValue,
    answers: Vec<Option<Answer>>,
}

#[derive(Debug)]
struct Answer {
    status: StatusCode,
    body: Text,
}

#[derive(Debug)]
enum Text {
    Echo(Wording, Envelope, Internal),
    Fixed(Bytes),
}

/// A request as read: what it asks for, or why it cannot be asked.
#[derive(Debug)]
pub enum Asked<'a> {
    /// An operation with all its fields.
    Fields(Operation, Values<'a>),
    /// It does not get as far as an operation's checks.
    Refused(Worded, Circumstance),
}

/// The values of an operation's fields, by [`Field`]: parts of the request, but where escapes had to be resolved.
#[derive(Clone, Default)]
pub struct Values<'a>([Cow<'a, str>; 5]);

/// An outcome at an operation, or at none: what an answer is worded from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Worded {
    /// The operation that answers.
    pub operation: Option<Operation>,
    /// What it came to.
    pub outcome: Outcome,
}

impl Rules {
    /// Resolves a contract under a choice of readings.
    pub fn new(contract: &Contract, readings: &Readings) -> Rules {
        let mut routes = Vec::new();
        let mut manners = Vec::new();
        let mut tables = Vec::new();
        for &operation in Operation::ALL {
            let clause = contract.clause(operation);
            let chosen = |point: &str| {
                readings
                    .of(&format!("{operation}.{point}"))
                    .map(str::to_owned)
            };
            routes.extend(
                clause
                    .path
                    .pick(chosen("path").as_deref())
                    .is
                    .0
                    .iter()
                    .map(|path| (path.clone(), operation)),
            );
            manners.push(Manner {
                method: clause.method.pick(chosen("method").as_deref()).is.0.clone(),
                accepts: clause
                    .accepts
                    .pick(chosen("accepts").as_deref())
                    .is
                    .0
                    .clone(),
                fields: clause
                    .fields
                    .iter()
                    .map(|(field, names)| {
                        (
                            *field,
                            names.pick(chosen(field.name()).as_deref()).is.0.clone(),
                        )
                    })
                    .collect(),
                roles: clause.roles.pick(chosen("roles").as_deref()).is.0.clone(),
                order: whole(&clause.order.pick(chosen("order").as_deref()).is.0),
            });
            tables.push(Table::new(contract, readings, Some(operation)));
        }
        tables.push(Table::new(contract, readings, None));
        Rules {
            kind: contract.kind,
            readings: readings.clone(),
            routes,
            manners,
            tables,
        }
    }

    /// Returns a kind's rules under the rulings, resolved once and shared by all appliances that choose no reading.
    pub fn ruling(kind: Kind) -> Arc<Rules> {
        static SENSOR: LazyLock<Arc<Rules>> = LazyLock::new(|| ruled(Kind::Sensor));
        static CONSOLE: LazyLock<Arc<Rules>> = LazyLock::new(|| ruled(Kind::Console));
        match kind {
            Kind::Console => Arc::clone(&CONSOLE),
            Kind::Sensor => Arc::clone(&SENSOR),
        }
    }

    /// Returns the readings that are served instead of the ruling.
    pub fn readings(&self) -> &Readings {
        &self.readings
    }

    /// Returns the kind of appliance.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Reads a request as far as that needs no knowledge of users.
    pub fn read<'a>(&self, request: &'a Request<Bytes>) -> Asked<'a> {
        match self.find(request.method().as_str(), request.uri().path()) {
            Ok(operation) => self.read_body(
                operation,
                request.uri().query(),
                content_type(request.headers()),
                request.body(),
            ),
            Err(refused) => refused,
        }
    }

    /// Words the answer to a request whose body was refused, so that only its head is known: an unknown path stays one.
    pub fn refuse_body(&self, head: &Parts, circumstance: Circumstance) -> Response<Bytes> {
        let asked = self
            .find(head.method.as_str(), head.uri.path())
            .and_then(|operation| {
                self.stop(Some(operation), circumstance)
                    .map_or(Ok(operation), Err)
            });
        match asked {
            Err(Asked::Refused(worded, circumstance)) => {
                self.word(worded, &Asked::Refused(worded, circumstance))
            }
            _ => self.refusal(Outcome::BodyTooLarge),
        }
    }

    /// Words the answer to a request that the server refuses by itself, without asking what it is.
    pub fn refusal(&self, outcome: Outcome) -> Response<Bytes> {
        let worded = Worded {
            operation: None,
            outcome,
        };
        self.word(worded, &Asked::Refused(worded, Circumstance::MalformedBody))
    }

    /// Words an answer. A name that is echoed comes from the request.
    pub fn word(&self, worded: Worded, asked: &Asked<'_>) -> Response<Bytes> {
        self.reply(worded, asked).into_response()
    }

    /// Words the same answer, for whoever has a map for its headers.
    pub fn reply(&self, worded: Worded, asked: &Asked<'_>) -> Reply {
        let username = match asked {
            Asked::Fields(_, values) => values.of(Field::Username),
            Asked::Refused(..) => "",
        };
        let table = self.table(worded.operation);
        let answer = table.answers[worded.outcome as usize]
            .as_ref()
            .expect("a contract words every outcome an operation can come to");
        let body = match &answer.body {
            Text::Echo(wording, envelope, internal) => Bytes::from(
                wording
                    .dressed(*envelope, internal, Said { username })
                    .to_string(),
            ),
            Text::Fixed(bytes) => bytes.clone(),
        };
        let method = || {
            worded
                .operation
                .map_or("POST", |operation| &self.manner(operation).method)
        };
        let allow = (worded.outcome == Outcome::MethodNotAllowed)
            .then(|| HeaderValue::from_str(method()).expect("a method is a token"));
        Reply::Worded {
            status: answer.status,
            content_type: table.content_type.clone(),
            allow,
            body,
        }
    }

    /// Returns how an outcome can be worded in an answer: at the operation, else as for any request, else as at whichever operation words it.
    pub fn wording_of(&self, operation: Option<Operation>, outcome: Outcome) -> Option<Worded> {
        let places = [operation, None]
            .into_iter()
            .chain(Operation::ALL.iter().copied().map(Some));
        let words =
            |place: &Option<Operation>| self.table(*place).answers[outcome as usize].is_some();
        places
            .into_iter()
            .find(words)
            .map(|operation| Worded { operation, outcome })
    }

    /// Tells whether a path is that of an operation.
    pub fn has_path(&self, path: &str) -> bool {
        self.operation_at(path).is_some()
    }

    /// Returns the operation of a path.
    pub fn operation_at(&self, path: &str) -> Option<Operation> {
        self.routes
            .iter()
            .find(|(route, _)| route == path)
            .map(|(_, operation)| *operation)
    }

    /// Returns the outcome a circumstance leads to, or nothing where the request goes on.
    pub(super) fn stopped(
        &self,
        operation: Option<Operation>,
        circumstance: Circumstance,
    ) -> Option<Outcome> {
        match self.table(operation).treatments[circumstance as usize] {
            Treatment::Answer(outcome) => Some(outcome),
            Treatment::First | Treatment::Last | Treatment::Proceed => None,
            Treatment::Reject => Some(operation.map_or(Outcome::BadRequest, Operation::rejection)),
        }
    }

    /// Returns an operation's checks in order.
    pub(super) fn checks(&self, operation: Operation) -> impl Iterator<Item = Check> {
        self.manner(operation).order.iter().copied()
    }

    /// Tells whether a role may use an operation.
    pub(super) fn may(&self, operation: Operation, role: Role) -> bool {
        self.manner(operation).roles.contains(&role)
    }

    fn find(&self, method: &str, path: &str) -> Result<Operation, Asked<'static>> {
        let Some(operation) = self.operation_at(path) else {
            return Err(self
                .stop(None, Circumstance::UnknownPath)
                .unwrap_or(Asked::Refused(NOWHERE, Circumstance::UnknownPath)));
        };
        if method != self.manner(operation).method
            && let Some(refused) = self.stop(Some(operation), Circumstance::OtherMethod)
        {
            return Err(refused);
        }
        Ok(operation)
    }

    fn read_body<'a>(
        &self,
        operation: Operation,
        query: Option<&str>,
        content_type: Option<&HeaderValue>,
        body: &'a [u8],
    ) -> Asked<'a> {
        let manner = self.manner(operation);
        let mut values = Values::default();
        let found = if body.is_empty() {
            Err(if names_a_field(query, manner) {
                Circumstance::UrlCredentials
            } else {
                Circumstance::EmptyBody
            })
        } else {
            match unread_type(content_type, manner)
                .filter(|circumstance| self.stopped(Some(operation), *circumstance).is_some())
            {
                Some(circumstance) => Err(circumstance),
                None => match std::str::from_utf8(body).map(fields::parse) {
                    Err(_) => Err(Circumstance::NotUtf8),
                    Ok(None) => Err(Circumstance::MalformedBody),
                    Ok(Some(Body::NotAnObject)) => Err(Circumstance::NotAnObject),
                    Ok(Some(Body::Object(object))) => self.take(operation, object, &mut values),
                },
            }
        };
        match found {
            Ok(()) => Asked::Fields(operation, values),
            Err(circumstance) => self
                .stop(Some(operation), circumstance)
                .unwrap_or_else(|| Asked::Fields(operation, Values::default())),
        }
    }

    /// Takes the fields the law knows out of an object, and puts them where nothing is yet; the first fault, in the order of the fields,
    /// decides.
    fn take<'a>(
        &self,
        operation: Operation,
        mut object: Vec<(Name<'a>, Given<'a>)>,
        values: &mut Values<'a>,
    ) -> Result<(), Circumstance> {
        let stops =
            |circumstance: Circumstance| self.stopped(Some(operation), circumstance).is_some();
        let mut known = 0;
        for (field, names) in &self.manner(operation).fields {
            let mut occurrences = (0..object.len())
                .filter(|index| names.iter().any(|name| *name == object[*index].0.0));
            let Some(first) = occurrences.next() else {
                if stops(Circumstance::MissingField) {
                    return Err(Circumstance::MissingField);
                } else {
                    continue;
                }
            };
            let (count, last) =
                occurrences.fold((1, first), |(count, _), index| (count + 1, index));
            known += count;
            if count > 1 && stops(Circumstance::DuplicateField) {
                return Err(Circumstance::DuplicateField);
            }
            let counts = match self.table(Some(operation)).treatments
                [Circumstance::DuplicateField as usize]
            {
                Treatment::First => first,
                _ => last,
            };
            match std::mem::replace(&mut object[counts].1, Given::Null) {
                Given::Null if stops(Circumstance::NullValue) => {
                    return Err(Circumstance::NullValue);
                }
                Given::Other if stops(Circumstance::WrongType) => {
                    return Err(Circumstance::WrongType);
                }
                Given::Text(text) if text.is_empty() && stops(Circumstance::EmptyValue) => {
                    return Err(Circumstance::EmptyValue);
                }
                Given::Text(text) => values.set(*field, text),
                Given::Null | Given::Other => {}
            }
        }
        if known < object.len() && stops(Circumstance::UnknownField) {
            Err(Circumstance::UnknownField)
        } else {
            Ok(())
        }
    }

    fn stop(
        &self,
        operation: Option<Operation>,
        circumstance: Circumstance,
    ) -> Option<Asked<'static>> {
        let outcome = self.stopped(operation, circumstance)?;
        Some(Asked::Refused(
            Worded {
                operation: operation.and_then(|operation| outcome.at(operation)),
                outcome,
            },
            circumstance,
        ))
    }

    fn manner(&self, operation: Operation) -> &Manner {
        &self.manners[operation as usize]
    }

    fn table(&self, operation: Option<Operation>) -> &Table {
        &self.tables[operation.map_or(Operation::ALL.len(), |operation| operation as usize)]
    }
}

impl Table {
    fn new(contract: &Contract, readings: &Readings, operation: Option<Operation>) -> Table {
        let treatment = |circumstance: &Circumstance| {
            contract
                .treatment(operation, *circumstance)
                .map_or(Treatment::Proceed, |(name, fact)| {
                    fact.pick(readings.of(&name)).is
                })
        };
        let answers = Outcome::ALL
            .iter()
            .map(|outcome| Answer::new(contract, readings, operation, *outcome))
            .collect();
        let (answer_type, fact) = contract.answer_type(operation);
        let content_type = header_value(&fact.pick(readings.of(&answer_type)).is.0);
        Table {
            treatments: Circumstance::ALL.iter().map(treatment).collect(),
            content_type,
            answers,
        }
    }
}

impl Answer {
    fn new(
        contract: &Contract,
        readings: &Readings,
        operation: Option<Operation>,
        outcome: Outcome,
    ) -> Option<Answer> {
        let (place, utterance) = contract.utterance(operation, outcome)?;
        let name = |point: &str| format!("{place}.{outcome}.{point}");
        let wording = &utterance.body.pick(readings.of(&name("body"))).is;
        let envelope = utterance
            .envelope
            .as_ref()
            .map_or(Envelope::Object, |fact| {
                fact.pick(readings.of(&name("envelope"))).is
            });
        let internal = utterance
            .internal
            .as_ref()
            .map_or(Internal::Absent, |fact| {
                fact.pick(readings.of(&name("internal"))).is.clone()
            });
        let body = if wording.echoes() {
            Text::Echo(wording.clone(), envelope, internal)
        } else {
            Text::Fixed(Bytes::from(
                wording
                    .dressed(envelope, &internal, Said::default())
                    .to_string(),
            ))
        };
        Some(Answer {
            status: utterance.status.pick(readings.of(&name("status"))).is.0,
            body,
        })
    }
}

impl Asked<'_> {
    /// Returns the operation that is asked for, if any is.
    pub fn operation(&self) -> Option<Operation> {
        match self {
            Asked::Fields(operation, _) => Some(*operation),
            Asked::Refused(worded, _) => worded.operation,
        }
    }

    /// Returns why it gets no further, if it does not.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Asked::Fields(..) => None,
            Asked::Refused(_, circumstance) => Some(Reason::In(*circumstance)),
        }
    }

    /// Returns the user it is about, if it names one.
    pub fn user(&self) -> Option<&str> {
        match self {
            Asked::Fields(_, values) => Some(values.of(Field::Username)),
            Asked::Refused(..) => None,
        }
    }
}

impl fmt::Debug for Values<'_> {
    /// Shows nothing of them: most are passwords.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Values(«secret»)")
    }
}

impl<'a> Values<'a> {
    /// Returns a field's value, empty for one the operation does not have.
    pub fn of(&self, field: Field) -> &str {
        &self.0[field as usize]
    }

    /// Sets a field's value.
    pub fn set(&mut self, field: Field, value: impl Into<Cow<'a, str>>) {
        self.0[field as usize] = value.into();
    }
}

/// A value that stands in the program is shared without being counted.
fn header_value(content_type: &str) -> HeaderValue {
    match content_type {
        "application/json" => HeaderValue::from_static("application/json"),
        other => {
            HeaderValue::from_str(other).expect("a content type of the contract is a header value")
        }
    }
}

fn ruled(kind: Kind) -> Arc<Rules> {
    Arc::new(Rules::new(contract::of(kind), &Readings::default()))
}

/// Returns the circumstance of a content type that the operation does not list. Parameters and case do not matter (RFC 9110 section 8.3.1).
fn unread_type(content_type: Option<&HeaderValue>, manner: &Manner) -> Option<Circumstance> {
    let Some(value) = content_type else {
        return Some(Circumstance::NoContentType);
    };
    // What nearly all clients send needs no taking apart.
    if manner.accepts.iter().any(|accepted| value == accepted) {
        return None;
    }
    let essence = value
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    if manner
        .accepts
        .iter()
        .any(|accepted| accepted.eq_ignore_ascii_case(essence))
    {
        None
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Some(Circumstance::FormContentType)
    } else {
        Some(Circumstance::OtherContentType)
    }
}

/// Goes through the headers rather than look the name up: a client sends few, and the name would have to be hashed.
fn content_type(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers
        .iter()
        .find(|(name, _)| *name == header::CONTENT_TYPE)
        .map(|(_, value)| value)
}

/// Puts the checks that an order leaves out behind the others.
fn whole(order: &[Check]) -> Vec<Check> {
    order
        .iter()
        .chain(Check::ALL.iter().filter(|check| !order.contains(check)))
        .copied()
        .collect()
}

fn names_a_field(query: Option<&str>, manner: &Manner) -> bool {
    let named = |pair: &str| {
        manner.fields.iter().any(|(_, names)| {
            names
                .iter()
                .any(|name| pair.split('=').next() == Some(name.as_str()))
        })
    };
    query.is_some_and(|query| query.split('&').any(named))
}

const NOWHERE: Worded = Worded {
    operation: None,
    outcome: Outcome::UnknownPath,
};
