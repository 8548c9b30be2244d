//! What an answer changes, and making the change.

use std::net::IpAddr;

use crate::{
    appliance::{Lag, Moment, State},
    redact::Secret,
};

/// What an answer changes, if it is committed: a password, a count of failures, what is left of a former password.
///
/// In a box: most answers change nothing, and room for a change would be moved about with each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change(Box<Changed>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changed {
    pub(super) replace: Option<(String, Secret)>,
    /// How long the password that is replaced still validates.
    pub(super) lag: Option<Lag>,
    pub(super) sign_in: Option<SignIn>,
    /// Who validated with a former password.
    pub(super) former: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SignIn {
    pub(super) source: IpAddr,
    pub(super) account: String,
    pub(super) right: bool,
    pub(super) now: Moment,
}

impl Change {
    pub(super) fn of(changed: Changed) -> Change {
        Change(Box::new(changed))
    }

    /// Tells whether a password is replaced.
    pub fn replaces(&self) -> bool {
        self.0.replace.is_some()
    }

    /// Lets the password that is replaced, if one is, still validate for as long as this.
    #[must_use]
    pub fn lagging(mut self, lag: Lag) -> Change {
        self.0.lag = Some(lag);
        self
    }
}

impl State {
    /// Makes a change. A password and a count change together.
    pub fn commit(&mut self, Change(change): Change) {
        if let Some((username, password)) = change.replace {
            if let Some(lag) = change.lag {
                self.directory.keep(&username, lag);
            }
            self.directory.replace(&username, password);
        }
        if let Some(username) = change.former {
            self.directory.validated_with_former(&username);
        }
        if let (Some(lockout), Some(sign_in)) = (&mut self.lockout, change.sign_in) {
            if sign_in.right {
                lockout.succeeded(sign_in.source, &sign_in.account);
            } else {
                lockout.failed(sign_in.source, &sign_in.account, sign_in.now);
            }
        }
    }
}
