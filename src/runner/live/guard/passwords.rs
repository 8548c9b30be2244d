//! Which passwords the target's policy accepts, and which weak one it refuses: found by the cases themselves.

use super::SafetyGuard;
use crate::{
    contract::{Condition, Outcome},
    report::{CaseResult, NotJudged, ReasonCode},
    runner::{PasswordForm, live::PlannedCase},
    suite::Expect,
};

impl SafetyGuard<'_> {
    /// Uses other passwords if the policy refused the generated one, and weaker ones if it accepted the weak one. Returns whether
    /// the case is to be run again.
    ///
    /// # Errors
    /// No password is left that could be tried.
    pub fn use_other_passwords(
        &mut self,
        planned: &PlannedCase,
        result: &CaseResult,
    ) -> Result<bool, NotJudged> {
        let accounts = self.session.accounts();
        let (policy, old) = (accounts.policy(), accounts.form());
        let replaced = Some(Outcome::PasswordReplaced.name());
        let is_refused = |code| code == Some(ReasonCode::PolicyUnmet);
        let steps = planned.located.case.steps.iter();
        let mut exchanges = steps.zip(&result.exchanges);
        let next = if planned.sends_weak {
            let is_taken = exchanges.any(|(step, exchange)| {
                let condition = Condition::WeakPassword;
                exchange.outcome.as_deref() == replaced
                    && matches!(step.expect, Expect::On { condition: one, .. } if one == condition)
            });
            if !is_taken {
                return Ok(false);
            }
            let mut weaker = policy.weak_passwords().into_iter();
            let weaker = weaker.by_ref().skip_while(|weak| *weak != old.weak).nth(1);
            let weak = weaker.ok_or_else(|| {
                self.takes_weak = true;
                no_refusal()
            })?;
            PasswordForm {
                weak: weak.to_owned(),
                ..old
            }
        } else if result.reasons.iter().any(|found| is_refused(found.code)) && !self.has_form {
            let mut forms = policy.forms().into_iter();
            let shorter = forms.find(|form| form.length < old.length);
            let next = shorter.ok_or_else(|| {
                let reason = NotJudged::new(ReasonCode::PolicyUnmet, UNMET);
                self.no_changes.get_or_insert(reason).clone()
            })?;
            PasswordForm {
                weak: old.weak,
                ..next
            }
        } else {
            self.has_form |= exchanges.any(|(_, exchange)| exchange.outcome.as_deref() == replaced);
            return Ok(false);
        };
        if !self.can_repeat() || !self.session.sign_ins.has_room(1) {
            return Ok(false);
        }
        if let Some(Err(error)) = self
            .journal
            .as_mut()
            .map(|journal| journal.use_form(next.clone()))
        {
            self.forbid_changes(ReasonCode::NotRestorable, error.to_string());
            return Ok(false);
        }
        accounts.use_form(next);
        Ok(true)
    }
}

/// Says that a case needs a password that is refused.
pub(super) fn no_refusal() -> NotJudged {
    NotJudged::new(ReasonCode::NoRefusal, "no password was refused")
}

const UNMET: &str =
    "the policy accepts none of the passwords tried: describe it by `policy` in the accounts file";
