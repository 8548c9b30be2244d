//! After a step: which password is current, and whether a rejection means a lock-out.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::{AnsweredStep, SafetyGuard};
use crate::{
    contract::Outcome,
    redact::Secret,
    report::CaseFinding,
    runner::{
        accounts_file::Credentials,
        live::{
            budget::expected_outcomes,
            delivery::{expects_success, lost_reason},
            undo::{JournalLine, SessionReply, change, change::PossibleChange, distinct},
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
        watched: &BTreeSet<Account>,
    ) -> (bool, String) {
        let step = &answered.case.steps[answered.number];
        let is_lost = lost_reason(answered.answer).is_some();
        let is_complete = answered.answer.is_ok() && !is_lost;
        let expects_success = expects_success(step, self.session.contract);
        let says_replaced = answered.judged.outcome == Some(Outcome::PasswordReplaced);
        // A success in other words, where one is possible, tells by its status that the change was probably made.
        let is_reworded = answered.judged.outcome.is_none()
            && matches!(answered.answer, Ok(answer) if answer.status().is_success())
            && expected_outcomes(step, self.session.contract).contains(&Outcome::PasswordReplaced);
        // Without an answer, what should have been done probably was.
        let is_expected = is_lost && expects_success;
        let (mut is_clear, mut found) = (is_complete, Vec::new());
        for &account in watched {
            let session = &self.session;
            let own = || session.own_password(account);
            let before = session.current(account).unwrap_or_else(own);
            let templates = change.passwords.iter().rev();
            let requested: Vec<Secret> = templates.filter_map(|text| session.fill(text)).collect();
            let is_object = change.objects.contains(&account);
            // The likeliest is first: a wrong one is a failed sign-in.
            let mut candidates = requested.clone();
            let is_likely = is_object && (says_replaced || is_reworded || is_expected);
            candidates.insert(if is_likely { candidates.len() } else { 0 }, before.clone());
            if let Some(journal) = &self.journal {
                candidates.extend(session.candidates(account, journal));
            }
            let current = self.session.find(account, &distinct(candidates)).await;
            self.note_own_refusal();
            let is_same = requested.contains(&before);
            let text = match &current {
                Ok(_) if is_same => format!("the password of `{account}` is the same either way"),
                Ok(current) => {
                    let not = if *current == before { "not " } else { "" };
                    format!("a validation then found the change of `{account}` {not}made")
                }
                Err(unknown) => {
                    format!("it is not known whether the change of `{account}` was made: {unknown}")
                }
            };
            found.push(text);
            is_clear &= current.is_ok();
            let has_changed = current.as_ref().is_ok_and(|current| *current != before);
            let is_reworded = is_reworded && (has_changed || expects_success);
            let is_replaced = is_object && (says_replaced || is_reworded);
            let is_contradicted = !is_same && has_changed != is_replaced;
            if current.is_err()
                || is_object && !has_changed && !is_complete
                || is_contradicted && is_complete
            {
                self.doubt(account);
            }
            if !is_complete {
                continue;
            }
            match current {
                Ok(_) if is_contradicted => {
                    self.findings
                        .push(contradiction(answered, account, is_replaced));
                }
                Ok(_) => {}
                Err(unknown) => {
                    let expected = format!("a validation accepts a password of `{account}`");
                    let finding =
                        CaseFinding::new(answered.number + 1, &expected, unknown.to_string());
                    self.findings.push(finding);
                }
            }
        }
        (is_clear, found.join("; "))
    }

    /// Checks a rejection of credentials that were valid: a validation tells a lock-out from an operation that is refused.
    pub(super) async fn check_rejection(&mut self, credentials: &Credentials, is_change: bool) {
        let Some(account) = self.session.account(&credentials.username) else {
            return;
        };
        if is_change && self.session.current(account).is_some() {
            return; // The change was just verified: either these credentials are valid, or others are.
        }
        let reply = self.session.validate(account, &credentials.password).await;
        if matches!(reply, SessionReply::Rejected(_)) || self.session.has_rejected(credentials) {
            self.suspect_lockout(account);
        }
    }

    /// Remembers that a change of an account may still take effect.
    fn doubt(&mut self, account: Account) {
        self.doubts.insert(account);
        self.doubted_at = Some(Instant::now());
        if let Some(journal) = &mut self.journal {
            journal.note(JournalLine::Doubt { account });
        }
    }

    /// Remembers an unknown name for which the target says that it replaced a password.
    pub(super) fn note_created(&mut self, answered: &AnsweredStep<'_>) {
        if answered.judged.outcome == Some(Outcome::PasswordReplaced) {
            let unknown = self.session.username(Account::Unknown);
            let names = change::usernames(answered.request.body());
            if names.iter().all(|name| name.contains(&unknown)) {
                self.created.extend(names);
            }
        }
    }

    /// Checks an answer that says "locked out" with credentials that were accepted.
    pub(super) async fn check_lockout(&mut self) {
        let Some((account, password)) = self.session.any_valid() else {
            return;
        };
        let reply = self.session.validate(account, &password).await;
        if matches!(reply, SessionReply::Rejected(_)) {
            self.suspect_lockout(account);
        }
    }
}

fn contradiction(answered: &AnsweredStep<'_>, account: Account, is_replaced: bool) -> CaseFinding {
    let replaced = Outcome::PasswordReplaced;
    let (expected, received) = if is_replaced {
        let expected = format!("after {replaced} the password of `{account}` is the new one");
        (expected, "the old password still validates")
    } else {
        let expected = format!(
            "after an answer other than {replaced} the password of `{account}` is as before"
        );
        (expected, "another password validates now")
    };
    let (step, ask) = (
        answered.number + 1,
        answered.case.steps[answered.number].ask,
    );
    let mut finding = CaseFinding::new(step, &expected, received);
    finding.hint = Some(format!("found by a validation after step {step} ({ask})"));
    finding
}
