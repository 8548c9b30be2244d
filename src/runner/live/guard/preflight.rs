//! Before anything else: whether the target accepts the accounts. Before the first change: whether it can refuse a password, and
//! whether each password could be restored.

use std::collections::BTreeSet;

use super::SafetyGuard;
use crate::{
    contract::{Operation, Outcome},
    report::{CaseFinding, ReasonCode},
    runner::live::{
        budget,
        undo::{SessionReply, UnrestoredPassword},
    },
    suite::Account,
};

impl SafetyGuard<'_> {
    /// Validates each account of the accounts file once. The cases of a refused one are not judged; a second refusal ends the run.
    pub async fn validate_accounts(&mut self) {
        for account in self.session.named() {
            if self.stop.is_requested() || self.session.target.hanging().is_some() {
                return;
            }
            let Some(reply) = self.validate_own(account).await else {
                return;
            };
            match reply {
                SessionReply::Accepted | SessionReply::Unclear(_) => {}
                SessionReply::NotSent(reason) => {
                    return self.stop_for_safety(ReasonCode::Budget, reason);
                }
                SessionReply::Rejected(Outcome::LockedOut) => {
                    let name = self.session.username(account);
                    let text = format!("the target says that `{account}` ({name}) is locked out");
                    return self.stop_for_safety(ReasonCode::LockedOut, text);
                }
                SessionReply::Rejected(Outcome::UnknownPath | Outcome::MethodNotAllowed) => {
                    let text = "the target has no validation at its path: check --kind, and the path in the URL";
                    return self.stop_for_safety(ReasonCode::Stopped, text.to_owned());
                }
                SessionReply::Rejected(_) => {
                    let (name, file) = (self.session.username(account), &self.accounts_file);
                    let text = format!(
                        "the appliance refuses the password of {account} ({name}): check {file}"
                    );
                    self.rejected_accounts.insert(account, text.clone());
                    if self.rejected_accounts.len() > 1 {
                        return self.stop_for_safety(ReasonCode::CredentialsRefused, text);
                    }
                }
            }
        }
    }

    /// Finds out whether a change of these accounts could be undone: the target must accept their passwords, refuse a wrong one, and
    /// accept that each password is set to itself, which changes nothing.
    pub async fn prove_restorable(&mut self, objects: &BTreeSet<Account>) {
        let admin = self.session.has_admin().then_some(Account::Admin);
        for account in objects.iter().copied().chain(admin) {
            if self.session.should_be_valid(&self.session.own(account)) {
                continue;
            }
            let refused = self.rejected_accounts.get(&account).cloned();
            let text = match refused {
                Some(refused) => refused,
                None => match self.validate_own(account).await {
                    None => return,
                    Some(SessionReply::Accepted) => continue,
                    Some(_) => format!(
                        "no change was made: signing in as `{account}` failed, so it could not be restored"
                    ),
                },
            };
            return self.forbid_changes(ReasonCode::CredentialsRefused, text);
        }
        let Some(account) = objects.first().copied() else {
            return;
        };
        if !self.rejects_wrong_passwords {
            self.try_wrong_password(account).await;
        }
        // After a failure, a success resets the target's count, or shows that it has locked.
        match self.validate_own(account).await {
            None => return,
            Some(SessionReply::Rejected(_)) => self.suspect_lockout(account),
            Some(_) => {}
        }
        for account in objects {
            if self.stop.is_requested()
                || self.changes_forbidden.is_some()
                || self.safety_stop.is_some()
            {
                return;
            }
            self.dry_run(*account).await;
        }
        let unrestorable: Option<Vec<_>> = objects
            .iter()
            .map(|one| self.unrestorable.get(one))
            .collect();
        if let Some(text) =
            unrestorable.and_then(|unrestorable| unrestorable.first().copied().cloned())
        {
            self.forbid_changes(ReasonCode::NotRestorable, text);
        }
    }

    /// Validates an account's own password before anything is changed; none if the run is interrupted. A validation that is abandoned
    /// changes nothing, and stays counted as a failure.
    async fn validate_own(&mut self, account: Account) -> Option<SessionReply> {
        let (own, stop) = (self.session.own_password(account), self.stop.clone());
        tokio::select! {
            biased;
            () = stop.requested() => None,
            reply = self.session.validate(account, &own) => Some(reply),
        }
    }

    /// Validates a wrong password: if that is accepted, no validation proves anything.
    async fn try_wrong_password(&mut self, account: Account) {
        let stop = self.stop.clone();
        let reply = tokio::select! {
            biased;
            () = stop.requested() => return,
            reply = self.session.validate_wrong_password(account) => reply,
        };
        match reply {
            SessionReply::NotSent(reason) => self.forbid_changes(ReasonCode::Budget, format!(
                "no change was made: {reason}, and one is needed to see whether the target can refuse a password"
            )),
            SessionReply::Rejected(Outcome::LockedOut) => self.suspect_lockout(account),
            SessionReply::Unclear(reason) if !self.session.was_refused() => {
                self.forbid_changes(ReasonCode::CannotRefuse, format!(
                    "no change was made: it is not known whether the target refuses a wrong password: {reason}"
                ));
            }
            reply => {
                let is_accepted = reply == SessionReply::Accepted;
                self.note_wrong_password(!is_accepted, is_accepted);
            }
        }
    }

    /// Notes how a validation of a wrong password was answered.
    pub(super) fn note_wrong_password(&mut self, is_refused: bool, is_accepted: bool) {
        self.rejects_wrong_passwords |= is_refused;
        if is_accepted {
            let text = "no change was made: a validation accepts a wrong password, so it shows nothing about a change";
            self.forbid_changes(ReasonCode::CannotRefuse, text);
        }
    }

    /// Sets an account's password to itself, as its user and where that is refused by the policy as the administrator.
    async fn dry_run(&mut self, account: Account) {
        let history = self.session.accounts.policy().history;
        let name = self.session.username(account);
        let refusal = match self.set_own_password(account, Operation::SetPassword).await {
            _ if history > 1 => format!(
                "the accounts file has `history: {history}`, so the target would refuse the old password of"
            ),
            Some((SessionReply::Rejected(Outcome::PolicyRefused), _)) => {
                let mut is_restorable = history == 1;
                if !is_restorable && self.session.has_admin() {
                    let by_admin = Operation::SetPasswordByAdmin;
                    let reply = self.set_own_password(account, by_admin).await;
                    is_restorable = matches!(reply, Some((SessionReply::Accepted, _)));
                }
                if is_restorable {
                    return;
                }
                "the target's policy rejects the current password of".to_owned()
            }
            Some((SessionReply::NotSent(reason), _)) => {
                return self.forbid_changes(ReasonCode::Budget, reason);
            }
            Some((SessionReply::Rejected(outcome), answer)) if budget::is_failure(outcome) => {
                let (operation, replaced) = (Operation::SetPassword, Outcome::PasswordReplaced);
                let text = format!(
                    "{operation} rejected the right password of `{account}` ({name}): no change can be made or judged; it answered {answer}"
                );
                let mut finding = CaseFinding::new(1, &replaced.to_string(), text.clone());
                finding.hint = Some("found by setting the password to itself; a validation accepts it before and afterwards".to_owned());
                self.dry_run_deviation = Some(finding);
                return self.forbid_changes(ReasonCode::NotRestorable, text);
            }
            _ => return,
        };
        let text = format!("a change could not be undone: {refusal} `{account}` ({name})");
        self.unrestorable.insert(account, text);
    }

    /// Sets an account's password to itself by an operation; none if it could not be restored.
    async fn set_own_password(
        &mut self,
        account: Account,
        operation: Operation,
    ) -> Option<(SessionReply, String)> {
        let journal = self.undo_journal.as_mut()?;
        let answered = self.session.dry_run_change(account, operation, journal);
        let answered = answered.await;
        self.note_own_refusal();
        let refused = |UnrestoredPassword { reason, .. }| {
            let text = format!("a change could not be undone: `{account}`: {reason}");
            self.forbid_changes(ReasonCode::NotRestorable, text);
        };
        answered.map_err(refused).ok()
    }
}
