//! After a step: which password is current, and whether a rejection means a lock-out.

use std::collections::BTreeSet;

use super::{AnsweredStep, SafetyGuard};
use crate::{
    contract::Outcome,
    redact::Secret,
    report::CaseFinding,
    runner::{
        accounts_file::Credentials,
        live::{
            delivery,
            delivery::Delivery,
            undo::{PasswordUnknown, SessionReply, change::PossibleChange, distinct},
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
        let is_complete = answered.delivery == Delivery::Complete;
        let mut is_clear = is_complete;
        let mut found = Vec::new();
        for &account in watched {
            let before = self
                .session
                .current(account)
                .unwrap_or_else(|| self.session.own_password(account));
            let requested: Vec<Secret> = change
                .passwords
                .iter()
                .rev()
                .filter_map(|template| self.session.fill(template))
                .collect();
            let is_replaced = answered.judged.outcome == Some(Outcome::PasswordReplaced)
                && change.objects.contains(&account);
            let candidates =
                self.candidates_after(answered, change, account, &requested, &before, is_replaced);
            let current = self.session.find(account, &candidates).await;
            self.count_failures();
            let is_same = requested.contains(&before);
            let changed = current.map(|current| current != before);
            found.push(what_was_found(account, &changed, is_same));
            match changed {
                Ok(changed) if is_complete && !is_same && changed != is_replaced => {
                    self.findings
                        .push(contradiction(answered, account, is_replaced));
                }
                Ok(_) => {}
                Err(unknown) => {
                    is_clear = false;
                    if is_complete {
                        self.findings
                            .push(unknown_password(answered, account, &unknown));
                    }
                }
            }
        }
        (is_clear, found.join("; "))
    }

    /// Returns the possible passwords after a change, the likeliest first: a wrong one is a failed sign-in.
    fn candidates_after(
        &self,
        answered: &AnsweredStep<'_>,
        change: &PossibleChange,
        account: Account,
        requested: &[Secret],
        before: &Secret,
        is_replaced: bool,
    ) -> Vec<Secret> {
        let step = &answered.case.steps[answered.number];
        // Without an answer, what should have been done probably was.
        let is_expected = answered.delivery == Delivery::Broken
            && delivery::expects_success(step, self.contract)
            && change.objects.contains(&account);
        let mut candidates = requested.to_vec();
        let place = if is_replaced || is_expected {
            candidates.len()
        } else {
            0
        };
        candidates.insert(place, before.clone());
        if let Some(journal) = &self.journal {
            candidates.extend(self.session.candidates(account, journal));
        }
        distinct(candidates)
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
        self.count_failures();
        if reply != SessionReply::Accepted {
            self.suspect_lockout(account);
        }
    }

    /// Checks an answer that says "locked out" with credentials that were accepted.
    pub(super) async fn check_lockout(&mut self) {
        let Some((account, password)) = self.session.any_valid() else {
            return;
        };
        let reply = self.session.validate(account, &password).await;
        self.count_failures();
        if matches!(reply, SessionReply::Rejected(_)) {
            self.suspect_lockout(account);
        }
    }
}

/// Says what validations found; the text follows the reason why an answer was lost.
fn what_was_found(
    account: Account,
    changed: &Result<bool, PasswordUnknown>,
    is_same: bool,
) -> String {
    let account = account.name();
    match changed {
        Ok(_) if is_same => format!("the password of `{account}` is the same either way"),
        Ok(true) => format!("a validation then found the change of `{account}` made"),
        Ok(false) => format!("a validation then found the change of `{account}` not made"),
        Err(unknown) => {
            format!("it is not known whether the change of `{account}` was made: {unknown}")
        }
    }
}

fn contradiction(answered: &AnsweredStep<'_>, account: Account, is_replaced: bool) -> CaseFinding {
    let (account, replaced) = (account.name(), Outcome::PasswordReplaced);
    let (expected, received) = if is_replaced {
        (
            format!("after {replaced} the password of `{account}` is the new one"),
            "the old password still validates",
        )
    } else {
        (
            format!(
                "after an answer other than {replaced} the password of `{account}` is as before"
            ),
            "another password validates now",
        )
    };
    let (step, ask) = (
        answered.number + 1,
        answered.case.steps[answered.number].ask,
    );
    CaseFinding {
        step,
        expected,
        received: received.into(),
        readings: Vec::new(),
        hint: Some(format!("found by a validation after step {step} ({ask})")),
    }
}

fn unknown_password(
    answered: &AnsweredStep<'_>,
    account: Account,
    unknown: &PasswordUnknown,
) -> CaseFinding {
    CaseFinding {
        step: answered.number + 1,
        expected: format!("a validation accepts a password of `{}`", account.name()),
        received: unknown.to_string(),
        readings: Vec::new(),
        hint: None,
    }
}
