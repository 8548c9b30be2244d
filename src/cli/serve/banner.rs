//! An example request for an appliance, for the person at the terminal.

use serde_json::json;

use crate::{appliance::UserState, contract, contract::Operation, fixture::Fixture};

/// Returns a command that validates a user's password at an appliance; none if it has no user.
///
/// The command for the built-in users has a password: the documentation prints it.
/// A fixture's own password is never shown.
pub(super) fn example_request(fixture: &Fixture, url: &str) -> Option<String> {
    let directory = &fixture.state.directory;
    let (username, password) = match directory.find(DOCUMENTED_USER) {
        Some(user) if !fixture.names_users => (&user.username, user.password.expose()),
        _ => {
            let mut users = directory.users();
            let active = users.clone().find(|user| user.state == UserState::Active);
            (&active.or(users.next())?.username, "<PASSWORD>")
        }
    };
    let path = contract::of(fixture.kind)
        .clause(Operation::Validation)
        .path
        .pick(fixture.readings.of("validation.path"))
        .is
        .0
        .first()?;
    let trusting = if url.starts_with("https:") { "-k " } else { "" };
    let body = json!({ "username": username, "password": password }).to_string();
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

/// The user of the documentation's own example, whom the built-in appliances have.
const DOCUMENTED_USER: &str = "myUser";

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::Value as Json;

    use super::*;
    use crate::{contract::Kind, fixture};

    #[rstest]
    #[case::sensor(Kind::Sensor, "S85")]
    #[case::console(Kind::Console, "C99")]
    fn the_document_s_user_is_built_in_with_the_password_shown(
        #[case] kind: Kind,
        #[case] quote: &str,
    ) {
        let command = example_request(&fixture::built_in(kind), "http://127.0.0.1:1").unwrap();
        let words = shlex::split(&command).unwrap();
        let shown: Json = serde_json::from_str(&words[4]).unwrap();
        let documented = &contract::of(kind).quotes[quote].text;
        let (name, password) = (&shown["username"], &shown["password"]);
        let expected = format!(r#""username": {name},"password": {password},"#);
        assert!(documented.contains(&expected), "{documented}");
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
