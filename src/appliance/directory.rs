//! The users an appliance knows.

use std::{collections::BTreeMap, mem};

use serde::Deserialize;

use crate::{
    appliance::Moment,
    contract::{Role, closed_set},
    redact::Secret,
};

/// A user.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct User {
    /// The name, compared exactly.
    pub username: String,
    /// The password.
    pub password: Secret,
    /// The role.
    pub role: Role,
    /// Whether the user can sign in, and how.
    #[serde(default)]
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

/// How long a replaced password still validates: an appliance whose replicas lag behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GracePeriod {
    /// Until a moment.
    Until(Moment),
    /// For this number of validations with it.
    Validations(u64),
}

/// All users, by name. Memory grows with users only, never with requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    users: BTreeMap<String, User>,
    /// By user name, the password that was replaced last.
    previous: BTreeMap<String, (Secret, GracePeriod)>,
}

impl Directory {
    /// Returns the user of exactly that name.
    pub fn find(&self, username: &str) -> Option<&User> {
        self.users.get(username)
    }

    /// Adds a user, or replaces the one of the same name; returns whether the name is new. No previous
    /// password of theirs validates any longer.
    pub fn put(&mut self, user: User) -> bool {
        self.previous.remove(&user.username);
        self.users.insert(user.username.clone(), user).is_none()
    }

    /// Removes a user; returns whether there was one of that name.
    pub fn remove(&mut self, username: &str) -> bool {
        self.previous.remove(username);
        self.users.remove(username).is_some()
    }

    /// Returns all users, in the order of their names.
    pub fn users(&self) -> impl ExactSizeIterator<Item = &User> + Clone {
        self.users.values()
    }

    /// Replaces a password; a change that was due is done. With a grace period, the password before
    /// validates that long. Ignores a name that is not there.
    pub(super) fn replace_password(
        &mut self,
        username: &str,
        password: Secret,
        grace_period: Option<GracePeriod>,
    ) {
        let Some(user) = self.users.get_mut(username) else {
            return;
        };
        let previous = mem::replace(&mut user.password, password);
        if user.state == UserState::MustChange {
            user.state = UserState::Active;
        }
        if let Some(grace_period) = grace_period {
            let previous = (previous, grace_period);
            self.previous.insert(username.to_owned(), previous);
        }
    }

    /// Returns whether this is a user's previous password, and still validates.
    pub fn is_previous_valid(&self, username: &str, password: &str, now: Moment) -> bool {
        let Some((previous, grace_period)) = self.previous.get(username) else {
            return false;
        };
        previous.expose() == password
            && match *grace_period {
                GracePeriod::Until(moment) => now < moment,
                GracePeriod::Validations(left) => left > 0,
            }
    }

    /// Counts a validation with a previous password.
    pub(super) fn count_previous_validation(&mut self, username: &str) {
        if let Some((_, GracePeriod::Validations(left))) = self.previous.get_mut(username) {
            *left = left.saturating_sub(1);
        }
    }
}

impl FromIterator<User> for Directory {
    fn from_iter<I: IntoIterator<Item = User>>(users: I) -> Directory {
        let mut directory = Directory::default();
        for user in users {
            directory.put(user);
        }
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

    fn replaced(grace_period: Option<GracePeriod>) -> Directory {
        let mut directory = directory();
        directory.replace_password("test", Secret::new("New1234!"), grace_period);
        directory
    }

    fn at(seconds: u64) -> Moment {
        Moment(Duration::from_secs(seconds))
    }

    #[rstest]
    #[case::without_a_grace_period(None, 0, false)]
    #[case::before_the_end(Some(GracePeriod::Until(at(3))), 2, true)]
    #[case::at_the_end(Some(GracePeriod::Until(at(3))), 3, false)]
    #[case::by_count(Some(GracePeriod::Validations(1)), 9, true)]
    #[case::by_no_count(Some(GracePeriod::Validations(0)), 0, false)]
    fn a_previous_password_validates_for_its_grace_period(
        #[case] grace_period: Option<GracePeriod>,
        #[case] second: u64,
        #[case] expected: bool,
    ) {
        let directory = replaced(grace_period);
        assert_eq!(
            directory.is_previous_valid("test", "Old1234!", at(second)),
            expected
        );
        assert!(
            !directory.is_previous_valid("test", "Else1234!", at(second))
                && !directory.is_previous_valid("other", "Old1234!", at(second))
        );
    }

    #[test]
    fn validations_with_a_previous_password_are_counted() {
        let mut directory = replaced(Some(GracePeriod::Validations(2)));
        directory.count_previous_validation("other");
        directory.count_previous_validation("test");
        assert!(directory.is_previous_valid("test", "Old1234!", at(0)));
        directory.count_previous_validation("test");
        assert!(!directory.is_previous_valid("test", "Old1234!", at(0)));
    }

    #[test]
    fn a_replaced_user_has_no_previous_password() {
        let mut directory = replaced(Some(GracePeriod::Validations(2)));
        directory.put(directory.find("test").unwrap().clone());
        assert!(!directory.is_previous_valid("test", "Old1234!", at(0)));
    }
}
