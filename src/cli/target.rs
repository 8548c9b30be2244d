//! A live target on the command line: where it is, how it is reached, who can sign in, and what may be done to it.

use std::path::PathBuf;

use clap::Args;

use crate::{
    cli::{client::ClientArgs, code, recover, selection::Selection, talk, talk::Talk},
    runner::{
        AccountsFile,
        live::{LiveError, LiveTarget, PreparedRun},
    },
};

/// A live target, and what may be done to it.
#[derive(Args, Debug)]
#[group(id = "target_options")]
pub struct TargetArgs {
    /// The appliance to check, https://… or http://…; without it: the built-in mocks. A path in it precedes every request's path
    #[arg(value_name = "TARGET")]
    pub target: Option<String>,
    /// The target's accounts, a YAML file that only you may read (chmod 600)
    ///
    ///   admin: { username: labadmin, password_env: LAB_ADMIN }
    ///   user: { username: labuser, password: Lab-user-12345 }
    ///
    /// and, if there are such users, bystander, read_only and security_analyst; proxy, if it needs a user name and a password.
    /// Cases whose account is missing are not judged
    #[arg(long, value_name = "FILE", requires = "target", verbatim_doc_comment)]
    pub accounts: Option<PathBuf>,
    /// Allow cases that change passwords; repeats the target's host as confirmation
    #[arg(long, value_name = "HOST", requires = "target")]
    pub change_passwords_on: Option<String>,
    /// How many sign-ins may fail; a sensor locks an address out after 5
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub max_auth_failures: u32,
    /// Allow http:// to a target on another machine: passwords are sent unencrypted
    #[arg(long, requires = "target")]
    pub allow_http: bool,
    /// How it is reached
    #[command(flatten)]
    pub client: ClientArgs,
}

impl TargetArgs {
    /// Reads all that concerns a target and plans the run, in which each case is repeated. An error is printed, and its exit code returned.
    ///
    /// # Errors
    /// An option is wrong, a safety rule forbids the run, or no case is selected.
    pub fn prepare(
        &self,
        selection: &Selection,
        repeat: u32,
        talk: &Talk,
    ) -> Result<PreparedRun, u8> {
        let usage = |error: String| talk.code(Err(error));
        let url = self.target.clone().unwrap_or_default();
        let kind = selection
            .kind
            .ok_or_else(|| usage("a target needs --kind sensor or --kind console".into()))?;
        let accounts = match &self.accounts {
            Some(path) => AccountsFile::load(path).map_err(|error| usage(error.to_string()))?,
            None => AccountsFile::default(),
        };
        let passwords = accounts.accounts.values().chain(&accounts.proxy);
        talk::hide(
            passwords.map(|credentials| credentials.password.expose()),
            &Default::default(),
        );
        let target = LiveTarget {
            client: self.client.options(&url).map_err(usage)?,
            url,
            kind,
            insecure_name: "-k",
            allow_http: self.allow_http,
            accounts,
            cases: selection.cases(kind).map_err(usage)?,
            change_passwords_on: self.change_passwords_on.clone(),
            max_auth_failures: self.max_auth_failures,
            repeat,
            journal_dir: None,
        };
        let run = target.prepare().map_err(|error| report(&error, talk))?;
        let (passwords, usernames) = run.context.accounts.secrets();
        talk::hide(passwords, &usernames);
        Ok(run)
    }
}

/// Prints why a live run does not start or ended early, with a hint in the terms of the command line. Returns the exit code.
pub fn report(error: &LiveError, talk: &Talk) -> u8 {
    let text = match error {
        LiveError::Address(reason) => format!("TARGET {reason}"),
        LiveError::Consent { named, host } => {
            format!("--change-passwords-on names `{named}`, but the target's host is `{host}`")
        }
        error => error.to_string(),
    };
    let hint = match error {
        LiveError::ClearText(_) => Some("use https://, or --allow-http".to_owned()),
        LiveError::OpenJournal { journal, .. } => {
            Some(format!("restore them first: {}", recover::command(journal)))
        }
        error => error.hint().map(str::to_owned),
    };
    talk.error(match hint {
        Some(hint) => format!("{text}\n  hint: {hint}"),
        None => text,
    });
    if error.is_safety_rule() {
        code::REFUSED
    } else {
        code::USAGE
    }
}
