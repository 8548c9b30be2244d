//! The documents' own cURL commands, run by a shell and the real curl against a started `serve`; and every message of the
//! documents, provoked and held to the letter.

mod messages;

use std::{collections::BTreeSet, fs, process::Command};

use d4iot_double::{
    contract,
    contract::{Echo, Envelope, Internal, Kind, Operation, Outcome, Quote, QuoteForm},
};
use rstest::rstest;

use crate::process::Process;

#[rstest]
#[case::s85(Kind::Sensor, "S85", "S231")]
#[case::c99(Kind::Console, "C99", "C257")]
fn the_example_changes_the_password(
    #[case] kind: Kind,
    #[case] example: &str,
    #[case] validation: &str,
) {
    let appliance = Running::start(kind, &[]);
    let validate =
        |password| appliance.run(&filled(quote(kind, validation), "myUser", password, ""));
    let (old, new) = ("1234@abcd", "abcd@1234");
    assert_eq!(
        validate(new),
        worded(kind, Operation::Validation, Outcome::CredentialsRejected)
    );
    assert_eq!(
        appliance.run(&quote(kind, example).text),
        worded(kind, Operation::SetPassword, Outcome::PasswordReplaced)
    );
    assert_eq!(
        validate(new),
        worded(kind, Operation::Validation, Outcome::Authenticated)
    );
    assert_eq!(
        validate(old),
        worded(kind, Operation::Validation, Outcome::CredentialsRejected)
    );
}

#[test]
fn s237_has_a_wrong_password_and_is_refused() {
    let appliance = Running::start(Kind::Sensor, &[]);
    let expected = worded(
        Kind::Sensor,
        Operation::Validation,
        Outcome::CredentialsRejected,
    );
    assert_eq!(appliance.run(&quote(Kind::Sensor, "S237").text), expected);
}

#[test]
fn c263_with_a_closed_quote_succeeds_with_a_form_content_type() {
    let printed = &quote(Kind::Console, "C263").text;
    assert!(
        !shell(printed).output().unwrap().status.success(),
        "a shell takes it as printed: nothing needs mending"
    );
    assert!(
        !printed.contains("-H"),
        "it names a content type: curl does not choose"
    );
    let appliance = Running::start(Kind::Console, &[]);
    assert_eq!(
        appliance.run(&format!("{printed}'")),
        worded(Kind::Console, Operation::Validation, Outcome::Authenticated)
    );
}

#[rstest]
#[case::s167(Kind::Sensor, "S167")]
#[case::c190(Kind::Console, "C190")]
fn admin_user_is_a_missing_field_unless_its_reading_is_chosen(
    #[case] kind: Kind,
    #[case] example: &str,
) {
    let command = &quote(kind, example).text;
    let strict = Running::start(kind, &[]);
    assert_eq!(
        strict.run(command),
        worded(kind, Operation::SetPasswordByAdmin, Outcome::MissingField)
    );
    let lenient = Running::start(
        kind,
        &["--reading", "set_password_by_admin.admin_username=curl"],
    );
    assert_eq!(
        lenient.run(command),
        worded(
            kind,
            Operation::SetPasswordByAdmin,
            Outcome::PasswordReplaced
        )
    );
}

#[test]
fn no_example_of_a_command_is_left_out_above() {
    let examples = |kind| {
        commands(kind)
            .filter(|(_, quote)| quote.placeholders.is_empty())
            .map(|(name, _)| name)
    };
    let all: BTreeSet<&str> = Kind::ALL.iter().flat_map(|kind| examples(*kind)).collect();
    assert_eq!(
        all,
        BTreeSet::from(["S85", "S167", "S237", "C99", "C190", "C263"])
    );
}

#[rstest]
#[case::sensor(Kind::Sensor)]
#[case::console(Kind::Console)]
fn every_template_works_when_filled_in(#[case] kind: Kind) {
    let mut operations = BTreeSet::new();
    for (name, template) in commands(kind).filter(|(_, quote)| !quote.placeholders.is_empty()) {
        let appliance = Running::start(kind, &[]);
        let outcome = if template.operation == Operation::Validation {
            Outcome::Authenticated
        } else {
            Outcome::PasswordReplaced
        };
        let command = filled(template, "myUser", "1234@abcd", "abcd@1234");
        assert_eq!(
            appliance.run(&command),
            worded(kind, template.operation, outcome),
            "{name}: {command}"
        );
        operations.insert(template.operation);
    }
    assert_eq!(
        operations.len(),
        Operation::ALL.len(),
        "an operation has no template"
    );
}

/// A built-in appliance in a process of its own.
struct Running {
    _process: Process,
    curl_home: tempfile::TempDir,
}

/// What curl got.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    content_type: String,
    body: String,
}

impl Running {
    fn start(kind: Kind, args: &[&str]) -> Running {
        let version = Command::new("curl").arg("--version").output();
        assert!(
            version.is_ok(),
            "curl is not installed: these tests run the documents' own commands (apt-get install curl)"
        );
        let args: Vec<&str> = ["--kind", kind.name()]
            .iter()
            .chain(args)
            .copied()
            .collect();
        let (process, ready) = Process::serve(1, &args);
        // The commands stay as they are printed; where 127.0.0.1 has its port 443, and how the answer is shown, is curl's setting.
        let curl_home = tempfile::tempdir().unwrap();
        let settings = format!(
            "connect-to = \"127.0.0.1:443:127.0.0.1:{}\"\nsilent\nshow-error\nwrite-out = \"%{{stderr}}{MARK}%{{http_code}} %{{content_type}}\"\n",
            ready[0].port()
        );
        fs::write(curl_home.path().join(".curlrc"), settings).unwrap();
        Running {
            _process: process,
            curl_home,
        }
    }

    fn run(&self, command: &str) -> Answer {
        let output = shell(command)
            .env("CURL_HOME", self.curl_home.path())
            .output()
            .unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{command}\n{err}");
        let (status, content_type) = err
            .split_once(MARK)
            .and_then(|(_, rest)| rest.split_once(' '))
            .unwrap_or_else(|| panic!("{command}\n{err}"));
        Answer {
            status: status.parse().unwrap(),
            content_type: content_type.to_owned(),
            body: String::from_utf8(output.stdout).unwrap(),
        }
    }
}

fn shell(command: &str) -> Command {
    let mut shell = Command::new("sh");
    // Whatever proxy this machine uses does not stand between a test and its own machine.
    shell
        .args(["-c", command])
        .env("NO_PROXY", "*")
        .env("no_proxy", "*");
    shell
}

fn quote(kind: Kind, name: &str) -> &'static Quote {
    &contract::of(kind).quotes[name]
}

fn commands(kind: Kind) -> impl Iterator<Item = (&'static str, &'static Quote)> {
    contract::of(kind)
        .quotes
        .iter()
        .filter(|(_, quote)| quote.form == QuoteForm::Command)
        .map(|(name, quote)| (name.as_str(), quote))
}

/// Puts values in a template's placeholders, in quotes where the template forgets them (sensor:231).
fn filled(template: &Quote, username: &str, password: &str, new_password: &str) -> String {
    template
        .placeholders
        .iter()
        .fold(template.text.clone(), |text, placeholder| {
            let (value, is_json) = match placeholder.as_str() {
                "<ADMIN_PASSWORD>" => ("Test0987", true),
                "<ADMIN_USERNAME>" => ("admin", true),
                "<AUTH_TOKEN>" => ("1234b734a9244d54ab8d40aedddcabcd", false),
                "<CURRENT_PASSWORD>" | "<PASSWORD>" | "PASSWORD" => (password, true),
                "<IP_ADDRESS>" => ("127.0.0.1", false),
                "<NEW_PASSWORD>" => (new_password, true),
                "<USER NAME>" | "<USER_NAME>" => (username, true),
                other => panic!("no value for the placeholder {other}"),
            };
            assert!(text.contains(placeholder), "{placeholder} is not in {text}");
            let forgotten = is_json && !text.contains(&format!("\"{placeholder}\""));
            text.replace(
                placeholder,
                &if forgotten {
                    format!("\"{value}\"")
                } else {
                    value.to_owned()
                },
            )
        })
}

/// The answer that the contract's default readings give an outcome.
fn worded(kind: Kind, operation: Operation, outcome: Outcome) -> Answer {
    let contract = contract::of(kind);
    let (_, spec) = contract.response_spec(Some(operation), outcome).unwrap();
    let envelope = spec
        .envelope
        .as_ref()
        .map_or(Envelope::Object, |fact| fact.default_reading().is);
    let internal = spec
        .internal
        .as_ref()
        .map_or(&Internal::Absent, |fact| &fact.default_reading().is);
    Answer {
        status: spec.status.default_reading().is.0.as_u16(),
        content_type: contract
            .answer_type(Some(operation))
            .1
            .default_reading()
            .is
            .0
            .clone(),
        body: spec
            .body
            .default_reading()
            .is
            .body(envelope, internal, Echo::default())
            .to_string(),
    }
}

/// A user whom no built-in appliance knows; the documents' own.
const ABOUT: &str = "test_user";
const MARK: &str = "answer: ";
