//! An example request for an appliance, for the person at the terminal.

use serde_json::{Value as Json, json};

use crate::{
    appliance::UserState,
    contract,
    contract::{Kind, Operation, QuoteForm},
    fixture::Fixture,
};

/// Returns a command that validates a user's password at an appliance; none if it has no user.
///
/// The command for the built-in users has a password: the documentation prints it.
/// A fixture's own password is never shown.
pub(super) fn example_request(fixture: &Fixture, url: &str) -> Option<String> {
    let credentials = if fixture.names_users {
        fixture_user(fixture)?
    } else {
        documented_user(fixture.kind)?
    };
    let path = contract::of(fixture.kind)
        .clause(Operation::Validation)
        .path
        .pick(fixture.readings.of("validation.path"))
        .is
        .0
        .first()?;
    let trusting = if url.starts_with("https:") { "-k " } else { "" };
    let body = credentials.to_string();
    // An IPv6 address stands in brackets, which some shells would read as a pattern.
    let address = format!("{url}{path}");
    let (body, address) = (
        shlex::try_quote(&body).ok()?,
        shlex::try_quote(&address).ok()?,
    );
    Some(format!(
        "curl {trusting}-H 'Content-Type: application/json' -d {body} {address}"
    ))
}

fn fixture_user(fixture: &Fixture) -> Option<Json> {
    let users = fixture.state.directory.users();
    let active = users.clone().find(|user| user.state == UserState::Active);
    let user = active.or(users.clone().next())?;
    Some(json!({ "username": user.username, "password": "<PASSWORD>" }))
}

/// The user of the documentation's own example, whom the built-in appliances have.
fn documented_user(kind: Kind) -> Option<Json> {
    let quotes = contract::of(kind).quotes.values();
    let mut examples = quotes.filter(|quote| {
        quote.form == QuoteForm::Command
            && quote.operation == Operation::SetPassword
            && quote.placeholders.is_empty()
    });
    let words = shlex::split(&examples.next()?.text)?;
    let data = words.iter().skip_while(|word| *word != "-d").nth(1)?;
    let body: Json = serde_json::from_str(data).ok()?;
    Some(json!({ "username": body.get("username")?, "password": body.get("password")? }))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::fixture;

    #[rstest]
    #[case::sensor(Kind::Sensor)]
    #[case::console(Kind::Console)]
    fn the_document_s_user_is_built_in_with_the_password_shown(#[case] kind: Kind) {
        let shown = documented_user(kind).unwrap();
        let directory = fixture::built_in(kind).state.directory;
        let user = directory.find(shown["username"].as_str().unwrap()).unwrap();
        assert_eq!(Some(user.password.expose()), shown["password"].as_str());
    }

    #[test]
    fn a_fixture_s_password_is_not_shown() {
        let text = "appliance: sensor\nusers:\n  - { username: locked, password: Canary-1, role: admin, state: locked }\n  - { username: \"o'neil\", password: Canary-2, role: admin }\n";
        let command =
            example_request(&fixture::read("f", text).unwrap(), "http://127.0.0.1:1").unwrap();
        let words = shlex::split(&command).unwrap();
        assert_eq!(words[4], r#"{"username":"o'neil","password":"<PASSWORD>"}"#);
        assert!(
            !command.contains("Canary") && !command.contains("-k"),
            "{command}"
        );
    }
}
