//! Which cases are sent, in which order, and which are left out.

use rstest::rstest;

use super::*;
use crate::{contract, contract::Kind, suite::cases};

fn permissions(changes: bool, failures: u32) -> RunPermissions {
    use Account::*;
    let protected = [(Admin, "acting".to_owned())].into();
    RunPermissions {
        present: [Admin, User, Bystander, ReadOnly, SecurityAnalyst, Unknown].into(),
        protected,
        changes,
        max_auth_failures: failures,
        used: 0,
        repeat: 1,
    }
}

fn plan(permissions: &RunPermissions) -> Plan {
    let cases: Vec<&CaseWithLocation> = cases::all()
        .iter()
        .filter(|located| located.case.kinds.contains(&Kind::Sensor))
        .collect();
    Plan::new(&cases, contract::of(Kind::Sensor), permissions)
}

fn reason(plan: &Plan, id: &str) -> String {
    plan.left_out
        .iter()
        .find(|(located, _)| located.case.id == id)
        .unwrap()
        .1
        .text
        .clone()
}

#[rstest]
fn the_phases_follow_each_other_and_the_budget_holds(#[values(0, 3, 1000)] failures: u32) {
    let plan = plan(&permissions(true, failures));
    let is_first = |planned: &&PlannedCase| planned.located.case.id != WRONG_PASSWORD;
    let phases = plan.cases.iter().filter(is_first);
    let phases: Vec<CasePhase> = phases.map(|planned| planned.phase).collect();
    let is_failure = |phase: &CasePhase| *phase == CasePhase::AuthFailure;
    let start = phases.iter().position(is_failure).unwrap_or(phases.len());
    assert!(!phases[start..].contains(&CasePhase::Mutating));
    if failures == 3 {
        assert!(!phases.windows(2).any(|pair| pair.iter().all(is_failure)));
    }
    let costs: u32 = plan.cases.iter().map(|planned| planned.cost).sum();
    assert!(costs <= failures);
    assert_eq!(
        plan.cases
            .iter()
            .any(|planned| planned.phase == CasePhase::AuthFailure),
        failures > 0
    );
}

#[rstest]
fn the_default_budget_asks_for_each_documented_failure(
    #[values(Kind::Sensor, Kind::Console)] kind: Kind,
) {
    let located = cases::all().iter();
    let located = located.filter(|located| located.case.kinds.contains(&kind));
    let located: Vec<_> = located.collect();
    let plan = Plan::new(&located, contract::of(kind), &permissions(true, 3));
    let costly = plan.cases.iter().filter(|planned| planned.cost > 0);
    let mut costly: Vec<&str> = costly.map(|planned| &*planned.located.case.id).collect();
    costly.sort_unstable();
    assert_eq!(
        costly,
        [
            "set_password.authentication_failed.wrong_password",
            "set_password_by_admin.authentication_failed.wrong_password",
            "validation.credentials_rejected.wrong_password",
        ]
    );
}

#[test]
fn a_case_run_three_times_costs_three_times() {
    let (once, three) = (
        plan(&permissions(false, 3)),
        plan(&RunPermissions {
            repeat: 3,
            ..permissions(false, 3)
        }),
    );
    let failing = |plan: &Plan| {
        plan.cases
            .iter()
            .filter(|planned| planned.cost > 0)
            .map(|planned| planned.cost)
            .collect::<Vec<_>>()
    };
    assert_eq!((failing(&once), failing(&three)), (vec![1, 1], vec![3]));
}

#[test]
fn what_is_left_out_says_what_it_needs_and_what_is_used() {
    let (all, later) = (
        permissions(true, 3),
        RunPermissions {
            used: 2,
            ..permissions(true, 3)
        },
    );
    let id = "set_password.then.again";
    let expected = "budget: it may cause 2 failed sign-in(s), and other cases and earlier runs use 3 of the 3 allowed (--max-auth-failures";

    for (permissions, end) in [(all, ")"), (later, ", or wait 15 minutes)")] {
        let plan = plan(&permissions);
        let costs: u32 = plan.cases.iter().map(|planned| planned.cost).sum();
        assert_eq!(costs + permissions.used, 3);
        assert_eq!(reason(&plan, id), format!("{expected}{end}"));
    }
}

#[test]
fn without_consent_nothing_is_changed() {
    let plan = plan(&permissions(false, 3));
    assert!(!plan.has_changes() && plan.objects.is_empty());
    assert!(reason(&plan, "set_password.role.read_only").contains("--change-passwords-on"));
}

#[test]
fn the_acting_admin_is_no_object() {
    let plan = plan(&permissions(true, 1000));
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
    let plan = plan(&RunPermissions {
        present: [Account::Unknown].into(),
        ..permissions(false, 3)
    });
    assert_eq!(
        reason(&plan, "validation.authenticated"),
        "no account is given: name some with --accounts FILE"
    );
}

#[rstest]
#[case::mock_only("validation.lockout", "mock")]
#[case::no_such_account("validation.state.locked", "`locked`")]
fn what_cannot_be_had_is_said(#[case] id: &str, #[case] says: &str) {
    assert!(reason(&plan(&permissions(true, 1000)), id).contains(says));
}

#[test]
fn every_case_is_either_run_or_left_out() {
    let plan = plan(&permissions(true, 3));
    let cases = cases::all()
        .iter()
        .filter(|located| located.case.kinds.contains(&Kind::Sensor))
        .count();
    assert_eq!(plan.cases.len() + plan.left_out.len(), cases);
}
