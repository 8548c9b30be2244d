//! After a step: which password is current, and whether a rejection means a lock-out.

use tokio::time::Instant;

use super::{AnsweredStep, SafetyGuard};
use crate::{
    contract::Outcome,
    redact::Secret,
    report::CaseFinding,
    runner::{
        accounts_file::Credentials,
        live::{
            budget::{expected_outcomes, expects_only},
            delivery::lost_reason,
            undo::{JournalLine, PasswordUnknown, SessionReply, change, change::PossibleChange},
        },
    },
    suite::Account,
};

impl SafetyGuard<'_> {
    /// Finds out which passwords are current after a change was sent. Returns whether that is clear, and what was found.
    pub(super) async fn verify_passwords(
        &mut self,
        answered: &AnsweredStep<'_>,
        change: &PossibleChange,
    ) -> (bool, String) {
        let (step, contract) = (answered.sent.step(), self.session.contract);
        let is_lost = lost_reason(answered.answer).is_some();
        let is_complete = answered.answer.is_ok() && !is_lost;
        let expects_success = expects_only(step, contract, Outcome::is_success);
        let says_replaced = answered.judged.outcome == Some(Outcome::PasswordReplaced);
        // A success in other words, where one is possible, tells by its status that the change was probably made.
        let is_reworded = answered.judged.outcome.is_none()
            && matches!(answered.answer, Ok(answer) if answer.status().is_success())
            && expected_outcomes(step, contract).contains(&Outcome::PasswordReplaced);
        let (mut is_clear, mut found) = (is_complete, Vec::new());
        for &account in &change.watched {
            let is_object = change.objects.contains(&account);
            // Without an answer, what should have been done probably was.
            let is_likely = says_replaced || is_reworded || is_lost && expects_success;
            let verified = self.verify(account, change, is_object && is_likely).await;
            let has_changed = verified.has_changed();
            let is_reworded = is_reworded && (has_changed || expects_success);
            let is_replaced = is_object && (says_replaced || is_reworded);
            let is_contradicted = is_complete
                && verified.current.is_ok()
                && !verified.is_same
                && has_changed != is_replaced;
            found.push(verified.text(account));
            is_clear &= verified.current.is_ok();
            let is_unknown =
                verified.current.is_err() && !self.session.changed_elsewhere.contains(&account);
            if is_unknown || is_object && !has_changed && !is_complete || is_contradicted {
                self.doubt(account);
            }
            if is_contradicted {
                self.findings
                    .push(contradiction(answered, account, is_replaced));
            } else if let (Err(unknown), true) = (verified.current, is_complete) {
                let expected = format!("a validation accepts a password of `{account}`");
                let step = answered.sent.number + 1;
                self.findings
                    .push(CaseFinding::new(step, &expected, unknown.to_string()));
            }
        }
        (is_clear, found.join("; "))
    }

    /// Finds out which password of an account is current after a change that has likely been made, or not.
    async fn verify(
        &mut self,
        account: Account,
        change: &PossibleChange,
        is_likely: bool,
    ) -> VerifiedChange {
        let session = &self.session;
        let before = session.current(account);
        let before = before.unwrap_or_else(|| session.own_password(account));
        let templates = change.passwords.iter().rev();
        let requested: Vec<Secret> = templates.filter_map(|text| session.fill(text)).collect();
        let is_same = requested.contains(&before);
        // The likeliest is first: a wrong one is a failed sign-in.
        let mut candidates = requested;
        candidates.insert(if is_likely { candidates.len() } else { 0 }, before.clone());
        if let Some(journal) = &self.undo_journal {
            candidates.extend(session.candidates(account, journal));
        }
        if is_likely {
            self.session.forget(account);
        }
        let likely = self.session.likely(candidates);
        let current = self.session.find(account, &likely).await;
        self.note_own_refusal();
        VerifiedChange {
            before,
            is_same,
            current,
        }
    }

    /// Checks a rejection of credentials that were valid: a validation tells a lock-out from an operation that is refused.
    pub(super) async fn check_rejection(&mut self, credentials: &Credentials) {
        let Some(account) = self.session.account(&credentials.username) else {
            return;
        };
        let reply = self.session.validate(account, &credentials.password).await;
        let is_rejected = self.session.knows(credentials) == Some(false);
        if matches!(reply, SessionReply::Rejected(_)) || is_rejected {
            self.suspect_lockout(account);
        }
    }

    /// Remembers that a change of an account may still take effect.
    fn doubt(&mut self, account: Account) {
        self.doubted_at = Some(Instant::now());
        if let Some(journal) = &mut self.undo_journal {
            journal.note(JournalLine::Doubt { account });
        }
    }

    /// Remembers an unknown name for which the target says that it replaced a password.
    pub(super) fn note_created(&mut self, answered: &AnsweredStep<'_>) {
        if answered.judged.outcome == Some(Outcome::PasswordReplaced) {
            let unknown = self.session.username(Account::Unknown);
            let names = change::usernames(answered.sent.real.body());
            if names.iter().all(|name| name.contains(&unknown)) {
                self.created_users.extend(names);
            }
        }
    }
}

/// What validations found after a change was sent.
struct VerifiedChange {
    /// The password that was current before.
    before: Secret,
    /// Whether the change would set the same password.
    is_same: bool,
    /// The password that is current now.
    current: Result<Secret, PasswordUnknown>,
}

impl VerifiedChange {
    fn has_changed(&self) -> bool {
        matches!(&self.current, Ok(current) if *current != self.before)
    }

    fn text(&self, account: Account) -> String {
        match &self.current {
            Ok(_) if self.is_same => format!("the password of `{account}` is the same either way"),
            Ok(_) => {
                let not = if self.has_changed() { "" } else { "not " };
                format!("a validation then found the change of `{account}` {not}made")
            }
            Err(unknown) => {
                format!("it is not known whether the change of `{account}` was made: {unknown}")
            }
        }
    }
}

fn contradiction(answered: &AnsweredStep<'_>, account: Account, is_replaced: bool) -> CaseFinding {
    let replaced = Outcome::PasswordReplaced;
    let (after, received) = match is_replaced {
        true => (replaced.to_string(), "the old password still validates"),
        false => (
            format!("an answer other than {replaced}"),
            "another password validates now",
        ),
    };
    let new = if is_replaced {
        "the new one"
    } else {
        "as before"
    };
    let expected = format!("after {after} the password of `{account}` is {new}");
    let (step, ask) = (answered.sent.number + 1, answered.sent.step().ask);
    let mut finding = CaseFinding::new(step, &expected, received);
    finding.hint = Some(format!("found by a validation after step {step} ({ask})"));
    finding
}
