//! What a request comes to that it should not: checks left out, too much changed or nothing, states forgotten.

use std::net::IpAddr;

use crate::{
    appliance::{
        Asked, Change, Lag, Moment, Policy, Rules, State, User, UserState, Worded,
        judge::{Reason, proves, signs_in},
        rules::Values,
    },
    contract::{Field, Operation, Outcome, Role, closed_set},
    redact::Secret,
};

closed_set! {
    /// A way to misjudge.
    Misjudged, "quirk" {
        /// Where an administrator changes a user, the own password is changed too.
        AdminsOwnChanged = "admins_own_changed",
        /// Administrators cannot use it.
        AdminsRefused = "admins_refused",
        /// Every user's password is changed.
        AllUsersChanged = "all_users_changed",
        /// A security analyst counts as an administrator.
        AnalystsMay = "analysts_may",
        /// The password of any user is the right one.
        AnotherUsersPassword = "another_users_password",
        /// Any password is the right one.
        AnyPassword = "any_password",
        /// Everybody counts as an administrator.
        AnyoneMay = "anyone_may",
        /// A refused change is made.
        ChangesThoughItRefuses = "changes_though_it_refuses",
        /// A user who does not exist is created, and that is called a success.
        CreatesUnknownUsers = "creates_unknown_users",
        /// A user who does not exist is said not to, and created.
        CreatesWhileRefusing = "creates_while_refusing",
        /// The password before the present one cannot be set again.
        HistoryKept = "history_kept",
        /// Nobody is locked out.
        LocksNobody = "locks_nobody",
        /// User names do not tell upper from lower case.
        NamesWithoutCase = "names_without_case",
        /// Blanks around a new password are lost.
        NewPasswordTrimmed = "new_password_trimmed",
        /// The password before the present one still changes it.
        OldPasswordChanges = "old_password_changes",
        /// One failure locks the user.
        OneFailureLocks = "one_failure_locks",
        /// Everybody may change the own password.
        OwnPasswordByAnyone = "own_password_by_anyone",
        /// Passwords count to their 8th byte.
        PasswordsCutAt8 = "passwords_cut_at_8",
        /// Passwords count to their 16th byte.
        PasswordsCutAt16 = "passwords_cut_at_16",
        /// Passwords count to their 32nd byte.
        PasswordsCutAt32 = "passwords_cut_at_32",
        /// Passwords count to their 72nd byte, as bcrypt has it.
        PasswordsCutAt72 = "passwords_cut_at_72",
        /// Passwords do not tell upper from lower case.
        PasswordsWithoutCase = "passwords_without_case",
        /// Every new password is good enough.
        PolicyUnchecked = "policy_unchecked",
        /// A read-only user cannot use it.
        ReadOnlyRefused = "read_only_refused",
        /// A name that no user has is told as such.
        RevealsUsers = "reveals_users",
        /// Only the first change of a password is made.
        SecondChangeLost = "second_change_lost",
        /// Security analysts cannot use it.
        SecurityAnalystsRefused = "security_analysts_refused",
        /// The state of a user who is disabled is told whatever the password.
        StateBeforePassword = "state_before_password",
        /// Who is locked or disabled is as any user.
        StatesIgnored = "states_ignored",
        /// Names that no user has lock nobody out.
        UnknownNamesUncounted = "unknown_names_uncounted",
        /// The user's password is as good as the administrator's.
        UsersPasswordForAdmins = "users_password_for_admins",
        /// A success locks the user.
        SuccessLocks = "success_locks",
    }
}

/// A request that was read, and what it is asked of.
pub(super) struct Question<'a> {
    pub(super) state: &'a State,
    pub(super) rules: &'a Rules,
    pub(super) operation: Operation,
    pub(super) values: &'a Values<'a>,
    pub(super) source: IpAddr,
    pub(super) now: Moment,
}

/// What it comes to.
type Judgement = (Worded, Reason, Option<Change>);

impl Misjudged {
    pub(super) fn judge(self, question: &Question<'_>) -> Judgement {
        let &Question {
            state,
            operation,
            values,
            ..
        } = question;
        let (directory, new) = (&state.directory, values.of(Field::NewPassword));
        let (asker, target) = (
            directory.find(values.of(signs_in(operation))),
            directory.find(values.of(Field::Username)),
        );
        let same_user = || asker.map(|user| &user.username) == target.map(|user| &user.username);
        let given_password = |user: &User| User {
            password: Secret::new(new),
            ..user.clone()
        };
        let changes = operation != Operation::Validation;
        match self {
            Misjudged::AdminsOwnChanged => question.also(Outcome::PasswordReplaced, || {
                asker.map(given_password).into_iter().collect()
            }),
            Misjudged::AdminsRefused => question.refused_to(asker, Role::Admin),
            Misjudged::AllUsersChanged => question.also(Outcome::PasswordReplaced, || {
                directory.users().into_iter().map(given_password).collect()
            }),
            Misjudged::AnalystsMay => {
                question.with_role(asker.filter(|user| user.role == Role::SecurityAnalyst))
            }
            Misjudged::AnotherUsersPassword => question.with_any_password(|given| {
                directory
                    .users()
                    .iter()
                    .any(|user| user.password.expose() == given)
            }),
            Misjudged::AnyPassword => question.with_any_password(|_| true),
            Misjudged::AnyoneMay => question.with_role(asker),
            Misjudged::ChangesThoughItRefuses => match question.deem() {
                (worded, reason, None) if changes && !worded.outcome.is_success() => (
                    worded,
                    reason,
                    Some(Change::of_users(
                        target.map(given_password).into_iter().collect(),
                    )),
                ),
                judgement => judgement,
            },
            Misjudged::CreatesUnknownUsers => match question.deem() {
                (worded, reason, _) if worded.outcome == Outcome::UserUnknown => (
                    Worded {
                        outcome: Outcome::PasswordReplaced,
                        ..worded
                    },
                    reason,
                    Some(Change::of_users(vec![question.new_user()])),
                ),
                judgement => judgement,
            },
            Misjudged::CreatesWhileRefusing => {
                question.also(Outcome::UserUnknown, || vec![question.new_user()])
            }
            Misjudged::HistoryKept if changes && directory.was(values.of(Field::Username), new) => {
                question.instead(Outcome::PolicyRefused)
            }
            Misjudged::SecondChangeLost
                if changes && directory.had_another(values.of(Field::Username)) =>
            {
                let (worded, reason, _) = question.deem();
                (worded, reason, None)
            }
            Misjudged::OldPasswordChanges if changes => {
                let (worded, reason, change) = question
                    .with_any_password(|given| directory.was(values.of(Field::Username), given));
                (worded, reason, change.map(kept))
            }
            Misjudged::HistoryKept
            | Misjudged::OldPasswordChanges
            | Misjudged::SecondChangeLost => {
                let (worded, reason, change) = question.deem();
                (worded, reason, change.map(kept))
            }
            Misjudged::LocksNobody => question.in_state(|state| state.lockout = None),
            Misjudged::NamesWithoutCase => {
                let mut values = values.clone();
                for field in [Field::AdminUsername, Field::Username] {
                    let known = directory
                        .users()
                        .into_iter()
                        .find(|user| user.username.eq_ignore_ascii_case(values.of(field)));
                    known
                        .into_iter()
                        .for_each(|user| values.put(field, user.username.clone()));
                }
                question.with(values)
            }
            Misjudged::NewPasswordTrimmed => {
                let (worded, reason, change) = question.deem();
                (
                    worded,
                    reason,
                    change.map(|change| change.with_password(Secret::new(new.trim()))),
                )
            }
            Misjudged::OneFailureLocks => question.also(operation.rejection(), || {
                asker.map(locked).into_iter().collect()
            }),
            Misjudged::OwnPasswordByAnyone => question.with_role(asker.filter(|_| same_user())),
            Misjudged::PasswordsCutAt8 => question.with_cut_passwords(asker, 8),
            Misjudged::PasswordsCutAt16 => question.with_cut_passwords(asker, 16),
            Misjudged::PasswordsCutAt32 => question.with_cut_passwords(asker, 32),
            Misjudged::PasswordsCutAt72 => question.with_cut_passwords(asker, 72),
            Misjudged::PasswordsWithoutCase => question.with_any_password(|given| {
                asker.is_some_and(|user| user.password.expose().eq_ignore_ascii_case(given))
            }),
            Misjudged::PolicyUnchecked => question.in_state(|state| {
                state.policy = Policy {
                    min_length: 0,
                    max_length: None,
                    classes: 0,
                    symbols: None,
                }
            }),
            Misjudged::ReadOnlyRefused => question.refused_to(asker, Role::ReadOnly),
            Misjudged::RevealsUsers if asker.is_none() => question.instead(Outcome::UserUnknown),
            Misjudged::RevealsUsers => question.deem(),
            Misjudged::SecurityAnalystsRefused => question.refused_to(asker, Role::SecurityAnalyst),
            Misjudged::StateBeforePassword
                if asker.is_some_and(|user| user.state == UserState::Disabled) =>
            {
                question.instead(Outcome::PermissionDenied)
            }
            Misjudged::StateBeforePassword => question.deem(),
            Misjudged::StatesIgnored => question.in_state(|state| {
                for user in state.directory.clone().users() {
                    state.directory.put(User {
                        state: UserState::Active,
                        ..user.clone()
                    });
                }
            }),
            Misjudged::SuccessLocks => {
                let user = || {
                    asker
                        .filter(|user| user.role != Role::Admin)
                        .map(locked)
                        .into_iter()
                        .collect()
                };
                question.also(Outcome::Authenticated, user)
            }
            Misjudged::UnknownNamesUncounted => {
                let (worded, reason, change) = question.deem();
                (worded, reason, change.filter(|_| asker.is_some()))
            }
            Misjudged::UsersPasswordForAdmins => question.with_any_password(|given| {
                target.is_some_and(|user| user.password.expose() == given)
            }),
        }
    }
}

impl Question<'_> {
    /// What it comes to as the contract has it.
    fn deem(&self) -> Judgement {
        self.with(self.values.clone())
    }

    fn with(&self, values: Values) -> Judgement {
        self.state.deem(
            self.rules,
            &Asked::Fields(self.operation, values),
            self.source,
            self.now,
        )
    }

    /// Takes what is given for the right password where `passes` says so; a user must be there all the same.
    pub(super) fn with_any_password(&self, passes: impl Fn(&str) -> bool) -> Judgement {
        let mut values = self.values.clone();
        let user = self
            .state
            .directory
            .find(values.of(signs_in(self.operation)));
        if let Some(user) = user.filter(|_| passes(values.of(proves(self.operation)))) {
            values.put(proves(self.operation), user.password.expose().to_owned());
        }
        self.with(values)
    }

    /// Compares the first bytes of passwords, and no more.
    fn with_cut_passwords(&self, asker: Option<&User>, most: usize) -> Judgement {
        let cut = |password: &str| password.as_bytes()[..most.min(password.len())].to_vec();
        self.with_any_password(|given| {
            asker.is_some_and(|user| cut(user.password.expose()) == cut(given))
        })
    }

    fn in_state(&self, change: impl FnOnce(&mut State)) -> Judgement {
        let mut state = self.state.clone();
        change(&mut state);
        state.deem(
            self.rules,
            &Asked::Fields(self.operation, self.values.clone()),
            self.source,
            self.now,
        )
    }

    /// Lets somebody be an administrator for once.
    fn with_role(&self, who: Option<&User>) -> Judgement {
        self.in_state(|state| {
            who.into_iter().for_each(|user| {
                state.directory.put(User {
                    role: Role::Admin,
                    ..user.clone()
                })
            })
        })
    }

    fn refused_to(&self, asker: Option<&User>, role: Role) -> Judgement {
        let refused = if self.operation == Operation::Validation {
            Outcome::CredentialsRejected
        } else {
            Outcome::PermissionDenied
        };
        if asker.is_some_and(|user| user.role == role) {
            self.instead(refused)
        } else {
            self.deem()
        }
    }

    /// Answers so, and changes nothing.
    fn instead(&self, outcome: Outcome) -> Judgement {
        let (worded, reason, change) = self.deem();
        let instead = self.rules.wording_of(Some(self.operation), outcome);
        instead.map_or((worded, reason, change), |instead| (instead, reason, None))
    }

    /// Changes users too where it comes to an outcome.
    fn also(&self, outcome: Outcome, users: impl FnOnce() -> Vec<User>) -> Judgement {
        let (worded, reason, change) = self.deem();
        if worded.outcome != outcome {
            return (worded, reason, change);
        }
        let change = change.unwrap_or_else(|| Change::of_users(Vec::new()));
        (worded, reason, Some(change.with_users(users())))
    }

    fn new_user(&self) -> User {
        let password = Secret::new(self.values.of(Field::NewPassword));
        User {
            username: self.values.of(Field::Username).to_owned(),
            password,
            role: Role::ReadOnly,
            state: UserState::Active,
        }
    }
}

/// Keeps the password that is replaced in mind; it validates no longer.
fn kept(change: Change) -> Change {
    change.lagging(Lag::Validations(0))
}

fn locked(user: &User) -> User {
    User {
        state: UserState::Locked,
        ..user.clone()
    }
}
