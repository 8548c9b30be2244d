//! What a request comes to: the checks of its operation over users, roles, policy and lock-out.

use std::{fmt, net::IpAddr};

use crate::{
    appliance::{
        Asked, Breach, Change, Moment, Rules, Scope, State, User, UserState, Worded,
        change::{Changed, SignIn},
        rules::Values,
    },
    contract::{Check, Circumstance, Field, Operation, Outcome, Role},
    redact::Secret,
};

/// Why a request came to its outcome, in words for the person whose client sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Everything holds.
    AllHolds,
    /// The new password breaks the policy.
    Policy(Breach),
    /// The role may not do this.
    Role(Role),
    /// The request has this fault, or the user is in this state.
    In(Circumstance),
    /// No user has the name that signs in.
    NoSuchUser,
    /// The user exists, the password is another.
    OtherPassword,
    /// No user has the name whose password is to be changed.
    NoSuchTarget,
}

/// What stops a request: the outcome, the reason, and whether it counts as a failed sign-in.
struct Stop {
    outcome: Outcome,
    reason: Reason,
    failed_sign_in: bool,
}

impl State {
    /// Judges a request that was read: its outcome and the change it would make.
    pub fn judge(
        &self,
        rules: &Rules,
        asked: &Asked<'_>,
        source: IpAddr,
        now: Moment,
    ) -> (Worded, Option<Change>) {
        let (worded, _, change) = self.judge_with_reason(rules, asked, source, now);
        (worded, change)
    }

    /// Judges a request and says why.
    pub fn judge_with_reason(
        &self,
        rules: &Rules,
        asked: &Asked<'_>,
        source: IpAddr,
        now: Moment,
    ) -> (Worded, Reason, Option<Change>) {
        let (operation, values) = match asked {
            Asked::Refused(worded, circumstance) => {
                return (*worded, Reason::In(*circumstance), None);
            }
            Asked::Fields(operation, values) => (*operation, values),
        };
        let account = values.of(signs_in(operation));
        let sign_in = |right| {
            self.counts(account).then(|| SignIn {
                source,
                account: account.to_owned(),
                right,
                now,
            })
        };
        let (outcome, reason, replace, sign_in) =
            match self.check(rules, operation, values, source, now) {
                Ok(()) => (
                    success(operation),
                    Reason::AllHolds,
                    replacement(operation, values),
                    sign_in(true),
                ),
                Err(stop) => (
                    stop.outcome,
                    stop.reason,
                    None,
                    if stop.failed_sign_in {
                        sign_in(false)
                    } else {
                        None
                    },
                ),
            };
        let former = (outcome == Outcome::Authenticated && self.by_former(values))
            .then(|| account.to_owned());
        let change = (replace.is_some() || sign_in.is_some() || former.is_some()).then(|| {
            Change::of(Changed {
                replace,
                lag: None,
                sign_in,
                former,
            })
        });
        (
            Worded {
                operation: Some(operation),
                outcome,
            },
            reason,
            change,
        )
    }

    /// Whether a validation that succeeded did so by a password that was replaced.
    fn by_former(&self, values: &Values<'_>) -> bool {
        self.directory.has_former()
            && self
                .directory
                .find(values.of(Field::Username))
                .is_some_and(|user| user.password.expose() != values.of(Field::Password))
    }

    /// Sign-ins are counted where there is a lock-out; failures of names that nobody has only by source, so that memory stays bounded.
    fn counts(&self, account: &str) -> bool {
        self.lockout.as_ref().is_some_and(|lockout| {
            lockout.scope == Scope::Source || self.directory.find(account).is_some()
        })
    }

    fn check(
        &self,
        rules: &Rules,
        operation: Operation,
        values: &Values<'_>,
        source: IpAddr,
        now: Moment,
    ) -> Result<(), Stop> {
        let asker = self.directory.find(values.of(signs_in(operation)));
        let target = if signs_in(operation) == Field::Username {
            asker
        } else {
            self.directory.find(values.of(Field::Username))
        };
        for check in rules.checks(operation) {
            match check {
                Check::Authentication => {
                    self.sign_in(rules, operation, values, asker, source, now)?
                }
                Check::Permission => may(rules, operation, asker, target)?,
                Check::User => known(rules, operation, target)?,
                Check::Policy => self.good_enough(rules, operation, values, target)?,
            }
        }
        Ok(())
    }

    fn sign_in(
        &self,
        rules: &Rules,
        operation: Operation,
        values: &Values<'_>,
        asker: Option<&User>,
        source: IpAddr,
        now: Moment,
    ) -> Result<(), Stop> {
        let account = values.of(signs_in(operation));
        match &self.lockout {
            Some(lockout) if lockout.bars(source, account, now) => {
                stop(rules, operation, lockout.scope.circumstance())?
            }
            _ => {}
        }
        let failed = |reason| {
            Err(Stop {
                outcome: operation.rejection(),
                reason,
                failed_sign_in: true,
            })
        };
        let Some(user) = asker else {
            return failed(Reason::NoSuchUser);
        };
        let given = values.of(proves(operation));
        let lags = || {
            operation == Operation::Validation
                && self.directory.still_validates(account, given, now)
        };
        if user.password.expose() != given && !lags() {
            return failed(Reason::OtherPassword);
        }
        match user.state {
            UserState::Active => Ok(()),
            UserState::Directory if operation == Operation::Validation => {
                stop(rules, operation, Circumstance::DirectoryUser)
            }
            UserState::Directory => Ok(()),
            UserState::Disabled => stop(rules, operation, Circumstance::DisabledUser),
            UserState::Locked => stop(rules, operation, Circumstance::LockedUser),
            UserState::MustChange => stop(rules, operation, Circumstance::MustChangeUser),
        }
    }

    fn good_enough(
        &self,
        rules: &Rules,
        operation: Operation,
        values: &Values<'_>,
        target: Option<&User>,
    ) -> Result<(), Stop> {
        if operation == Operation::Validation {
            return Ok(());
        }
        let new = values.of(Field::NewPassword);
        if let Err(breach) = self.policy.check(new) {
            return Err(Stop {
                outcome: Outcome::PolicyRefused,
                reason: Reason::Policy(breach),
                failed_sign_in: false,
            });
        }
        match target {
            Some(user) if user.password.expose() == new => {
                stop(rules, operation, Circumstance::SamePassword)
            }
            _ => Ok(()),
        }
    }
}

/// Whether the one who asks may do this, and do it to the one it is done to.
fn may(
    rules: &Rules,
    operation: Operation,
    asker: Option<&User>,
    target: Option<&User>,
) -> Result<(), Stop> {
    let Some(asker) = asker else { return Ok(()) };
    if !rules.may(operation, asker.role) {
        return Err(Stop {
            outcome: Outcome::PermissionDenied,
            reason: Reason::Role(asker.role),
            failed_sign_in: false,
        });
    }
    match target {
        Some(target)
            if operation == Operation::SetPasswordByAdmin
                && target.role == Role::Admin
                && target.username != asker.username =>
        {
            stop(rules, operation, Circumstance::AdminTarget)
        }
        _ => Ok(()),
    }
}

/// Whether the user whose password is to be changed exists and has one here.
fn known(rules: &Rules, operation: Operation, target: Option<&User>) -> Result<(), Stop> {
    match (operation, target) {
        (Operation::Validation, _) => Ok(()),
        (Operation::SetPasswordByAdmin, None) => Err(Stop {
            outcome: Outcome::UserUnknown,
            reason: Reason::NoSuchTarget,
            failed_sign_in: false,
        }),
        (
            _,
            Some(User {
                state: UserState::Directory,
                ..
            }),
        ) => stop(rules, operation, Circumstance::DirectoryUser),
        _ => Ok(()),
    }
}

fn stop(rules: &Rules, operation: Operation, circumstance: Circumstance) -> Result<(), Stop> {
    match rules.stopped(Some(operation), circumstance) {
        Some(outcome) => Err(Stop {
            outcome,
            reason: Reason::In(circumstance),
            failed_sign_in: false,
        }),
        None => Ok(()),
    }
}

/// Returns the field that names who signs in.
pub(super) fn signs_in(operation: Operation) -> Field {
    match operation {
        Operation::SetPassword | Operation::Validation => Field::Username,
        Operation::SetPasswordByAdmin => Field::AdminUsername,
    }
}

/// Returns the field that proves it.
pub(super) fn proves(operation: Operation) -> Field {
    match operation {
        Operation::SetPassword | Operation::Validation => Field::Password,
        Operation::SetPasswordByAdmin => Field::AdminPassword,
    }
}

fn success(operation: Operation) -> Outcome {
    match operation {
        Operation::SetPassword | Operation::SetPasswordByAdmin => Outcome::PasswordReplaced,
        Operation::Validation => Outcome::Authenticated,
    }
}

fn replacement(operation: Operation, values: &Values<'_>) -> Option<(String, Secret)> {
    match operation {
        Operation::SetPassword | Operation::SetPasswordByAdmin => Some((
            values.of(Field::Username).to_owned(),
            Secret::new(values.of(Field::NewPassword)),
        )),
        Operation::Validation => None,
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::AllHolds => out.write_str("every check holds"),
            Reason::Policy(breach) => write!(out, "the new password has {breach}"),
            Reason::Role(role) => write!(out, "the role {role} may not do this"),
            Reason::In(circumstance) => write!(out, "the circumstance is {circumstance}"),
            Reason::NoSuchUser => out.write_str("no user has this name"),
            Reason::OtherPassword => out.write_str("user exists, password differs"),
            Reason::NoSuchTarget => {
                out.write_str("no user has the name whose password is to be changed")
            }
        }
    }
}
