//! The checks of an operation over users, roles, policy and lock-out: the outcome of a request, and the change it makes.

use std::{fmt, net::IpAddr};

use crate::{
    appliance::{
        FieldValues, Moment, ParsedRequest, PolicyViolation, ResponseKey, Rules, Scope, State,
        StateChange, User, UserState, change::SignIn,
    },
    contract::{Check, Condition, Field, Operation, Outcome, Role},
    redact::Secret,
};

/// The result of evaluating a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The response.
    pub key: ResponseKey,
    /// Why.
    pub reason: Reason,
    /// The change to commit.
    pub change: Option<StateChange>,
}

/// Why a request has its outcome, as text for the person whose client sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Every check passes.
    AllHolds,
    /// The new password violates the policy.
    Policy(PolicyViolation),
    /// The role does not permit this.
    Role(Role),
    /// The request has this fault, or the user is in this state.
    In(Condition),
    /// No user has the name that signs in.
    NoSuchUser,
    /// The user exists, the password is another.
    OtherPassword,
    /// No user has the name whose password is to be changed.
    NoSuchTarget,
}

/// A failed check.
struct Rejection {
    outcome: Outcome,
    reason: Reason,
    /// Whether it counts as a failed sign-in.
    is_failed_sign_in: bool,
}

impl Rejection {
    fn new(outcome: Outcome, reason: Reason) -> Rejection {
        Rejection {
            outcome,
            reason,
            is_failed_sign_in: false,
        }
    }
}

/// A request with all its fields, and everything it is checked against.
struct Evaluator<'a> {
    state: &'a State,
    rules: &'a Rules,
    operation: Operation,
    values: &'a FieldValues<'a>,
    source: IpAddr,
    now: Moment,
    /// The user who signs in, if there is one of that name.
    asker: Option<&'a User>,
    /// The user it is about.
    target: Option<&'a User>,
}

impl State {
    /// Evaluates a parsed request. Nothing changes until the change is committed.
    pub fn evaluate(
        &self,
        rules: &Rules,
        request: &ParsedRequest<'_>,
        source: IpAddr,
        now: Moment,
    ) -> Evaluation {
        let (operation, values) = match request {
            ParsedRequest::Fields(operation, values) => (*operation, values),
            ParsedRequest::Rejected(key, condition) => {
                return Evaluation {
                    key: *key,
                    reason: Reason::In(*condition),
                    change: None,
                };
            }
        };
        let evaluator = Evaluator {
            state: self,
            rules,
            operation,
            values,
            source,
            now,
            asker: self.directory.find(values.get(username_field(operation))),
            target: self.directory.find(values.get(Field::Username)),
        };
        evaluator.evaluate()
    }
}

impl Evaluator<'_> {
    fn evaluate(&self) -> Evaluation {
        let (outcome, reason, change) = match self.check() {
            Ok(()) => (self.success(), Reason::AllHolds, self.change()),
            Err(rejection) => {
                let change = StateChange {
                    sign_in: rejection
                        .is_failed_sign_in
                        .then(|| self.sign_in(false))
                        .flatten(),
                    ..StateChange::default()
                };
                (rejection.outcome, rejection.reason, change)
            }
        };
        Evaluation {
            key: ResponseKey {
                operation: Some(self.operation),
                outcome,
            },
            reason,
            change: (change != StateChange::default()).then_some(change),
        }
    }

    fn success(&self) -> Outcome {
        match self.operation {
            Operation::SetPassword | Operation::SetPasswordByAdmin => Outcome::PasswordReplaced,
            Operation::Validation => Outcome::Authenticated,
        }
    }

    /// The change of a request that passes every check.
    fn change(&self) -> StateChange {
        let username = || self.values.get(Field::Username).to_owned();
        let (new_password, validated_with_previous) = match self.operation {
            Operation::SetPassword | Operation::SetPasswordByAdmin => {
                let password = Secret::new(self.values.get(Field::NewPassword));
                (Some((username(), password)), None)
            }
            Operation::Validation => {
                let given = self.values.get(Field::Password);
                let is_present = self
                    .target
                    .is_none_or(|user| user.password.expose() == given);
                (None, (!is_present).then(username))
            }
        };
        StateChange {
            new_password,
            grace_period: None,
            sign_in: self.sign_in(true),
            validated_with_previous,
        }
    }

    /// A sign-in that the lock-out counts. Failures of unknown names count only by source, so that memory stays bounded.
    fn sign_in(&self, succeeded: bool) -> Option<SignIn> {
        let lockout = self.state.lockout.as_ref()?;
        let counts = lockout.scope == Scope::Source || self.asker.is_some();
        counts.then(|| SignIn {
            source: self.source,
            account: self.account().to_owned(),
            succeeded,
            now: self.now,
        })
    }

    fn account(&self) -> &str {
        self.values.get(username_field(self.operation))
    }

    fn check(&self) -> Result<(), Rejection> {
        for check in &self.rules.operation(self.operation).order {
            match check {
                Check::Authentication => self.check_sign_in(),
                Check::Permission => self.check_permission(),
                Check::User => self.check_user(),
                Check::Policy => self.check_policy(),
            }?;
        }
        Ok(())
    }

    fn check_sign_in(&self) -> Result<(), Rejection> {
        if let Some(lockout) = &self.state.lockout
            && lockout.is_locked(self.source, self.account(), self.now)
        {
            self.reject_in(lockout.scope.condition())?;
        }
        let failed = |reason| Rejection {
            outcome: self.operation.rejection(),
            reason,
            is_failed_sign_in: true,
        };
        let user = self.asker.ok_or_else(|| failed(Reason::NoSuchUser))?;
        let given = self.values.get(password_field(self.operation));
        let is_validation = self.operation == Operation::Validation;
        let is_previous = || {
            let directory = &self.state.directory;
            is_validation && directory.is_previous_valid(self.account(), given, self.now)
        };
        if user.password.expose() != given && !is_previous() {
            return Err(failed(Reason::OtherPassword));
        }
        match user.state {
            UserState::Directory if is_validation => self.reject_in(Condition::DirectoryUser),
            UserState::Active | UserState::Directory => Ok(()),
            UserState::Disabled => self.reject_in(Condition::DisabledUser),
            UserState::Locked => self.reject_in(Condition::LockedUser),
            UserState::MustChange => self.reject_in(Condition::MustChangeUser),
        }
    }

    /// Checks that the asker may do this, and to this user.
    fn check_permission(&self) -> Result<(), Rejection> {
        let Some(asker) = self.asker else {
            return Ok(());
        };
        if !self
            .rules
            .operation(self.operation)
            .roles
            .contains(&asker.role)
        {
            let reason = Reason::Role(asker.role);
            return Err(Rejection::new(Outcome::PermissionDenied, reason));
        }
        match self.target {
            Some(target)
                if self.operation == Operation::SetPasswordByAdmin
                    && target.role == Role::Admin
                    && target.username != asker.username =>
            {
                self.reject_in(Condition::AdminTarget)
            }
            _ => Ok(()),
        }
    }

    /// Checks that the user whose password is to be changed exists and has a password here.
    fn check_user(&self) -> Result<(), Rejection> {
        match (self.operation, self.target) {
            (Operation::SetPasswordByAdmin, None) => {
                Err(Rejection::new(Outcome::UserUnknown, Reason::NoSuchTarget))
            }
            (Operation::SetPassword | Operation::SetPasswordByAdmin, Some(user))
                if user.state == UserState::Directory =>
            {
                self.reject_in(Condition::DirectoryUser)
            }
            _ => Ok(()),
        }
    }

    fn check_policy(&self) -> Result<(), Rejection> {
        if self.operation == Operation::Validation {
            return Ok(());
        }
        let new = self.values.get(Field::NewPassword);
        if let Err(violation) = self.state.policy.check(new) {
            let reason = Reason::Policy(violation);
            return Err(Rejection::new(Outcome::PolicyRefused, reason));
        }
        match self.target {
            Some(user) if user.password.expose() == new => self.reject_in(Condition::SamePassword),
            _ => Ok(()),
        }
    }

    /// Rejects the request, unless the contract lets it proceed.
    fn reject_in(&self, condition: Condition) -> Result<(), Rejection> {
        match self.rules.outcome_of(Some(self.operation), condition) {
            Some(outcome) => Err(Rejection::new(outcome, Reason::In(condition))),
            None => Ok(()),
        }
    }
}

/// The field that names who signs in.
fn username_field(operation: Operation) -> Field {
    match operation {
        Operation::SetPassword | Operation::Validation => Field::Username,
        Operation::SetPasswordByAdmin => Field::AdminUsername,
    }
}

/// The field with the password of who signs in.
fn password_field(operation: Operation) -> Field {
    match operation {
        Operation::SetPassword | Operation::Validation => Field::Password,
        Operation::SetPasswordByAdmin => Field::AdminPassword,
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::AllHolds => out.write_str("every check holds"),
            Reason::Policy(violation) => write!(out, "the new password has {violation}"),
            Reason::Role(role) => write!(out, "the role {role} may not do this"),
            Reason::In(condition) => out.write_str(text(*condition)),
            Reason::NoSuchUser => out.write_str("no user has this name"),
            Reason::OtherPassword => out.write_str("user exists, password differs"),
            Reason::NoSuchTarget => {
                out.write_str("no user has the name whose password is to be changed")
            }
        }
    }
}

fn text(condition: Condition) -> &'static str {
    match condition {
        Condition::AdminTarget => "the password is another administrator's",
        Condition::BodyTooLarge => "the body is too large",
        Condition::DirectoryUser => "the user's password is kept in a directory elsewhere",
        Condition::DisabledUser => "the user is disabled",
        Condition::DuplicateField => "a field occurs twice",
        Condition::EmptyBody => "the body is empty",
        Condition::EmptyValue => "a required field is an empty string",
        Condition::FormContentType => "the content type is application/x-www-form-urlencoded",
        Condition::LockedSource => "too many failed sign-ins came from this address",
        Condition::LockedUser => "the user is locked",
        Condition::MalformedBody => "the body is not JSON",
        Condition::MissingField => "a required field is missing",
        Condition::MustChangeUser => "the user must change the password first",
        Condition::NoContentType => "the request has no content type",
        Condition::NotAnObject => "the body is JSON, but not an object",
        Condition::NotUtf8 => "the body is not UTF-8",
        Condition::NullValue => "a required field is null",
        Condition::OtherContentType => "the content type is not accepted",
        Condition::OtherMethod => "the operation has another method",
        Condition::SamePassword => "the new password is the present one",
        Condition::UnknownField => "the operation does not have one of the fields",
        Condition::UnknownPath => "no operation has this path",
        Condition::UrlCredentials => "the credentials are in the URL, not in the body",
        Condition::WrongType => "a field is not a string",
    }
}
