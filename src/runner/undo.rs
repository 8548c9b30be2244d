//! Giving passwords back: what a run changed at a target, it changes back and proves it; what a killed run left, `recover` does.
//!
//! ```text
//! request that may change ─▶ Journal (on disk before it leaves) ─▶ send ─▶ which password holds? ─▶ … ─▶ give back ─▶ prove ─▶ Journal
//!                                └── and a seed beside it: every password made up is a function of it
//! ```
//!
//! No password is in the journal: it has templates, `«user.new_password»%41`, which the seed and the accounts file fill.

pub mod journal;
pub mod restore;
pub mod sent;
pub mod shelf;

pub use journal::Header;
pub use journal::Journal;
pub use restore::Hands;
pub use restore::Lost;
pub use shelf::Key;
pub use shelf::Lock;
pub use shelf::Shelf;

use std::collections::BTreeSet;

use crate::conformance::Account;

/// Gives back what a journal says may not have been given back; closes the journal where nothing is left.
///
/// # Errors
/// The journal cannot be written, in words.
pub async fn recover(hands: &mut Hands<'_>, mut journal: Journal) -> Result<(BTreeSet<Account>, Vec<Lost>), String> {
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
        journal.close().map_err(|error| format!("closing the journal: {error}"))?;
    }
    Ok((given, lost))
}
