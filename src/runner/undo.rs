//! Giving passwords back: what a run changed at a target, it changes back and proves it; what a killed run left, `recover` does.
//!
//! ```text
//! request that may change ─▶ Journal (on disk before it leaves) ─▶ send ─▶ which password holds? ─▶ … ─▶ give back ─▶ prove ─▶ Journal
//!                                └── and a seed beside it: every password made up is a function of it
//! ```
//!
//! No password is in the journal: it has templates, `«user.new_password»%41`, which the seed and the accounts file fill.

pub mod hands;
pub mod journal;
pub mod restore;
pub mod sent;
pub mod shelf;

use std::collections::BTreeSet;

pub use hands::{Hands, Said};
pub use journal::{Header, Journal};
pub use restore::Lost;
pub use shelf::{Key, Lock, Shelf};

use crate::{
    conformance::{Account, Placeholder, Property, request},
    contract,
    contract::{Kind, Operation, Readings},
    runner::transcript,
};

/// Returns the requests that validate an account, put its password in its own place, and give it back: as the user, then as the
/// administrator. They are shown with placeholders; nothing is sent.
pub fn commands(kind: Kind, account: Account, address: &str) -> Vec<String> {
    let show = |operation, old: Property, new: Property| {
        let case = hands::own_case(operation);
        let of = |placeholder: Placeholder| match placeholder {
            Placeholder {
                account: Account::Admin,
                ..
            } => placeholder,
            Placeholder {
                property: Property::Username,
                ..
            } => Placeholder {
                account,
                ..placeholder
            },
            Placeholder {
                property: Property::NewPassword,
                ..
            } => Placeholder {
                account,
                property: new,
            },
            _ => Placeholder {
                account,
                property: old,
            },
        };
        let shown = request::build(
            &case.steps[0],
            contract::of(kind),
            &Readings::default(),
            &|placeholder| Ok(of(placeholder).to_string()),
        );
        shown
            .map(|shown| transcript::curl(&shown, address))
            .unwrap_or_default()
    };
    use Property::{NewPassword as Made, Password as Own};
    vec![
        show(Operation::Validation, Own, Own),
        show(Operation::SetPassword, Own, Own),
        show(Operation::SetPassword, Made, Own),
        show(Operation::SetPasswordByAdmin, Made, Own),
    ]
}

/// Gives back what a journal says may not have been given back; closes the journal where nothing is left.
///
/// # Errors
/// The journal cannot be written, in words.
pub async fn recover(
    hands: &mut Hands<'_>,
    mut journal: Journal,
) -> Result<(BTreeSet<Account>, Vec<Lost>), String> {
    let open: Vec<Account> = journal.at_risk().keys().copied().collect();
    let (mut given, mut lost) = (BTreeSet::new(), Vec::new());
    for account in open {
        let known = hands.known(account);
        match hands.restore(account, known, &mut journal).await? {
            None => drop(given.insert(account)),
            Some(trouble) => lost.push(trouble),
        }
    }
    if lost.is_empty() {
        journal
            .close()
            .map_err(|error| format!("closing the journal: {error}"))?;
    }
    Ok((given, lost))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_show_whose_password_is_put_where_and_no_password() {
        let commands = commands(Kind::Sensor, Account::ReadOnly, "https://10.0.0.5");
        let holds = |command: &str, all: &[&str]| {
            assert!(all.iter().all(|part| command.contains(part)), "{command}")
        };
        let password = |field: &str, variable: &str| format!("\"{field}\":\"'\"${variable}\"'\"");
        let (own, made) = (
            password("password", "READ_ONLY_PASSWORD"),
            password("password", "READ_ONLY_NEW_PASSWORD"),
        );
        let (name, back) = (
            "$READ_ONLY_USERNAME",
            &password("new_password", "READ_ONLY_PASSWORD"),
        );
        assert_eq!(commands.len(), 4);
        holds(
            &commands[0],
            &["https://10.0.0.5/", "validation", name, &own],
        );
        holds(&commands[1], &["set_password", name, &own, back]);
        holds(&commands[2], &["set_password", name, &made, back]);
        holds(
            &commands[3],
            &[
                "set_password_by_admin",
                name,
                "$ADMIN_USERNAME",
                "$ADMIN_PASSWORD",
                back,
            ],
        );
    }
}
