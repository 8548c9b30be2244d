//! The suite from a test: every documented request is sent to a server of anybody's, and its answers are judged.
//!
//! The rules are those of the command `check TARGET`: nothing changes a password unless the host is named, failed sign-ins have a
//! budget, and what was changed is given back and proven so.

mod checked;
mod visit;

use std::{collections::BTreeMap, net::IpAddr, panic::Location, path::PathBuf, time::Duration};

pub use checked::Checked;
use reqwest::Url;
use visit::Visit;

use crate::{
    client::{Target, TargetOptions},
    conformance::{Account, Agreed, suite, suite::Located},
    contract,
    contract::{Glob, Kind},
    redact::Secret,
    runner::{
        Accounts, Lab, Seed, consent,
        named::Credentials,
        order::{Leave, Plan},
    },
    testing::{Error, error::Place, runtime},
};

/// A run of the suite at a server, before it begins. [`Check::run`] runs it.
#[derive(Debug)]
#[must_use = "a check asks when it is run"]
pub struct Check {
    url: String,
    kind: Kind,
    options: TargetOptions,
    delay: Option<Duration>,
    allow_http: bool,
    accounts: BTreeMap<Account, Credentials>,
    cases: Vec<String>,
    changes_on: Option<String>,
    shelf: Option<PathBuf>,
    failures: u32,
    place: Place,
}

/// Prepares to run the suite at a server that should be like an appliance of this kind. `url` is `https://…` or `http://…`; a path
/// in it is put before every request's path.
///
/// ```no_run
/// # async fn test() -> Result<(), d4iot_double::Error> {
/// use d4iot_double::Kind;
///
/// let checked = d4iot_double::check("http://127.0.0.1:8080", Kind::Sensor).user("test", "Test12345!").run().await?;
/// checked.assert_passed();
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn check(url: impl Into<String>, kind: Kind) -> Check {
    Check {
        url: url.into(),
        kind,
        options: TargetOptions {
            fresh: true,
            ..TargetOptions::default()
        },
        delay: None,
        allow_http: false,
        accounts: BTreeMap::new(),
        cases: Vec::new(),
        changes_on: None,
        shelf: None,
        failures: MOST_FAILURES,
        place: Location::caller(),
    }
}

impl Check {
    /// Trusts these certificates, PEM text, and no others.
    pub fn trust(mut self, pem: impl Into<String>) -> Check {
        self.options.trust = Some(pem.into());
        self
    }

    /// Takes any certificate.
    pub fn insecure(mut self) -> Check {
        self.options.insecure = true;
        self
    }

    /// Allows `http://` to a server that is not on this machine: passwords go over the wire in the clear.
    pub fn allow_http(mut self) -> Check {
        self.allow_http = true;
        self
    }

    /// Gives each exchange so long, in place of 30 s.
    pub fn timeout(mut self, time: Duration) -> Check {
        self.options.timeout = Some(time);
        self
    }

    /// Pauses so long between two requests, in place of 500 ms; on this machine, of nothing.
    pub fn delay(mut self, time: Duration) -> Check {
        self.delay = Some(time);
        self
    }

    /// Names the user whose sign-in is tried, and whose password is changed where that is allowed.
    pub fn user(self, username: impl Into<String>, password: impl Into<String>) -> Check {
        self.account(Account::User, username, password)
    }

    /// Names the administrator who sets the passwords of others.
    pub fn admin(self, username: impl Into<String>, password: impl Into<String>) -> Check {
        self.account(Account::Admin, username, password)
    }

    /// Names an account; a case whose account is missing is not judged, and says so.
    pub fn account(
        mut self,
        account: Account,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Check {
        self.accounts.insert(
            account,
            Credentials {
                username: username.into(),
                password: Secret::new(password.into()),
            },
        );
        self
    }

    /// Runs only cases whose id matches one of these globs, `validation.*`.
    pub fn case(mut self, glob: impl Into<String>) -> Check {
        self.cases.push(glob.into());
        self
    }

    /// Consents to cases that change passwords, naming the server's host. Each change is undone before the next case. A process
    /// that is killed meanwhile leaves a journal, from which `d4iot-double recover --accounts FILE` gives passwords back.
    pub fn change_passwords_on(mut self, host: impl Into<String>) -> Check {
        self.changes_on = Some(host.into());
        self
    }

    /// Keeps the journal of changes in this folder, which must be there, in place of the user's state folder.
    pub fn journal_in(mut self, folder: impl Into<PathBuf>) -> Check {
        self.shelf = Some(folder.into());
        self
    }

    /// Causes at most so many failed sign-ins, in place of 3: a sensor locks an address out after 5.
    pub fn max_auth_failures(mut self, count: u32) -> Check {
        self.failures = count;
        self
    }

    /// Runs it, on threads of its own. Dropped, this stops waiting, and the run goes on to its end: it has to give passwords back.
    ///
    /// # Errors
    /// What it was told means nothing, or a safety rule forbids it; no certificate, no journal can be had.
    pub async fn run(self) -> Result<Checked, Error> {
        let place = self.place;
        let visit = self.prepare()?;
        let runtime = runtime::runtime().map_err(|error| Error::at(place, error))?;
        let ended = runtime
            .spawn(visit.go())
            .await
            .unwrap_or_else(|error| Err(format!("the run ended early: {error}")));
        ended.map_err(|error| Error::at(place, error))
    }

    /// Runs it as [`Check::run`] does, and blocks.
    ///
    /// # Errors
    /// Those of [`Check::run`].
    pub fn run_blocking(self) -> Result<Checked, Error> {
        let place = self.place;
        let visit = self.prepare()?;
        let ended =
            runtime::blocking(visit.go()).unwrap_or_else(|| Err("the run ended early".to_owned()));
        ended.map_err(|error| Error::at(place, error))
    }

    fn prepare(self) -> Result<Visit, Error> {
        let url = self.address()?;
        let changes = self.consent(&url)?;
        let cases = self.selected()?;
        let seed = Seed::random();
        let accounts = Accounts::at_a_target(&self.accounts, &seed);
        let protected = self.protected(changes)?;
        let leave = Leave {
            present: accounts.present(),
            protected,
            changes,
            failures: self.failures,
            repeat: 1,
        };
        let plan = Plan::new(&cases, contract::of(self.kind), &leave);
        let pause = if is_loopback(&url) {
            Duration::ZERO
        } else {
            POLITE
        };
        let options = TargetOptions {
            delay: self.delay.unwrap_or(pause),
            ..self.options
        };
        let wrong = |error: String| Error::at(self.place, error);
        let target =
            Target::new(url.as_str(), &options).map_err(|error| wrong(error.to_string()))?;
        let label = if options.insecure {
            format!("{} (any certificate was taken)", target.address())
        } else {
            target.address().to_owned()
        };
        let lab = Lab {
            kind: self.kind,
            target,
            label,
            accounts,
            agreed: Agreed::default(),
            repeat: 1,
            mock: None,
        };
        Visit::new(lab, plan, self.failures, (&url, self.shelf), &seed).map_err(wrong)
    }

    fn address(&self) -> Result<Url, Error> {
        let wrong = |what: String| {
            Error::at(self.place, format!("the address {what}"))
                .hint("as in https://10.0.0.5:8443 or http://127.0.0.1:8080")
        };
        let url: Url = self
            .url
            .parse()
            .map_err(|error| wrong(format!("is none: {error}")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "has credentials in it: they belong to an account".into(),
            ));
        }
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(wrong("is neither https:// nor http:// and a host".into()));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(
                "has a query or a fragment; only a path can be put before other paths".into(),
            ));
        }
        if url.scheme() == "http" && !is_loopback(&url) && !self.allow_http {
            let refused = Error::at(
                self.place,
                format!(
                    "{url} is not on this machine, and http:// would send passwords in the clear"
                ),
            );
            return Err(refused.hint("https://, or allow_http()"));
        }
        Ok(url)
    }

    fn consent(&self, url: &Url) -> Result<bool, Error> {
        let host = url.host_str().unwrap_or_default();
        match &self.changes_on {
            None => Ok(false),
            Some(named) if consent::same_host(host, named) => Ok(true),
            Some(named) => Err(Error::at(
                self.place,
                format!("change_passwords_on names {named:?}, and the server's host is {host:?}"),
            )
            .hint("name the server's own host")),
        }
    }

    fn selected(&self) -> Result<Vec<&'static Located>, Error> {
        let glob = |text: &String| {
            Glob::new(text)
                .map_err(|wrong| Error::at(self.place, format!("`{text}` is no glob: {wrong}")))
        };
        let globs: Vec<Glob> = self.cases.iter().map(glob).collect::<Result<_, _>>()?;
        let meant = |id: &str| globs.is_empty() || globs.iter().any(|glob| glob.is_match(id));
        let cases: Vec<_> = suite::all()
            .iter()
            .filter(|located| located.case.kinds.contains(&self.kind) && meant(&located.case.id))
            .collect();
        if cases.is_empty() {
            return Err(Error::at(self.place, "no case is selected")
                .hint("`d4iot-double plan` lists the cases"));
        }
        Ok(cases)
    }

    fn protected(&self, changes: bool) -> Result<BTreeMap<Account, String>, Error> {
        let admin = self
            .accounts
            .get(&Account::Admin)
            .map(|admin| admin.username.as_str());
        let reasons = self.accounts.iter().filter_map(|(account, who)| {
            Some((
                *account,
                consent::protected(*account, &who.username, admin)?,
            ))
        });
        let protected: BTreeMap<Account, String> = reasons.collect();
        let objects = [Account::User, Account::ReadOnly, Account::SecurityAnalyst];
        match protected
            .iter()
            .find(|(account, _)| changes && objects.contains(account))
        {
            Some((account, reason)) => Err(Error::at(
                self.place,
                format!("account `{}`: {reason}", account.name()),
            )
            .hint("name a user made for tests")),
            None => Ok(protected),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_start_matches('[')
        .trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// How many failed sign-ins may be caused, unless something else is said.
const MOST_FAILURES: u32 = 3;
/// The pause off this machine.
const POLITE: Duration = Duration::from_millis(500);
