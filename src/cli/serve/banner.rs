//! How to ask an appliance, for whoever has just started one and looks at the terminal.

use serde_json::{Value as Json, json};

use crate::{
    appliance::UserState,
    contract,
    contract::{Kind, Operation, QuoteForm},
    fixture::Fixture,
};

/// Returns a command that asks the appliance at a URL whether a user's password is right; nothing where it has no user.
///
/// Where the users are the built-in ones the command runs as it stands: its user and password are printed in the document.
/// A fixture's own password is never shown.
pub(super) fn how_to_ask(fixture: &Fixture, url: &str) -> Option<String> {
    let credentials = if fixture.names_users {
        of_a_user(fixture)?
    } else {
        of_the_document(fixture.kind)?
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

fn of_a_user(fixture: &Fixture) -> Option<Json> {
    let users = fixture.state.directory.users();
    let user = users
        .clone()
        .find(|user| user.state == UserState::Active)
        .or(users.clone().next())?;
    Some(json!({ "username": user.username, "password": "<PASSWORD>" }))
}

/// The user of the document's own example, whom the built-in appliances know.
fn of_the_document(kind: Kind) -> Option<Json> {
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
        let shown = of_the_document(kind).unwrap();
        let directory = fixture::built_in(kind).state.directory;
        let user = directory.find(shown["username"].as_str().unwrap()).unwrap();
        assert_eq!(Some(user.password.expose()), shown["password"].as_str());
    }

    #[test]
    fn a_fixture_s_password_is_not_shown() {
        let text = "appliance: sensor\nusers:\n  - { username: locked, password: Canary-1, role: admin, state: locked }\n  - { username: \"o'neil\", password: Canary-2, role: admin }\n";
        let command = how_to_ask(&fixture::read("f", text).unwrap(), "http://127.0.0.1:1").unwrap();
        let words = shlex::split(&command).unwrap();
        assert_eq!(words[4], r#"{"username":"o'neil","password":"<PASSWORD>"}"#);
        assert!(
            !command.contains("Canary") && !command.contains("-k"),
            "{command}"
        );
    }
}
