//! A target on the command line: where it is, how it is reached, who can sign in, and what may be done to it.

use std::{collections::BTreeMap, env, path::PathBuf};

use clap::Args;
use reqwest::Url;

use crate::{
    cli::{client::Client, code, selection::Selection, talk},
    conformance::{Account, Agreed},
    contract,
    runner::{
        Accounts, Lab, Named, Seed, consent,
        order::{Leave, Plan},
        undo::Key,
    },
};

/// A target and what may be done to it.
#[derive(Args, Debug)]
#[group(id = "target_options")]
pub struct Options {
    /// The appliance to ask, https://… or http://…; without it: mocks of our own. A path is put before every request's path
    #[arg(value_name = "TARGET")]
    pub target: Option<String>,
    /// The target's accounts, a YAML file that only you may read (chmod 600)
    ///
    ///   admin: { username: labadmin, password_env: LAB_ADMIN }
    ///   user: { username: labuser, password: Lab-user-12345 }
    ///
    /// and, where there are such users, bystander, read_only and security_analyst; proxy, where one wants a name and a password.
    /// Cases whose account is missing are not judged
    #[arg(long, value_name = "FILE", requires = "target", verbatim_doc_comment)]
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
    /// Reads all that concerns a target and decides what is sent, each case so many times.
    ///
    /// # Errors
    /// Usage, configuration, or a safety rule.
    pub fn aim(&self, selection: &Selection, repeat: u32) -> Result<Aim, Refused> {
        let usage = |text: String| (code::USAGE, text);
        let url = self.url()?;
        let kind = selection
            .kind
            .ok_or_else(|| usage("a target needs --kind sensor or --kind console".into()))?;
        let warnings = self.warnings(&url)?;
        let changes = self.consent(&url)?;
        let named = self
            .accounts
            .as_deref()
            .map(|path| Named::load(path, &|name| env::var(name).ok()))
            .transpose();
        let named = named.map_err(|error| usage(error.to_string()))?;
        let protected = protected(named.as_ref());
        let objects = [Account::User, Account::ReadOnly, Account::SecurityAnalyst];
        if let Some((account, reason)) = protected
            .iter()
            .find(|(account, _)| changes && objects.contains(account))
        {
            return Err((
                code::REFUSED,
                format!(
                    "account `{}` of the accounts file: {reason}\n  hint: name a user made for tests",
                    account.name()
                ),
            ));
        }
        let seed = Seed::random();
        let accounts = Accounts::at_a_target(
            &named
                .as_ref()
                .map(|named| named.accounts.clone())
                .unwrap_or_default(),
            &seed,
        );
        let accounts =
            accounts.and_of_a_proxy(named.as_ref().and_then(|named| named.proxy.as_ref()));
        let (secrets, usernames) = accounts.secrets();
        talk::hide(secrets, &usernames);
        let leave = Leave {
            present: accounts.present(),
            protected,
            changes,
            failures: self.max_auth_failures,
            repeat,
        };
        let plan = Plan::new(
            &selection.cases(kind).map_err(usage)?,
            contract::of(kind),
            &leave,
        );
        let proxy = named.as_ref().and_then(|named| named.proxy.as_ref());
        let target = self.client.target(&url, proxy).map_err(usage)?;
        let label = if self.client.insecure {
            format!("{} (-k: any certificate was taken)", target.address())
        } else {
            target.address().to_owned()
        };
        let lab = Lab {
            kind,
            target,
            label,
            accounts,
            agreed: Agreed::default(),
            repeat,
            mock: None,
        };
        Ok(Aim {
            lab,
            plan,
            key: Key::of(&url),
            seed,
            named,
            warnings,
        })
    }

    fn url(&self) -> Result<Url, Refused> {
        let text = self.target.as_deref().unwrap_or_default();
        let wrong = |what: &str| {
            (
                code::USAGE,
                format!(
                    "TARGET {what}\n  hint: as in https://10.0.0.5 or https://10.0.0.5:8443/prefix"
                ),
            )
        };
        let url: Url = text
            .parse()
            .map_err(|error| wrong(&format!("is no address: {error}")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "has credentials in it: they belong into the accounts file",
            ));
        }
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
            return Err(wrong("is neither https:// nor http:// and a host"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(
                "has a query or a fragment; only a path can be put before other paths",
            ));
        }
        Ok(url)
    }

    fn warnings(&self, url: &Url) -> Result<Vec<String>, Refused> {
        if url.scheme() == "https" {
            return Ok(Vec::new());
        }
        if !self.client.stays_here(url) && !self.allow_http {
            let text = format!(
                "{url} is not on this machine, and http:// would send passwords over the wire in the clear\n  hint: https://, or --allow-http"
            );
            return Err((code::REFUSED, text));
        }
        Ok(vec![format!(
            "{url} is asked without TLS: passwords go over the wire in the clear"
        )])
    }

    fn consent(&self, url: &Url) -> Result<bool, Refused> {
        let Some(named) = &self.change_passwords_on else {
            return Ok(false);
        };
        let host = url.host_str().unwrap_or_default();
        if consent::same_host(host, named) {
            return Ok(true);
        }
        Err((
            code::REFUSED,
            format!(
                "--change-passwords-on names `{named}`, and the target's host is `{host}`\n  hint: name the target's own host"
            ),
        ))
    }
}

impl Aim {
    /// Tells whether no case was selected.
    pub fn is_empty(&self) -> bool {
        self.plan.cases.is_empty() && self.plan.left_out.is_empty()
    }
}

fn protected(named: Option<&Named>) -> BTreeMap<Account, String> {
    let Some(named) = named else {
        return BTreeMap::new();
    };
    let admin = named
        .accounts
        .get(&Account::Admin)
        .map(|admin| admin.username.as_str());
    let reasons = named.accounts.iter().map(|(account, who)| {
        Some((
            *account,
            consent::protected(*account, &who.username, admin)?,
        ))
    });
    reasons.flatten().collect()
}
