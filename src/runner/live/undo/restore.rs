//! Restoring one password: as the user, then as the administrator. A validation must accept it afterwards.

use std::{collections::BTreeSet, path::PathBuf};

use super::{
    journal::{JournalLine, UndoJournal},
    journal_dir::JournalError,
    own_request::SessionReply,
    target_session::{PasswordUnknown, TargetSession},
};
use crate::{
    contract::{Operation, Outcome},
    redact::Secret,
    suite::{Account, Placeholder, Property},
};

/// A password that could not be restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnrestoredPassword {
    /// The account.
    pub account: Account,
    /// Its user name.
    pub username: String,
    /// Why it could not be restored.
    pub reason: String,
    /// Whether the target rejected the change clearly: to ask again soon would only be another failed sign-in.
    pub is_rejected: bool,
}

/// What was done about an open journal.
#[derive(Debug)]
pub struct Recovery {
    /// The target's address.
    pub target: String,
    /// The accounts file that was used.
    pub accounts_file: PathBuf,
    /// The accounts whose own password is valid again.
    pub restored: BTreeSet<Account>,
    /// The passwords that could not be restored. Without any the journal is closed.
    pub unrestored: Vec<UnrestoredPassword>,
}

/// How one change back ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ChangeBack {
    Restored,
    Rejected,
    Unclear,
}

/// What was tried, and why it failed.
#[derive(Default)]
struct Attempts(Vec<(&'static str, String)>);

impl TargetSession<'_> {
    /// Restores an account's own password; returns none if a validation accepted it. `current` is the current password, if it is known.
    ///
    /// # Errors
    /// The journal cannot be written: then nothing more is sent.
    pub async fn restore(
        &mut self,
        account: Account,
        mut current: Option<Secret>,
        journal: &mut UndoJournal,
    ) -> Result<Option<UnrestoredPassword>, JournalError> {
        let own = self.own_password(account);
        let mut attempts = Attempts::default();
        let mut result = ChangeBack::Unclear;
        for round in 1..=MAX_ROUNDS {
            attempts = Attempts::default();
            let found = match current.take() {
                Some(current) => Ok(current),
                // Passwords that were just rejected are not tried again: each failure counts towards a lock-out.
                None if self.has_admin() && self.unknown_passwords.contains(&account) => {
                    Err(PasswordUnknown::NoneAccepted)
                }
                None => self.find(account, &self.candidates(account, journal)).await,
            };
            result = match found {
                Ok(found) if found == own => {
                    journal.write(JournalLine::Restored { account })?;
                    ChangeBack::Restored
                }
                Ok(found) => {
                    let change = (Operation::SetPassword, &found);
                    self.change_back(account, change, round, journal, &mut attempts)
                        .await?
                }
                Err(unknown) => {
                    attempts.add("finding the current password", &unknown);
                    ChangeBack::Unclear
                }
            };
            if result != ChangeBack::Restored && account != Account::Admin {
                if self.has_admin() {
                    // A rejection of the administrator is final: another round does not change it.
                    let change = (Operation::SetPasswordByAdmin, &own);
                    result = self
                        .change_back(account, change, round, journal, &mut attempts)
                        .await?;
                } else {
                    attempts.add("change by an administrator", &"no account is given");
                }
            }
            match result {
                ChangeBack::Restored => return Ok(None),
                ChangeBack::Rejected => break,
                ChangeBack::Unclear => {}
            }
        }
        // The current password, if it is known, is tried first the next time.
        let current = self.current(account);
        let mut templates = journal.at_risk().get(&account).into_iter().flatten();
        let template = templates.find(|text| current.is_some() && self.fill(text) == current);
        if let Some(password) = template.cloned() {
            journal.write(JournalLine::Holds { account, password })?;
        }
        Ok(Some(UnrestoredPassword {
            account,
            username: self.username(account),
            reason: attempts.summary(),
            is_rejected: result == ChangeBack::Rejected,
        }))
    }

    /// Sets an account's own password to itself. That changes nothing, and a rejection by the policy shows that it could not be
    /// restored later. Returns the reason in that case.
    pub async fn dry_run_change(
        &mut self,
        account: Account,
        journal: &mut UndoJournal,
    ) -> Option<String> {
        let own = self.own_password(account);
        if let Err(error) = journal.sending(DRY_RUN, 1, [account], &[own_template(account)]) {
            return Some(error.to_string());
        }
        let reply = self.ask(Operation::SetPassword, account, &own, &own).await;
        match self.restore(account, None, journal).await {
            Err(error) => Some(error.to_string()),
            Ok(Some(unrestored)) => Some(format!("`{account}`: {}", unrestored.reason)),
            Ok(None) => (reply == SessionReply::Rejected(Outcome::PolicyRefused)).then(|| {
                format!("the target's policy rejects the current password of `{account}`")
            }),
        }
    }

    /// Changes a password back, by an operation with the current password of the one who acts.
    async fn change_back(
        &mut self,
        account: Account,
        (operation, current): (Operation, &Secret),
        round: usize,
        journal: &mut UndoJournal,
        attempts: &mut Attempts,
    ) -> Result<ChangeBack, JournalError> {
        let own = self.own_password(account);
        journal.sending(UNDO, round, [account], &[own_template(account)])?;
        let reply = self.ask(operation, account, current, &own).await;
        let label = match operation {
            Operation::SetPassword => "change by the user",
            _ => "change by the administrator",
        };
        attempts.add(label, &reply);
        if let SessionReply::Rejected(_) = reply {
            return Ok(ChangeBack::Rejected);
        }
        let validation = self.validate(account, &own).await;
        if validation == SessionReply::Accepted {
            journal.write(JournalLine::Restored { account })?;
            return Ok(ChangeBack::Restored);
        }
        attempts.add("validation", &validation);
        Ok(match reply {
            SessionReply::Unclear(_) => ChangeBack::Unclear,
            _ => ChangeBack::Rejected,
        })
    }
}

impl Attempts {
    fn add(&mut self, action: &'static str, reason: &dyn ToString) {
        self.0.push((action, reason.to_string()));
    }

    /// Names each reason once, with the actions that failed for it.
    fn summary(&self) -> String {
        let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
        for (action, reason) in &self.0 {
            match reasons
                .iter_mut()
                .find(|(known, _)| *known == reason.as_str())
            {
                Some((_, actions)) => actions.push(action),
                None => reasons.push((reason, vec![action])),
            }
        }
        if let [(reason, _)] = reasons.as_slice() {
            return (*reason).to_owned();
        }
        let lines = reasons.iter();
        let lines = lines.map(|(reason, actions)| format!("{}: {reason}", actions.join(", ")));
        lines.collect::<Vec<_>>().join("; ")
    }
}

fn own_template(account: Account) -> String {
    let property = Property::Password;
    Placeholder { account, property }.to_string()
}

/// How often everything is tried: a second time only if the first result is unclear.
const MAX_ROUNDS: usize = 2;
/// What the journal calls a request that restores a password.
const UNDO: &str = "undo";
/// What it calls a request that shows whether a password could be restored.
const DRY_RUN: &str = "dry run";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reason_of_several_attempts_is_named_once() {
        let mut attempts = Attempts::default();
        attempts.add("change by the user", &"no connection");
        attempts.add("validation", &"no connection");
        assert_eq!(attempts.summary(), "no connection");

        attempts.add("change by the administrator", &"policy_refused");
        assert_eq!(
            attempts.summary(),
            "change by the user, validation: no connection; change by the administrator: policy_refused"
        );
    }
}
