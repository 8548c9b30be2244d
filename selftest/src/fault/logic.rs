//! Faults of deciding: checks left out, too much changed or too little, states ignored.

use std::{net::IpAddr, time::Duration};

use d4iot_double::{
    appliance::{
        FieldValues, GracePeriod, Moment, ParsedRequest, Policy, ResponseKey, Rules, State,
        StateChange, User, UserState,
    },
    contract::{Field, Operation, Outcome, Role},
    redact::Secret,
};
use serde::Deserialize;

use super::{password_field, username_field};

/// A fault of deciding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogicFault {
    /// Where an administrator changes a user, the own password is changed too.
    AdminsOwnChanged,
    /// An administrator's password is as good as the user's, for the own change.
    AdminsPasswordForUsers,
    /// Administrators cannot use it.
    AdminsRefused,
    /// Every user's password is changed.
    AllUsersChanged,
    /// A security analyst counts as an administrator.
    AnalystsMay,
    /// The password of any user is the right one.
    AnotherUsersPassword,
    /// Any password is the right one.
    AnyPassword,
    /// Everybody counts as an administrator.
    AnyoneMay,
    /// A refused change is made.
    ChangesThoughItRefuses,
    /// A user who does not exist is created, and that is called a success.
    CreatesUnknownUsers,
    /// A user who does not exist is said not to, and created.
    CreatesWhileRefusing,
    /// The password before the present one cannot be set again.
    HistoryKept,
    /// Nobody is locked out.
    LocksNobody,
    /// User names do not tell upper from lower case.
    NamesWithoutCase,
    /// Blanks around a new password are lost.
    NewPasswordTrimmed,
    /// The password before the present one still changes it.
    OldPasswordChanges,
    /// One failure locks the user.
    OneFailureLocks,
    /// Everybody may change the own password.
    OwnPasswordByAnyone,
    /// Passwords count to their 8th byte.
    #[serde(rename = "passwords_cut_at_8")]
    PasswordsCutAt8,
    /// Passwords count to their 16th byte.
    #[serde(rename = "passwords_cut_at_16")]
    PasswordsCutAt16,
    /// Passwords count to their 32nd byte.
    #[serde(rename = "passwords_cut_at_32")]
    PasswordsCutAt32,
    /// Passwords count to their 72nd byte, as bcrypt has it.
    #[serde(rename = "passwords_cut_at_72")]
    PasswordsCutAt72,
    /// Passwords do not tell upper from lower case.
    PasswordsWithoutCase,
    /// Every new password is good enough.
    PolicyUnchecked,
    /// A read-only user cannot use it.
    ReadOnlyRefused,
    /// A name that no user has is told as such.
    RevealsUsers,
    /// Only the first change of a password is made.
    SecondChangeLost,
    /// Security analysts cannot use it.
    SecurityAnalystsRefused,
    /// The state of a user who is disabled is told whatever the password.
    StateBeforePassword,
    /// Who is locked or disabled is as any user.
    StatesIgnored,
    /// Names that no user has lock nobody out.
    UnknownNamesUncounted,
    /// The user's password is as good as the administrator's.
    UsersPasswordForAdmins,
    /// A success locks the user.
    SuccessLocks,
}

/// A parsed request, and the state it meets.
pub(super) struct Question<'a> {
    pub(super) state: &'a State,
    pub(super) rules: &'a Rules,
    pub(super) operation: Operation,
    pub(super) values: &'a FieldValues<'a>,
    pub(super) source: IpAddr,
    pub(super) now: Moment,
}

/// What is answered, and the state afterwards.
type Decision = (ResponseKey, State);

impl LogicFault {
    pub(super) fn evaluate(self, question: &Question<'_>) -> Decision {
        let &Question {
            state,
            operation,
            values,
            ..
        } = question;
        let (directory, new) = (&state.directory, values.get(Field::NewPassword));
        let asker = directory.find(values.get(username_field(operation)));
        let target = directory.find(values.get(Field::Username));
        let with_new_password = |user: &User| User {
            password: Secret::new(new),
            ..user.clone()
        };
        let was_former = |password: &str| {
            directory.is_previous_valid(values.get(Field::Username), password, question.now)
        };
        let changes = operation != Operation::Validation;
        match self {
            LogicFault::AdminsOwnChanged => question.also(Outcome::PasswordReplaced, || {
                asker.map(with_new_password).into_iter().collect()
            }),
            LogicFault::AdminsPasswordForUsers => question.with_any_password(|given| {
                let mut admins = directory.users().filter(|user| user.role == Role::Admin);
                operation == Operation::SetPassword
                    && admins.any(|user| user.password.expose() == given)
            }),
            LogicFault::AdminsRefused => question.refused_to(asker, Role::Admin),
            LogicFault::AllUsersChanged => question.also(Outcome::PasswordReplaced, || {
                directory.users().map(with_new_password).collect()
            }),
            LogicFault::AnalystsMay => {
                question.with_role(asker.filter(|user| user.role == Role::SecurityAnalyst))
            }
            LogicFault::AnotherUsersPassword => question.with_any_password(|given| {
                directory
                    .users()
                    .any(|user| user.password.expose() == given)
            }),
            LogicFault::AnyPassword => question.with_any_password(|_| true),
            LogicFault::AnyoneMay => question.with_role(asker),
            LogicFault::ChangesThoughItRefuses => {
                let (key, change) = question.outcome();
                let users = match &change {
                    None if changes && !key.outcome.is_success() => target.map(with_new_password),
                    _ => None,
                };
                (key, committed(state, change, users))
            }
            LogicFault::CreatesUnknownUsers => match question.outcome() {
                (key, _) if key.outcome == Outcome::UserUnknown => (
                    ResponseKey {
                        outcome: Outcome::PasswordReplaced,
                        ..key
                    },
                    committed(state, None, [question.new_user()]),
                ),
                (key, change) => (key, committed(state, change, [])),
            },
            LogicFault::CreatesWhileRefusing => {
                question.also(Outcome::UserUnknown, || vec![question.new_user()])
            }
            LogicFault::HistoryKept if changes && was_former(new) => {
                question.instead(Outcome::PolicyRefused)
            }
            LogicFault::HistoryKept => question.with_history(question.outcome()),
            LogicFault::OldPasswordChanges => question.with_history(
                question.outcome_with_any_password(|given| changes && was_former(given)),
            ),
            LogicFault::SecondChangeLost => {
                let (key, change) = question.outcome();
                let is_second = changes && target.is_some_and(|user| has_history(state, user));
                question.with_history((key, change.filter(|_| !is_second)))
            }
            LogicFault::LocksNobody => question.in_state(|state| state.lockout = None),
            LogicFault::NamesWithoutCase => {
                let mut values = values.clone();
                for field in [Field::AdminUsername, Field::Username] {
                    let known = directory
                        .users()
                        .find(|user| user.username.eq_ignore_ascii_case(values.get(field)));
                    if let Some(user) = known {
                        values.set(field, user.username.clone());
                    }
                }
                question.with(values)
            }
            LogicFault::NewPasswordTrimmed => {
                let (key, change) = question.outcome();
                let replaces = change
                    .as_ref()
                    .is_some_and(|change| change.new_password.is_some());
                let mut state = committed(state, change, []);
                let user = state.directory.find(values.get(Field::Username)).cloned();
                if let Some(user) = user.filter(|_| replaces) {
                    state.directory.put(User {
                        password: Secret::new(new.trim()),
                        ..user
                    });
                }
                (key, state)
            }
            LogicFault::OneFailureLocks => question.also(operation.rejection(), || {
                asker.map(locked).into_iter().collect()
            }),
            LogicFault::OwnPasswordByAnyone => {
                let is_own = asker.map(|user| &user.username) == target.map(|user| &user.username);
                question.with_role(asker.filter(|_| is_own))
            }
            LogicFault::PasswordsCutAt8 => question.with_cut_passwords(asker, 8),
            LogicFault::PasswordsCutAt16 => question.with_cut_passwords(asker, 16),
            LogicFault::PasswordsCutAt32 => question.with_cut_passwords(asker, 32),
            LogicFault::PasswordsCutAt72 => question.with_cut_passwords(asker, 72),
            LogicFault::PasswordsWithoutCase => question.with_any_password(|given| {
                asker.is_some_and(|user| user.password.expose().eq_ignore_ascii_case(given))
            }),
            LogicFault::PolicyUnchecked => question.in_state(|state| {
                state.policy = Policy {
                    min_length: 0,
                    max_length: None,
                    classes: 0,
                    symbols: None,
                }
            }),
            LogicFault::ReadOnlyRefused => question.refused_to(asker, Role::ReadOnly),
            LogicFault::RevealsUsers if asker.is_none() => question.instead(Outcome::UserUnknown),
            LogicFault::RevealsUsers => question.evaluate(),
            LogicFault::SecurityAnalystsRefused => {
                question.refused_to(asker, Role::SecurityAnalyst)
            }
            LogicFault::StateBeforePassword
                if asker.is_some_and(|user| user.state == UserState::Disabled) =>
            {
                question.instead(Outcome::PermissionDenied)
            }
            LogicFault::StateBeforePassword => question.evaluate(),
            LogicFault::StatesIgnored => question.in_state(|state| {
                for user in state.directory.clone().users() {
                    state.directory.put(User {
                        state: UserState::Active,
                        ..user.clone()
                    });
                }
            }),
            LogicFault::SuccessLocks => question.also(Outcome::Authenticated, || {
                asker
                    .filter(|user| user.role != Role::Admin)
                    .map(locked)
                    .into_iter()
                    .collect()
            }),
            LogicFault::UnknownNamesUncounted => {
                let (key, change) = question.outcome();
                (
                    key,
                    committed(state, change.filter(|_| asker.is_some()), []),
                )
            }
            LogicFault::UsersPasswordForAdmins => question.with_any_password(|given| {
                target.is_some_and(|user| user.password.expose() == given)
            }),
        }
    }
}

impl Question<'_> {
    /// Evaluates as the contract has it.
    pub(super) fn evaluate(&self) -> Decision {
        let (key, change) = self.outcome();
        (key, committed(self.state, change, []))
    }

    /// Takes the given password for the right one where `passes` says so; the user must exist all the same.
    pub(super) fn with_any_password(&self, passes: impl Fn(&str) -> bool) -> Decision {
        let (key, change) = self.outcome_with_any_password(passes);
        (key, committed(self.state, change, []))
    }

    fn outcome(&self) -> (ResponseKey, Option<StateChange>) {
        self.outcome_of(self.state, self.values.clone())
    }

    fn outcome_of(
        &self,
        state: &State,
        values: FieldValues<'_>,
    ) -> (ResponseKey, Option<StateChange>) {
        // Former passwords are kept for the faults alone: the mock knows none.
        let mut state = state.clone();
        for user in state.directory.clone().users() {
            state.directory.put(user.clone());
        }
        let request = ParsedRequest::Fields(self.operation, values);
        let evaluation = state.evaluate(self.rules, &request, self.source, self.now);
        (evaluation.key, evaluation.change)
    }

    fn with(&self, values: FieldValues<'_>) -> Decision {
        let (key, change) = self.outcome_of(self.state, values);
        (key, committed(self.state, change, []))
    }

    fn outcome_with_any_password(
        &self,
        passes: impl Fn(&str) -> bool,
    ) -> (ResponseKey, Option<StateChange>) {
        let mut values = self.values.clone();
        let user = self
            .state
            .directory
            .find(values.get(username_field(self.operation)));
        if let Some(user) = user.filter(|_| passes(values.get(password_field(self.operation)))) {
            let password = user.password.expose().to_owned();
            values.set(password_field(self.operation), password);
        }
        self.outcome_of(self.state, values)
    }

    /// Keeps the password that a change replaces, so that a later request can be held against it.
    fn with_history(&self, (key, change): (ResponseKey, Option<StateChange>)) -> Decision {
        let change = change.map(|change| StateChange {
            grace_period: Some(GracePeriod::Until(Moment(Duration::MAX))),
            ..change
        });
        (key, committed(self.state, change, []))
    }

    /// Compares the first bytes of passwords, and no more.
    fn with_cut_passwords(&self, asker: Option<&User>, length: usize) -> Decision {
        let cut = |password: &str| password.as_bytes()[..length.min(password.len())].to_vec();
        self.with_any_password(|given| {
            asker.is_some_and(|user| cut(user.password.expose()) == cut(given))
        })
    }

    /// Evaluates in another state; the change is made in the real one.
    fn in_state(&self, change: impl FnOnce(&mut State)) -> Decision {
        let mut state = self.state.clone();
        change(&mut state);
        let (key, change) = self.outcome_of(&state, self.values.clone());
        (key, committed(self.state, change, []))
    }

    /// Lets a user be an administrator for one request.
    fn with_role(&self, user: Option<&User>) -> Decision {
        self.in_state(|state| {
            if let Some(user) = user {
                state.directory.put(User {
                    role: Role::Admin,
                    ..user.clone()
                });
            }
        })
    }

    fn refused_to(&self, asker: Option<&User>, role: Role) -> Decision {
        let refused = if self.operation == Operation::Validation {
            Outcome::CredentialsRejected
        } else {
            Outcome::PermissionDenied
        };
        if asker.is_some_and(|user| user.role == role) {
            self.instead(refused)
        } else {
            self.evaluate()
        }
    }

    /// Answers with this outcome, and changes nothing.
    fn instead(&self, outcome: Outcome) -> Decision {
        match self.rules.response_key(Some(self.operation), outcome) {
            Some(key) => (key, self.state.clone()),
            None => self.evaluate(),
        }
    }

    /// Changes users besides where the request has an outcome.
    fn also(&self, outcome: Outcome, users: impl FnOnce() -> Vec<User>) -> Decision {
        let (key, change) = self.outcome();
        let users = if key.outcome == outcome {
            users()
        } else {
            Vec::new()
        };
        (key, committed(self.state, change, users))
    }

    fn new_user(&self) -> User {
        User {
            username: self.values.get(Field::Username).to_owned(),
            password: Secret::new(self.values.get(Field::NewPassword)),
            role: Role::ReadOnly,
            state: UserState::Active,
        }
    }
}

/// Returns the state after a change, with these users as they are then.
fn committed(
    state: &State,
    change: Option<StateChange>,
    users: impl IntoIterator<Item = User>,
) -> State {
    let mut state = state.clone();
    if let Some(change) = change {
        state.commit(change);
    }
    for user in users {
        state.directory.put(user);
    }
    state
}

/// Returns whether a former password of a user is kept. Putting the user in again would drop it.
fn has_history(state: &State, user: &User) -> bool {
    let mut without = state.directory.clone();
    if let Some(user) = without.find(&user.username).cloned() {
        without.put(user);
    }
    without != state.directory
}

fn locked(user: &User) -> User {
    User {
        state: UserState::Locked,
        ..user.clone()
    }
}
