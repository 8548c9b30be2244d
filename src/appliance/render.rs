//! From an outcome to a response: the contract's bodies, rendered once where they repeat nothing of the request.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header, request::Parts};

use crate::{
    appliance::{ParsedRequest, Rules},
    contract::{
        CHALLENGE, Condition, Contract, EXTRA_MEMBERS, Echo, Envelope, ExtraMembers, Internal,
        Operation, Outcome, Readings, USERNAME, Wording, own_body, status_code,
    },
};

/// The member that an appliance with further members sends.
const EXTRA_MEMBER: &str = "errorCode";

/// An outcome at an operation, or at none: the key by which a response is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseKey {
    /// The operation.
    pub operation: Option<Operation>,
    /// The outcome.
    pub outcome: Outcome,
}

/// The response to one outcome.
#[derive(Clone, Debug)]
pub(super) struct ResponseTemplate {
    status: StatusCode,
    wording: Wording,
    envelope: Envelope,
    internal: Internal,
    extra_members: ExtraMembers,
    /// The body itself, where a reading gives it.
    own: Option<String>,
    /// `WWW-Authenticate`, with a 401.
    challenge: Option<HeaderValue>,
    /// The body, where it repeats nothing of the request.
    fixed: Option<Bytes>,
}

impl ResponseTemplate {
    /// Resolves a contract; `None` where it has no response to this outcome at this operation.
    pub(super) fn new(
        contract: &Contract,
        readings: &Readings,
        key: ResponseKey,
    ) -> Option<ResponseTemplate> {
        let (place, spec) = contract.response_spec(key.operation, key.outcome)?;
        let reading = |point: &str| readings.of(&format!("{place}.{}.{point}", key.outcome));
        let envelope = spec.envelope.as_ref();
        let internal = spec.internal.as_ref();
        let mut template = ResponseTemplate {
            status: reading("status")
                .and_then(status_code)
                .unwrap_or(spec.status.pick(reading("status")).is.0),
            wording: spec.body.pick(reading("body")).is.clone(),
            envelope: envelope.map_or(Envelope::Object, |fact| fact.pick(reading("envelope")).is),
            internal: internal.map_or(Internal::Absent, |fact| {
                fact.pick(reading("internal")).is.clone()
            }),
            extra_members: contract
                .any
                .extra_members
                .pick(readings.of(EXTRA_MEMBERS))
                .is,
            own: reading("body").and_then(own_body).map(str::to_owned),
            challenge: None,
            fixed: None,
        };
        if template.status == StatusCode::UNAUTHORIZED {
            let challenge = &contract.any.challenge.pick(readings.of(CHALLENGE)).is;
            let value = |text: &String| text.parse().expect("a challenge is a header value");
            template.challenge = challenge.as_ref().map(value);
        }
        let echoes = match &template.own {
            Some(own) => own.contains(USERNAME),
            None => template.wording.echoes(),
        };
        template.fixed = (!echoes).then(|| template.body(""));
        Some(template)
    }

    fn body(&self, username: &str) -> Bytes {
        if let Some(own) = &self.own {
            // In JSON the name is the inside of a text.
            let name = serde_json::Value::from(username).to_string();
            let name = match own.starts_with(['{', '[']) {
                true => &name[1..name.len() - 1],
                false => username,
            };
            return Bytes::from(own.replace(USERNAME, name));
        }
        let echo = Echo { username };
        let mut body = self.wording.body(self.envelope, &self.internal, echo);
        if self.extra_members == ExtraMembers::Present {
            body[EXTRA_MEMBER] = self.status.as_u16().into();
        }
        Bytes::from(body.to_string())
    }
}

impl Rules {
    /// Renders a response. A user name that it repeats comes from the request.
    ///
    /// # Panics
    /// Where the contract has no response for the key; [`Rules::response_key`] returns only keys that have one.
    pub fn render_response(
        &self,
        key: ResponseKey,
        request: &ParsedRequest<'_>,
    ) -> Response<Bytes> {
        let table = self.responses(key.operation);
        let template = table.templates[key.outcome as usize]
            .as_ref()
            .expect("the contract has a response for every outcome of an operation");
        let username = request.user().unwrap_or_default();
        let fixed = template.fixed.clone();
        let body = fixed.unwrap_or_else(|| template.body(username));
        let mut response = Response::new(body);
        *response.status_mut() = template.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, table.content_type.clone());
        if let Some(challenge) = &template.challenge {
            headers.insert(header::WWW_AUTHENTICATE, challenge.clone());
        }
        if key.outcome == Outcome::MethodNotAllowed {
            headers.insert(header::ALLOW, self.allowed_method(key.operation));
        }
        response
    }

    /// Renders the response to a request that the server rejects, of which only the head is known. With
    /// a body that is too large, an unknown path stays one.
    pub fn render_rejection(&self, head: &Parts, outcome: Outcome) -> Response<Bytes> {
        let condition = Condition::BodyTooLarge;
        let reject = |operation| self.reject(Some(operation), condition);
        let rejected = match self.route(head.method.as_str(), head.uri.path()) {
            _ if outcome != Outcome::BodyTooLarge => None,
            Ok(operation) => reject(operation),
            Err(rejected) => Some(rejected),
        };
        let operation = None;
        let key = match rejected {
            Some(ParsedRequest::Rejected(key, _)) => key,
            _ => ResponseKey { operation, outcome },
        };
        self.render_response(key, &ParsedRequest::Rejected(key, condition))
    }

    /// Returns the key of a response to an outcome: at the operation, else at any request, else at any operation that has one.
    pub fn response_key(
        &self,
        operation: Option<Operation>,
        outcome: Outcome,
    ) -> Option<ResponseKey> {
        let any = Operation::ALL.iter().copied().map(Some);
        let mut places = [operation, None].into_iter().chain(any);
        places
            .find(|place| self.responses(*place).templates[outcome as usize].is_some())
            .map(|operation| ResponseKey { operation, outcome })
    }

    /// Returns whether the response to an outcome repeats a user name; none where there is no such response.
    pub fn response_echoes(&self, key: ResponseKey) -> Option<bool> {
        let template = &self.responses(key.operation).templates[key.outcome as usize];
        Some(template.as_ref()?.fixed.is_none())
    }

    fn allowed_method(&self, operation: Option<Operation>) -> HeaderValue {
        let method = operation.map_or("POST", |operation| &self.operation(operation).method);
        HeaderValue::from_str(method).expect("a method is a token")
    }
}
