//! A request at a fake appliance, and what a row can do with it.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use bytes::Bytes;
use d4iot_double::{
    appliance::User,
    contract,
    contract::{Echo, Envelope, Internal, Operation, Outcome, Role},
    redact::Secret,
    server::{Client, Service},
};
use http::{Method, Request, Response};
use serde_json::Value;

use crate::fake::{Answer, FakeAppliance, Seen};

pub(crate) struct Exchange<'a> {
    pub(crate) fake: &'a FakeAppliance,
    pub(crate) request: &'a Request<Bytes>,
    client: Client,
    /// Null where it is no JSON.
    pub(crate) body: Value,
    pub(crate) operation: Option<Operation>,
    /// Counted from 1 over all requests.
    pub(crate) number: usize,
    /// Counted from 1 over the changes with right credentials; 0 if this is none.
    pub(crate) change: usize,
    answered: RefCell<Option<Response<Bytes>>>,
}

impl<'a> Exchange<'a> {
    pub(crate) fn new(
        fake: &'a FakeAppliance,
        request: &'a Request<Bytes>,
        client: Client,
    ) -> Exchange<'a> {
        let name = request.uri().path().rsplit('/').next().unwrap_or_default();
        let operation = name.parse().ok();
        let mut exchange = Exchange {
            fake,
            request,
            client,
            body: serde_json::from_slice(request.body()).unwrap_or_default(),
            operation: operation.filter(|_| request.method() == Method::POST),
            number: 0,
            change: 0,
            answered: RefCell::default(),
        };
        let is_change = exchange.is_change();
        let mut ledger = fake.ledger();
        ledger.seen.push(exchange.seen());
        ledger.requests += 1;
        exchange.number = ledger.requests;
        if is_change {
            ledger.changes += 1;
            exchange.change = ledger.changes;
        }
        for field in ["username", "admin_username"] {
            let name = exchange.field(field);
            if ledger.original.contains_key(name) {
                ledger.named.insert(name.to_owned());
            }
        }
        drop(ledger);
        exchange
    }

    pub(crate) fn seen(&self) -> Seen {
        Seen {
            method: self.request.method().to_string(),
            path: self.request.uri().path().to_owned(),
            body: self.request.body().clone(),
            failed: false,
        }
    }

    /// A string of the body; empty if there is none of that name.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap_or_default()
    }

    pub(crate) fn username(&self) -> &str {
        self.field("username")
    }

    pub(crate) fn is(&self, operation: Operation) -> bool {
        self.operation == Some(operation)
    }

    pub(crate) fn is_validation(&self) -> bool {
        self.is(Operation::Validation)
    }

    /// Whether it asks for a change, with whatever credentials.
    pub(crate) fn asks_for_change(&self) -> bool {
        self.is(Operation::SetPassword) || self.is(Operation::SetPasswordByAdmin)
    }

    /// Who signs in, and with which password.
    pub(crate) fn credentials(&self) -> (&str, &str) {
        if self.is(Operation::SetPasswordByAdmin) {
            (self.field("admin_username"), self.field("admin_password"))
        } else {
            (self.username(), self.field("password"))
        }
    }

    /// The password that a user has now.
    pub(crate) fn password(&self, username: &str) -> Option<String> {
        let state = self.fake.host.state();
        let user = state.directory.find(username)?;
        Some(user.password.expose().to_owned())
    }

    pub(crate) fn role(&self, username: &str) -> Option<Role> {
        let state = self.fake.host.state();
        state.directory.find(username).map(|user| user.role)
    }

    /// Whether the password is the one of whoever signs in.
    pub(crate) fn is_right(&self) -> bool {
        let (name, password) = self.credentials();
        self.password(name).is_some_and(|right| right == password)
    }

    fn is_change(&self) -> bool {
        self.asks_for_change()
            && self.is_right()
            && !self.field("new_password").is_empty()
            && self.password(self.username()).is_some()
    }

    /// Answers as documented, once: asked again it is the same answer.
    pub(crate) fn answer(&self) -> Response<Bytes> {
        let mut answered = self.answered.borrow_mut();
        let answer = answered.get_or_insert_with(|| self.answer_to(self.request));
        answer.clone()
    }

    /// Answers another request as documented, in place of this one.
    pub(crate) fn answer_to(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let source = self.client.source.to_string();
        let lock = self.fake.lock;
        let account = self.credentials().0.to_owned();
        if self.operation.is_some() && self.fake.ledger().is_locked(&source, &account) {
            return self.worded(Outcome::LockedOut, 403);
        }
        let answer = self.fake.host.answer(request, self.client).into_response();
        let text = String::from_utf8_lossy(answer.body()).to_lowercase();
        let mut ledger = self.fake.ledger();
        if text.contains("authentication failure") || text.contains("validation failed") {
            ledger.fail(lock, &source, &account);
            ledger.seen.last_mut().unwrap().failed = true;
        } else if ["msg", "policy", "permission", "exist"]
            .iter()
            .any(|word| text.contains(word))
        {
            ledger.succeed(lock, &source, &account);
        }
        answer
    }

    /// Answers as documented, and undoes what was changed.
    pub(crate) fn answer_and_forget(&self) -> Response<Bytes> {
        let before = self.fake.host.state();
        let answer = self.answer();
        self.fake.host.set_state(before);
        answer
    }

    /// Answers as documented; what was changed takes effect after a time.
    pub(crate) fn answer_before_change(&self, time: Duration) -> Response<Bytes> {
        let name = self.username().to_owned();
        if !self.asks_for_change() {
            return self.answer();
        }
        let before = self.password(&name);
        let answer = self.answer_and_forget();
        let new = self.field("new_password").to_owned();
        if is_success(&answer) && before.is_some_and(|before| before != new) {
            let due = (Instant::now() + time, name, new);
            self.fake.ledger().due.push(due);
        }
        answer
    }

    /// Answers this request with fields of its body replaced.
    pub(crate) fn answer_with(&self, fields: &[(&str, &str)]) -> Response<Bytes> {
        let mut body = self.body.clone();
        for (name, value) in fields {
            body[*name] = (*value).into();
        }
        self.answer_to(&self.request.clone().map(|_| body.to_string().into()))
    }

    /// Answers as if the credentials were right.
    pub(crate) fn answer_to_anybody(&self) -> Response<Bytes> {
        let right = self.password(self.credentials().0).unwrap_or_default();
        let field = if self.is(Operation::SetPasswordByAdmin) {
            "admin_password"
        } else {
            "password"
        };
        self.answer_with(&[(field, &right)])
    }

    /// Carries out what is asked for, whatever the credentials are, and gives another answer.
    pub(crate) fn change(&self) {
        let new = self.field("new_password");
        if self.asks_for_change() && !new.is_empty() {
            self.fake.set_password(self.username(), new);
        }
    }

    /// Creates the user that is named, if there is none.
    pub(crate) fn create(&self) {
        let mut state = self.fake.host.state();
        if state.directory.find(self.username()).is_none() && !self.username().is_empty() {
            state.directory.put(User {
                username: self.username().to_owned(),
                password: Secret::new(self.field("new_password")),
                role: Role::ReadOnly,
                state: Default::default(),
            });
        }
        self.fake.host.set_state(state);
    }

    /// The contract's default words for an outcome.
    pub(crate) fn worded(&self, outcome: Outcome, status: u16) -> Response<Bytes> {
        let (_, spec) = contract::of(self.fake.kind)
            .response_spec(self.operation, outcome)
            .unwrap();
        let internal = spec
            .internal
            .as_ref()
            .map_or(&Internal::Absent, |fact| &fact.default_reading().is);
        let echo = Echo {
            username: self.username(),
        };
        let body = spec.body.default_reading();
        let body = body.is.body(Envelope::Object, internal, echo);
        json_response(status, body)
    }

    /// The words of a refused sign-in, which counts as failed.
    pub(crate) fn refuse_sign_in(&self) -> Response<Bytes> {
        let source = self.client.source.to_string();
        let (account, _) = self.credentials();
        self.fake.ledger().fail(self.fake.lock, &source, account);
        self.refused()
    }

    /// The words of a refused sign-in.
    pub(crate) fn refused(&self) -> Response<Bytes> {
        let outcome = if self.is_validation() {
            Outcome::CredentialsRejected
        } else {
            Outcome::AuthenticationFailed
        };
        self.worded(outcome, 401)
    }

    /// The words of a success.
    pub(crate) fn succeeded(&self) -> Response<Bytes> {
        let outcome = if self.is_validation() {
            Outcome::Authenticated
        } else {
            Outcome::PasswordReplaced
        };
        self.worded(outcome, 200)
    }

    /// Answers again what was answered to the same request within a time.
    pub(crate) fn cached(&self, time: Duration) -> Answer {
        let key = Bytes::copy_from_slice(self.username().as_bytes());
        let now = Instant::now();
        if let Some((until, answer)) = self.fake.ledger().cached.get(&key)
            && now < *until
        {
            return answer.clone().into();
        }
        let answer = self.answer();
        let entry = (now + time, answer.clone());
        self.fake.ledger().cached.insert(key, entry);
        answer.into()
    }

    /// Whether the new password is the current one, or one that the user had.
    pub(crate) fn is_in_history(&self) -> bool {
        let new = self.field("new_password");
        let ledger = self.fake.ledger();
        let history = ledger.history.get(self.username());
        history.is_some_and(|history| history.iter().any(|old| old == new))
            || self.password(self.username()).is_some_and(|now| now == new)
    }

    /// Whether the password is one that the user had.
    pub(crate) fn is_in_past(&self) -> bool {
        let (name, password) = self.credentials();
        let ledger = self.fake.ledger();
        let history = ledger.history.get(name);
        history.is_some_and(|history| history.iter().any(|old| old == password))
    }

    /// Whether the user's password was changed within a time.
    pub(crate) fn is_recently_changed(&self, time: Duration) -> bool {
        let ledger = self.fake.ledger();
        let at = ledger.changed_at.get(self.username());
        at.is_some_and(|at| at.elapsed() < time)
    }
}

pub(crate) fn is_success(answer: &Response<Bytes>) -> bool {
    serde_json::from_slice::<Value>(answer.body()).is_ok_and(|body| body["msg"].is_string())
}

pub(crate) fn json_response(status: u16, body: impl ToString) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body.to_string().into())
        .unwrap()
}
