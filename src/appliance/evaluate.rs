//! The checks of an operation over users, roles, policy and lock-out: the outcome of a request, and the change it makes.

use std::{collections::BTreeMap, fmt, net::IpAddr, sync::LazyLock};

use crate::{
    appliance::{
        FieldValues, Moment, ParsedRequest, PolicyViolation, ResponseKey, Rules, Scope, SignIn,
        State, StateChange, User, UserState,
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
    /// A field of the request has this fault.
    OfField(Condition, Field),
    /// No user has the name that signs in.
    NoSuchUser,
    /// The user exists, the password is another.
    OtherPassword,
    /// No user has the name whose password is to be changed.
    NoSuchTarget,
}

/// A failed check.
type Rejection = (Outcome, Reason);

/// A request with all its fields, and everything it is checked against.
struct Evaluator<'a> {
    state: &'a State,
    rules: &'a Rules,
    operation: Operation,
    values: &'a FieldValues<'a>,
    source: IpAddr,
    now: Moment,
    /// The name and the password that sign in.
    account: &'a str,
    password: &'a str,
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
        let (account, password) = match operation {
            Operation::SetPasswordByAdmin => (Field::AdminUsername, Field::AdminPassword),
            Operation::SetPassword | Operation::Validation => (Field::Username, Field::Password),
        };
        let evaluator = Evaluator {
            state: self,
            rules,
            operation,
            values,
            source,
            now,
            account: values.get(account),
            password: values.get(password),
            asker: self.find(rules, operation, values.get(account)),
            target: self.find(rules, operation, values.get(Field::Username)),
        };
        let mut signed_in = false;
        let (outcome, reason) = match (evaluator.check(&mut signed_in), operation) {
            (Err(rejection), _) => rejection,
            (Ok(()), Operation::Validation) => (Outcome::Authenticated, Reason::AllHolds),
            (Ok(()), _) => (Outcome::PasswordReplaced, Reason::AllHolds),
        };
        let operation = Some(operation);
        Evaluation {
            key: ResponseKey { operation, outcome },
            reason,
            change: evaluator.change(reason, signed_in),
        }
    }

    /// Finds a user; in another letter case too, if the contract lets such a name proceed.
    fn find(&self, rules: &Rules, operation: Operation, username: &str) -> Option<&User> {
        let exact = self.directory.find(username);
        let ignores_case = rules
            .outcome_of(Some(operation), Condition::UsernameCase)
            .is_none();
        let mut users = self.directory.users();
        let same = || users.find(|user| user.username.eq_ignore_ascii_case(username));
        exact.or_else(|| ignores_case.then(same).flatten())
    }
}

impl Evaluator<'_> {
    /// The change that the result makes: a counted sign-in, and after a success a new password.
    fn change(&self, reason: Reason, signed_in: bool) -> Option<StateChange> {
        let succeeded = reason == Reason::AllHolds;
        if !signed_in && !matches!(reason, Reason::NoSuchUser | Reason::OtherPassword) {
            return None;
        }
        // Failures of unknown names count only by source, so that memory stays bounded.
        let lockout = self.state.lockout.as_ref();
        let counts_unknown = !self.proceeds(Condition::UnknownNames);
        let counts = lockout.is_some_and(|lockout| {
            lockout.scope == Scope::Source && counts_unknown || self.asker.is_some()
        });
        // A right password ends a row, of which a refused request may be no part.
        let counts =
            counts && (succeeded || !signed_in || self.proceeds(Condition::RefusedRequest));
        let mut change = StateChange {
            sign_in: counts.then(|| SignIn {
                source: self.source,
                account: self.account.to_owned(),
                succeeded: signed_in,
                now: self.now,
            }),
            ..StateChange::default()
        };
        let username = || self.values.get(Field::Username).to_owned();
        if succeeded && self.operation.is_change() {
            let password = Secret::new(self.values.get(Field::NewPassword));
            let username = self
                .target
                .map_or_else(username, |user| user.username.clone());
            change.new_password = Some((username, password));
            change.unlocks = self.proceeds(Condition::LockedTarget);
        } else if succeeded && !self.has_present_password() {
            change.validated_with_previous = Some(username());
        }
        (change != StateChange::default()).then_some(change)
    }

    /// Returns whether the contract, of any operation, lets what is in a condition proceed.
    fn proceeds(&self, condition: Condition) -> bool {
        self.rules.outcome_of(None, condition).is_none()
    }

    fn has_present_password(&self) -> bool {
        self.asker
            .is_some_and(|user| user.password.expose() == self.password)
    }

    /// Runs the checks in their order, and says whether the sign-in was among those that passed.
    fn check(&self, signed_in: &mut bool) -> Result<(), Rejection> {
        let order = &self.rules.operation(self.operation).order;
        order.iter().try_for_each(|check| match check {
            Check::Authentication => self.check_sign_in().inspect(|()| *signed_in = true),
            Check::Permission => self.check_permission(),
            Check::User => self.check_user(),
            Check::Policy => self.check_policy(),
        })
    }

    fn check_sign_in(&self) -> Result<(), Rejection> {
        if let Some(lockout) = &self.state.lockout
            && lockout.is_locked(self.source, self.account, self.now)
        {
            self.reject_in(lockout.scope.condition())?;
        }
        let failed = |reason| (self.operation.rejection(), reason);
        let user = self.asker.ok_or(failed(Reason::NoSuchUser))?;
        let is_validation = self.operation == Operation::Validation;
        let is_previous = || {
            let directory = &self.state.directory;
            is_validation && directory.is_previous_valid(self.account, self.password, self.now)
        };
        if !self.has_present_password() && !is_previous() {
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
            return Err((Outcome::PermissionDenied, Reason::Role(asker.role)));
        }
        let is_other_admin =
            |user: &User| user.role == Role::Admin && user.username != asker.username;
        if self.operation == Operation::SetPasswordByAdmin
            && self.target.is_some_and(is_other_admin)
        {
            self.reject_in(Condition::AdminTarget)?;
        }
        Ok(())
    }

    /// Checks that the user whose password is to be changed exists and has a password here.
    fn check_user(&self) -> Result<(), Rejection> {
        match (self.operation, self.target) {
            (Operation::SetPasswordByAdmin, None) => {
                Err((Outcome::UserUnknown, Reason::NoSuchTarget))
            }
            (Operation::SetPassword | Operation::SetPasswordByAdmin, Some(user))
                if user.state == UserState::Directory =>
            {
                self.reject_in(Condition::DirectoryUser)
            }
            (Operation::SetPasswordByAdmin, Some(user)) if user.state != UserState::Active => {
                self.reject_in(Condition::InactiveTarget)
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
            let refused = self.reject_in(Condition::WeakPassword);
            refused.map_err(|(outcome, _)| (outcome, Reason::Policy(violation)))?;
        }
        match self.target {
            Some(user) if user.password.expose() == new => self.reject_in(Condition::SamePassword),
            _ => Ok(()),
        }
    }

    /// Rejects the request, unless the contract lets it proceed.
    fn reject_in(&self, condition: Condition) -> Result<(), Rejection> {
        let outcome = self.rules.outcome_of(Some(self.operation), condition);
        outcome.map_or(Ok(()), |outcome| Err((outcome, Reason::In(condition))))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Reason::AllHolds => "every check holds",
            Reason::Policy(violation) => return write!(out, "the new password has {violation}"),
            Reason::Role(role) => return write!(out, "the role {role} may not do this"),
            Reason::In(condition) => &CONDITIONS[condition],
            Reason::OfField(condition, field) => {
                return write!(out, "{}: `{}`", CONDITIONS[condition], field.name());
            }
            Reason::NoSuchUser => "no user has this name",
            Reason::OtherPassword => "user exists, password differs",
            Reason::NoSuchTarget => "no user has the name whose password is to be changed",
        })
    }
}

static CONDITIONS: LazyLock<BTreeMap<Condition, String>> = LazyLock::new(|| {
    serde_saphyr::from_str(include_str!("conditions.yaml")).expect("a text for each condition")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_condition_has_a_text() {
        assert!(CONDITIONS.keys().eq(Condition::ALL));
    }
}
