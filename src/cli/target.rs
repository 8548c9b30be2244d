//! A target on the command line: where it is, how it is reached, who can sign in, and what may be done to it.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use reqwest::Url;
use serde::Deserialize;
use serde::Serialize;

use crate::cli::code;
use crate::cli::selection::Selection;
use crate::cli::talk;
use crate::conformance::Account;
use crate::conformance::Agreed;
use crate::contract;
use crate::fixture;
use crate::runner::Accounts;
use crate::runner::Lab;
use crate::runner::Named;
use crate::runner::Seed;
use crate::runner::consent;
use crate::runner::order::Leave;
use crate::runner::order::Plan;
use crate::runner::undo::Key;
use crate::target;
use crate::target::Target;

/// A target and what may be done to it.
#[derive(Args, Debug)]
#[group(id = "target_options")]
pub struct Options {
    /// The appliance to ask, https://… or http://…; without it: mocks of our own. A path is put before every request's path
    #[arg(value_name = "TARGET")]
    pub target: Option<String>,
    /// The target's accounts: `admin`, `user`, `bystander`, `read_only`, `security_analyst`; no access for group or others
    #[arg(long, value_name = "FILE", requires = "target")]
    pub accounts: Option<PathBuf>,
    /// Consent to cases that change passwords, naming the target's host
    #[arg(long, value_name = "HOST", requires = "target")]
    pub change_passwords_on: Option<String>,
    /// How many failed sign-ins may be caused; a sensor locks an address out after 5
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub max_auth_failures: u32,
    /// Allow http:// to a target that is not on this machine: passwords go over the wire in the clear
    #[arg(long, requires = "target")]
    pub allow_http: bool,
    /// How it is reached
    #[command(flatten)]
    pub client: Client,
}

/// How a target is reached. A journal keeps this, so that `recover` reaches it the same way: nothing here may be a secret.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Client {
    /// Take any certificate
    #[arg(short = 'k', long, requires = "target")]
    pub insecure: bool,
    /// Trust the certificates of this file, and no others
    #[arg(long, value_name = "PEM", requires = "target")]
    pub cacert: Option<PathBuf>,
    /// How long an exchange may take (default: 30s)
    #[arg(long, value_name = "D", value_parser = duration, requires = "target")]
    pub timeout: Option<Duration>,
    /// The pause between two requests (default: 500ms, none on this machine)
    #[arg(long, value_name = "D", value_parser = duration, requires = "target")]
    pub delay: Option<Duration>,
}

/// A target that was aimed at: everything is read and decided, nothing is sent.
#[derive(Debug)]
pub struct Aim {
    /// The target, with its accounts.
    pub lab: Lab,
    /// What is run, in order.
    pub plan: Plan,
    /// What its files are called.
    pub key: Key,
    /// The seed of what the run makes up.
    pub seed: Seed,
    /// The accounts' file and its environment variables.
    pub named: Option<Named>,
    /// Said before anything is sent.
    pub warnings: Vec<String>,
}

/// Why nothing is aimed at, with the exit code.
pub type Refused = (u8, String);

impl Options {
    /// Reads all that concerns a target and decides what is sent.
    ///
    /// # Errors
    /// Usage, configuration, or a safety rule.
    pub fn aim(&self, selection: &Selection) -> Result<Aim, Refused> {
        let usage = |text: String| (code::USAGE, text);
        let url = self.url()?;
        let kind = selection.kind.ok_or_else(|| usage("a target needs --kind sensor or --kind console".into()))?;
        let warnings = self.warnings(&url)?;
        let changes = self.consent(&url)?;
        let named = self.accounts.as_deref().map(|path| Named::load(path, &|name| env::var(name).ok())).transpose();
        let named = named.map_err(|error| usage(error.to_string()))?;
        let protected = protected(named.as_ref());
        let objects = [Account::User, Account::ReadOnly, Account::SecurityAnalyst];
        if let Some((account, reason)) = protected.iter().find(|(account, _)| changes && objects.contains(account)) {
            return Err((code::REFUSED, format!("account `{}` of the accounts file: {reason}\n  hint: name a user made for tests", account.name())));
        }
        let seed = Seed::random();
        let accounts = Accounts::at_a_target(&named.as_ref().map(|named| named.accounts.clone()).unwrap_or_default(), &seed);
        let (secrets, usernames) = accounts.secrets();
        talk::hide(secrets, &usernames);
        let leave = Leave { present: accounts.present(), protected, changes, failures: self.max_auth_failures };
        let plan = Plan::new(&selection.cases(kind).map_err(usage)?, contract::of(kind), &leave);
        let target = self.client.target(&url).map_err(usage)?;
        let label = if self.client.insecure { format!("{} (-k: any certificate was taken)", target.address()) } else { target.address().to_owned() };
        let lab = Lab { kind, target, label, accounts, agreed: Agreed::default(), mock: None };
        Ok(Aim { lab, plan, key: Key::of(&url), seed, named, warnings })
    }

    fn url(&self) -> Result<Url, Refused> {
        let text = self.target.as_deref().unwrap_or_default();
        let wrong = |what: &str| (code::USAGE, format!("TARGET {what}\n  hint: as in https://10.0.0.5 or https://10.0.0.5:8443/prefix"));
        let url: Url = text.parse().map_err(|error| wrong(&format!("is no address: {error}")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("has credentials in it: they belong into the accounts file"));
        }
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(wrong("is neither https:// nor http:// and a host"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("has a query or a fragment; only a path can be put before other paths"));
        }
        Ok(url)
    }

    fn warnings(&self, url: &Url) -> Result<Vec<String>, Refused> {
        if url.scheme() == "https" {
            return Ok(Vec::new());
        }
        if !is_loopback(url) && !self.allow_http {
            let text = format!(
                "{url} is not on this machine, and http:// would send passwords over the wire in the clear\n  hint: https://, or --allow-http"
            );
            return Err((code::REFUSED, text));
        }
        Ok(vec![format!("{url} is asked without TLS: passwords go over the wire in the clear")])
    }

    fn consent(&self, url: &Url) -> Result<bool, Refused> {
        let Some(named) = &self.change_passwords_on else { return Ok(false) };
        let host = url.host_str().unwrap_or_default();
        if consent::same_host(host, named) {
            return Ok(true);
        }
        Err((code::REFUSED, format!("--change-passwords-on names `{named}`, and the target's host is `{host}`\n  hint: name the target's own host")))
    }
}

impl Aim {
    /// Tells whether no case was selected.
    pub fn is_empty(&self) -> bool {
        self.plan.cases.is_empty() && self.plan.left_out.is_empty()
    }
}

impl Client {
    /// Prepares to ask a target.
    ///
    /// # Errors
    /// A file that cannot be read, or an address that cannot be asked; in words.
    #[expect(clippy::disallowed_methods, reason = "certificates are files")]
    pub fn target(&self, url: &Url) -> Result<Target, String> {
        let read = |path: &PathBuf| fs::read_to_string(path).map_err(|error| format!("reading {}: {error}", path.display()));
        let options = target::Options {
            trust: self.cacert.as_ref().map(read).transpose()?,
            timeout: self.timeout,
            delay: self.delay.unwrap_or(if is_loopback(url) { Duration::ZERO } else { POLITE }),
            insecure: self.insecure,
            fresh: true,
        };
        Target::new(url.as_str(), &options).map_err(|error| error.to_string())
    }

    /// Returns the same with every path absolute: a journal is read from elsewhere.
    pub fn absolute(&self) -> Client {
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        Client { cacert: self.cacert.as_ref().map(absolute), ..self.clone() }
    }
}

fn protected(named: Option<&Named>) -> BTreeMap<Account, String> {
    let Some(named) = named else { return BTreeMap::new() };
    let admin = named.accounts.get(&Account::Admin).map(|admin| admin.username.as_str());
    let reasons = named.accounts.iter().map(|(account, who)| Some((*account, consent::protected(*account, &who.username, admin)?)));
    reasons.flatten().collect()
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn duration(text: &str) -> Result<Duration, String> {
    fixture::duration(text).ok_or_else(|| "expected whole numbers with units of ms, s, m, h, as in `500ms`, `90s`".into())
}

/// The pause off this machine.
const POLITE: Duration = Duration::from_millis(500);
