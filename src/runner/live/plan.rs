//! The plan of a live run: which cases are sent, in which order and at which cost, and which are left out and why. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{
    contract::{Contract, FactEntry},
    report::{NotJudged, ReasonCode},
    runner::{
        live::{budget, undo::change::PossibleChange},
        transcript::request_with_placeholders,
    },
    suite::{Account, Case, Effect, Placeholder, Property, cases::CaseWithLocation},
};

/// What a live run may do.
#[derive(Clone, Debug)]
pub struct RunPermissions {
    /// The accounts that can sign in, and [`Account::Unknown`].
    pub present: BTreeSet<Account>,
    /// The accounts whose password is never changed, each with the reason.
    pub protected: BTreeMap<Account, String>,
    /// Whether passwords may be changed.
    pub changes: bool,
    /// How many sign-ins may fail.
    pub max_auth_failures: u32,
    /// How many of them have failed already, in earlier runs.
    pub used: u32,
    /// How often each case is run.
    pub repeat: u32,
}

/// When a case is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CasePhase {
    /// First: the case has no effect.
    ReadOnly,
    /// The case may change a password, which is restored before the next case.
    Mutating,
    /// Last, when everything is restored: sign-ins may fail.
    AuthFailure,
}

/// A case that is run.
#[derive(Clone, Debug)]
pub struct PlannedCase {
    /// The case.
    pub located: &'static CaseWithLocation,
    /// When it is run.
    pub phase: CasePhase,
    /// How many sign-ins may fail.
    pub cost: u32,
    /// What it needs of a target.
    pub needs: Needs,
}

impl PlannedCase {
    /// Returns whether the case may change a password.
    pub fn is_change(&self) -> bool {
        self.phase == CasePhase::Mutating
    }
}

/// The cases of a live run.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The cases that are run, in order.
    pub cases: Vec<PlannedCase>,
    /// The cases that are left out, each with the reason.
    pub left_out: Vec<(&'static CaseWithLocation, NotJudged)>,
    /// The accounts whose password may be changed.
    pub objects: BTreeSet<Account>,
}

impl Plan {
    /// Orders cases within the permissions of a run.
    pub fn new(
        cases: &[&'static CaseWithLocation],
        contract: &Contract,
        permissions: &RunPermissions,
    ) -> Plan {
        let mut plan = Plan::default();
        let (mut costly, mut candidates) = (Vec::new(), Vec::new());
        let mut covered = BTreeSet::new();
        let mut documented = contract.facts();
        documented.retain(FactEntry::is_documented);
        let documented = documented.into_iter().map(|fact| fact.name).collect();
        for &located in cases {
            let case = &located.case;
            let needs = Needs::of(case, contract);
            if let Some(reason) = needs.refusal(case, permissions) {
                plan.left_out.push((located, reason));
                continue;
            }
            let cost = budget::cost(case, contract) * permissions.repeat;
            let phase = match case.effect {
                Effect::PasswordChange => CasePhase::Mutating,
                Effect::None if cost == 0 => CasePhase::ReadOnly,
                Effect::None | Effect::AuthFailure => CasePhase::AuthFailure,
            };
            let planned = PlannedCase {
                located,
                phase,
                cost,
                needs,
            };
            let judged = case.judges(contract, &documented);
            if cost == 0 {
                covered.extend(judged);
                plan.cases.push(planned);
            } else {
                candidates.push((cost, judged));
                costly.push(planned);
            }
        }
        plan.choose(costly, &candidates, covered, permissions);
        // Changes keep the order of the suite, those that may fail to sign in last: a change needs room for a failure.
        // Failures keep the order of selection.
        let order = |it: &PlannedCase| (it.phase, it.is_change() && it.cost > 0);
        plan.cases.sort_by_key(order);
        plan.separate_failures(contract);
        plan.ask_for_refusal_first();
        let changes = plan.cases.iter().filter(|planned| planned.is_change());
        plan.objects = changes.flat_map(|it| it.needs.objects.clone()).collect();
        plan
    }

    /// Adds those of the costly cases, each with its cost and its facts, that the budget has room for, and leaves out the others.
    fn choose(
        &mut self,
        costly: Vec<PlannedCase>,
        candidates: &[(u32, BTreeSet<String>)],
        covered: BTreeSet<String>,
        permissions: &RunPermissions,
    ) {
        let (limit, used) = (permissions.max_auth_failures, permissions.used);
        let room = limit.saturating_sub(used);
        let chosen = budget::select_within_budget(candidates, covered, room);
        let wait = if used > 0 { WAIT } else { "" };
        let used = used + chosen.iter().map(|index| costly[*index].cost).sum::<u32>();
        let selected = chosen.iter().map(|index| costly[*index].clone());
        self.cases.extend(selected);
        let others = (0..)
            .zip(costly)
            .filter(|(index, _)| !chosen.contains(index));
        self.left_out.extend(others.map(|(_, planned)| {
            let text = format!(
                "budget: it may cause {} failed sign-in(s), and other cases and earlier runs use {used} of the {limit} allowed (--max-auth-failures{wait})",
                planned.cost
            );
            (planned.located, NotJudged::new(ReasonCode::Budget, text))
        }));
    }

    /// Leaves out cases, each for a reason.
    pub fn leave_out(&mut self, refusal: impl Fn(&Case) -> Option<NotJudged>) {
        for planned in std::mem::take(&mut self.cases) {
            match refusal(&planned.located.case) {
                Some(reason) => self.left_out.push((planned.located, reason)),
                None => self.cases.push(planned),
            }
        }
    }

    /// Moves the case of a wrong password before the first change: where that is accepted, a validation shows nothing.
    fn ask_for_refusal_first(&mut self) {
        let is_wrong = |planned: &PlannedCase| planned.located.case.id == WRONG_PASSWORD;
        let first = self.cases.iter().position(PlannedCase::is_change);
        let wrong = self.cases.iter().position(is_wrong);
        if let (Some(first), Some(wrong)) = (first, wrong) {
            self.cases[first..=wrong].rotate_right(1);
        }
    }

    /// Puts a right sign-in between two cases whose sign-ins may fail: where a success resets the count, no two failures are counted in a row.
    fn separate_failures(&mut self, contract: &Contract) {
        let is_failure = |planned: &PlannedCase| planned.phase == CasePhase::AuthFailure;
        let start = self.cases.iter().position(is_failure);
        let failures = self.cases.split_off(start.unwrap_or(self.cases.len()));
        let mut separated = Vec::new();
        for failure in failures {
            let is_sign_in = |planned: &PlannedCase| {
                let mut steps = planned.located.case.steps.iter();
                planned.cost == 0
                    && !planned.is_change()
                    && steps.all(|step| budget::signs_in(step, contract))
            };
            let sign_in = self.cases.iter().rposition(is_sign_in);
            let sign_in = sign_in.filter(|_| !separated.is_empty());
            separated.extend(sign_in.map(|index| self.cases.remove(index)));
            separated.push(failure);
        }
        self.cases.append(&mut separated);
    }

    /// Returns the id of every case, run or left out.
    pub fn ids(&self) -> Vec<&'static str> {
        let run = self.cases.iter().map(|planned| planned.located);
        let all = run.chain(self.left_out.iter().map(|(located, _)| *located));
        all.map(|located| located.case.id.as_str()).collect()
    }

    /// Returns whether no case was selected.
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty() && self.left_out.is_empty()
    }

    /// Returns whether a password may be changed.
    pub fn has_changes(&self) -> bool {
        self.cases.iter().any(PlannedCase::is_change)
    }
}

const WAIT: &str = ", or wait 15 minutes";
const NO_ACCOUNT: &str = "no account is given: name some with --accounts FILE";
/// The case that validates a wrong password.
pub const WRONG_PASSWORD: &str = "validation.credentials_rejected.wrong_password";

/// What a case needs of a target.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// The accounts that it names.
    pub accounts: BTreeSet<Account>,
    /// The accounts whose password it may change.
    pub objects: BTreeSet<Account>,
    /// Whether it sends a password that the policy is to refuse.
    pub sends_weak: bool,
    /// A real password that would be sent in a URL.
    in_url: Option<Placeholder>,
}

impl Needs {
    fn of(case: &Case, contract: &Contract) -> Needs {
        let mut needs = Needs::default();
        for step in &case.steps {
            let (shown, used) = request_with_placeholders(step, contract);
            let accounts = used.iter().map(|placeholder| placeholder.account);
            needs.accounts.extend(accounts);
            let mut properties = used.iter().map(|placeholder| placeholder.property);
            needs.sends_weak |= properties.any(|property| property == Property::WeakPassword);
            let Ok(shown) = shown else { continue };
            if budget::is_change(case, step, &shown) {
                let change = PossibleChange::of(&shown, step.ask);
                needs.objects.extend(change.objects);
            }
            let in_url = used.into_iter().find(|placeholder| {
                let mut values = step.query.values();
                placeholder.property == Property::Password
                    && placeholder.account != Account::Unknown
                    && values.any(|value| value.contains(&placeholder.to_string()))
            });
            needs.in_url = needs.in_url.or(in_url);
        }
        needs
    }

    fn refusal(&self, case: &Case, permissions: &RunPermissions) -> Option<NotJudged> {
        if let Some(need) = case.needs.first() {
            return Some(need.refusal());
        }
        let present = &permissions.present;
        if let Some(missing) = self.accounts.difference(present).next() {
            let nobody = present.iter().all(|account| *account == Account::Unknown);
            return Some(missing_account(*missing, nobody));
        }
        let mut objects = self.objects.iter();
        let protected = objects.find_map(|account| permissions.protected.get(account));
        let is_change = case.effect == Effect::PasswordChange;
        let (code, text) = match self.in_url {
            Some(placeholder) => {
                let text =
                    format!("{placeholder} would be sent in a URL, which servers and proxies log");
                (ReasonCode::PasswordInUrl, text)
            }
            None if is_change && !permissions.changes => {
                let text = "it may change a password, and --change-passwords-on is not given";
                (ReasonCode::ConsentMissing, text.to_owned())
            }
            None if is_change => (ReasonCode::AccountProtected, protected?.clone()),
            None => return None,
        };
        Some(NotJudged::new(code, text))
    }
}

fn missing_account(account: Account, nobody: bool) -> NotJudged {
    use Account::{Admin, Bystander, ReadOnly, SecurityAnalyst, User};
    let is_real = [Admin, Bystander, ReadOnly, SecurityAnalyst, User].contains(&account);
    let (code, text) = match (is_real, nobody) {
        (true, true) => (ReasonCode::AccountMissing, NO_ACCOUNT.to_owned()),
        (true, false) => {
            let text = format!("the accounts file does not name `{account}`");
            (ReasonCode::AccountMissing, text)
        }
        (false, _) => {
            let text = format!("only the built-in mock has an account `{account}`");
            (ReasonCode::MockOnly, text)
        }
    };
    NotJudged::new(code, text)
}

#[cfg(test)]
mod tests;
