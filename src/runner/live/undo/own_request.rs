//! The run's own requests: their cases, what their answers say, and the commands that show them.

use serde_json::json;
use thiserror::Error;

use crate::{
    contract::{Contract, Operation, Outcome, Readings},
    runner::transcript::curl,
    suite::{Account, Case, Placeholder, Property, request},
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
    /// The request was not sent: it might have been one failed sign-in too many.
    #[error("{0}")]
    NotSent(String),
}

/// Returns a case of one step for the run's own requests, so that they are built and judged as any other.
pub(super) fn own_case(operation: Operation, account: Account) -> Case {
    let value = |property: &str| format!("«{account}.{property}»");
    let (user, own, new) = (value("username"), value("password"), value("new_password"));
    let fields = match operation {
        Operation::Validation => json!({ "username": user, "password": own }),
        Operation::SetPassword => json!({ "username": user, "password": own, "new_password": new }),
        Operation::SetPasswordByAdmin => json!({
            "admin_username": "«admin.username»",
            "admin_password": "«admin.password»",
            "username": user,
            "new_password": new,
        }),
    };
    let step = json!({ "ask": operation, "fields": fields, "expect": success(operation) });
    let case = json!({ "id": "undo", "title": "undo", "effect": "none", "steps": [step] });
    serde_json::from_value(case).expect("this is a case")
}

/// Returns the outcome that says that an operation was done.
pub(super) fn success(operation: Operation) -> Outcome {
    match operation {
        Operation::Validation => Outcome::Authenticated,
        Operation::SetPassword | Operation::SetPasswordByAdmin => Outcome::PasswordReplaced,
    }
}

/// Returns one of the run's own requests about an account as a command, with placeholders, and one of its passwords as the current
/// one; nothing is sent.
pub fn own_command(
    contract: &Contract,
    (operation, account): (Operation, Account),
    current: Property,
    address: &str,
) -> String {
    let step = &own_case(operation, account).steps[0];
    let shown = request::build(step, contract, &Readings::default(), &|placeholder| {
        let property = match placeholder.property {
            Property::Password if placeholder.account == account => current,
            Property::NewPassword => Property::Password,
            other => other,
        };
        let account = placeholder.account;
        Ok(Placeholder { account, property }.to_string())
    });
    shown.map_or_else(|error| error.to_string(), |shown| curl(&shown, address))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{contract, contract::Kind};

    #[test]
    fn commands_name_the_account_and_show_no_password() {
        let contract = contract::of(Kind::Sensor);
        use Operation::{SetPassword, SetPasswordByAdmin, Validation};
        let command = |(operation, current)| {
            let request = (operation, Account::ReadOnly);
            own_command(contract, request, current, "https://10.0.0.5")
        };
        let commands = [
            (Validation, Property::Password),
            (SetPassword, Property::Password),
            (SetPassword, Property::NewPassword),
            (SetPasswordByAdmin, Property::NewPassword),
        ]
        .map(command);
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

        for (command, parts) in commands.iter().zip(expected) {
            assert!(parts.iter().all(|part| command.contains(part)), "{command}");
        }
    }
}
