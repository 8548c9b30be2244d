//! Restoring one password: as the user, then as the administrator. A validation must accept it afterwards.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::{
    journal::{JournalLine, UndoJournal},
    own_request::SessionReply,
    target_session::{PasswordUnknown, TargetSession},
};
use crate::{
    contract::{Operation, Outcome, distinct},
    redact::Secret,
    runner::live::budget,
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
#[derive(Debug, Default)]
pub struct Recovery {
    /// The target's address.
    pub target: String,
    /// The accounts file that was used.
    pub accounts_file: PathBuf,
    /// The users whose password is as it should be.
    pub restored: BTreeMap<String, RecoveredPassword>,
    /// The passwords that could not be restored. Without any the journal is closed.
    pub unrestored: Vec<UnrestoredPassword>,
    /// What went wrong with the journal.
    pub trouble: Option<String>,
}

/// What `recover` did about a password that a validation accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveredPassword {
    /// It was set to the one that it was before the run.
    Restored,
    /// The same, and somebody else may have changed it since the run.
    RestoredUnseen,
    /// It was set to the one of the accounts file, which is another one.
    SetFromFile,
    /// Nothing was set.
    Valid,
}

/// How one change back ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ChangeBack {
    /// A validation accepts the own password.
    Done,
    /// The change is rejected, or was not sent: another round does not change that.
    Rejected,
    /// It may have been made.
    Unclear,
}

/// What was tried, and why it failed.
type Attempts = Vec<(&'static str, String)>;

impl TargetSession<'_> {
    /// Restores an account's own password. A doubtful one is set again even if a validation accepts it: a change whose answer was
    /// lost may take effect late. An unclear answer is followed by a pause, and at the limit of failed sign-ins nothing more is sent.
    /// Returns whether it was set.
    ///
    /// # Errors
    /// No validation accepted the own password afterwards.
    pub async fn restore(
        &mut self,
        account: Account,
        is_doubtful: bool,
        journal: &mut UndoJournal,
    ) -> Result<bool, UnrestoredPassword> {
        let own = self.own_password(account);
        let (mut attempts, mut result) = (Attempts::new(), ChangeBack::Unclear);
        for (round, pause) in PAUSES.into_iter().enumerate() {
            self.pause(UNIT * pause).await;
            attempts.clear();
            // After an unclear answer the password that is known to hold is validated first: a success resets the target's count.
            let held = self.holder(account, round > 0, journal).await;
            let is_own = held.as_ref().is_ok_and(|held| *held == own);
            let is_done = is_own && !(is_doubtful && round == 0);
            if !is_done {
                let change = self.change_back(account, held, journal, &mut attempts);
                result = change.await;
            }
            if is_done || result == ChangeBack::Done {
                journal.note(JournalLine::Restored { account });
                return Ok(round > 0 || !is_done);
            }
            if result == ChangeBack::Rejected || self.target.hanging().is_some() {
                break;
            }
        }
        // The current password, if it is known, is tried first the next time.
        let current = self.current(account);
        let mut templates = journal.state.at_risk.get(&account).into_iter().flatten();
        let template = templates.find(|text| current.is_some() && self.fill(text) == current);
        if let Some(password) = template.cloned() {
            journal.note(JournalLine::Holds { account, password });
        }
        Err(UnrestoredPassword {
            is_rejected: result == ChangeBack::Rejected,
            ..self.unrestored(account, &summary(&attempts))
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
        self.find(account, &self.likely(candidates)).await
    }

    /// Sets an account's own password to itself, which changes nothing and shows whether it could be restored later by this
    /// operation. Returns the answer, and its text.
    ///
    /// # Errors
    /// The journal cannot be written, or no validation accepted the own password afterwards.
    pub async fn dry_run_change(
        &mut self,
        account: Account,
        operation: Operation,
        journal: &mut UndoJournal,
    ) -> Result<(SessionReply, String), UnrestoredPassword> {
        let property = Property::Password;
        let own_template = Placeholder { account, property }.to_string();
        let written = journal.sending(DRY_RUN, 1, [account], &[own_template]);
        written.map_err(|error| self.unrestored(account, &error.to_string()))?;
        let own = self.own_password(account);
        let reply = self.ask(operation, account, &own, &own).await;
        let text = std::mem::take(&mut self.last_body);
        self.forget(account);
        self.restore(account, false, journal).await?;
        Ok((reply, text))
    }

    /// Changes a password back once: as its user, or else as the administrator.
    async fn change_back(
        &mut self,
        account: Account,
        held: Result<Secret, PasswordUnknown>,
        journal: &UndoJournal,
        attempts: &mut Attempts,
    ) -> ChangeBack {
        let mut result = ChangeBack::Unclear;
        match &held {
            Ok(held) => {
                let change = (Operation::SetPassword, Some(held));
                result = self.set_own(account, change, attempts).await;
            }
            Err(unknown) => attempts.push(("finding the current password", unknown.to_string())),
        }
        if result == ChangeBack::Done || account == Account::Admin {
            return result;
        }
        if matches!(held, Err(PasswordUnknown::LockedOut)) {
            return ChangeBack::Rejected;
        }
        // A change of this run that may still take effect is no change of somebody else.
        let is_late = journal.state.doubts.contains_key(&account);
        if self.changed_elsewhere.contains(&account) && !is_late {
            let own = self.own(account);
            let may_hold = self.sign_ins.has_room(1) && self.knows(&own) != Some(false);
            if may_hold && self.validate(account, &own.password).await == SessionReply::Accepted {
                return ChangeBack::Done;
            }
            *attempts = vec![("validation", ELSEWHERE.to_owned())];
            return ChangeBack::Rejected;
        }
        if !self.has_admin() {
            attempts.push(("change by an administrator", NO_ADMIN.to_owned()));
            return result;
        }
        let change = (Operation::SetPasswordByAdmin, held.as_ref().ok());
        self.set_own(account, change, attempts).await
    }

    /// Sets an account's own password by an operation, and validates it. `held` is the current password, if it is known.
    async fn set_own(
        &mut self,
        account: Account,
        (operation, held): (Operation, Option<&Secret>),
        attempts: &mut Attempts,
    ) -> ChangeBack {
        let own = self.own_password(account);
        let current = held.unwrap_or(&own);
        let reply = self.ask(operation, account, current, &own).await;
        let is_user = operation == Operation::SetPassword;
        let label = match is_user {
            true => "change by the user",
            false => "change by the administrator",
        };
        attempts.push((label, reply.to_string()));
        // A success in other words has most likely replaced it.
        let is_success = self.last_status.is_some_and(|status| status.is_success());
        match (&reply, held.filter(|held| **held != own)) {
            _ if reply == SessionReply::Accepted || is_success => self.forget(account),
            (SessionReply::Unclear(_), Some(_)) => return ChangeBack::Unclear,
            (SessionReply::Rejected(outcome), Some(held))
                if is_user && budget::is_failure(*outcome) && self.sign_ins.has_room(1) =>
            {
                // Whether the password that was known to hold still does.
                self.validate(account, held).await;
                return ChangeBack::Rejected;
            }
            (SessionReply::Rejected(_) | SessionReply::NotSent(_), _) if held != Some(&own) => {
                return ChangeBack::Rejected;
            }
            _ => {}
        }
        let validation = self.validate(account, &own).await;
        attempts.push(("validation", validation.to_string()));
        match validation {
            SessionReply::Accepted => ChangeBack::Done,
            SessionReply::NotSent(_) | SessionReply::Rejected(Outcome::LockedOut) => {
                ChangeBack::Rejected
            }
            _ => ChangeBack::Unclear,
        }
    }
}

/// Names the reason of all attempts once, or that of each.
fn summary(attempts: &Attempts) -> String {
    let reasons = distinct(attempts.iter().map(|(_, reason)| reason));
    if let [reason] = reasons[..] {
        return reason.clone();
    }
    let texts = attempts.iter();
    let texts = texts.map(|(action, reason)| format!("{action}: {reason}"));
    texts.collect::<Vec<_>>().join("; ")
}

const ELSEWHERE: &str = "another password is valid than the one that the run set or found: somebody else may have changed it, so it is left as it is";
const NO_ADMIN: &str = "no account is given";
/// The pauses before each round; no pause is longer than the time-out of an exchange.
const PAUSES: [u32; 5] = [0, 1, 2, 4, 8];
const UNIT: Duration = Duration::from_millis(if cfg!(test) { 10 } else { 1000 });
/// What the journal calls a request that shows whether a password could be restored.
const DRY_RUN: &str = "dry run";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reason_of_several_attempts_is_named_once() {
        let mut attempts = vec![
            ("change by the user", "no connection".to_owned()),
            ("validation", "no connection".to_owned()),
        ];
        assert_eq!(summary(&attempts), "no connection");

        attempts.remove(1);
        attempts.push(("change by the administrator", "policy_refused".to_owned()));
        assert_eq!(
            summary(&attempts),
            "change by the user: no connection; change by the administrator: policy_refused"
        );
    }
}
