//! What a request may have done: whose password it may have changed, and to what. Read from the body that is really sent. Pure.
//!
//! It is read from the request as it is shown, with placeholders for values: so it can be kept in a journal.

use std::{collections::BTreeSet, fmt};

use bytes::Bytes;
use http::Request;
use serde::{Deserialize, de};
use serde_json::Value;

use crate::{
    conformance::{Account, Placeholder, Property},
    contract::Operation,
};

/// What a request that changes passwords may have done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Whose password may be another one now.
    pub objects: BTreeSet<Account>,
    /// Which passwords it may be, as templates: `«user.new_password»%41`. None where the body does not say: then any of the run's.
    pub passwords: Vec<String>,
}

/// Reads a request as it is shown.
pub fn read(shown: &Request<Bytes>, operation: Operation) -> Sent {
    let text = String::from_utf8_lossy(shown.body());
    let query = shown
        .uri()
        .query()
        .unwrap_or_default()
        .replace("%C2%AB", "«")
        .replace("%C2%BB", "»");
    let fields = fields(shown.body());
    let named = |name: &'static str| {
        fields
            .iter()
            .flatten()
            .filter(move |(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    };
    let users: BTreeSet<Account> = named("username").flat_map(accounts).collect();
    let mut objects = if users.is_empty() || named("username").count() > 1 {
        accounts(&format!("{text}{query}"))
    } else {
        users
    };
    // Who only acts is no object: his name stands where an administrator's stands, or the body cannot be read.
    let acts = |account: &Account| {
        operation == Operation::SetPasswordByAdmin
            && *account == Account::Admin
            && !is_object(&fields, *account)
    };
    objects.retain(|account| *account != Account::Unknown && !acts(account));
    let passwords: Vec<String> = named("new_password").map(str::to_owned).collect();
    let passwords = if passwords.is_empty() {
        lexical(&text).into_iter().collect()
    } else {
        passwords
    };
    Sent { objects, passwords }
}

/// The sign-in that a request presents: a name and a password, where its body has exactly one of each.
pub fn sign_in(body: &[u8], operation: Operation) -> Option<(String, String)> {
    let fields = fields(body)?;
    let one = |name: &str| {
        let mut found = fields
            .iter()
            .filter(|(field, _)| field == name)
            .map(|(_, value)| value.clone());
        found.next().filter(|_| found.next().is_none())
    };
    match operation {
        Operation::SetPasswordByAdmin => Some((one("admin_username")?, one("admin_password")?)),
        Operation::SetPassword | Operation::Validation => {
            Some((one("username")?, one("password")?))
        }
    }
}

/// Every account whose name stands in a text.
pub fn accounts(text: &str) -> BTreeSet<Account> {
    let name = |account| {
        Placeholder {
            account,
            property: Property::Username,
        }
        .to_string()
    };
    Account::NAMES
        .iter()
        .map(|(_, account)| *account)
        .filter(|account| text.contains(&name(*account)))
        .collect()
}

fn is_object(fields: &Option<Vec<(String, String)>>, account: Account) -> bool {
    fields
        .iter()
        .flatten()
        .any(|(name, value)| name == "username" && accounts(value).contains(&account))
}

/// The fields of a body that is a JSON object, in order, those that stand twice twice; what is no string as its text.
fn fields(body: &[u8]) -> Option<Vec<(String, String)>> {
    let Pairs(pairs) = serde_json::from_slice(body).ok()?;
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Some(
        pairs
            .into_iter()
            .map(|(name, value)| (name, text(value)))
            .collect(),
    )
}

/// The string behind the name `new_password` in a text that is nearly JSON.
fn lexical(text: &str) -> Option<String> {
    let rest = &text[text.find("new_password")? + "new_password".len()..];
    let rest = rest[rest.find(':')? + 1..].trim_start().strip_prefix('"')?;
    let mut escaped = false;
    let end = rest.find(|character| {
        let closes = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        closes
    })?;
    let literal = &rest[..end];
    // An escape that is none, as the documents' `\!`, is most likely read as its character.
    Some(
        serde_json::from_str(&format!("\"{literal}\""))
            .unwrap_or_else(|_| literal.replace('\\', "")),
    )
}

struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Pairs, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> de::Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut access: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = access.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
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
        let sent = read(&request, operation);
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
    fn a_sign_in_stands_in_the_body_once() {
        let own = br#"{"username":"a","password":"b"}"#;
        assert_eq!(
            sign_in(own, Operation::Validation),
            Some(("a".into(), "b".into()))
        );
        assert_eq!(sign_in(own, Operation::SetPasswordByAdmin), None);
        assert_eq!(
            sign_in(
                br#"{"username":"a","password":"b","password":"c"}"#,
                Operation::Validation
            ),
            None
        );
    }
}
