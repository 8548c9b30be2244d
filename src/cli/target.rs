//! A live target on the command line: where it is, how it is reached, who can sign in, and what may be done to it.

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{
        client::ClientArgs,
        code, console,
        error::{CliError, Result},
        selection::Selection,
    },
    redact::Secret,
    report::Shard,
    runner::{
        AccountsFile,
        live::{LiveError, LiveTarget, PreparedRun, budget::DEFAULT_BUDGET},
    },
};

/// A live target, and what may be done to it.
#[derive(Args, Clone, Debug)]
#[group(id = "target_options")]
#[command(next_help_heading = "Target")]
pub(super) struct TargetArgs {
    /// URL of the appliance, https://… or http://…; without it: built-in mocks. A path in the URL is prepended to every request's path
    #[arg(value_name = "TARGET", group = "where")]
    pub target: Option<String>,
    /// Check all targets of a list, each as if it were the only one: a file with a URL in each line, or a YAML list, whose entries may have a kind, accounts and a profile of their own
    #[arg(long, value_name = "FILE", group = "where", conflicts_with = "target")]
    pub targets: Option<PathBuf>,
    /// How many targets of the list are checked at a time
    #[arg(long, value_name = "N", requires = "targets", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: u16,
    /// Check only a part of the list, as in `1/4` to `4/4`, for `report merge`; a target's name alone decides in which part it is
    #[arg(long, value_name = "I/N", requires = "targets")]
    pub shard: Option<Shard>,
    /// Accounts of the target: a YAML file that only you may read (chmod 600), or root's that a group of yours may read (chmod 440)
    ///
    ///   admin: { username: labadmin, password_env: LAB_ADMIN }
    ///   user: { username: labuser, password: Lab-user-12345 }
    ///
    /// and, if there are such users, bystander, read_only and security_analyst; proxy, if it needs a user name and a password.
    /// Cases whose account is missing are not judged
    #[arg(long, value_name = "FILE", requires = "where", verbatim_doc_comment)]
    pub accounts: Option<PathBuf>,
    /// Allow cases that change passwords; repeats the target's host name as confirmation. A port, if one is named, must be the target's
    #[arg(long, value_name = "HOST[:PORT]", requires = "target")]
    pub change_passwords_on: Option<String>,
    /// Number of failed sign-ins allowed; a sensor locks an address out after 5
    #[arg(long, value_name = "N", default_value_t = DEFAULT_BUDGET)]
    pub max_auth_failures: u32,
    /// Allow http:// to a target on another machine: passwords are sent unencrypted
    #[arg(long, requires = "where")]
    pub allow_http: bool,
    /// How it is reached
    #[command(flatten)]
    pub client: ClientArgs,
}

impl TargetArgs {
    /// Reads all that concerns a target and plans the run, in which each case is repeated.
    ///
    /// # Errors
    /// An option is wrong, a safety rule forbids the run, or no case is selected.
    pub(super) fn prepare(&self, selection: &Selection, repeat: u32) -> Result<PreparedRun> {
        let url = self.target.clone().unwrap_or_default();
        let kind = selection
            .kind
            .ok_or_else(|| CliError::usage("a target needs --kind sensor or --kind console"))?;
        let accounts = match &self.accounts {
            Some(path) => AccountsFile::load(path)?,
            None => AccountsFile::default(),
        };
        let passwords = accounts.accounts.values().chain(&accounts.proxy);
        console::hide(
            passwords.map(|credentials| credentials.password.expose()),
            &Default::default(),
        );
        let target = LiveTarget {
            client: self.client.options(&url)?,
            url,
            kind,
            is_library: false,
            allow_http: self.allow_http,
            accounts,
            cases: selection.cases(kind)?,
            change_passwords_on: self.change_passwords_on.clone(),
            max_auth_failures: self.max_auth_failures,
            repeat,
            ..LiveTarget::default()
        };
        let run = target.prepare().map_err(|error| error_of(&error))?;
        let (passwords, usernames) = run.context.accounts.secrets();
        console::hide(passwords.iter().map(Secret::expose), &usernames);
        if run.plan.is_empty() {
            return Err(selection.nothing());
        }
        Ok(run)
    }
}

/// Returns why a live run does not start or ended early, with a hint in the terms of the command line.
pub(super) fn error_of(error: &LiveError) -> CliError {
    let code = if error.is_safety_rule() {
        code::SAFETY_RULE
    } else {
        code::USAGE
    };
    let text = match error {
        LiveError::Address(reason) => format!("TARGET {reason}"),
        LiveError::Consent { named, host } => {
            format!("--change-passwords-on names `{named}`, but the target is `{host}`")
        }
        error => error.to_string(),
    };
    CliError::new(code, text).with_hint(error.hint(false))
}
