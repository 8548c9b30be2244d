//! One run of the client under test: what it is told, and how it ended.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{SweepError, Task};
use crate::{
    contract::Kind,
    journal::lock,
    redact::{Redactor, Secret},
};

/// What a client is told: where the appliance is, and what to do there.
#[derive(Clone)]
pub struct Attempt {
    pub(super) url: String,
    pub(super) ca_pem: String,
    pub(super) kind: Kind,
    pub(super) task: Task,
    pub(super) scenario: String,
    pub(super) username: String,
    pub(super) password: Option<Secret>,
    pub(super) new_password: Option<Secret>,
    pub(super) admin: Option<(String, Secret)>,
    pub(super) believed: Arc<Mutex<Option<Secret>>>,
    #[cfg_attr(
        not(feature = "cli"),
        expect(dead_code, reason = "only commands print")
    )]
    pub(super) redactor: Arc<Redactor>,
}

impl Attempt {
    /// Returns the appliance's URL, `https://127.0.0.1:41234`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the certificate of the CA to trust, as PEM text.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Returns the appliance's kind, by which the paths differ.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns what is to be done.
    pub fn task(&self) -> Task {
        self.task
    }

    /// Returns the scenario's name, also in its second run; `clean` in the run without a failure.
    pub fn scenario(&self) -> &str {
        &self.scenario
    }

    /// Returns the user whose password is concerned.
    pub fn username(&self) -> &str {
        &self.username
    }

    /// Returns the user's password as far as it is known: none for [`Task::Reconcile`]; in a second run what the first one believed in, for that task too.
    pub fn password(&self) -> Option<&str> {
        self.password.as_ref().map(Secret::expose)
    }

    /// Returns the password to set: none for [`Task::Verify`]. The second run of a scenario is given the same.
    pub fn new_password(&self) -> Option<&str> {
        self.new_password.as_ref().map(Secret::expose)
    }

    /// Returns an administrator's name, where there is one and the task is not [`Task::Verify`].
    pub fn admin_username(&self) -> Option<&str> {
        Some(&self.admin.as_ref()?.0)
    }

    /// Returns that administrator's password.
    pub fn admin_password(&self) -> Option<&str> {
        Some(self.admin.as_ref()?.1.expose())
    }

    /// Returns what finds the appliance's first passwords, and the new one.
    #[cfg(feature = "cli")]
    pub(crate) fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.redactor)
    }

    /// Says which password the client now believes to be valid. Without this it is the new one after a success, the old one otherwise.
    pub fn believe(&self, password: impl Into<String>) {
        *lock(&self.believed) = Some(Secret::new(password));
    }
}

/// Shows no password.
impl fmt::Debug for Attempt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Attempt")
            .field("scenario", &self.scenario)
            .field("url", &self.url)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// How a client ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientEnding {
    /// It says that it did what it was to do.
    Success,
    /// It says that it did not.
    Failure,
    /// It did not end in time.
    Hung,
    /// It ended without saying anything.
    Crashed,
}

/// What is known of a client that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) ending: ClientEnding,
    /// How it ended, in words: `exit 1`.
    pub(crate) words: String,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Whether there was a password in what it printed and was not kept.
    pub(crate) dropped_password: bool,
    /// The password it believes in, if it says so.
    pub(crate) believed: Option<Secret>,
}

/// A client under test.
pub(crate) trait ClientUnderTest: Sync {
    /// Runs it once, and ends it after `limit`.
    fn run(&self, attempt: &Attempt, limit: Duration) -> Result<Ended, SweepError>;
}
