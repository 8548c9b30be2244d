//! Faults: named ways in which a front answers differently from the mock appliance behind it.
//!
//! ```text
//! request ─[RequestFault]→ parse ─[LogicFault]→ evaluate ─[ResponseFault]→ render
//! ```
//!
//! The mock itself is the product's own: a fault changes what goes into its functions or what comes out of them.

mod logic;
mod percent;
mod request;
mod response;

use std::{net::IpAddr, str::FromStr};

use bytes::Bytes;
use d4iot_double::{
    appliance::{Moment, ParsedRequest, ResponseKey, Rules, State},
    contract::{Field, Operation},
};
use http::{Request, Response};
pub use logic::LogicFault;
use logic::Question;
pub use request::RequestFault;
pub use response::ResponseFault;
use serde::{
    Deserialize,
    de::{IntoDeserializer, value},
};

/// A fault, and the one operation that shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The fault.
    pub kind: FaultKind,
    /// The operation; every operation shows the fault where none is named.
    pub on: Option<Operation>,
}

/// A fault, by the step that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The state is changed, or the decision, or both.
    Logic(LogicFault),
    /// The request is read differently.
    Request(RequestFault),
    /// The response is written differently.
    Response(ResponseFault),
}

impl FromStr for FaultKind {
    type Err = String;

    fn from_str(name: &str) -> Result<FaultKind, String> {
        named(name)
            .map(FaultKind::Request)
            .or_else(|| named(name).map(FaultKind::Logic))
            .or_else(|| named(name).map(FaultKind::Response))
            .ok_or_else(|| format!("unknown quirk `{name}`"))
    }
}

fn named<'de, T: Deserialize<'de>>(name: &'de str) -> Option<T> {
    let name: value::StrDeserializer<'de, value::Error> = name.into_deserializer();
    T::deserialize(name).ok()
}

impl Fault {
    /// Answers a request, and returns the state afterwards.
    pub fn answer(
        self,
        rules: &Rules,
        state: &State,
        request: &Request<Bytes>,
        source: IpAddr,
        now: Moment,
    ) -> (Response<Bytes>, State) {
        match self.kind {
            FaultKind::Request(fault) if self.shows(request::operation(request)) => {
                let mut rewrite = fault.rewrite(rules, request);
                let refusal = rewrite.refusal.take();
                let parsed = refusal.unwrap_or_else(|| request::parse(rules, &rewrite));
                self.evaluate(rules, state, &parsed, source, now)
            }
            FaultKind::Logic(_) | FaultKind::Request(_) | FaultKind::Response(_) => {
                self.evaluate(rules, state, &rules.parse_request(request), source, now)
            }
        }
    }

    fn evaluate(
        self,
        rules: &Rules,
        state: &State,
        parsed: &ParsedRequest<'_>,
        source: IpAddr,
        now: Moment,
    ) -> (Response<Bytes>, State) {
        let (key, state) = match parsed {
            ParsedRequest::Rejected(key, _) => (*key, state.clone()),
            ParsedRequest::Fields(operation, values) => {
                let question = Question {
                    state,
                    rules,
                    operation: *operation,
                    values,
                    source,
                    now,
                };
                match self.kind {
                    FaultKind::Logic(fault) if self.shows(Some(*operation)) => {
                        fault.evaluate(&question)
                    }
                    // A rewritten request may hold the mark of a password that is never compared.
                    FaultKind::Request(_) => {
                        question.with_any_password(|given| given == request::ANY_PASSWORD)
                    }
                    FaultKind::Logic(_) | FaultKind::Response(_) => question.evaluate(),
                }
            }
        };
        (self.render(rules, key, parsed), state)
    }

    fn render(
        self,
        rules: &Rules,
        key: ResponseKey,
        parsed: &ParsedRequest<'_>,
    ) -> Response<Bytes> {
        self.disturb(rules, rules.render_response(key, parsed), key, parsed)
    }

    /// Changes a response as the fault has it.
    pub fn disturb(
        self,
        rules: &Rules,
        response: Response<Bytes>,
        key: ResponseKey,
        parsed: &ParsedRequest<'_>,
    ) -> Response<Bytes> {
        match self.kind {
            FaultKind::Response(fault) if self.on.is_none() || self.on == key.operation => {
                fault.apply(response, rules, key, parsed)
            }
            FaultKind::Logic(_) | FaultKind::Request(_) | FaultKind::Response(_) => response,
        }
    }

    fn shows(self, operation: Option<Operation>) -> bool {
        self.on.is_none() || self.on == operation
    }
}

/// The field that names who signs in.
fn username_field(operation: Operation) -> Field {
    match operation {
        Operation::SetPasswordByAdmin => Field::AdminUsername,
        _ => Field::Username,
    }
}

/// The field with the password of who signs in.
fn password_field(operation: Operation) -> Field {
    match operation {
        Operation::SetPasswordByAdmin => Field::AdminPassword,
        _ => Field::Password,
    }
}

#[cfg(test)]
mod tests;
