//! Restoring one password: as the user, then as the administrator. A validation must accept it afterwards.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::{
    journal::{JournalLine, UndoJournal},
    own_request::SessionReply,
    target_session::{PasswordUnknown, TargetSession, distinct},
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
    /// The accounts whose own password is valid again, each with its user name.
    pub restored: BTreeMap<Account, String>,
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
    /// Restores an account's own password. A doubtful one is set again even if a validation accepts it: a change whose answer was
    /// lost may take effect late. An unclear answer is followed by a pause, and at the limit of failed sign-ins nothing more is sent.
    ///
    /// # Errors
    /// No validation accepted the own password afterwards.
    pub async fn restore(
        &mut self,
        account: Account,
        is_doubtful: bool,
        journal: &mut UndoJournal,
    ) -> Result<(), UnrestoredPassword> {
        let own = self.own_password(account);
        let mut attempts = Attempts::default();
        let mut result = ChangeBack::Unclear;
        for (round, pause) in PAUSES.into_iter().enumerate() {
            attempts = Attempts::default();
            self.pause(pause).await;
            let held = self.holder(account, round > 0, journal).await;
            result = match &held {
                Ok(held) if *held == own && !(is_doubtful && round == 0) => ChangeBack::Restored,
                Ok(held) => {
                    let change = (Operation::SetPassword, Some(held));
                    self.change_back(account, change, &mut attempts).await
                }
                Err(unknown) => {
                    attempts.add("finding the current password", unknown);
                    ChangeBack::Unclear
                }
            };
            if matches!(held, Err(PasswordUnknown::LockedOut)) {
                result = ChangeBack::Rejected;
            } else if result != ChangeBack::Restored && account != Account::Admin {
                if self.has_admin() {
                    // A rejection of the administrator is final: another round does not change it.
                    let change = (Operation::SetPasswordByAdmin, held.as_ref().ok());
                    result = self.change_back(account, change, &mut attempts).await;
                } else {
                    attempts.add("change by an administrator", &"no account is given");
                }
            }
            match result {
                ChangeBack::Restored => {
                    journal.note(JournalLine::Restored { account });
                    return Ok(());
                }
                ChangeBack::Rejected => break,
                ChangeBack::Unclear if self.target.hanging().is_some() => break,
                ChangeBack::Unclear => {}
            }
        }
        // The current password, if it is known, is tried first the next time.
        let current = self.current(account);
        let mut templates = journal.at_risk().get(&account).into_iter().flatten();
        let template = templates.find(|text| current.is_some() && self.fill(text) == current);
        if let Some(password) = template.cloned() {
            journal.note(JournalLine::Holds { account, password });
        }
        Err(UnrestoredPassword {
            is_rejected: result == ChangeBack::Rejected,
            ..self.unrestored(account, &attempts.summary())
        })
    }

    /// Says that a password could not be restored, and is not to be tried again.
    pub fn unrestored(&self, account: Account, reason: &str) -> UnrestoredPassword {
        UnrestoredPassword {
            account,
            username: self.username(account),
            reason: reason.to_owned(),
            is_rejected: true,
        }
    }

    /// Returns the current password of an account: the one that is known, validated once more if that was a while ago, or one of
    /// the candidates.
    async fn holder(
        &mut self,
        account: Account,
        is_old: bool,
        journal: &UndoJournal,
    ) -> Result<Secret, PasswordUnknown> {
        let mut candidates = self.candidates(account, journal);
        if let Some(current) = self.current(account) {
            if !is_old {
                return Ok(current);
            }
            candidates.insert(0, current);
        } else if self.has_admin() && self.unknown_passwords.contains(&account) {
            // Passwords that were just rejected are not tried again: each failure counts towards a lock-out.
            return Err(PasswordUnknown::NoneAccepted);
        }
        self.find(account, &distinct(candidates)).await
    }

    /// Sets an account's own password to itself, which changes nothing and shows whether it could be restored later. Returns the
    /// answer, and its text.
    ///
    /// # Errors
    /// The journal cannot be written, or no validation accepted the own password afterwards.
    pub async fn dry_run_change(
        &mut self,
        account: Account,
        journal: &mut UndoJournal,
    ) -> Result<(SessionReply, String), UnrestoredPassword> {
        let property = Property::Password;
        let own_template = Placeholder { account, property }.to_string();
        let written = journal.sending(DRY_RUN, 1, [account], &[own_template]);
        written.map_err(|error| self.unrestored(account, &error.to_string()))?;
        let own = self.own_password(account);
        let reply = self.ask(Operation::SetPassword, account, &own, &own).await;
        let text = std::mem::take(&mut self.last_body);
        self.forget(account);
        self.restore(account, false, journal).await?;
        Ok((reply, text))
    }

    /// Changes a password back, by an operation. `held` is the current password, if it is known.
    async fn change_back(
        &mut self,
        account: Account,
        (operation, held): (Operation, Option<&Secret>),
        attempts: &mut Attempts,
    ) -> ChangeBack {
        let own = self.own_password(account);
        let held = held.filter(|held| operation == Operation::SetPassword || **held != own);
        let reply = self
            .ask(operation, account, held.unwrap_or(&own), &own)
            .await;
        let label = match operation {
            Operation::SetPassword => "change by the user",
            _ => "change by the administrator",
        };
        attempts.add(label, &reply);
        let is_changed = held.is_none_or(|held| *held != own);
        if reply == SessionReply::Accepted || self.says_success() {
            self.expect_own(account);
        }
        match (&reply, held) {
            (SessionReply::Rejected(_) | SessionReply::NotSent(_), _) if is_changed => {
                return ChangeBack::Rejected;
            }
            // The password that is known to hold is asked first: a success resets the target's count of failures. A success in
            // other words has most likely replaced it.
            (SessionReply::Unclear(_), Some(held)) if is_changed && !self.says_success() => {
                match self.validate(account, held).await {
                    SessionReply::Rejected(outcome) if outcome != Outcome::LockedOut => {}
                    SessionReply::Accepted | SessionReply::Unclear(_) => {
                        return ChangeBack::Unclear;
                    }
                    _ => return ChangeBack::Rejected,
                }
            }
            _ => {}
        }
        match self.validate(account, &own).await {
            SessionReply::Accepted => ChangeBack::Restored,
            validation => {
                attempts.add("validation", &validation);
                let locked_out = SessionReply::Rejected(Outcome::LockedOut);
                match validation {
                    SessionReply::NotSent(_) => ChangeBack::Rejected,
                    validation if validation == locked_out => ChangeBack::Rejected,
                    _ => ChangeBack::Unclear,
                }
            }
        }
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

/// The pauses before each round; no pause is longer than the time-out of an exchange.
const PAUSES: [Duration; 5] = [
    Duration::ZERO,
    UNIT,
    UNIT.saturating_mul(2),
    UNIT.saturating_mul(4),
    UNIT.saturating_mul(8),
];
const UNIT: Duration = Duration::from_millis(if cfg!(test) { 10 } else { 1000 });
/// What the journal calls a request that shows whether a password could be restored.
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
