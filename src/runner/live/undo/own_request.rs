//! The run's own requests: their cases, what their answers say, and the commands that show them.

use bytes::Bytes;
use http::Response;
use thiserror::Error;

use crate::{
    contract::{Contract, Operation, Outcome, Readings},
    runner::transcript::curl,
    suite::{
        Account, Case, Placeholder, Property,
        match_response::{MatchContext, ReceivedAnswer},
        request,
    },
};

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SessionReply {
    /// The credentials are valid; the password was replaced.
    #[error("accepted")]
    Accepted,
    /// The request was rejected.
    #[error("{0}")]
    Rejected(Outcome),
    /// The answer is missing or unknown; the request may have been carried out.
    #[error("{0}")]
    Unclear(String),
}
/// Reads an answer: any reading of the good outcome accepts, any reading of another outcome rejects.
pub(super) fn reply(
    contract: &Contract,
    operation: Operation,
    username: &str,
    answer: &Response<Bytes>,
) -> SessionReply {
    let good = if operation == Operation::Validation {
        Outcome::Authenticated
    } else {
        Outcome::PasswordReplaced
    };
    let read = ReceivedAnswer::new(answer);
    let context = MatchContext {
        contract,
        operation,
        username,
    };
    if context.match_outcome(good, &read).is_ok() {
        return SessionReply::Accepted;
    }
    match context.match_any(&read) {
        Some((outcome, _)) => SessionReply::Rejected(outcome),
        None => SessionReply::Unclear(format!(
            "the answer has status {} and matches nothing in the documentation",
            answer.status().as_u16()
        )),
    }
}

/// Returns a case of one step for the run's own requests, so that they are built and judged as any other.
pub(super) fn own_case(operation: Operation, account: Account) -> Case {
    let account = account.name();
    let fields = match operation {
        Operation::Validation => {
            format!(r#"{{"username":"«{account}.username»","password":"«{account}.password»"}}"#)
        }
        Operation::SetPassword => format!(
            r#"{{"username":"«{account}.username»","password":"«{account}.password»","new_password":"«{account}.new_password»"}}"#
        ),
        Operation::SetPasswordByAdmin => format!(
            r#"{{"admin_username":"«admin.username»","admin_password":"«admin.password»","username":"«{account}.username»","new_password":"«{account}.new_password»"}}"#
        ),
    };
    let expect = if operation == Operation::Validation {
        Outcome::Authenticated
    } else {
        Outcome::PasswordReplaced
    };
    let text = format!(
        r#"{{"id":"undo","title":"undo","effect":"none","steps":[{{"ask":"{operation}","fields":{fields},"expect":"{expect}"}}]}}"#
    );
    serde_json::from_str(&text).expect("the text is a case")
}

/// Returns the requests that validate an account, set its own password to itself, and restore it: as the user, then as the
/// administrator. They are shown with placeholders; nothing is sent.
pub fn undo_commands(contract: &Contract, account: Account, address: &str) -> Vec<String> {
    use Property::{NewPassword as Generated, Password as Own};
    let command = |operation, old, new| {
        let shown = request::build(
            &own_case(operation, account).steps[0],
            contract,
            &Readings::default(),
            &|placeholder| {
                let property = match placeholder.property {
                    Own if placeholder.account == account => old,
                    Generated => new,
                    other => other,
                };
                Ok(Placeholder {
                    property,
                    ..placeholder
                }
                .to_string())
            },
        );
        shown.map_or_else(|error| error.to_string(), |shown| curl(&shown, address))
    };
    vec![
        command(Operation::Validation, Own, Own),
        command(Operation::SetPassword, Own, Own),
        command(Operation::SetPassword, Generated, Own),
        command(Operation::SetPasswordByAdmin, Generated, Own),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{contract, contract::Kind};

    #[test]
    fn commands_name_the_account_and_show_no_password() {
        let contract = contract::of(Kind::Sensor);
        let commands = undo_commands(contract, Account::ReadOnly, "https://10.0.0.5");
        let password = |field: &str, variable: &str| format!("\"{field}\":\"'\"${variable}\"'\"");
        let own = &password("password", "READ_ONLY_PASSWORD");
        let generated = &password("password", "READ_ONLY_NEW_PASSWORD");
        let back = &password("new_password", "READ_ONLY_PASSWORD");
        let name = "$READ_ONLY_USERNAME";
        let expected: [&[&str]; 4] = [
            &["https://10.0.0.5/", "validation", name, own],
            &["set_password", name, own, back],
            &["set_password", name, generated, back],
            &[
                "set_password_by_admin",
                name,
                "$ADMIN_USERNAME",
                "$ADMIN_PASSWORD",
                back,
            ],
        ];

        assert_eq!(commands.len(), expected.len());
        for (command, parts) in commands.iter().zip(expected) {
            assert!(parts.iter().all(|part| command.contains(part)), "{command}");
        }
    }
}
