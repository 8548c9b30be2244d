//! The order of a run at a target: what is sent, in which phase, at which cost, and what is left out and why. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    conformance::{Account, Effect, Placeholder, request, suite::Located},
    contract::{Contract, Readings},
    runner::{budget, undo::sent},
};

/// What a run at a target may do.
#[derive(Clone, Debug)]
pub struct Leave {
    /// Who can sign in, nobody among them.
    pub present: BTreeSet<Account>,
    /// Whose password is never changed, and why.
    pub protected: BTreeMap<Account, String>,
    /// Whether passwords may be changed.
    pub changes: bool,
    /// How many failed sign-ins may be caused.
    pub failures: u32,
    /// How often each case is asked.
    pub repeat: u32,
}

/// When a case is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Without effect: first.
    Plain,
    /// May change a password: each change is undone before the next case.
    Change,
    /// May fail to sign in: last, when everything is given back.
    Failure,
}

/// A case that is run.
#[derive(Clone, Copy, Debug)]
pub struct Planned {
    /// The case.
    pub located: &'static Located,
    /// When.
    pub phase: Phase,
    /// How many failed sign-ins it may cost.
    pub cost: u32,
}

/// What is run, in order, and what is not.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What is run, in order.
    pub cases: Vec<Planned>,
    /// What is not, with the reason.
    pub left_out: Vec<(&'static Located, String)>,
    /// Whose passwords may be changed.
    pub objects: BTreeSet<Account>,
}

impl Plan {
    /// Orders cases under what a run may do.
    pub fn new(cases: &[&'static Located], contract: &Contract, leave: &Leave) -> Plan {
        let mut plan = Plan::default();
        let mut costly = Vec::new();
        for &located in cases {
            let needs = Needs::of(located, contract);
            if let Some(reason) = needs.refusal(located, leave) {
                plan.left_out.push((located, reason));
                continue;
            }
            let phase = match located.case.effect {
                Effect::None => Phase::Plain,
                Effect::AuthFailure => Phase::Failure,
                Effect::PasswordChange => Phase::Change,
            };
            let cost = budget::cost(&located.case, contract) * leave.repeat;
            let planned = Planned {
                located,
                phase: if phase == Phase::Plain && cost > 0 {
                    Phase::Failure
                } else {
                    phase
                },
                cost,
            };
            if cost == 0 {
                plan.cases.push(planned)
            } else {
                costly.push(planned)
            }
        }
        plan.afford(costly, contract, leave.failures);
        let changed = plan
            .cases
            .iter()
            .filter(|planned| planned.phase == Phase::Change);
        plan.objects = changed
            .flat_map(|planned| Needs::of(planned.located, contract).objects)
            .collect();
        plan
    }

    /// Returns the id of every case, run or left out.
    pub fn ids(&self) -> Vec<&'static str> {
        let run = self.cases.iter().map(|planned| planned.located);
        run.chain(self.left_out.iter().map(|(located, _)| *located))
            .map(|located| located.case.id.as_str())
            .collect()
    }

    /// Tells whether a password may be changed.
    pub fn changes(&self) -> bool {
        self.cases
            .iter()
            .any(|planned| planned.phase == Phase::Change)
    }

    fn afford(&mut self, costly: Vec<Planned>, contract: &Contract, failures: u32) {
        let covered = self
            .cases
            .iter()
            .flat_map(|planned| planned.located.case.covers(contract))
            .collect();
        let candidates: Vec<_> = costly
            .iter()
            .map(|planned| (planned.cost, planned.located.case.covers(contract)))
            .collect();
        let chosen = budget::choose(&candidates, covered, failures);
        self.cases.extend(chosen.iter().map(|index| costly[*index]));
        // Changes keep the order of the suite; failures keep that of their worth.
        self.cases.sort_by_key(|planned| planned.phase);
        let dear = costly
            .into_iter()
            .enumerate()
            .filter(|(index, _)| !chosen.contains(index));
        self.left_out
            .extend(dear.map(|(_, planned)| (planned.located, too_dear(planned.cost, failures))));
    }
}

/// Says that a case costs more failed sign-ins than are left.
pub fn too_dear(cost: u32, failures: u32) -> String {
    format!(
        "budget: it may cost {cost} failed sign-in(s), and the cases that tell more use up the {failures} allowed (--max-auth-failures)"
    )
}

/// What a case needs of a target.
struct Needs {
    accounts: BTreeSet<Account>,
    objects: BTreeSet<Account>,
    url_shows: Option<Placeholder>,
}

impl Needs {
    fn of(located: &Located, contract: &Contract) -> Needs {
        let mut needs = Needs {
            accounts: BTreeSet::new(),
            objects: BTreeSet::new(),
            url_shows: None,
        };
        for step in &located.case.steps {
            let used = std::sync::Mutex::new(Vec::new());
            let shown = request::build(
                step,
                contract,
                &Readings::default(),
                &|placeholder: Placeholder| {
                    used.lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner)
                        .push(placeholder);
                    Ok(placeholder.to_string())
                },
            );
            let used = used
                .into_inner()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            needs
                .accounts
                .extend(used.iter().map(|placeholder| placeholder.account));
            let Ok(shown) = shown else { continue };
            if budget::changes(&located.case, step) {
                needs.objects.extend(sent::read(&shown, step.ask).objects);
            }
            let in_url = |placeholder: &&Placeholder| {
                step.query
                    .values()
                    .any(|value| value.contains(&placeholder.to_string()))
            };
            let real = |placeholder: &&Placeholder| {
                placeholder.property.is_real() && placeholder.account != Account::Unknown
            };
            needs.url_shows = needs
                .url_shows
                .or(used.iter().filter(real).find(in_url).copied());
        }
        needs
    }

    fn refusal(&self, located: &Located, leave: &Leave) -> Option<String> {
        let case = &located.case;
        if let Some(need) = case.needs.first() {
            return Some(need.refusal());
        }
        if let Some(missing) = self
            .accounts
            .iter()
            .find(|account| !leave.present.contains(account))
        {
            let nobody = leave
                .present
                .iter()
                .all(|account| *account == Account::Unknown);
            return Some(missing_account(*missing, nobody));
        }
        if let Some(shown) = self.url_shows {
            return Some(format!(
                "{shown} would go into a URL, where servers and proxies keep it"
            ));
        }
        if case.effect != Effect::PasswordChange {
            return None;
        }
        if !leave.changes {
            return Some("it may change a password, and --change-passwords-on is not given".into());
        }
        self.objects
            .iter()
            .find_map(|account| leave.protected.get(account).cloned())
    }
}

fn missing_account(account: Account, nobody: bool) -> String {
    match account {
        Account::Admin
        | Account::Bystander
        | Account::ReadOnly
        | Account::SecurityAnalyst
        | Account::User
            if nobody =>
        {
            "no account is given: --accounts FILE names some".into()
        }
        Account::Admin
        | Account::Bystander
        | Account::ReadOnly
        | Account::SecurityAnalyst
        | Account::User => {
            format!("the accounts file names no `{}`", account.name())
        }
        _ => format!("only a mock of our own has an account `{}`", account.name()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::{conformance::suite, contract, contract::Kind};

    fn leave(changes: bool, failures: u32) -> Leave {
        use Account::*;
        let protected = [(Admin, "acting".to_owned())].into();
        Leave {
            present: [Admin, User, Bystander, ReadOnly, SecurityAnalyst, Unknown].into(),
            protected,
            changes,
            failures,
            repeat: 1,
        }
    }

    fn plan(leave: &Leave) -> Plan {
        let cases: Vec<&Located> = suite::all()
            .iter()
            .filter(|located| located.case.kinds.contains(&Kind::Sensor))
            .collect();
        Plan::new(&cases, contract::of(Kind::Sensor), leave)
    }

    fn reason(plan: &Plan, id: &str) -> String {
        plan.left_out
            .iter()
            .find(|(located, _)| located.case.id == id)
            .unwrap()
            .1
            .clone()
    }

    #[rstest]
    fn the_phases_follow_each_other_and_the_budget_holds(#[values(0, 3, 1000)] failures: u32) {
        let plan = plan(&leave(true, failures));
        assert!(plan.cases.is_sorted_by_key(|planned| planned.phase));
        let costs: u32 = plan.cases.iter().map(|planned| planned.cost).sum();
        assert!(costs <= failures);
        assert_eq!(
            plan.cases
                .iter()
                .any(|planned| planned.phase == Phase::Failure),
            failures > 0
        );
    }

    #[test]
    fn what_is_asked_thrice_costs_thrice() {
        let (once, thrice) = (
            plan(&leave(false, 3)),
            plan(&Leave {
                repeat: 3,
                ..leave(false, 3)
            }),
        );
        let failing = |plan: &Plan| {
            plan.cases
                .iter()
                .filter(|planned| planned.cost > 0)
                .map(|planned| planned.cost)
                .collect::<Vec<_>>()
        };
        assert_eq!((failing(&once), failing(&thrice)), (vec![1, 1, 1], vec![3]));
    }

    #[test]
    fn without_consent_nothing_is_changed() {
        let plan = plan(&leave(false, 3));
        assert!(!plan.changes() && plan.objects.is_empty());
        assert!(reason(&plan, "set_password.role.read_only").contains("--change-passwords-on"));
    }

    #[test]
    fn the_acting_admin_is_no_object() {
        let plan = plan(&leave(true, 1000));
        assert_eq!(reason(&plan, "set_password.role.admin"), "acting");
        assert_eq!(
            reason(&plan, "set_password_by_admin.then.own_password_changed"),
            "acting"
        );
        assert!(
            !plan.objects.contains(&Account::Admin) && plan.objects.contains(&Account::User),
            "{:?}",
            plan.objects
        );
    }

    #[test]
    fn where_nobody_is_named_the_option_is() {
        let plan = plan(&Leave {
            present: [Account::Unknown].into(),
            ..leave(false, 3)
        });
        assert_eq!(
            reason(&plan, "validation.authenticated"),
            "no account is given: --accounts FILE names some"
        );
    }

    #[rstest]
    #[case::mock_only("validation.lockout", "mock")]
    #[case::no_such_account("validation.state.locked", "`locked`")]
    fn what_cannot_be_had_is_said(#[case] id: &str, #[case] says: &str) {
        assert!(reason(&plan(&leave(true, 1000)), id).contains(says));
    }

    #[test]
    fn every_case_is_either_run_or_left_out() {
        let plan = plan(&leave(true, 3));
        let cases = suite::all()
            .iter()
            .filter(|located| located.case.kinds.contains(&Kind::Sensor))
            .count();
        assert_eq!(plan.cases.len() + plan.left_out.len(), cases);
    }
}
