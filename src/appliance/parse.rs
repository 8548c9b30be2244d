//! From a request to an operation with all its fields, or to the reason why it is rejected before.

use std::{borrow::Cow, fmt, mem};

use bytes::Bytes;
use http::{Request, header};

use super::{
    body,
    body::{FieldValue, JsonObject},
    rules::OperationRules,
};
use crate::{
    appliance::{Reason, ResponseKey, Rules},
    contract::{Condition, Field, Handling, Operation, Outcome, encoding::percent_decode},
};

/// A request as it was read.
#[derive(Debug)]
pub enum ParsedRequest<'a> {
    /// An operation with all its fields.
    Fields(Operation, FieldValues<'a>),
    /// Rejected before the checks of an operation.
    Rejected(ResponseKey, Condition),
}

/// The values of an operation's fields, borrowed from the request where they have no escapes.
#[derive(Clone, Default)]
pub struct FieldValues<'a>([Cow<'a, str>; 5]);

impl<'a> ParsedRequest<'a> {
    /// A request about a user that has come to an outcome.
    #[cfg(feature = "cli")]
    pub(crate) fn about(key: ResponseKey, username: &'a str) -> ParsedRequest<'a> {
        let Some(operation) = key.operation else {
            return ParsedRequest::Rejected(key, Condition::UnknownPath);
        };
        let mut values = FieldValues::default();
        values.set(Field::Username, username);
        ParsedRequest::Fields(operation, values)
    }

    /// Returns the operation, if the request reaches one.
    pub fn operation(&self) -> Option<Operation> {
        match self {
            ParsedRequest::Fields(operation, _) => Some(*operation),
            ParsedRequest::Rejected(key, _) => key.operation,
        }
    }

    /// Returns why it was rejected, if it was.
    pub fn rejection(&self) -> Option<Condition> {
        match self {
            ParsedRequest::Fields(..) => None,
            ParsedRequest::Rejected(_, condition) => Some(*condition),
        }
    }

    /// Returns the user it is about, if it names one.
    pub fn user(&self) -> Option<&str> {
        match self {
            ParsedRequest::Fields(_, values) => Some(values.get(Field::Username)),
            ParsedRequest::Rejected(..) => None,
        }
    }
}

impl<'a> FieldValues<'a> {
    /// Returns a field's value, empty for a field that the operation does not have.
    pub fn get(&self, field: Field) -> &str {
        &self.0[field as usize]
    }

    /// Sets a field's value.
    pub fn set(&mut self, field: Field, value: impl Into<Cow<'a, str>>) {
        self.0[field as usize] = value.into();
    }
}

impl fmt::Debug for FieldValues<'_> {
    /// Shows no value: most are passwords.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("FieldValues(«secret»)")
    }
}

impl Rules {
    /// Parses a request, as far as this needs no knowledge of users.
    pub fn parse_request<'a>(&self, request: &'a Request<Bytes>) -> ParsedRequest<'a> {
        let operation = match self.route(request.method().as_str(), request.uri().path()) {
            Ok(operation) => operation,
            Err(rejected) => return rejected,
        };
        match self.parse_fields(operation, request) {
            Ok((operation, values)) => ParsedRequest::Fields(operation, values),
            Err(condition) => self
                .reject(Some(operation), condition)
                .unwrap_or_else(|| ParsedRequest::Fields(operation, FieldValues::default())),
        }
    }

    /// Finds the operation of a method and a path.
    pub(super) fn route(
        &self,
        method: &str,
        path: &str,
    ) -> Result<Operation, ParsedRequest<'static>> {
        let Some(operation) = self.operation_at(path) else {
            let unknown = Condition::UnknownPath;
            let rejected = self.reject(None, unknown);
            return Err(rejected.unwrap_or(ParsedRequest::Rejected(UNKNOWN_PATH, unknown)));
        };
        if method != self.operation(operation).method
            && let Some(rejected) = self.reject(Some(operation), Condition::OtherMethod)
        {
            return Err(rejected);
        }
        Ok(operation)
    }

    /// Rejects a request, unless the contract lets it proceed.
    pub(super) fn reject(
        &self,
        operation: Option<Operation>,
        condition: Condition,
    ) -> Option<ParsedRequest<'static>> {
        let outcome = self.outcome_of(operation, condition)?;
        let key = ResponseKey {
            operation: operation.and_then(|operation| outcome.at(operation)),
            outcome,
        };
        Some(ParsedRequest::Rejected(key, condition))
    }

    /// Fails where something is not good, unless the contract lets such a request proceed.
    fn check(
        &self,
        operation: Operation,
        is_good: bool,
        condition: Condition,
    ) -> Result<(), Condition> {
        let proceeds = is_good || self.outcome_of(Some(operation), condition).is_none();
        proceeds.then_some(()).ok_or(condition)
    }

    /// Names the field in a reason that is a fault of one.
    pub fn with_field(&self, reason: Reason, operation: Option<Operation>, body: &[u8]) -> Reason {
        let (Reason::In(condition), Some(operation)) = (reason, operation) else {
            return reason;
        };
        let Ok(object) = body::parse(body) else {
            return reason;
        };
        let is_at_fault = |names: &[String]| {
            let mut values = object
                .iter()
                .filter(|(name, _)| names.iter().any(|it| it == name));
            match (condition, values.next().map(|(_, value)| value)) {
                (Condition::MissingField, None)
                | (Condition::NullValue, Some(FieldValue::Null))
                | (Condition::WrongType, Some(FieldValue::Other)) => true,
                (Condition::EmptyValue, Some(FieldValue::Text(text))) => text.is_empty(),
                (Condition::DuplicateField, Some(_)) => values.next().is_some(),
                _ => false,
            }
        };
        let mut fields = self.operation(operation).fields.iter();
        let at_fault = fields.find(|(_, names)| is_at_fault(names));
        at_fault.map_or(reason, |(field, _)| Reason::OfField(condition, *field))
    }

    fn parse_fields<'a>(
        &self,
        operation: Operation,
        request: &'a Request<Bytes>,
    ) -> Result<(Operation, FieldValues<'a>), Condition> {
        let rules = self.operation(operation);
        let is_large = request.body().len() > LARGE_BODY;
        self.check(operation, !is_large, Condition::LargeBody)?;
        if request.body().is_empty() {
            let query = request.uri().query().unwrap_or_default();
            if !has_field_in_query(query, rules) {
                return Err(Condition::EmptyBody);
            }
            self.check(operation, false, Condition::UrlCredentials)?;
            return Ok((operation, self.take_fields(operation, query_fields(query))?));
        }
        check_content_type(request, rules)
            .or_else(|condition| self.check(operation, false, condition))?;
        let object = body::parse(request.body());
        let object = object.or_else(|condition| {
            let text = String::from_utf8_lossy(request.body());
            if condition != Condition::MalformedBody || !text.contains(EXAMPLE_ESCAPE) {
                return Err(condition);
            }
            self.check(operation, false, Condition::ExampleEscape)?;
            body::parse_owned(&text.replace(EXAMPLE_ESCAPE, "!"))
        })?;
        let has = |field: &str| object.iter().any(|(name, _)| name == field);
        let is_own_change = operation == Operation::SetPasswordByAdmin
            && !["admin_username", "admin_password"]
                .iter()
                .any(|name| has(name))
            && ["username", "password", "new_password"]
                .iter()
                .all(|name| has(name));
        if is_own_change {
            self.check(operation, false, Condition::SetPasswordBody)?;
            let operation = Operation::SetPassword;
            return Ok((operation, self.take_fields(operation, object)?));
        }
        Ok((operation, self.take_fields(operation, object)?))
    }

    /// Takes the operation's fields out of an object; the first fault, in the order of the fields, decides.
    fn take_fields<'a>(
        &self,
        operation: Operation,
        mut object: JsonObject<'a>,
    ) -> Result<FieldValues<'a>, Condition> {
        let check = |is_good, condition| self.check(operation, is_good, condition);
        let handling = self.handling(Some(operation), Condition::DuplicateField);
        let mut values = FieldValues::default();
        let mut known = 0;
        for (field, names) in &self.operation(operation).fields {
            let mut indices = (0..object.len())
                .filter(|index| names.iter().any(|name| *name == object[*index].0));
            let Some(first) = indices.next() else {
                check(false, Condition::MissingField)?;
                continue;
            };
            let (count, last) = indices.fold((1, first), |(count, _), index| (count + 1, index));
            known += count;
            check(count == 1, Condition::DuplicateField)?;
            let taken = match handling {
                Handling::First => first,
                _ => last,
            };
            match mem::replace(&mut object[taken].1, FieldValue::Null) {
                FieldValue::Null => check(false, Condition::NullValue)?,
                FieldValue::Other => check(false, Condition::WrongType)?,
                FieldValue::Text(text) => {
                    check(!text.is_empty(), Condition::EmptyValue)?;
                    let keeps_blanks = check(false, Condition::BlanksAround).is_err();
                    values.set(*field, if keeps_blanks { text } else { trimmed(text) });
                }
            }
        }
        check(known == object.len(), Condition::UnknownField)?;
        Ok(values)
    }
}

fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => text.trim().into(),
        Cow::Owned(text) => text.trim().to_owned().into(),
    }
}

/// Checks the content type. Parameters and case do not matter (RFC 9110 section 8.3.1).
fn check_content_type(request: &Request<Bytes>, rules: &OperationRules) -> Result<(), Condition> {
    let value = request.headers().get(header::CONTENT_TYPE);
    let value = value
        .ok_or(Condition::NoContentType)?
        .to_str()
        .unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    let mut accepted = rules.accepts.iter();
    if accepted.any(|accepted| accepted.eq_ignore_ascii_case(essence)) {
        Ok(())
    } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Err(Condition::FormContentType)
    } else {
        Err(Condition::OtherContentType)
    }
}

fn has_field_in_query(query: &str, rules: &OperationRules) -> bool {
    let is_field = |pair: &str| {
        let given = pair.split('=').next().unwrap_or_default();
        let mut names = rules.fields.iter().flat_map(|(_, names)| names);
        names.any(|name| name == given)
    };
    query.split('&').any(is_field)
}

fn query_fields(query: &str) -> JsonObject<'static> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let decoded = |text| Cow::Owned(percent_decode(text));
    let fields = pairs.map(|(name, value)| (decoded(name), FieldValue::Text(decoded(value))));
    fields.collect()
}

/// What the documents' examples have for an exclamation mark.
const EXAMPLE_ESCAPE: &str = r"\!";
/// The most bytes of a body that is not large.
const LARGE_BODY: usize = 16 * 1024;
const UNKNOWN_PATH: ResponseKey = ResponseKey {
    operation: None,
    outcome: Outcome::UnknownPath,
};
