//! The values that placeholders stand for at one target.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    appliance::{User, UserState},
    conformance::{Account, Placeholder, Property},
    contract::Role,
    redact::{Redactor, Secret},
    runner::{named::Credentials, seed::Seed},
};

/// For every account that a target has, a name and passwords.
#[derive(Debug)]
pub struct Accounts {
    values: BTreeMap<Placeholder, Secret>,
    /// What is shown instead of which further secrets.
    further: Vec<(&'static str, Secret)>,
    redactor: Redactor,
}

impl Accounts {
    /// Makes an account of every kind for a mock of our own. `random` fills a buffer with random bytes.
    pub fn for_a_mock(mut random: impl FnMut(&mut [u8])) -> Accounts {
        let mut values = BTreeMap::new();
        for (name, account) in Account::NAMES {
            for (_, property) in Property::NAMES {
                let value = match property {
                    Property::Username => format!("suite-{}", name.replace('_', "-")),
                    Property::WeakPassword => WEAK.to_owned(),
                    _ => password(&mut random),
                };
                values.insert(Placeholder { account, property }, Secret::new(value));
            }
        }
        Accounts::new(values, Vec::new())
    }

    /// Nobody: what is shown has placeholders already.
    pub fn none() -> Accounts {
        Accounts::new(BTreeMap::new(), Vec::new())
    }

    /// Takes the accounts of a target; what the run makes up itself is a function of the seed.
    pub fn at_a_target(named: &BTreeMap<Account, Credentials>, seed: &Seed) -> Accounts {
        let mut values = BTreeMap::new();
        let nobody = format!("nobody-{}", seed.hexadecimal("unknown.username"));
        let everybody = named.iter().map(|(account, credentials)| {
            (
                *account,
                credentials.username.clone(),
                Some(&credentials.password),
            )
        });
        for (account, username, password) in everybody.chain([(Account::Unknown, nobody, None)]) {
            for (name, property) in Property::NAMES {
                let made = || {
                    self::password(&mut |bytes: &mut [u8]| {
                        seed.fill(&format!("{}.{name}", account.name()), bytes)
                    })
                };
                let value = match property {
                    Property::Username => Secret::new(username.clone()),
                    Property::WeakPassword => Secret::new(WEAK),
                    Property::Password => password.cloned().unwrap_or_else(|| Secret::new(made())),
                    _ => Secret::new(made()),
                };
                values.insert(Placeholder { account, property }, value);
            }
        }
        Accounts::new(values, Vec::new())
    }

    /// Takes a proxy's name and password for secrets too, also as they go over the wire.
    pub fn and_of_a_proxy(self, proxy: Option<&Credentials>) -> Accounts {
        let Some(Credentials { username, password }) = proxy else {
            return self;
        };
        let basic = STANDARD.encode(format!("{username}:{}", password.expose()));
        Accounts::new(
            self.values,
            vec![
                ("«proxy.password»", password.clone()),
                ("«proxy.credentials»", Secret::new(basic)),
            ],
        )
    }

    /// Tells which accounts there are, nobody among them.
    pub fn present(&self) -> BTreeSet<Account> {
        self.values
            .keys()
            .map(|placeholder| placeholder.account)
            .collect()
    }

    /// Returns the users a mock needs so that every account is there.
    pub fn users(&self) -> Vec<User> {
        let existing = Account::NAMES
            .iter()
            .filter(|(_, account)| *account != Account::Unknown);
        existing
            .filter_map(|(_, account)| self.user(*account))
            .collect()
    }

    /// Returns a placeholder's value.
    ///
    /// # Errors
    /// The account is not there, in words.
    pub fn value(&self, placeholder: Placeholder) -> Result<String, String> {
        let missing = || format!("the target has no account `{}`", placeholder.account.name());
        self.values
            .get(&placeholder)
            .map(|value| value.expose().to_owned())
            .ok_or_else(missing)
    }

    /// Returns all passwords but the weak one, and all names.
    pub fn secrets(&self) -> (Vec<&str>, BTreeSet<&str>) {
        let (names, secrets): (Vec<_>, Vec<_>) = self
            .values
            .iter()
            .partition(|(placeholder, _)| placeholder.property == Property::Username);
        let secrets = secrets
            .into_iter()
            .filter(|(placeholder, _)| placeholder.property != Property::WeakPassword);
        let secrets = secrets
            .map(|(_, value)| value)
            .chain(self.further.iter().map(|(_, value)| value));
        (
            secrets.map(Secret::expose).collect(),
            names.into_iter().map(|(_, value)| value.expose()).collect(),
        )
    }

    /// Puts placeholders where a text shows an account's name or password, in whatever spelling.
    pub fn redact(&self, text: &str) -> String {
        self.redactor.text(text).into_owned()
    }

    /// Does the same with bytes that may be no text.
    pub fn redact_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        self.redactor.bytes(bytes).into_owned()
    }

    fn new(
        values: BTreeMap<Placeholder, Secret>,
        further: Vec<(&'static str, Secret)>,
    ) -> Accounts {
        let own = values
            .iter()
            .map(|(placeholder, value)| (placeholder.to_string(), value.expose()));
        let all = own.chain(
            further
                .iter()
                .map(|(shown, value)| ((*shown).to_owned(), value.expose())),
        );
        // Values that are long enough to be told from other text; the weak password is none, and no secret.
        let long: Vec<(String, &str)> = all.filter(|(_, value)| value.len() >= SHORTEST).collect();
        let redactor = Redactor::of(long.iter().map(|(shown, value)| (*value, shown.as_str())));
        Accounts {
            values,
            further,
            redactor,
        }
    }

    fn user(&self, account: Account) -> Option<User> {
        let of = |property| self.values.get(&Placeholder { account, property });
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
            username: of(Property::Username)?.expose().to_owned(),
            password: of(Property::Password)?.clone(),
            role,
            state,
        })
    }
}

/// Makes a password of 24 characters that every known policy takes: all four classes, symbols of product_16's list only.
fn password(random: &mut impl FnMut(&mut [u8])) -> String {
    let mut bytes = [0_u8; LENGTH];
    random(&mut bytes);
    let of = |class: &[u8], byte: u8| char::from(class[usize::from(byte) % class.len()]);
    // The classes take turns, so that each occurs whatever the bytes are.
    bytes
        .iter()
        .enumerate()
        .map(|(index, byte)| of(CLASSES[index % CLASSES.len()], *byte))
        .collect()
}

const LENGTH: usize = 24;
const SHORTEST: usize = 8;
/// Refused by every known policy: too short, one class.
const WEAK: &str = "weak";
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
        let mut next = 0_u32;
        Accounts::for_a_mock(|bytes| {
            bytes.iter_mut().for_each(|byte| {
                // Its period is far longer than all the passwords together, so that no two are alike.
                next = next.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = next.to_be_bytes()[0];
            })
        })
    }

    #[rstest]
    fn generated_passwords_suit_every_policy_and_the_weak_one_suits_none(
        #[values("examples", "product_8", "product_16")] name: &str,
    ) {
        let policy = Policy::named(name).unwrap();
        for (placeholder, value) in &accounts().values {
            match placeholder.property {
                Property::Username => {}
                Property::WeakPassword => assert!(policy.check(value.expose()).is_err()),
                _ => assert_eq!(
                    (value.expose().len(), policy.check(value.expose())),
                    (LENGTH, Ok(()))
                ),
            }
        }
    }

    #[test]
    fn names_and_passwords_become_placeholders() {
        let accounts = accounts();
        let user = Placeholder {
            account: Account::User,
            property: Property::Username,
        };
        let password = Placeholder {
            account: Account::User,
            property: Property::Password,
        };
        let text = format!(
            "The user '{}' has {}",
            accounts.value(user).unwrap(),
            accounts.value(password).unwrap()
        );
        assert_eq!(
            accounts.redact(&text),
            "The user '«user.username»' has «user.password»"
        );
        assert_eq!(
            accounts.redact_bytes(text.as_bytes()),
            "The user '«user.username»' has «user.password»".as_bytes()
        );
    }
}
