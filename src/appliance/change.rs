//! The change that an answer makes to the state, and committing it.

use std::net::IpAddr;

use crate::{
    appliance::{GracePeriod, Moment, State},
    redact::Secret,
};

/// The change that an answer makes once it is committed. At least one part is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateChange {
    /// A user's new password.
    pub new_password: Option<(String, Secret)>,
    /// Whether the new password ends the lock of its user's account.
    pub unlocks: bool,
    /// How long the replaced password still validates.
    pub grace_period: Option<GracePeriod>,
    /// A sign-in that the lock-out counts.
    pub sign_in: Option<SignIn>,
    /// The user who validated with a previous password.
    pub validated_with_previous: Option<String>,
}

/// A sign-in that the lock-out counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The client's address.
    pub source: IpAddr,
    /// The user name.
    pub account: String,
    /// Whether the password was right.
    pub succeeded: bool,
    /// When.
    pub now: Moment,
}

impl State {
    /// Makes a change. A password and a count change together.
    pub fn commit(&mut self, change: StateChange) {
        if let Some((username, password)) = change.new_password {
            let directory = &mut self.directory;
            directory.replace_password(&username, password, change.grace_period);
            if change.unlocks
                && let Some(lockout) = &mut self.lockout
            {
                lockout.forget_account(&username);
            }
        }
        if let Some(username) = change.validated_with_previous {
            self.directory.count_previous_validation(&username);
        }
        if let (Some(lockout), Some(sign_in)) = (&mut self.lockout, change.sign_in) {
            let (source, account) = (sign_in.source, &sign_in.account);
            if sign_in.succeeded {
                lockout.count_success(source, account);
            } else {
                lockout.count_failure(source, account, sign_in.now);
            }
        }
    }
}
