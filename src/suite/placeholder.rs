//! Placeholders: `«user.password»` in a case, in a snapshot and in a report stands for a value that differs from lab to lab.

use std::{fmt, str::FromStr};

/// Whose value a placeholder stands for. The first five can be had at any target, the others only at a mock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Account {
    /// An administrator who acts.
    Admin,
    /// A user who must stay untouched.
    Bystander,
    /// A user whose password a directory keeps.
    Directory,
    /// A disabled user.
    Disabled,
    /// A locked user.
    Locked,
    /// A user who must change the password first.
    MustChange,
    /// A user with the role read_only.
    ReadOnly,
    /// Another administrator, who is acted upon.
    SecondAdmin,
    /// A user with the role security_analyst.
    SecurityAnalyst,
    /// Nobody: a name that no user has.
    Unknown,
    /// A user whose password is changed.
    User,
}

/// What of an account a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Property {
    /// A generated password that every known policy takes.
    NewPassword,
    /// A second one.
    NewerPassword,
    /// The password that holds at the start of the case.
    Password,
    /// The name.
    Username,
    /// A password that every known policy refuses.
    WeakPassword,
    /// A generated password that is not the account's.
    WrongPassword,
}

/// A name in guillemets: an account and a property, `«user.password»`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Placeholder {
    /// Whose value.
    pub account: Account,
    /// Which value.
    pub property: Property,
}

impl Account {
    /// Every account with its name.
    pub const NAMES: [(&'static str, Account); 11] = [
        ("admin", Account::Admin),
        ("bystander", Account::Bystander),
        ("directory", Account::Directory),
        ("disabled", Account::Disabled),
        ("locked", Account::Locked),
        ("must_change", Account::MustChange),
        ("read_only", Account::ReadOnly),
        ("second_admin", Account::SecondAdmin),
        ("security_analyst", Account::SecurityAnalyst),
        ("unknown", Account::Unknown),
        ("user", Account::User),
    ];

    /// Returns the name used in cases and account files.
    pub fn name(self) -> &'static str {
        Account::NAMES
            .iter()
            .find(|(_, account)| *account == self)
            .map_or("", |(name, _)| name)
    }
}

impl Property {
    /// Every property with its name.
    pub const NAMES: [(&'static str, Property); 6] = [
        ("new_password", Property::NewPassword),
        ("newer_password", Property::NewerPassword),
        ("password", Property::Password),
        ("username", Property::Username),
        ("weak_password", Property::WeakPassword),
        ("wrong_password", Property::WrongPassword),
    ];

    /// Tells whether the value is the target's own rather than made up by the run.
    pub fn is_real(self) -> bool {
        self == Property::Password
    }

    /// Returns the name used after the dot.
    pub fn name(self) -> &'static str {
        Property::NAMES
            .iter()
            .find(|(_, property)| *property == self)
            .map_or("", |(name, _)| name)
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "«{}.{}»", self.account.name(), self.property.name())
    }
}

impl FromStr for Placeholder {
    type Err = String;

    fn from_str(text: &str) -> Result<Placeholder, String> {
        let inner = text.trim_start_matches('«').trim_end_matches('»');
        let (account, property) = inner
            .split_once('.')
            .ok_or_else(|| format!("`{text}` is no placeholder: expected «account.property»"))?;
        let account = find(&Account::NAMES, account)
            .ok_or_else(|| unknown("account", account, &Account::NAMES))?;
        let property = find(&Property::NAMES, property)
            .ok_or_else(|| unknown("property", property, &Property::NAMES))?;
        Ok(Placeholder { account, property })
    }
}

impl Placeholder {
    /// Fills every placeholder of a text with what `value` gives for it.
    ///
    /// # Errors
    /// A guillemet that opens no known placeholder, or whatever `value` refuses.
    pub fn fill(
        text: &str,
        mut value: impl FnMut(Placeholder) -> Result<String, String>,
    ) -> Result<String, String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find('«') {
            let end = rest[start..]
                .find('»')
                .map(|length| start + length + '»'.len_utf8())
                .ok_or_else(|| format!("`{rest}` opens a placeholder and does not close it"))?;
            filled.push_str(&rest[..start]);
            filled.push_str(&value(rest[start..end].parse()?)?);
            rest = &rest[end..];
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

fn find<T: Copy>(names: &[(&str, T)], name: &str) -> Option<T> {
    names
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, member)| *member)
}

fn unknown<T>(noun: &str, name: &str, names: &[(&str, T)]) -> String {
    let expected: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
    format!(
        "unknown {noun} `{name}`, expected one of {}",
        expected.join(", ")
    )
}
