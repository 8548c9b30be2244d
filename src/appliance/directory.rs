//! The users an appliance knows.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;

use crate::{
    appliance::Moment,
    contract::{Role, closed_set},
    redact::Secret,
};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name, compared to the letter.
    pub username: String,
    /// The password that holds.
    pub password: Secret,
    /// What the user may do.
    pub role: Role,
    /// Whether the user can sign in, and how.
    pub state: UserState,
}

closed_set! {
    /// Whether a user can sign in, and how. What each gets is a fact of the contract, all assumed.
    #[derive(Default)]
    UserState, "state" {
        /// As any user.
        #[default]
        Active = "active",
        /// The password is kept in a directory elsewhere and cannot be changed here.
        Directory = "directory",
        /// Switched off.
        Disabled = "disabled",
        /// Locked by an administrator, not by failures.
        Locked = "locked",
        /// The password must be changed before anything else.
        MustChange = "must_change",
    }
}

/// How long a password that was replaced still validates, as where a copy of the directory lags behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lag {
    /// Until a moment.
    Until(Moment),
    /// For so many validations with it.
    Validations(u64),
}

impl Lag {
    fn holds(self, now: Moment) -> bool {
        match self {
            Lag::Until(moment) => now < moment,
            Lag::Validations(left) => left > 0,
        }
    }
}

/// All users, by name. Memory grows with users only, never with requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    users: HashMap<String, User, RandomState>,
    /// By user name, the password that was replaced last and how long it still validates.
    former: BTreeMap<String, (Secret, Lag)>,
}

impl Directory {
    /// Returns the user of that name, to the letter.
    pub fn find(&self, username: &str) -> Option<&User> {
        self.users.get(username)
    }

    /// Puts a user in, in place of one of the same name. No former password of theirs validates any longer.
    pub fn put(&mut self, user: User) {
        self.former.remove(&user.username);
        self.users.insert(user.username.clone(), user);
    }

    /// Replaces a password; a change that was due is done with it. A name that is not there is left alone.
    pub fn replace(&mut self, username: &str, password: Secret) {
        if let Some(user) = self.users.get_mut(username) {
            user.password = password;
            if user.state == UserState::MustChange {
                user.state = UserState::Active;
            }
        }
    }

    /// Lets a user's present password validate for some time after it is replaced. A name that is not there is left alone.
    pub fn keep(&mut self, username: &str, lag: Lag) {
        if let Some(user) = self.users.get(username) {
            self.former
                .insert(username.to_owned(), (user.password.clone(), lag));
        }
    }

    /// Tells whether any password was replaced that may still validate.
    pub fn has_former(&self) -> bool {
        !self.former.is_empty()
    }

    /// Tells whether this is a former password of a user that still validates.
    pub fn still_validates(&self, username: &str, password: &str, now: Moment) -> bool {
        self.former
            .get(username)
            .is_some_and(|(former, lag)| former.expose() == password && lag.holds(now))
    }

    /// Notes that a former password has validated once.
    pub fn validated_with_former(&mut self, username: &str) {
        if let Some((_, Lag::Validations(left))) = self.former.get_mut(username) {
            *left = left.saturating_sub(1);
        }
    }

    /// Removes a user, and what is left of their former password; tells whether there was one of that name.
    pub fn remove(&mut self, username: &str) -> bool {
        self.former.remove(username);
        self.users.remove(username).is_some()
    }

    /// Returns all users, in the order of their names.
    pub fn users(&self) -> Vec<&User> {
        let mut users: Vec<&User> = self.users.values().collect();
        users.sort_by(|left, right| left.username.cmp(&right.username));
        users
    }
}

impl FromIterator<User> for Directory {
    fn from_iter<I: IntoIterator<Item = User>>(users: I) -> Directory {
        let mut directory = Directory::default();
        users.into_iter().for_each(|user| directory.put(user));
        directory
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;

    fn directory() -> Directory {
        let user = |name: &str| User {
            username: name.into(),
            password: Secret::new("Old1234!"),
            role: Role::ReadOnly,
            state: UserState::Active,
        };
        ["test", "other"].map(user).into_iter().collect()
    }

    fn replaced(lag: Option<Lag>) -> Directory {
        let mut directory = directory();
        if let Some(lag) = lag {
            directory.keep("test", lag);
        }
        directory.replace("test", Secret::new("New1234!"));
        directory
    }

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    #[rstest]
    #[case::without_a_lag(None, 0, false)]
    #[case::before_the_end(Some(Lag::Until(at(3))), 2, true)]
    #[case::at_the_end(Some(Lag::Until(at(3))), 3, false)]
    #[case::by_count(Some(Lag::Validations(1)), 9, true)]
    #[case::by_no_count(Some(Lag::Validations(0)), 0, false)]
    fn a_former_password_validates_as_long_as_it_was_kept_for(
        #[case] lag: Option<Lag>,
        #[case] second: u64,
        #[case] expected: bool,
    ) {
        let directory = replaced(lag);
        assert_eq!(
            directory.still_validates("test", "Old1234!", at(second)),
            expected
        );
        assert!(
            !directory.still_validates("test", "Else1234!", at(second))
                && !directory.still_validates("other", "Old1234!", at(second))
        );
    }

    #[test]
    fn validations_with_a_former_password_are_counted() {
        let mut directory = replaced(Some(Lag::Validations(2)));
        directory.validated_with_former("other");
        directory.validated_with_former("test");
        assert!(directory.still_validates("test", "Old1234!", at(0)));
        directory.validated_with_former("test");
        assert!(!directory.still_validates("test", "Old1234!", at(0)));
    }

    #[test]
    fn a_user_put_in_anew_has_no_former_password() {
        let mut directory = replaced(Some(Lag::Validations(2)));
        directory.put(directory.find("test").unwrap().clone());
        assert!(!directory.still_validates("test", "Old1234!", at(0)));
    }
}
