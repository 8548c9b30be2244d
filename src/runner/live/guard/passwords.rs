//! Which passwords the target's policy accepts, and which weak one it refuses: found by the cases themselves.

use super::SafetyGuard;
use crate::{
    contract::{Condition, Outcome},
    report::{CaseFinding, CaseResult, Conformance, NotJudged, ReasonCode},
    runner::{PasswordForm, live::PlannedCase},
    suite::{Expect, Placeholder, Property, Step},
};

impl SafetyGuard<'_> {
    /// Uses other passwords if the policy refused the generated one, and weaker ones if it accepted the weak one. Returns whether
    /// the case is to be run again: not while a change may still take effect, and not after a deviation.
    ///
    /// # Errors
    /// No password is left that could be tried.
    pub fn use_other_passwords(
        &mut self,
        planned: &PlannedCase,
        result: &CaseResult,
    ) -> Result<bool, NotJudged> {
        // A change that may take effect late is undone with the passwords of its own form.
        let mut journal = self.undo_journal.iter();
        let is_open = journal.any(|journal| !journal.state.open_accounts().is_empty());
        if is_open || result.conformance == Conformance::Deviation {
            return Ok(false);
        }
        let Some(next) = self.next_form(planned, result)? else {
            return Ok(false);
        };
        if !self.can_repeat() || !self.session.sign_ins.has_room(1) {
            return Ok(false);
        }
        let journal = self.undo_journal.as_mut();
        if let Some(Err(error)) = journal.map(|journal| journal.use_form(next.clone())) {
            self.forbid_changes(ReasonCode::NotRestorable, error.to_string());
            return Ok(false);
        }
        self.session.accounts.use_form(next);
        Ok(true)
    }

    /// Returns the form of passwords to try after a case; none if its answers ask for no other.
    fn next_form(
        &mut self,
        planned: &PlannedCase,
        result: &CaseResult,
    ) -> Result<Option<PasswordForm>, NotJudged> {
        let accounts = self.session.accounts;
        let (policy, old) = (accounts.policy(), accounts.form());
        let steps = &planned.located.case.steps;
        let exchanges = steps.iter().zip(&result.exchanges);
        let replaced = Some(Outcome::PasswordReplaced.name());
        let replaced = exchanges.filter(|(_, it)| it.outcome.as_deref() == replaced);
        let mut replaced = replaced.map(|(step, _)| step);
        let is_refused = |found: &CaseFinding| {
            let step = steps.get(found.step.wrapping_sub(1));
            found.code == Some(ReasonCode::PolicyUnmet) && step.is_some_and(sets_generated)
        };
        if planned.needs.sends_weak {
            let weak = Condition::WeakPassword;
            let is_weak = |step: &Step| matches!(step.expect, Expect::On { condition, .. } if condition == weak);
            if !replaced.any(is_weak) {
                return Ok(None);
            }
            let weaker = policy.weak_passwords().into_iter();
            let weaker = weaker.skip_while(|weak| *weak != old.weak).nth(1);
            self.accepts_weak |= weaker.is_none();
            let weak = weaker.ok_or_else(no_refusal)?.to_owned();
            Ok(Some(PasswordForm { weak, ..old }))
        } else if result.reasons.iter().any(is_refused) && !self.has_accepted_generated {
            let mut forms = policy.forms().into_iter();
            let shorter = forms.find(|form| form.length < old.length);
            let next = shorter.ok_or_else(|| {
                let reason = NotJudged::new(ReasonCode::PolicyUnmet, UNMET);
                self.changes_forbidden.get_or_insert(reason).clone()
            })?;
            let weak = old.weak;
            Ok(Some(PasswordForm { weak, ..next }))
        } else {
            self.has_accepted_generated |= replaced.any(sets_generated);
            Ok(None)
        }
    }
}

/// Returns whether a step sets a generated password as it is: further characters may be what a policy refuses.
fn sets_generated(step: &Step) -> bool {
    let fields = step.fields.as_ref();
    let new = fields.and_then(|fields| fields.get("new_password")?.as_str()?.parse().ok());
    new.is_some_and(|new: Placeholder| new.property == Property::NewPassword)
}

/// Says that a case needs a password that is refused.
pub(super) fn no_refusal() -> NotJudged {
    NotJudged::new(ReasonCode::NoRefusal, TAKES_WEAK)
}

const TAKES_WEAK: &str = "the target's policy accepted every weak password that was tried; describe it by `policy` in the accounts file";
const UNMET: &str =
    "the policy accepts none of the passwords tried: describe it by `policy` in the accounts file";
