//! What a request may change: whose password, and to what. Read from the body that is sent. Pure.
//!
//! It is read from the request as it is shown, with placeholders for values, so that a journal can keep it.

use std::{collections::BTreeSet, fmt};

use bytes::Bytes;
use http::Request;
use serde::{Deserializer as _, de};
use serde_json::Value;

use crate::{
    contract::Operation,
    redact::Secret,
    runner::accounts_file::Credentials,
    suite::{Account, Placeholder, Property},
};

/// What a request may change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PossibleChange {
    /// The accounts whose password may be changed.
    pub objects: BTreeSet<Account>,
    /// The accounts to verify afterwards: a request that seems to change nobody may change whom it names.
    pub watched: BTreeSet<Account>,
    /// The possible passwords, as templates: `«user.new_password»%41`. None if the body does not say: then it may be any of the run's.
    pub passwords: Vec<String>,
}

impl PossibleChange {
    /// Reads a request as it is shown.
    pub fn of(shown: &Request<Bytes>, operation: Operation) -> PossibleChange {
        let text = String::from_utf8_lossy(shown.body());
        let fields = members(shown.body());
        let usernames = values(&fields, "username");
        let named = usernames.iter().flat_map(|name| accounts(name));
        let mut objects: BTreeSet<Account> = named.collect();
        // An administrator who only acts is not changed: the name is in the administrator's field, or the body cannot be read.
        let is_acting =
            operation == Operation::SetPasswordByAdmin && !objects.contains(&Account::Admin);
        if objects.is_empty() || usernames.len() > 1 {
            let query = shown.uri().query().unwrap_or_default();
            let query = query.replace("%C2%AB", "«").replace("%C2%BB", "»");
            objects = accounts(&format!("{text}{query}"));
        }
        objects.remove(&Account::Unknown);
        if is_acting {
            objects.remove(&Account::Admin);
        }
        let mut passwords = values(&fields, "new_password");
        if passwords.is_empty() {
            passwords.extend(lexical_password(&text));
        }
        let mut watched = match objects.is_empty() {
            true => accounts(&text),
            false => objects.clone(),
        };
        watched.remove(&Account::Unknown);
        PossibleChange {
            objects,
            watched,
            passwords,
        }
    }
}

/// Returns the credentials of a request, if its body has exactly one name and one password.
pub fn credentials(body: &[u8], operation: Operation) -> Option<Credentials> {
    let fields = members(body);
    let one = |name: &str| match values(&fields, name).as_slice() {
        [value] => Some(value.clone()),
        _ => None,
    };
    let (username, password) = match operation {
        Operation::SetPasswordByAdmin => ("admin_username", "admin_password"),
        Operation::SetPassword | Operation::Validation => ("username", "password"),
    };
    let (username, password) = (one(username)?, Secret::new(one(password)?));
    Some(Credentials { username, password })
}

/// Returns the user names of a body.
pub fn usernames(body: &[u8]) -> Vec<String> {
    values(&members(body), "username")
}

/// Returns every account whose name a text has.
fn accounts(text: &str) -> BTreeSet<Account> {
    let placeholder = |account| Placeholder {
        account,
        property: Property::Username,
    };
    let is_named = |one: &Account| text.contains(&placeholder(*one).to_string());
    Account::ALL.iter().copied().filter(is_named).collect()
}

/// Returns the string after the name `new_password` in a text that is nearly JSON.
fn lexical_password(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("new_password")?;
    let (_, rest) = rest.split_once(':')?;
    let rest = rest.trim_start().strip_prefix('"')?;
    let mut escaped = false;
    let end = rest.find(|character| {
        let closes = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        closes
    })?;
    let literal = &rest[..end];
    // An invalid escape, such as the documentation's `\!`, is most likely read as its character.
    let read = serde_json::from_str(&format!("\"{literal}\""));
    Some(read.unwrap_or_else(|_| literal.replace('\\', "")))
}

/// Reads the members of a body's object, repeated ones too; none if it is no object.
fn members(body: &[u8]) -> Vec<(String, Value)> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let members = json.deserialize_map(MembersVisitor);
    let members = members.and_then(|members| json.end().map(|()| members));
    members.unwrap_or_default()
}

/// Returns the values of the members of a name; one that is no text, as it stands in the body.
fn values(members: &[(String, Value)], name: &str) -> Vec<String> {
    let named = members.iter().filter(|(member, _)| member == name);
    let text = |(_, value): &(String, Value)| match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    named.map(text).collect()
}

struct MembersVisitor;

impl<'de> de::Visitor<'de> for MembersVisitor {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        std::iter::from_fn(|| access.next_entry().transpose()).collect()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn sent(body: &str, operation: Operation) -> (Vec<&'static str>, Vec<String>) {
        let request = Request::post("/x")
            .body(Bytes::from(body.to_owned()))
            .unwrap();
        let sent = PossibleChange::of(&request, operation);
        (
            sent.objects.into_iter().map(Account::name).collect(),
            sent.passwords,
        )
    }

    const OWN: Operation = Operation::SetPassword;
    const ADMIN: Operation = Operation::SetPasswordByAdmin;

    #[rstest]
    #[case::plain(OWN, r#"{"username":"«user.username»","password":"x","new_password":"«user.new_password»"}"#, &["user"], &["«user.new_password»"])]
    #[case::longer(OWN, r#"{"username":"«user.username»","new_password":"«user.new_password»%41+{}"}"#, &["user"], &["«user.new_password»%41+{}"])]
    #[case::escapes(OWN, r#"{"username":"«user.username»","new_password":"«user.new_password»\u0041\/"}"#, &["user"], &["«user.new_password»A/"])]
    #[case::twice(OWN, r#"{"username":"«user.username»","new_password":"a","new_password":"b"}"#, &["user"], &["a", "b"])]
    #[case::number(OWN, r#"{"username":"«user.username»","new_password":12345}"#, &["user"], &["12345"])]
    #[case::torn(OWN, r#"{"username":"«user.username»","new_password":"«user.new_password»""#, &["user"], &["«user.new_password»"])]
    #[case::bad_escape(OWN, r#"{"username":"«user.username»","new_password":"a\!b"}"#, &["user"], &["a!b"])]
    #[case::misspelt(OWN, r#"{"user":"«user.username»","newpassword":"a"}"#, &["user"], &[])]
    #[case::by_admin(ADMIN, r#"{"admin_username":"«admin.username»","username":"«user.username»","new_password":"n"}"#, &["user"], &["n"])]
    #[case::by_admin_torn(ADMIN, r#"{"admin_username":"«admin.username»","username":"«user.username»","new_password":"n"#, &["user"], &[])]
    #[case::on_the_admin(ADMIN, r#"{"admin_username":"«admin.username»","username":"«admin.username»","new_password":"n"}"#, &["admin"], &["n"])]
    #[case::on_nobody(ADMIN, r#"{"admin_username":"«admin.username»","username":"«unknown.username» ","new_password":"n"}"#, &[], &["n"])]
    #[case::two_users(OWN, r#"{"username":"«user.username»","username":"«bystander.username»","new_password":"n"}"#, &["bystander", "user"], &["n"])]
    fn whose_password_and_to_what(
        #[case] operation: Operation,
        #[case] body: &str,
        #[case] objects: &[&str],
        #[case] passwords: &[&str],
    ) {
        let (found, may_be) = sent(body, operation);
        assert_eq!(
            (found, may_be),
            (
                objects.to_vec(),
                passwords.iter().map(|text| (*text).to_owned()).collect()
            )
        );
    }

    #[test]
    fn credentials_are_read_if_they_occur_once() {
        let own = br#"{"username":"a","password":"b"}"#;
        let twice = br#"{"username":"a","password":"b","password":"c"}"#;
        let credentials = credentials(own, Operation::Validation).unwrap();
        assert_eq!(
            (credentials.username.as_str(), credentials.password.expose()),
            ("a", "b")
        );
        assert_eq!(super::credentials(own, Operation::SetPasswordByAdmin), None);
        assert_eq!(super::credentials(twice, Operation::Validation), None);
    }
}
