//! The documents as a model of a hundred lines, written from the pages alone, and random sequences of operations by random users: the appliance
//! must answer as the model says, and end with the passwords the model ends with.
//!
//! Where several checks fail the pages name no order (X23), so any of their messages is lawful; what is silent on the pages is not asked.
//! `PROPTEST_RNG_SEED=N PROPTEST_CASES=M` look further.

use std::{collections::BTreeMap, net::IpAddr};

use bytes::Bytes;
use d4iot_double::{
    appliance::{Appliance, Moment},
    contract::Kind,
    fixture,
};
use http::Request;
use proptest::{prelude::*, sample::select, test_runner::RngSeed};
use serde_json::{Value, json};

/// What an answer says, by the messages of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    AuthenticationFailure,
    AuthenticationSucceeded,
    CredentialsValidationFailed,
    NoPermission,
    PasswordReplaced,
    PolicyNotMatched,
    UserDoesNotExist,
}

/// `msg` or `error`, and words that all readings of a message share (sensor:55-57, 134-138, 212-213; console:55-59, 139-147, 227-229).
const MESSAGES: [(Says, &str, &[&str]); 7] = [
    (
        Says::AuthenticationFailure,
        "error",
        &["user authentication failure"],
    ),
    (
        Says::AuthenticationSucceeded,
        "msg",
        &["authentication succeeded"],
    ),
    (
        Says::CredentialsValidationFailed,
        "error",
        &["credentials validation failed"],
    ),
    (
        Says::NoPermission,
        "error",
        &["permissions to change password"],
    ),
    (
        Says::PasswordReplaced,
        "msg",
        &["password has been replaced"],
    ),
    (
        Says::PolicyNotMatched,
        "error",
        &["password do", "match security policy"],
    ),
    (Says::UserDoesNotExist, "error", &["user", "exist"]),
];

/// One request.
#[derive(Clone, Debug)]
enum Asks {
    SetPassword {
        username: &'static str,
        password: &'static str,
        new: &'static str,
    },
    SetPasswordByAdmin {
        admin: &'static str,
        password: &'static str,
        username: &'static str,
        new: &'static str,
    },
    Validation {
        username: &'static str,
        password: &'static str,
    },
}

/// The users of the model, by name: password, and whether an administrator.
struct Model(BTreeMap<&'static str, (&'static str, bool)>);

impl Model {
    fn holds(&self, username: &str, password: &str) -> bool {
        self.0
            .get(username)
            .is_some_and(|(own, _)| *own == password)
    }

    /// Returns all that the pages let an answer say, and makes the change where every check holds.
    fn ask(&mut self, asks: &Asks) -> Vec<Says> {
        let (mut failures, changed, success) = match *asks {
            // "let users change their own passwords" (sensor:14), "All Defender for IoT user roles" (console:19).
            Asks::SetPassword {
                username,
                password,
                new,
            } => (
                vec![(!self.holds(username, password), Says::AuthenticationFailure)],
                Some((username, new)),
                Says::PasswordReplaced,
            ),
            // "let system administrators change passwords for specified users" (sensor:92).
            Asks::SetPasswordByAdmin {
                admin,
                password,
                username,
                new,
            } => {
                let failures = vec![
                    (!self.holds(admin, password), Says::AuthenticationFailure),
                    (!self.0.contains_key(username), Says::UserDoesNotExist),
                    (
                        self.0.get(admin).is_some_and(|(_, is_admin)| !is_admin),
                        Says::NoPermission,
                    ),
                ];
                (failures, Some((username, new)), Says::PasswordReplaced)
            }
            Asks::Validation { username, password } => (
                vec![(
                    !self.holds(username, password),
                    Says::CredentialsValidationFailed,
                )],
                None,
                Says::AuthenticationSucceeded,
            ),
        };
        failures.extend(changed.map(|(_, new)| (!matches_policy(new), Says::PolicyNotMatched)));
        let failures: Vec<Says> = failures
            .into_iter()
            .filter(|(fails, _)| *fails)
            .map(|(_, says)| says)
            .collect();
        if !failures.is_empty() {
            return failures;
        }
        if let Some((username, new)) = changed {
            self.0.get_mut(username).unwrap().0 = new;
        }
        vec![success]
    }
}

/// The policy of the fixture below: no page defines one.
fn matches_policy(password: &str) -> bool {
    let has =
        |class: fn(&char) -> bool| u8::from(password.chars().any(|character| class(&character)));
    let classes = has(char::is_ascii_lowercase)
        + has(char::is_ascii_uppercase)
        + has(char::is_ascii_digit)
        + has(char::is_ascii_punctuation);
    password.len() >= 8 && classes >= 3
}

const FIXTURE: &str = "
policy: { min_length: 8, classes: 3 }
users:
  - { username: admin, password: Test0987, role: admin }
  - { username: chief, password: Test0987, role: admin }
  - { username: test, password: Test12345!, role: security_analyst }
  - { username: myUser, password: 1234@abcd, role: read_only }
";
const NAMES: [&str; 5] = ["admin", "chief", "test", "myUser", "nobody"];
const PASSWORDS: [&str; 6] = [
    "Test0987",
    "Test12345!",
    "1234@abcd",
    "abcd@1234",
    "Ab1!",
    "abcdefgh1",
];

fn any_request() -> impl Strategy<Value = Asks> {
    let (name, password) = (|| select(&NAMES[..]), || select(&PASSWORDS[..]));
    prop_oneof![
        (name(), password(), password()).prop_map(|(username, password, new)| Asks::SetPassword {
            username,
            password,
            new
        }),
        (
            select(&NAMES[..3]),
            select(&PASSWORDS[..3]),
            name(),
            password()
        )
            .prop_map(
                |(admin, password, username, new)| Asks::SetPasswordByAdmin {
                    admin,
                    password,
                    username,
                    new
                }
            ),
        (name(), password())
            .prop_map(|(username, password)| Asks::Validation { username, password }),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_appliance_answers_as_the_pages_say(kind in select(Kind::ALL), requests in prop::collection::vec(any_request(), 0..60)) {
        let mut appliance = fixture::read("model.yaml", &format!("appliance: {kind}{FIXTURE}")).unwrap().appliance();
        let roles = [("admin", "Test0987", true), ("chief", "Test0987", true), ("test", "Test12345!", false), ("myUser", "1234@abcd", false)];
        let mut model = Model(roles.into_iter().map(|(name, password, is_admin)| (name, (password, is_admin))).collect());
        let each = |password| NAMES.map(|username| Asks::Validation { username, password });
        for asks in requests.iter().cloned().chain(PASSWORDS.into_iter().flat_map(each)) {
            let lawful = model.ask(&asks);
            let said = ask(&mut appliance, kind, &asks);
            prop_assert!(lawful.contains(&said), "{:?} says {:?}, the pages {:?}", asks, said, lawful);
        }
    }
}

/// Asks an appliance as the pages' commands do, and takes the change that it promised.
fn ask(appliance: &mut Appliance, kind: Kind, asks: &Asks) -> Says {
    let (operation, body) = match asks {
        Asks::SetPassword {
            username,
            password,
            new,
        } => (
            "set_password",
            json!({ "username": username, "password": password, "new_password": new }),
        ),
        Asks::SetPasswordByAdmin {
            admin,
            password,
            username,
            new,
        } => {
            let body = json!({ "admin_username": admin, "admin_password": password, "username": username, "new_password": new });
            ("set_password_by_admin", body)
        }
        Asks::Validation { username, password } => (
            "validation",
            json!({ "username": username, "password": password }),
        ),
    };
    // sensor:79, 161, 231; console:93, 184, 257.
    let prefix = if kind == Kind::Sensor {
        "/api/external"
    } else {
        "/external"
    };
    let request = Request::post(format!("{prefix}/authentication/{operation}"))
        .header("content-type", "application/json");
    let request = request.body(Bytes::from(body.to_string())).unwrap();
    let source = IpAddr::from([127, 0, 0, 1]);
    let Appliance { rules, state } = appliance;
    let parsed = rules.parse_request(&request);
    let evaluation = state.evaluate(rules, &parsed, source, Moment::default());
    let response = rules.render_response(evaluation.key, &parsed);
    if let Some(change) = evaluation.change {
        state.commit(change);
    }
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    let text = |key: &str| {
        answer.get(key).map(|value| {
            value["userDisplayErrorMessage"]
                .as_str()
                .or(value.as_str())
                .unwrap()
                .to_lowercase()
        })
    };
    let says = |(_, key, words): &&(Says, &str, &[&str])| {
        text(key).is_some_and(|text| words.iter().all(|word| text.contains(word)))
    };
    MESSAGES
        .iter()
        .find(says)
        .unwrap_or_else(|| panic!("no message of the pages: {answer}"))
        .0
}

fn config() -> ProptestConfig {
    let mut config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(6);
    }
    config
}
