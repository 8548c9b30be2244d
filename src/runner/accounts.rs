//! The values of placeholders at one target.

use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
    sync::Mutex,
};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    appliance::{User, UserState},
    contract::Role,
    journal::lock,
    redact::{Redactor, Secret},
    runner::{
        accounts_file::{AccountsFile, Credentials},
        passwords::{MIN_REDACTED, PasswordForm, TargetPolicy},
        seed::Seed,
    },
    suite::{Account, Placeholder, Property, StepError},
};

/// A user name and passwords for every account of a target.
#[derive(Debug)]
pub struct Accounts {
    /// The user name of each account, and its own password if that is given.
    own: BTreeMap<Account, (String, Option<Secret>)>,
    seed: Seed,
    /// What is known of the target's policy.
    policy: TargetPolicy,
    /// How the generated passwords look.
    form: Mutex<PasswordForm>,
    /// Further secrets, each with the text that replaces it in output.
    further: Vec<(&'static str, Secret)>,
    redactor: Redactor,
    /// Own passwords that are too short for the redactor, each with its label: hidden in members that hold a password.
    short: Vec<(String, String)>,
}

impl Accounts {
    /// Makes up every account, for a mock of our own.
    pub fn for_mock(seed: &Seed) -> Accounts {
        let users = Account::ALL.iter().map(|account| {
            let username = format!("suite-{}", account.name().replace('_', "-"));
            (*account, (username, None))
        });
        let policy = TargetPolicy::default();
        let forms = policy.forms();
        Accounts::new(users.collect(), seed, policy, &forms, Vec::new())
    }

    /// Takes the accounts of a live target. Generated passwords depend on the seed and the form alone, so that `recover`, which
    /// knows the form of the run, finds them again.
    pub fn at_target(file: &AccountsFile, seed: &Seed, form: Option<&PasswordForm>) -> Accounts {
        let nobody = format!("nobody-{}", seed.hexadecimal("unknown.username"));
        let named = file.accounts.iter().map(|(account, credentials)| {
            let Credentials { username, password } = credentials.clone();
            (*account, (username, Some(password)))
        });
        let mut further = Vec::new();
        // A proxy may echo its password, also as it is sent to it.
        if let Some(Credentials { username, password }) = &file.proxy {
            let basic = STANDARD.encode(format!("{username}:{}", password.expose()));
            further.push(("«proxy.password»", password.clone()));
            further.push(("«proxy.credentials»", Secret::new(basic)));
        }
        let own = named.chain([(Account::Unknown, (nobody, None))]);
        let forms = form.map_or_else(|| file.policy.forms(), |form| vec![form.clone()]);
        Accounts::new(own.collect(), seed, file.policy.clone(), &forms, further)
    }

    fn new(
        own: BTreeMap<Account, (String, Option<Secret>)>,
        seed: &Seed,
        policy: TargetPolicy,
        forms: &[PasswordForm],
        further: Vec<(&'static str, Secret)>,
    ) -> Accounts {
        let mut accounts = Accounts {
            own,
            seed: seed.clone(),
            policy,
            form: Mutex::new(forms[0].clone()),
            further,
            redactor: Redactor::default(),
            short: Vec::new(),
        };
        let values = forms.iter().flat_map(|form| accounts.values(form));
        let values = values.map(|(label, value)| (label.property, label.to_string(), value));
        let (long, short): (Vec<_>, Vec<_>) =
            values.partition(|(.., value)| value.expose().len() >= MIN_REDACTED);
        let further = accounts.further.iter();
        let further = further.filter(|(_, value)| value.expose().len() >= MIN_REDACTED);
        let further = further.map(|(label, value)| (value.expose(), *label));
        let own = long.iter();
        let own = own.map(|(_, label, value)| (value.expose(), label.as_str()));
        accounts.redactor = Redactor::of(own.chain(further));
        let short = short.iter();
        let short = short.filter(|(property, ..)| *property == Property::Password);
        let short = short.map(|(_, label, value)| [value.expose(), label].map(json_string).into());
        accounts.short = short.collect();
        accounts
    }

    /// Returns what is known of the target's policy.
    pub fn policy(&self) -> &TargetPolicy {
        &self.policy
    }

    /// Returns how generated passwords look.
    pub fn form(&self) -> PasswordForm {
        lock(&self.form).clone()
    }

    /// Generates other passwords from now on.
    pub fn use_form(&self, form: PasswordForm) {
        *lock(&self.form) = form;
    }

    /// Returns every value that generated passwords of a form give.
    fn values(&self, form: &PasswordForm) -> Vec<(Placeholder, Secret)> {
        let accounts = self.own.keys();
        let pairs = accounts.flat_map(|one| iter::repeat(one).zip(Property::ALL));
        let values = pairs.filter_map(|(&account, &property)| {
            let placeholder = Placeholder { account, property };
            Some((placeholder, self.value_in(placeholder, form)?))
        });
        values.collect()
    }

    fn value_in(&self, placeholder: Placeholder, form: &PasswordForm) -> Option<Secret> {
        let Placeholder { account, property } = placeholder;
        let (username, own) = self.own.get(&account)?;
        let generated = |of: Property| form.generate(&self.seed, &format!("{account}.{of}"));
        let own = || own.clone().unwrap_or_else(|| generated(Property::Password));
        Some(match property {
            Property::Username => Secret::new(username.clone()),
            Property::WeakPassword => Secret::new(form.weak.clone()),
            Property::Password => own(),
            _ => near_miss(own().expose(), property).unwrap_or_else(|| generated(property)),
        })
    }

    /// Returns the accounts that the target has. [`Account::Unknown`] is always one of them.
    pub fn present(&self) -> BTreeSet<Account> {
        self.own.keys().copied().collect()
    }

    /// Returns the users that a mock needs.
    pub fn users(&self) -> Vec<User> {
        let mut present = self.present();
        present.remove(&Account::Unknown);
        let users = present.into_iter().map(|account| self.user(account));
        users.flatten().collect()
    }

    /// Returns the value of a placeholder; none if the target does not have the account.
    pub fn value(&self, placeholder: Placeholder) -> Option<Secret> {
        self.value_in(placeholder, &self.form())
    }

    /// Returns the value of a placeholder as text, to build a request.
    ///
    /// # Errors
    /// The target does not have the account.
    pub fn text(&self, placeholder: Placeholder) -> Result<String, StepError> {
        let missing = || format!("the target has no account `{}`", placeholder.account);
        let value = self.value(placeholder);
        let value = value.ok_or_else(|| StepError(missing()))?;
        Ok(value.expose().to_owned())
    }

    /// Returns all passwords except the weak one, and all user names.
    pub fn secrets(&self) -> (Vec<Secret>, BTreeSet<&str>) {
        let forms = self.policy.forms();
        let values = forms.iter().flat_map(|form| self.values(form));
        let is_secret = |of: Property| !matches!(of, Property::Username | Property::WeakPassword);
        let passwords = values.filter(|(placeholder, _)| is_secret(placeholder.property));
        let passwords = passwords.map(|(_, password)| password);
        let further = self.further.iter().map(|(_, value)| value.clone());
        let usernames = self.own.values().map(|(username, _)| username.as_str());
        (passwords.chain(further).collect(), usernames.collect())
    }

    /// Replaces names and passwords in a text by placeholders, however they are encoded.
    pub fn redact(&self, text: &str) -> String {
        let redacted = self.redactor.text(text).into_owned();
        let short = self.short.iter();
        short.fold(redacted, |text, one| hide_in_passwords(&text, one))
    }

    /// Replaces names and passwords in bytes that may not be text.
    pub fn redact_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        match std::str::from_utf8(bytes) {
            Ok(text) if !self.short.is_empty() => self.redact(text).into_bytes(),
            _ => self.redactor.bytes(bytes).into_owned(),
        }
    }

    /// Returns the placeholder of a password that bytes show, however it is encoded. A word in lower case may be there by chance.
    pub(super) fn password_in(&self, bytes: &[u8]) -> Option<Placeholder> {
        let shown = self.redact_bytes(bytes);
        let shown = String::from_utf8_lossy(&shown);
        let placeholders = shown.split('«').skip(1).filter_map(|text| {
            let (name, _) = text.split_once('»')?;
            name.parse::<Placeholder>().ok()
        });
        let is_password = |placeholder: &Placeholder| {
            let value = self.value(*placeholder);
            let value = value.as_ref().map_or("", Secret::expose);
            placeholder.property != Property::Username
                && value.chars().any(|letter| !letter.is_ascii_lowercase())
        };
        placeholders.into_iter().find(is_password)
    }

    fn user(&self, account: Account) -> Option<User> {
        let value = |property| self.value(Placeholder { account, property });
        let (role, state) = match account {
            Account::Admin | Account::SecondAdmin => (Role::Admin, UserState::Active),
            Account::ReadOnly => (Role::ReadOnly, UserState::Active),
            Account::Directory => (Role::SecurityAnalyst, UserState::Directory),
            Account::Disabled => (Role::SecurityAnalyst, UserState::Disabled),
            Account::Locked => (Role::SecurityAnalyst, UserState::Locked),
            Account::MustChange => (Role::SecurityAnalyst, UserState::MustChange),
            _ => (Role::SecurityAnalyst, UserState::Active),
        };
        Some(User {
            username: value(Property::Username)?.expose().to_owned(),
            password: value(Property::Password)?,
            role,
            state,
        })
    }
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Replaces a JSON string by another one, where it is the value of a member whose name speaks of a password.
fn hide_in_passwords(text: &str, (value, label): &(String, String)) -> String {
    let (mut hidden, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(value) {
        let name = before.trim_end().strip_suffix(':');
        let name = name.and_then(|name| name.trim_end().strip_suffix('"')?.rsplit('"').next());
        let is_password = name.is_some_and(|name| name.to_ascii_lowercase().contains("pass"));
        hidden.push_str(before);
        hidden.push_str(if is_password { label } else { value });
        rest = after;
    }
    hidden + rest
}

/// Returns a password that is nearly the own one; none where that would be the same, or nothing.
fn near_miss(own: &str, property: Property) -> Option<Secret> {
    let near: String = match property {
        Property::PasswordPrefix => {
            let count = own.chars().count().saturating_sub(1);
            own.chars().take(count).collect()
        }
        Property::PasswordOtherCase => {
            let swap = |letter: char| match letter {
                'a'..='z' => letter.to_ascii_uppercase(),
                _ => letter.to_ascii_lowercase(),
            };
            own.chars().map(swap).collect()
        }
        _ => return None,
    };
    (!near.is_empty() && near != own).then(|| Secret::new(near))
}

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
        for (placeholder, value) in accounts().values(&TargetPolicy::default().forms()[0]) {
            match placeholder.property {
                Property::Username | Property::PasswordPrefix => {}
                Property::WeakPassword => assert!(policy.check(value.expose()).is_err()),
                _ => assert_eq!(
                    (value.expose().len(), policy.check(value.expose())),
                    (24, Ok(()))
                ),
            }
        }
    }

    #[test]
    fn a_short_password_is_hidden_in_members_for_passwords() {
        let (username, password) = ("lab".to_owned(), Secret::new("lab\"7"));
        let user = Credentials { username, password };
        let file = AccountsFile {
            accounts: [(Account::User, user)].into(),
            ..AccountsFile::default()
        };
        let accounts = Accounts::at_target(&file, &Seed::random(), None);
        let text = r#"{"Old_Password" : "lab\"7","note":"lab\"7"}"#;
        let hidden = r#"{"Old_Password" : "«user.password»","note":"lab\"7"}"#;
        assert_eq!(accounts.redact(text), hidden);
        assert_eq!(accounts.redact_bytes(text.as_bytes()), hidden.as_bytes());
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
