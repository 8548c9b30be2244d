//! Runs at a target that is nobody's mock as far as they know, in this process: what was changed is given back, budgets hold, and what
//! cannot be proven is told. `tests/live` does the same to the program.

mod fixture;
mod refusals;

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use fixture::{LiveFixture, reported};
use rstest::rstest;

use super::*;
use crate::{
    appliance::User,
    client::{Target, TargetOptions},
    contract::{Operation, Outcome},
    redact::Secret,
    report::Conformance,
    runner::live::plan::PlannedCase,
    suite::Account,
};

#[tokio::test]
async fn a_whole_run_leaves_everything_as_it_was() {
    let fixture = LiveFixture::of("");
    let plan = fixture.plan("", 1000);
    let ended = fixture.run(&plan, 1000, &|_| ()).await;
    fixture.nothing_is_lost(&ended);
    assert_eq!((&ended.stopped, ended.is_interrupted), (&None, false));
    let planned: Vec<&str> = plan
        .cases
        .iter()
        .map(|planned| planned.located.case.id.as_str())
        .collect();
    let good = |verdict| !matches!(verdict, Conformance::Deviation | Conformance::NotJudged);
    let bad = reported(&ended)
        .into_iter()
        .find(|(id, (verdict, _))| planned.contains(id) && !good(*verdict));
    assert_eq!(bad, None);
    assert!(
        fixture.count(Operation::SetPassword, Some(Outcome::PasswordReplaced)) > 20,
        "passwords were changed, and changed back"
    );
}

/// With the whole budget a run needs nothing is left out, with one less something is, and never more is spent than that.
#[rstest]
#[case(0)]
#[case(1)]
#[case(3)]
#[case(8)]
#[tokio::test]
async fn no_more_sign_ins_fail_than_the_budget_says(#[case] budget: u32) {
    let fixture = LiveFixture::of("");
    let plan = fixture.plan("", budget);
    let ended = fixture.run(&plan, budget, &|_| ()).await;
    fixture.nothing_is_lost(&ended);
    assert!(
        fixture.failures() <= u64::from(budget),
        "{} of {budget}",
        fixture.failures()
    );
    assert_eq!(fixture.failures() > 0, budget > 0);
    assert!(
        reported(&ended)
            .values()
            .any(|(verdict, reason)| *verdict == Conformance::NotJudged
                && reason.starts_with("budget: "))
    );
}

/// A plan that was made for more than may be spent: what is too dear when its turn comes is not begun.
#[tokio::test]
async fn what_is_too_dear_when_its_turn_comes_is_not_begun() {
    let fixture = LiveFixture::of("");
    let plan = fixture.plan("validation.", 1000);
    let dear = plan.cases.iter().map(|planned| planned.cost).sum::<u32>();
    assert!(dear > 4, "{dear}");
    let ended = fixture.run(&plan, 10, &|_| ()).await;
    assert!(
        (1..=10).contains(&fixture.failures()),
        "{}",
        fixture.failures()
    );
    let results = reported(&ended);
    let refused = |planned: &&PlannedCase| {
        results[planned.located.case.id.as_str()]
            .1
            .starts_with("budget: ")
    };
    let (left_out, begun): (Vec<&PlannedCase>, Vec<&PlannedCase>) =
        plan.cases.iter().partition(refused);
    assert!(!left_out.is_empty() && left_out.iter().all(|planned| planned.cost > 0));
    assert!(begun.iter().any(|planned| planned.cost > 0));
}

/// Where a GET does not tell which of two paths is served, each and its neighbour is sent a POST that may count as a failed sign-in:
/// four are spent then, and nothing is left for a case.
#[rstest]
#[case::too_few_to_find_out(3, Conformance::Documented)]
#[case::all_of_them(4, Conformance::NotJudged)]
#[case::one_more(5, Conformance::Documented)]
#[tokio::test]
async fn what_was_probed_is_spent(#[case] budget: u32, #[case] verdict: Conformance) {
    let fixture = LiveFixture::of("readings: { any.on_other_method: unknown }");
    let plan = fixture.plan("validation.credentials_rejected.wrong_password", 1000);
    assert_eq!(
        plan.cases
            .iter()
            .map(|planned| planned.cost)
            .collect::<Vec<_>>(),
        [1]
    );
    let ended = fixture.run(&plan, budget, &|_| ()).await;
    assert_eq!(
        reported(&ended)
            .values()
            .map(|reported| reported.0)
            .collect::<Vec<_>>(),
        [verdict],
        "{:?}",
        reported(&ended)
    );
}

/// The answer to one change is lost, before or after it was made: what holds is found out.
#[rstest]
#[tokio::test]
async fn a_lost_answer_loses_no_password(
    #[values(1, 2, 3, 4, 5, 6, 7, 8, 9)] call: u32,
    #[values(true, false)] commit: bool,
) {
    let fixture = LiveFixture::of(&format!(
        "failures:\n  - {{ name: lost, on: [set_password, set_password_by_admin], when: {{ calls: [{call}] }}, do: {{ reset: before_answer, commit: {commit} }} }}"
    ));
    let plan = fixture.plan("set_password.password_replaced", 1000);
    assert!(plan.has_changes());
    let by_admin = fixture.plan("set_password_by_admin.password_replaced", 1000);
    let cases = plan.cases.iter().chain(&by_admin.cases).cloned().collect();
    let plan = Plan {
        cases,
        left_out: Vec::new(),
        objects: plan.objects.union(&by_admin.objects).copied().collect(),
    };
    let ended = fixture.run(&plan, 1000, &|_| ()).await;
    fixture.nothing_is_lost(&ended);
    assert_eq!(ended.stopped, None);
    let fired = fixture
        .served
        .appliance()
        .counters()
        .iter()
        .map(|counter| counter.fired)
        .sum::<u64>();
    assert_eq!(fired, 1, "the run has so many changes");
}

fn calls(fixture: &LiveFixture) -> u64 {
    fixture.count(Operation::SetPassword, None) + fixture.count(Operation::SetPasswordByAdmin, None)
}

/// A sensor that answers no change from the moment on when the one of a case would be given back.
async fn down_before_the_undo() -> LiveFixture {
    let usual = LiveFixture::of("");
    usual
        .run(
            &usual.plan("set_password.password_replaced", 1000),
            1000,
            &|_| (),
        )
        .await;
    let page = "do: { status: 503, page: apache }";
    let on = "on: [set_password, set_password_by_admin]";
    LiveFixture::of(&format!(
        "failures:\n  - {{ name: down, {on}, when: {{ after: {} }}, {page} }}",
        calls(&usual) - 1
    ))
}

/// What is still changed then is told, stays in the journal, and no other is changed.
#[tokio::test]
async fn what_cannot_be_given_back_is_reported_and_kept() {
    let fixture = down_before_the_undo().await;
    let plan = fixture.plan("set_password.password_replaced", 1000);
    let ended = fixture.run(&plan, 1000, &|_| ()).await;
    let lost: Vec<(Account, bool)> = ended
        .unrestored
        .iter()
        .map(|lost| (lost.account, lost.is_rejected))
        .collect();
    assert_eq!(lost, [(Account::User, false)], "{:?}", ended.unrestored);
    assert_eq!(ended.unrestored[0].reason, "the answer has status 503");
    assert_eq!(fixture.at_risk(), Some([Account::User].into()));
    let changed: Vec<User> = fixture
        .served
        .appliance()
        .users()
        .into_iter()
        .filter(|user| !fixture.before.contains(user))
        .collect();
    assert_eq!(
        changed
            .iter()
            .map(|user| user.username.as_str())
            .collect::<Vec<_>>(),
        ["suite-user"]
    );
    let refused = reported(&ended)
        .values()
        .filter(|(_, reason)| {
            *reason == "a password could not be restored, so nothing more is sent"
        })
        .count();
    assert_eq!(refused, plan.cases.len() - 1);
}

#[tokio::test]
async fn what_is_repeated_is_not_begun_again_after_a_loss() {
    let mut asked = Vec::new();
    for repeat in [1, 3] {
        let mut fixture = down_before_the_undo().await;
        fixture.context.repeat = repeat;
        let ended = fixture
            .run(
                &fixture.plan("set_password.password_replaced", 1000),
                1000,
                &|_| (),
            )
            .await;
        assert_eq!(ended.unrestored.len(), 1);
        asked.push(calls(&fixture));
    }
    assert_eq!(asked[0], asked[1]);
}

#[rstest]
#[case::of_a_user(
    "suite-user",
    "the appliance refuses the password of user (suite-user): check lab.yaml"
)]
#[case::of_the_administrator(
    "suite-admin",
    "the appliance refuses the password of admin (suite-admin): check lab.yaml"
)]
#[tokio::test]
async fn what_cannot_be_proven_is_not_changed(#[case] whose: &str, #[case] expected: &str) {
    let fixture = LiveFixture::of("");
    let user = fixture
        .before
        .iter()
        .find(|user| user.username == whose)
        .unwrap();
    fixture.served.appliance().put_user(User {
        password: Secret::new("Rotated-elsewhere-1"),
        ..user.clone()
    });
    let plan = fixture.plan("set_password.password_replaced", 1000);
    let ended = fixture.run(&plan, 1000, &|_| ()).await;
    assert_eq!(ended.unrestored, []);
    let replaced = Some(Outcome::PasswordReplaced);
    assert_eq!(
        fixture.count(Operation::SetPassword, replaced)
            + fixture.count(Operation::SetPasswordByAdmin, replaced),
        0
    );
    assert!(
        reported(&ended)
            .values()
            .all(|reported| *reported == (Conformance::NotJudged, expected)),
        "{:?}",
        reported(&ended)
    );
    assert_eq!(fixture.failures(), 1);
    assert_eq!(ended.stopped, None);
}

/// A target that locks after a failure: once what was accepted is refused, nothing more is sent.
#[tokio::test]
async fn a_lock_out_is_suspected_and_ends_the_run() {
    let fixture = LiveFixture::of("lockout: { after: 1, scope: source, for: 15m }");
    let plan = fixture.plan("validation.", 1000);
    let ended = fixture.run(&plan, 1000, &|_| ()).await;
    fixture.nothing_is_lost(&ended);
    let suspicion = ended.stopped.clone().unwrap().text;
    assert!(
        suspicion.contains("that were accepted before are rejected now"),
        "{suspicion}"
    );
    let refused = reported(&ended)
        .values()
        .filter(|(_, reason)| reason.starts_with("a lock-out is suspected: "))
        .count();
    assert!(refused > 5, "{refused}");
    assert!(fixture.failures() <= 2, "{}", fixture.failures());
}

/// An answer says so itself, and nobody's right credentials are asked after it: some that were accepted before are.
#[tokio::test]
async fn a_reported_lock_out_is_verified() {
    let fixture = LiveFixture::of("lockout: { after: 1, scope: source, for: 15m }");
    let plan = fixture.plan("validation.authenticated", 1000);
    let failing = fixture.plan("validation.credentials_rejected", 1000);
    assert!(failing.cases.len() > 1);
    let cases = plan.cases.iter().chain(&failing.cases).cloned().collect();
    let ended = fixture
        .run(
            &Plan {
                cases,
                left_out: Vec::new(),
                objects: BTreeSet::new(),
            },
            1000,
            &|_| (),
        )
        .await;
    let suspicion = ended.stopped.clone().unwrap().text;
    assert!(
        suspicion.contains("that were accepted before are rejected now"),
        "{suspicion}"
    );
    assert_eq!(
        (
            fixture.failures(),
            fixture.count(Operation::Validation, Some(Outcome::LockedOut))
        ),
        (1, 2)
    );
}

/// Whenever it is asked to stop, it gives back what it changed.
#[rstest]
#[tokio::test]
async fn a_run_that_is_stopped_gives_back(#[values(1, 3, 5)] after: usize) {
    let fixture = LiveFixture::of("");
    let plan = fixture.plan("set_password", 1000);
    let (seen, stop) = (AtomicUsize::new(0), fixture.stop.clone());
    let watch = |_: &CaseResult| {
        if seen.fetch_add(1, Ordering::Relaxed) + 1 == after {
            stop.request();
        }
    };
    let ended = fixture.run(&plan, 1000, &watch).await;
    fixture.nothing_is_lost(&ended);
    assert!(ended.is_interrupted);
    let refused = reported(&ended)
        .values()
        .filter(|(_, reason)| *reason == "the run was interrupted")
        .count();
    assert_eq!(refused, plan.cases.len() - after);
}

/// Nobody at home: after three cases in a row nothing more is tried.
#[tokio::test]
async fn a_target_that_is_gone_is_left_alone() {
    let mut fixture = LiveFixture::of("");
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    fixture.context.target =
        Target::new(&format!("http://{closed}"), &TargetOptions::default()).unwrap();
    let plan = fixture.plan("set_password", 1000);
    let ended = fixture.run(&plan, 1000, &|_| ()).await;
    assert!(ended.run.unreachable.is_some());
    let planned: Vec<&str> = plan
        .cases
        .iter()
        .map(|planned| planned.located.case.id.as_str())
        .collect();
    let tried = reported(&ended).into_iter().find(|(id, reported)| {
        planned.contains(id)
            && !(reported.0 == Conformance::NotJudged && reported.1.starts_with(UNREACHABLE))
    });
    assert_eq!(tried, None);
    assert_eq!(fixture.at_risk(), None);
}
