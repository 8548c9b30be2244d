//! The change that an answer makes to the state, and committing it.

use std::net::IpAddr;

use crate::{
    appliance::{GracePeriod, Moment, State},
    redact::Secret,
};

/// The change that an answer makes once it is committed. At least one part is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateChange {
    pub(super) new_password: Option<(String, Secret)>,
    /// How long the replaced password still validates.
    pub(super) grace_period: Option<GracePeriod>,
    pub(super) sign_in: Option<SignIn>,
    /// The user who validated with a previous password.
    pub(super) validated_with_previous: Option<String>,
}

/// A sign-in that the lock-out counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SignIn {
    pub(super) source: IpAddr,
    pub(super) account: String,
    pub(super) succeeded: bool,
    pub(super) now: Moment,
}

impl StateChange {
    /// Returns whether a password is replaced.
    pub fn replaces_password(&self) -> bool {
        self.new_password.is_some()
    }

    /// Lets the replaced password, if there is one, validate for a time.
    #[must_use]
    pub fn with_grace_period(self, grace_period: GracePeriod) -> StateChange {
        StateChange {
            grace_period: Some(grace_period),
            ..self
        }
    }
}

impl State {
    /// Makes a change. A password and a count change together.
    pub fn commit(&mut self, change: StateChange) {
        if let Some((username, password)) = change.new_password {
            if let Some(grace_period) = change.grace_period {
                self.directory.keep_previous(&username, grace_period);
            }
            self.directory.replace_password(&username, password);
        }
        if let Some(username) = change.validated_with_previous {
            self.directory.count_previous_validation(&username);
        }
        if let (Some(lockout), Some(sign_in)) = (&mut self.lockout, change.sign_in) {
            if sign_in.succeeded {
                lockout.count_success(sign_in.source, &sign_in.account);
            } else {
                lockout.count_failure(sign_in.source, &sign_in.account, sign_in.now);
            }
        }
    }
}
