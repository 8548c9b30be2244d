//! Placeholders: `«user.password»` in a case, in a snapshot and in a report replaces a value that differs from lab to lab.

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::{
    contract::{UnknownName, closed_set},
    report::{NotJudged, ReasonCode},
};

closed_set! {
    /// Whose value a placeholder replaces. The accounts file may name five of them; the others exist only at a mock.
    #[non_exhaustive]
    Account, "account" {
        /// An administrator who acts.
        Admin = "admin",
        /// A user who must stay untouched.
        Bystander = "bystander",
        /// A user whose password a directory keeps.
        Directory = "directory",
        /// A disabled user.
        Disabled = "disabled",
        /// A locked user.
        Locked = "locked",
        /// A user who must change the password first.
        MustChange = "must_change",
        /// A user with the role read_only.
        ReadOnly = "read_only",
        /// Another administrator, who is acted upon.
        SecondAdmin = "second_admin",
        /// A user with the role security_analyst.
        SecurityAnalyst = "security_analyst",
        /// Nobody: a name that no user has.
        Unknown = "unknown",
        /// A user whose password is changed.
        User = "user",
    }
}

closed_set! {
    /// Which value of an account a placeholder replaces.
    Property, "property" {
        /// A generated password that every known policy takes.
        NewPassword = "new_password",
        /// A second one.
        NewerPassword = "newer_password",
        /// The password that is valid at the start of the case: the target's own.
        Password = "password",
        /// The same in the other letter case.
        PasswordOtherCase = "password_other_case",
        /// The same without its last letter.
        PasswordPrefix = "password_prefix",
        /// The name.
        Username = "username",
        /// A password that every known policy refuses.
        WeakPassword = "weak_password",
        /// A generated password that is not the account's.
        WrongPassword = "wrong_password",
    }
}

/// A name in guillemets: an account and a property, `«user.password»`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Placeholder {
    /// Whose value.
    pub account: Account,
    /// Which value.
    pub property: Property,
}

/// Why a step or a case cannot be sent or judged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct StepError(pub String);

impl From<StepError> for NotJudged {
    fn from(error: StepError) -> NotJudged {
        NotJudged::new(ReasonCode::NotSendable, error.0)
    }
}

impl From<&str> for StepError {
    fn from(reason: &str) -> StepError {
        StepError(reason.to_owned())
    }
}

impl From<UnknownName> for StepError {
    fn from(unknown: UnknownName) -> StepError {
        StepError(unknown.to_string())
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "«{}.{}»", self.account, self.property)
    }
}

impl FromStr for Placeholder {
    type Err = StepError;

    fn from_str(text: &str) -> Result<Placeholder, StepError> {
        let inner = text.trim_start_matches('«').trim_end_matches('»');
        let wrong = || format!("`{text}` is not a placeholder: expected «account.property»");
        let (account, property) = inner.split_once('.').ok_or_else(|| StepError(wrong()))?;
        let (account, property) = (account.parse()?, property.parse()?);
        Ok(Placeholder { account, property })
    }
}

impl Placeholder {
    /// Replaces every placeholder of a text by its value.
    ///
    /// # Errors
    /// A guillemet opens no known placeholder, or there is no value.
    pub fn fill(
        text: &str,
        mut value: impl FnMut(Placeholder) -> Result<String, StepError>,
    ) -> Result<String, StepError> {
        let (mut filled, mut rest) = (String::new(), text);
        while let Some(start) = rest.find('«') {
            let open = || format!("`{rest}` opens a placeholder and does not close it");
            let end = rest[start..].find('»').ok_or_else(|| StepError(open()))?;
            let end = start + end + '»'.len_utf8();
            filled.push_str(&rest[..start]);
            filled.push_str(&value(rest[start..end].parse()?)?);
            rest = &rest[end..];
        }
        Ok(filled + rest)
    }
}
