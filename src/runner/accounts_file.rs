//! The accounts file: who can sign in at a target. It is YAML that only its owner may read.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    env,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use thiserror::Error;

use crate::{
    client::TargetOptions,
    fixture::{self, Diagnostic, Position, Spanned},
    redact::Secret,
    runner::{TargetPolicy, private_file, private_file::PrivateFileError},
    suite::Account,
};

/// Who can sign in at a target.
#[derive(Clone, Debug, Default)]
pub struct AccountsFile {
    /// The file, as an absolute path.
    pub path: PathBuf,
    /// The accounts.
    pub accounts: BTreeMap<Account, Credentials>,
    /// The user name and password for the proxy.
    pub proxy: Option<Credentials>,
    /// What is known of the target's password policy.
    pub policy: TargetPolicy,
}

/// A user name and a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// Why an accounts file cannot be used. The text shows no password.
#[derive(Debug, Error)]
pub enum AccountsFileError {
    /// Its content is wrong.
    #[error(transparent)]
    Content(#[from] Diagnostic),
    /// It cannot be read, or others than its owner may read it.
    #[error(transparent)]
    File(#[from] PrivateFileError),
}

impl AccountsFile {
    /// Reads an accounts file.
    ///
    /// # Errors
    /// The file cannot be read, others than its owner may read it, or its content is wrong.
    pub fn load(path: &Path) -> Result<AccountsFile, AccountsFileError> {
        AccountsFile::load_only(path, None)
    }

    /// Reads some accounts of an accounts file: a variable that another one needs may be unset.
    ///
    /// # Errors
    /// As for [`AccountsFile::load`].
    pub fn load_only(
        path: &Path,
        needed: Option<&BTreeSet<Account>>,
    ) -> Result<AccountsFile, AccountsFileError> {
        let reason = "`recover` must be able to read it again";
        let text = private_file::read(path, "the accounts file", reason)?;
        let variable = |name: &str| env::var(name).ok();
        let shown = path.display().to_string();
        let file = AccountsFile::parse(&shown, &text, needed, &variable)?;
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Ok(AccountsFile { path, ..file })
    }

    /// Adds the user name and password of the proxy to the options of the client.
    pub fn add_proxy_credentials(&self, client: &mut TargetOptions) {
        if let Some(proxy) = &mut client.proxy {
            let credentials = self.proxy.clone();
            proxy.credentials = credentials.map(|it| (it.username, it.password));
        }
    }

    fn parse(
        name: &str,
        text: &str,
        needed: Option<&BTreeSet<Account>>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<AccountsFile, Diagnostic> {
        let wrong = |place, message: &str| Diagnostic::new(place, message).in_file(name);
        let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
        if text.lines().all(is_blank) {
            let start = Position { line: 1, column: 1 };
            let message = "the file names no account, expected `admin` and `user`";
            return Err(wrong(start, message));
        }
        let raw: RawAccounts = fixture::read_as(name, text)?;
        let mut file = AccountsFile::default();
        if let Some(Spanned { value, place }) = raw.policy {
            if let Some(problem) = value.problem() {
                return Err(wrong(place, &format!("`policy`: {problem}")));
            }
            file.policy = value;
        }
        let credentials = |name: &str, entry: Spanned<RawAccount>| {
            let credentials = entry.value.credentials(variable);
            credentials.map_err(|reason| wrong(entry.place, &format!("account `{name}`: {reason}")))
        };
        let entries = [
            (Account::Admin, raw.admin),
            (Account::Bystander, raw.bystander),
            (Account::ReadOnly, raw.read_only),
            (Account::SecurityAnalyst, raw.security_analyst),
            (Account::User, raw.user),
        ];
        for (account, entry) in entries {
            let is_needed = needed.is_none_or(|needed| needed.contains(&account));
            if let Some(entry) = entry.filter(|_| is_needed) {
                let credentials = credentials(account.name(), entry)?;
                file.accounts.insert(account, credentials);
            }
        }
        let proxy = raw.proxy.map(|entry| credentials("proxy", entry));
        file.proxy = proxy.transpose()?;
        Ok(file)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAccounts {
    admin: Option<Spanned<RawAccount>>,
    bystander: Option<Spanned<RawAccount>>,
    policy: Option<Spanned<TargetPolicy>>,
    proxy: Option<Spanned<RawAccount>>,
    read_only: Option<Spanned<RawAccount>>,
    security_analyst: Option<Spanned<RawAccount>>,
    user: Option<Spanned<RawAccount>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAccount {
    username: Option<String>,
    password: Option<Secret>,
    password_env: Option<String>,
}

impl RawAccount {
    /// Returns the credentials, or what is wrong with them.
    fn credentials(
        self,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Credentials, Cow<'static, str>> {
        let username = self.username.filter(|name| !name.is_empty());
        let username = username.ok_or("no `username`")?;
        let password = match (self.password, self.password_env) {
            (Some(password), None) => password,
            (None, Some(name)) => {
                let unset = || format!("the environment variable `{name}` is not set");
                Secret::new(variable(&name).ok_or_else(unset)?)
            }
            _ => return Err("expected either `password` or `password_env`".into()),
        };
        match password.expose().is_empty() {
            true => Err("the password is empty".into()),
            false => Ok(Credentials { username, password }),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(text: &str) -> Result<AccountsFile, Diagnostic> {
        AccountsFile::parse("lab.yaml", text, None, &|name| {
            (name == "SET").then(|| "from-env".to_owned())
        })
    }

    #[test]
    fn passwords_come_from_the_file_or_the_environment() {
        let file = read("admin: { username: boss, password: 12345 }\nuser: { username: lab, password_env: SET }\n").unwrap();
        assert_eq!(file.accounts[&Account::Admin].password.expose(), "12345");
        assert_eq!(file.accounts[&Account::User].password.expose(), "from-env");
    }

    #[rstest]
    #[case::unset(
        "user: { username: lab, password_env: UNSET }",
        "lab.yaml:1:7",
        "`UNSET` is not set"
    )]
    #[case::both(
        "user: { username: lab, password: hunter22, password_env: SET }",
        "lab.yaml:1:7",
        "either `password` or `password_env`"
    )]
    #[case::nameless(
        "admin: { username: a, password: b }\nuser: { password: hunter22 }",
        "lab.yaml:2:7",
        "no `username`"
    )]
    #[case::unknown_account(
        "root: { username: lab, password: hunter22 }",
        "lab.yaml:1:1",
        "unknown key `root`"
    )]
    #[case::unknown_key(
        "user: { username: lab, pasword: hunter22 }",
        "lab.yaml:1:24",
        "did you mean `password`?"
    )]
    #[case::torn(
        "user: { username: lab, password: hunter22, hunter22 }",
        "lab.yaml:1:",
        "expected one of"
    )]
    #[case::policy(
        "user: { username: lab, password: hunter22 }\npolicy: { min_length: 40 }",
        "lab.yaml:2:9",
        "`policy`: `min_length` is 40, expected at most 32"
    )]
    #[case::short_passwords("policy: { max_length: 6 }", "1:9", "is 6, expected at least 8")]
    #[case::no_length(
        "policy: { min_length: 20, max_length: 12 }",
        "1:9",
        "is 12, expected at least 20"
    )]
    #[case::classes("policy: { classes: 5 }", "1:9", "is 5, expected at most 4")]
    #[case::no_symbol(
        "policy: { classes: 4, symbols: '' }",
        "1:9",
        "at most 3 with these symbols"
    )]
    #[case::symbols(
        "policy: { symbols: '-a' }",
        "1:9",
        "has `a`, expected ASCII punctuation"
    )]
    #[case::policy_key("policy: { minlength: 8 }", "1:11", "did you mean `min_length`?")]
    #[case::list("user: [hunter22]", "lab.yaml:1:7", "expected")]
    #[case::empty("# nothing\n", "lab.yaml:1:1", "names no account")]
    fn errors_have_a_place_and_no_password(
        #[case] text: &str,
        #[case] place: &str,
        #[case] says: &str,
    ) {
        let error = read(text).unwrap_err().to_string();
        assert!(error.contains(place) && error.contains(says), "{error}");
        assert!(!error.contains("hunter22"), "{error}");
    }
}
