//! The values of placeholders at one target.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use thiserror::Error;

use crate::{
    appliance::{User, UserState},
    contract::Role,
    redact::{Redactor, Secret},
    runner::{
        accounts_file::{AccountsFile, Credentials},
        seed::Seed,
    },
    suite::{Account, Placeholder, Property, StepError},
};

/// A user name and passwords for every account of a target.
#[derive(Debug)]
pub struct Accounts {
    values: BTreeMap<Placeholder, Secret>,
    /// Further secrets, each with the text that replaces it in output.
    further: Vec<(&'static str, Secret)>,
    redactor: Redactor,
}

/// The target does not have this account.
#[derive(Debug, Error)]
#[error("the target has no account `{}`", .0.name())]
pub struct MissingAccount(Account);

impl Accounts {
    /// Makes up every account, for a mock of our own.
    pub fn for_mock(seed: &Seed) -> Accounts {
        let users = Account::ALL.iter().map(|account| {
            let name = format!("suite-{}", account.name().replace('_', "-"));
            (*account, name, None)
        });
        Accounts::new(users, seed, Vec::new())
    }

    /// Takes the accounts of a live target. Generated passwords depend on the seed alone, so that `recover` finds them again.
    pub fn at_target(file: &AccountsFile, seed: &Seed) -> Accounts {
        let nobody = format!("nobody-{}", seed.hexadecimal("unknown.username"));
        let named = file.accounts.iter().map(|(account, credentials)| {
            let password = Some(&credentials.password);
            (*account, credentials.username.clone(), password)
        });
        // A proxy may echo its password, also as it is sent to it.
        let further = file
            .proxy
            .iter()
            .flat_map(|Credentials { username, password }| {
                let basic = STANDARD.encode(format!("{username}:{}", password.expose()));
                [
                    ("«proxy.password»", password.clone()),
                    ("«proxy.credentials»", Secret::new(basic)),
                ]
            });
        Accounts::new(
            named.chain([(Account::Unknown, nobody, None)]),
            seed,
            further.collect(),
        )
    }

    fn new<'a>(
        users: impl Iterator<Item = (Account, String, Option<&'a Secret>)>,
        seed: &Seed,
        further: Vec<(&'static str, Secret)>,
    ) -> Accounts {
        let mut values = BTreeMap::new();
        for (account, username, password) in users {
            for &property in Property::ALL {
                let value = match (property, password) {
                    (Property::Username, _) => Secret::new(username.clone()),
                    (Property::WeakPassword, _) => Secret::new(WEAK_PASSWORD),
                    (Property::Password, Some(password)) => password.clone(),
                    _ => generate_password(seed, &format!("{account}.{property}")),
                };
                values.insert(Placeholder { account, property }, value);
            }
        }
        let own = values
            .iter()
            .map(|(placeholder, value)| (value.expose(), placeholder.to_string()));
        let others = further
            .iter()
            .map(|(shown, value)| (value.expose(), (*shown).to_owned()));
        // A shorter value cannot be told from other text.
        let long: Vec<(&str, String)> = own
            .chain(others)
            .filter(|(value, _)| value.len() >= MIN_REDACTED)
            .collect();
        let redactor = Redactor::of(long.iter().map(|(value, shown)| (*value, shown.as_str())));
        Accounts {
            values,
            further,
            redactor,
        }
    }

    /// Returns the accounts that the target has. [`Account::Unknown`] is always one of them.
    pub fn present(&self) -> BTreeSet<Account> {
        self.values
            .keys()
            .map(|placeholder| placeholder.account)
            .collect()
    }

    /// Returns the users that a mock needs.
    pub fn users(&self) -> Vec<User> {
        self.present()
            .into_iter()
            .filter(|account| *account != Account::Unknown)
            .filter_map(|account| self.user(account))
            .collect()
    }

    /// Returns the value of a placeholder.
    ///
    /// # Errors
    /// The target does not have the account.
    pub fn value(&self, placeholder: Placeholder) -> Result<&Secret, MissingAccount> {
        self.values
            .get(&placeholder)
            .ok_or(MissingAccount(placeholder.account))
    }

    /// Returns the value of a placeholder as text, to build a request.
    pub fn text(&self, placeholder: Placeholder) -> Result<String, StepError> {
        let value = self.value(placeholder);
        let value = value.map_err(|error| StepError(error.to_string()))?;
        Ok(value.expose().to_owned())
    }

    /// Returns all passwords except the weak one, and all user names.
    pub fn secrets(&self) -> (Vec<&str>, BTreeSet<&str>) {
        let (mut passwords, mut usernames) = (Vec::new(), BTreeSet::new());
        for (placeholder, value) in &self.values {
            match placeholder.property {
                Property::Username => drop(usernames.insert(value.expose())),
                Property::WeakPassword => {}
                _ => passwords.push(value.expose()),
            }
        }
        passwords.extend(self.further.iter().map(|(_, value)| value.expose()));
        (passwords, usernames)
    }

    /// Replaces names and passwords in a text by placeholders, however they are encoded.
    pub fn redact(&self, text: &str) -> String {
        self.redactor.text(text).into_owned()
    }

    /// Replaces names and passwords in bytes that may not be text.
    pub fn redact_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        self.redactor.bytes(bytes).into_owned()
    }

    fn user(&self, account: Account) -> Option<User> {
        let value = |property| self.values.get(&Placeholder { account, property });
        let role = match account {
            Account::Admin | Account::SecondAdmin => Role::Admin,
            Account::ReadOnly => Role::ReadOnly,
            _ => Role::SecurityAnalyst,
        };
        let state = match account {
            Account::Directory => UserState::Directory,
            Account::Disabled => UserState::Disabled,
            Account::Locked => UserState::Locked,
            Account::MustChange => UserState::MustChange,
            _ => UserState::Active,
        };
        Some(User {
            username: value(Property::Username)?.expose().to_owned(),
            password: value(Property::Password)?.clone(),
            role,
            state,
        })
    }
}

/// Generates a password that every known policy accepts: all four classes, and only symbols of product_16's list.
fn generate_password(seed: &Seed, label: &str) -> Secret {
    let mut bytes = [0_u8; PASSWORD_LENGTH];
    seed.fill(label, &mut bytes);
    // The classes take turns, so that each occurs whatever the bytes are.
    let password: String = bytes
        .iter()
        .zip(CLASSES.iter().cycle())
        .map(|(byte, class)| char::from(class[usize::from(*byte) % class.len()]))
        .collect();
    Secret::new(password)
}

const PASSWORD_LENGTH: usize = 24;
const MIN_REDACTED: usize = 8;
/// Every known policy rejects it: it is too short and has one class.
const WEAK_PASSWORD: &str = "weak";
const CLASSES: [&[u8]; 4] = [
    b"abcdefghijkmnopqrstuvwxyz",
    b"ABCDEFGHJKLMNPQRSTUVWXYZ",
    b"23456789",
    b"#%*+,-./:=?@[]^_{}~",
];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::appliance::Policy;

    fn accounts() -> Accounts {
        Accounts::for_mock(&Seed::random())
    }

    #[rstest]
    fn generated_passwords_suit_every_policy_and_the_weak_one_none(
        #[values("examples", "product_8", "product_16")] name: &str,
    ) {
        let policy = Policy::named(name).unwrap();
        for (placeholder, value) in &accounts().values {
            match placeholder.property {
                Property::Username => {}
                Property::WeakPassword => assert!(policy.check(value.expose()).is_err()),
                _ => assert_eq!(
                    (value.expose().len(), policy.check(value.expose())),
                    (PASSWORD_LENGTH, Ok(()))
                ),
            }
        }
    }

    #[test]
    fn names_and_passwords_become_placeholders() {
        let accounts = accounts();
        let account = Account::User;
        let value = |property| accounts.text(Placeholder { account, property }).unwrap();
        let text = format!(
            "The user '{}' has {}",
            value(Property::Username),
            value(Property::Password)
        );
        let redacted = "The user '«user.username»' has «user.password»";

        assert_eq!(accounts.redact(&text), redacted);
        assert_eq!(accounts.redact_bytes(text.as_bytes()), redacted.as_bytes());
    }
}
