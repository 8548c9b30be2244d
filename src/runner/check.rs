//! Runs the suite from a test: every documented request is sent to any server, and its answers are judged.
//!
//! The rules are those of the command `check TARGET`: nothing changes a password unless the host is named, failed sign-ins have a
//! budget, and a validation must accept every password that was restored.

mod report;

use std::{panic::Location, path::PathBuf, time::Duration};

pub use report::CheckReport;

use crate::{
    client::TargetOptions,
    contract::{Glob, Kind},
    redact::Secret,
    runner::{
        Credentials,
        live::{LiveError, LiveTarget, PreparedRun, StopSignal, budget::DEFAULT_BUDGET},
    },
    snapshot::SnapshotStore,
    suite::{Account, cases},
    testing::{Error, error::CallSite, runtime},
};

/// A run of the suite at a server. [`Check::run`] starts it.
#[derive(Debug)]
#[must_use = "has no effect until it is run"]
pub struct Check {
    target: LiveTarget,
    /// Globs of case ids; none means all cases.
    cases: Vec<String>,
    place: CallSite,
}

/// Prepares to run the suite at a server that should behave like an appliance of this kind. `url` is `https://…` or `http://…`; a path
/// in it precedes every request's path.
///
/// ```no_run
/// # async fn test() -> Result<(), d4iot_double::Error> {
/// use d4iot_double::Kind;
///
/// let report = d4iot_double::check("http://127.0.0.1:8080", Kind::Sensor).user("test", "Test12345!").run().await?;
/// report.assert_passed();
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn check(url: impl Into<String>, kind: Kind) -> Check {
    let target = LiveTarget {
        url: url.into(),
        kind,
        client: TargetOptions {
            fresh: true,
            ..TargetOptions::default()
        },
        is_library: true,
        max_auth_failures: DEFAULT_BUDGET,
        repeat: 1,
        ..LiveTarget::default()
    };
    Check {
        target,
        cases: Vec::new(),
        place: Location::caller(),
    }
}

impl Check {
    /// Trusts these certificates, PEM text, and no others.
    pub fn trust(mut self, pem: impl Into<String>) -> Check {
        self.target.client.trust = Some(pem.into());
        self
    }

    /// Accepts any certificate.
    pub fn insecure(mut self) -> Check {
        self.target.client.insecure = true;
        self
    }

    /// Allows `http://` to a server on another machine: passwords are sent unencrypted.
    pub fn allow_http(mut self) -> Check {
        self.target.allow_http = true;
        self
    }

    /// Sets how long an exchange may take. Default: 30 s.
    pub fn timeout(mut self, time: Duration) -> Check {
        self.target.client.timeout = Some(time);
        self
    }

    /// Sets the pause between two requests. Default: 500 ms, and none on this machine.
    pub fn delay(mut self, time: Duration) -> Check {
        self.target.client.delay = Some(time);
        self
    }

    /// Names the user who signs in, and whose password is changed if that is allowed.
    pub fn user(self, username: impl Into<String>, password: impl Into<String>) -> Check {
        self.account(Account::User, username, password)
    }

    /// Names the administrator who sets the passwords of others.
    pub fn admin(self, username: impl Into<String>, password: impl Into<String>) -> Check {
        self.account(Account::Admin, username, password)
    }

    /// Names an account. A case whose account is missing is not judged.
    pub fn account(
        mut self,
        account: Account,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Check {
        let (username, password) = (username.into(), Secret::new(password.into()));
        let accounts = &mut self.target.accounts.accounts;
        accounts.insert(account, Credentials { username, password });
        self
    }

    /// Runs only cases whose id matches one of these globs, `validation.*`.
    pub fn case(mut self, glob: impl Into<String>) -> Check {
        self.cases.push(glob.into());
        self
    }

    /// Allows cases that change passwords, by naming the server's host. Each change is undone before the next case. A process that is
    /// killed meanwhile leaves a journal, from which `d4iot-double recover --accounts FILE` restores passwords.
    pub fn change_passwords_on(mut self, host: impl Into<String>) -> Check {
        self.target.change_passwords_on = Some(host.into());
        self
    }

    /// Keeps the journal of changes, and what is remembered of failed sign-ins, in this folder, which must exist, instead of the user's
    /// state folder.
    pub fn journal_in(mut self, folder: impl Into<PathBuf>) -> Check {
        self.target.journal_dir = Some(folder.into());
        self
    }

    /// Sets how many sign-ins may fail. Default: 3, because a sensor locks an address after 5.
    pub fn max_auth_failures(mut self, count: u32) -> Check {
        self.target.max_auth_failures = count;
        self
    }

    /// Runs the suite, on threads of its own. If the future is dropped, the run still goes on to its end, because it has to restore
    /// passwords.
    ///
    /// # Errors
    /// An option is wrong, a safety rule forbids the run, or a certificate or the journal cannot be used.
    pub async fn run(self) -> Result<CheckReport, Error> {
        let place = self.place;
        let run = self.prepare()?;
        let threads = runtime::runtime(place)?;
        match threads.spawn(go(run)).await {
            Ok(result) => result.map_err(|error| at(place, &error)),
            Err(error) => Err(Error::at(place, format!("the run ended early: {error}"))),
        }
    }

    /// Runs the suite as [`Check::run`] does, and blocks.
    ///
    /// # Errors
    /// As for [`Check::run`].
    pub fn run_blocking(self) -> Result<CheckReport, Error> {
        let place = self.place;
        match runtime::blocking(go(self.prepare()?)) {
            Some(result) => result.map_err(|error| at(place, &error)),
            None => Err(Error::at(place, "the run ended early")),
        }
    }

    fn prepare(mut self) -> Result<PreparedRun, Error> {
        let (place, kind) = (self.place, self.target.kind);
        let glob = |text: &String| {
            let wrong = |reason| Error::at(place, format!("`{text}` is not a glob: {reason}"));
            Glob::new(text).map_err(wrong)
        };
        let globs = self.cases.iter().map(glob).collect::<Result<Vec<_>, _>>()?;
        let is_selected = |id: &str| globs.is_empty() || globs.iter().any(|glob| glob.is_match(id));
        let mut cases: Vec<_> = cases::all().iter().collect();
        cases.retain(|located| located.case.kinds.contains(&kind) && is_selected(&located.case.id));
        if cases.is_empty() {
            let error = Error::at(place, "no case is selected");
            return Err(error.hint("`d4iot-double plan` lists the cases"));
        }
        self.target.cases = cases;
        let mut run = self.target.prepare().map_err(|error| at(place, &error))?;
        // A test may run several checks at one server that change nothing: they need no lock.
        if run.plan.has_changes() {
            run.begin().map_err(|error| at(place, &error))?;
        }
        Ok(run)
    }
}

async fn go(run: PreparedRun) -> Result<CheckReport, LiveError> {
    let result = run.run(SnapshotStore::None, false, StopSignal::default(), |_| {});
    result.await.map(CheckReport::new)
}

/// Adds the place in the test, and the hint in the library's terms.
fn at(place: CallSite, error: &LiveError) -> Error {
    Error {
        hint: error.hint(true),
        ..Error::at(place, error.to_string())
    }
}
