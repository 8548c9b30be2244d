//! After a case: every password is restored, and a change that may still take effect is looked at again.

use super::SafetyGuard;
use crate::{
    report::{CaseFinding, ReasonCode},
    runner::live::undo::{JournalLine, SessionReply},
    suite::Account,
};

impl SafetyGuard<'_> {
    /// Restores what a case changed, and returns what was found.
    pub async fn end_case(&mut self) -> Vec<CaseFinding> {
        let journal = self.undo_journal.as_ref();
        let has_changed = journal.is_some_and(|journal| !journal.state.at_risk.is_empty());
        self.restore_all().await;
        if let Some(since) = self.doubted_at.take() {
            self.doubts_in_a_row += 1;
            let timeout = self.session.target.timeout();
            tracing::info!("waiting {timeout:?}: a lost change may still take effect");
            tokio::time::sleep_until(since + timeout).await;
            self.look_at_doubts().await;
        } else if has_changed {
            self.doubts_in_a_row = 0;
        }
        if self.doubts_in_a_row >= MAX_DOUBTS {
            let text = "several changes in a row had no answer, or one that contradicts a validation: no further password is changed";
            self.forbid_changes(ReasonCode::ChangeLost, text);
        }
        std::mem::take(&mut self.findings)
    }

    /// Restores every password that may be changed.
    pub async fn restore_all(&mut self) {
        let Some(journal) = &mut self.undo_journal else {
            return;
        };
        let open: Vec<Account> = journal.state.at_risk.keys().copied().collect();
        let mut unrestored = Vec::new();
        for account in open {
            let mut before = self.unrestored.iter();
            if let Some(rejected) = before.find(|one| one.account == account && one.is_rejected) {
                unrestored.push(rejected.clone());
                continue;
            }
            let is_doubtful = journal.state.doubts.contains_key(&account);
            let result = self.session.restore(account, is_doubtful, journal).await;
            unrestored.extend(result.err());
        }
        self.unrestored = unrestored;
        if !self.unrestored.is_empty() {
            let reason = "a password could not be restored, so no other is changed";
            self.forbid_changes(ReasonCode::Stopped, reason);
        }
        self.note_own_refusal();
    }

    /// Looks once more at every account of which a change may have taken effect late.
    pub async fn look_at_doubts(&mut self) {
        let Some(journal) = &mut self.undo_journal else {
            return;
        };
        let mut is_late = false;
        for (account, passwords) in journal.state.doubts.clone() {
            let own = self.session.own_password(account);
            if !journal.state.at_risk.contains_key(&account)
                && let SessionReply::Rejected(_) = self.session.validate(account, &own).await
            {
                is_late = true;
                self.session.forget(account);
                journal.note(JournalLine::Sending {
                    case: "late change".to_owned(),
                    step: 1,
                    accounts: vec![account],
                    passwords,
                });
            }
        }
        if is_late {
            self.restore_all().await;
        }
    }
}

/// After how many doubtful changes in a row no further password is changed.
const MAX_DOUBTS: u32 = 3;
