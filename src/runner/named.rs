//! The accounts of a target as their file names them: YAML that nobody but its owner may read.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{conformance::Account, fixture, fixture::Spanned, redact::Secret, runner::private};

/// Who can sign in at a target, and where that was read.
#[derive(Debug)]
pub struct Named {
    /// The file, as an absolute path.
    pub file: PathBuf,
    /// The environment variables that hold passwords.
    pub environment: Vec<String>,
    /// The accounts.
    pub accounts: BTreeMap<Account, Credentials>,
    /// A proxy's name and password, where it wants some.
    pub proxy: Option<Credentials>,
}

/// A name and a password.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The name.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// Why the accounts cannot be had. No text of it shows a password.
#[derive(Debug)]
pub struct Error(String);

impl Named {
    /// Reads an accounts file. `variable` gives the value of an environment variable.
    ///
    /// # Errors
    /// A file that others than its owner may use, that is no file, or that does not say what it should.
    pub fn load(path: &Path, variable: &dyn Fn(&str) -> Option<String>) -> Result<Named, Error> {
        let shown = path.display();
        let doing =
            |error: std::io::Error| Error(format!("reading the accounts file {shown}: {error}"));
        let text = private::read(
            path,
            "the accounts file",
            "`recover` must be able to read it again",
        )
        .map_err(Error)?;
        let absolute = std::path::absolute(path).map_err(doing)?;
        Named::read(absolute, &shown.to_string(), &text, variable)
    }

    fn read(
        file: PathBuf,
        shown: &str,
        text: &str,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Named, Error> {
        if text
            .lines()
            .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
        {
            return Err(at(
                shown,
                1,
                1,
                "the file names no account, expected `admin` and `user`",
            ));
        }
        let written: Written =
            fixture::read_as(shown, text).map_err(|error| Error(error.to_string()))?;
        let mut named = Named {
            file,
            environment: Vec::new(),
            accounts: BTreeMap::new(),
            proxy: None,
        };
        for (whose, entry) in written.entries() {
            let Some(entry) = entry else { continue };
            let (line, column) = (entry.place.line, entry.place.column);
            let wrong = |what: &str| {
                at(
                    shown,
                    line,
                    column,
                    &format!("account `{}`: {what}", whose.map_or("proxy", Account::name)),
                )
            };
            let entry = entry.value;
            let username = entry
                .username
                .filter(|name| !name.is_empty())
                .ok_or_else(|| wrong("no `username`"))?;
            let password = match (entry.password, entry.password_env) {
                (Some(password), None) => password,
                (None, Some(name)) => {
                    let value = variable(&name).ok_or_else(|| {
                        wrong(&format!("the environment variable `{name}` is not set"))
                    })?;
                    named.environment.push(name);
                    Secret::new(value)
                }
                _ => return Err(wrong("expected either `password` or `password_env`")),
            };
            if password.expose().is_empty() {
                return Err(wrong("the password is empty"));
            }
            let credentials = Credentials { username, password };
            match whose {
                Some(account) => drop(named.accounts.insert(account, credentials)),
                None => named.proxy = Some(credentials),
            }
        }
        Ok(named)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    admin: Option<Spanned<Entry>>,
    bystander: Option<Spanned<Entry>>,
    proxy: Option<Spanned<Entry>>,
    read_only: Option<Spanned<Entry>>,
    security_analyst: Option<Spanned<Entry>>,
    user: Option<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    username: Option<String>,
    password: Option<Secret>,
    password_env: Option<String>,
}

impl Written {
    /// Whose each entry is; nobody's of the target's is the proxy's.
    fn entries(self) -> [(Option<Account>, Option<Spanned<Entry>>); 6] {
        [
            (Some(Account::Admin), self.admin),
            (Some(Account::Bystander), self.bystander),
            (Some(Account::ReadOnly), self.read_only),
            (Some(Account::SecurityAnalyst), self.security_analyst),
            (Some(Account::User), self.user),
            (None, self.proxy),
        ]
    }
}

fn at(file: &str, line: impl fmt::Display, column: impl fmt::Display, what: &str) -> Error {
    Error(format!(
        "error: line {line} column {column}: {what}\n --> {file}:{line}:{column}"
    ))
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(text: &str) -> Result<Named, Error> {
        Named::read(PathBuf::from("/lab.yaml"), "lab.yaml", text, &|name| {
            (name == "SET").then(|| "from-env".to_owned())
        })
    }

    #[test]
    fn passwords_come_from_the_file_or_the_environment() {
        let named = read("admin: { username: boss, password: 12345 }\nuser: { username: lab, password_env: SET }\n").unwrap();
        assert_eq!(named.accounts[&Account::Admin].password.expose(), "12345");
        assert_eq!(named.accounts[&Account::User].password.expose(), "from-env");
        assert_eq!(named.environment, ["SET"]);
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
