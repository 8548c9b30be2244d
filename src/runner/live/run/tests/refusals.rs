//! What a run does where the target refuses what it should accept, or accepts what it should refuse.

use std::time::Duration;

use super::*;
use crate::{journal::EntryFilter, report::ReasonCode};

fn rotate(fixture: &LiveFixture, username: &str) {
    let user = fixture.before.iter().find(|user| user.username == username);
    fixture.served.appliance().put_user(User {
        password: Secret::new("Rotated-elsewhere-1"),
        ..user.unwrap().clone()
    });
}

fn codes(ended: &LiveResult) -> BTreeSet<Option<ReasonCode>> {
    let cases = ended.run.summary.cases.iter();
    let reasons = cases.flat_map(|case| case.reasons.first());
    reasons.map(|reason| reason.code).collect()
}

#[tokio::test]
async fn one_wrong_password_costs_two_failures_and_no_deviation() {
    let fixture = LiveFixture::of("lockout: { after: 5, scope: source, for: 15m }");
    rotate(&fixture, "suite-user");
    let ended = fixture.run(&fixture.plan("", 3), 3, &|_| ()).await;
    assert_eq!(
        ended.refused,
        ["the appliance refuses the password of user (suite-user): check lab.yaml"]
    );
    assert_eq!((&ended.stopped, ended.unrestored.len()), (&None, 0));
    let counts = &ended.run.summary.counts;
    assert!(counts.deviation == 0 && counts.documented > 0, "{counts:?}");
    assert!(codes(&ended).contains(&Some(ReasonCode::CredentialsRefused)));
    assert_eq!(
        fixture.count(Operation::Validation, Some(Outcome::LockedOut)),
        0
    );
    assert!(fixture.failures() <= 3, "{}", fixture.failures());
}

#[tokio::test]
async fn a_second_wrong_password_ends_the_run() {
    let fixture = LiveFixture::of("");
    rotate(&fixture, "suite-user");
    rotate(&fixture, "suite-admin");
    let ended = fixture.run(&fixture.plan("", 3), 3, &|_| ()).await;
    let stopped = ended.stopped.as_ref().unwrap();
    assert_eq!(stopped.code, ReasonCode::CredentialsRefused);
    assert_eq!((ended.refused.len(), fixture.failures()), (2, 2));
    assert_eq!(ended.run.summary.stopped.as_ref(), Some(&stopped.text));
    // Each is said once.
    assert_eq!(ended.problems().len(), 2, "{:?}", ended.problems());
}

#[tokio::test]
async fn a_target_of_another_kind_is_not_called_a_wrong_password() {
    let fixture = LiveFixture::of(
        "failures: [{ name: other, on: validation, do: { outcome: unknown_path } }]",
    );
    let ended = fixture.run(&fixture.plan("", 3), 3, &|_| ()).await;
    let text = "the target has no validation at its path: check --kind, and the path in the URL";
    assert_eq!(ended.problems(), [format!("the run was stopped: {text}")]);
    assert_eq!(fixture.count(Operation::Validation, None), 1);
    assert_eq!(fixture.failures(), 0);
}

#[tokio::test]
async fn a_target_that_is_locked_already_is_left_alone() {
    let fixture = LiveFixture::of(
        "failures: [{ name: locked, on: validation, do: { outcome: locked_out } }]",
    );
    let ended = fixture.run(&fixture.plan("", 3), 3, &|_| ()).await;
    assert_eq!(ended.stopped.unwrap().code, ReasonCode::LockedOut);
    assert_eq!(fixture.count(Operation::Validation, None), 1);
}

#[tokio::test]
async fn where_every_password_validates_no_change_is_made() {
    let fixture = LiveFixture::of(
        "failures: [{ name: yes, on: validation, do: { outcome: authenticated } }]",
    );
    let ended = fixture
        .run(&fixture.plan("set_password.role.", 3), 3, &|_| ())
        .await;
    assert_eq!(
        ended.changes_forbidden.unwrap().code,
        ReasonCode::CannotRefuse
    );
    let replaced = Some(Outcome::PasswordReplaced);
    assert_eq!(fixture.count(Operation::SetPassword, replaced), 0);
}

#[rstest::rstest]
#[tokio::test]
async fn nothing_is_changed_without_room_for_a_failure(#[values(0, 1)] limit: u32) {
    let fixture = LiveFixture::of("");
    let ended = fixture
        .run(&fixture.plan("set_password.*", limit), limit, &|_| ())
        .await;
    let replaced = Some(Outcome::PasswordReplaced);
    assert_eq!(fixture.count(Operation::SetPassword, replaced), 0);
    let mut verdicts = reported(&ended).into_values();
    assert!(verdicts.all(|(verdict, _)| verdict != Conformance::Deviation));
}

#[tokio::test]
async fn a_set_password_that_refuses_everybody_deviates() {
    let fixture = LiveFixture::of(
        "failures: [{ name: refuses, on: set_password, do: { outcome: authentication_failed } }]",
    );
    let ended = fixture.run(&fixture.plan("", 3), 3, &|_| ()).await;
    let reported = reported(&ended);
    let (verdict, reason) = reported[OBSERVED];
    assert_eq!(
        verdict,
        Conformance::Deviation,
        "{reason}: {:?}",
        ended.changes_forbidden
    );
    assert!(
        reason.starts_with("set_password rejected the right password of "),
        "{reason}"
    );
    assert_eq!(ended.unrestored, []);
}

/// Before anything is changed nothing is waited for, not even the rejection of a wrong password.
#[tokio::test]
async fn an_interruption_before_the_first_change_ends_the_run_at_once() {
    let fixture = LiveFixture::of(
        "failures: [{ name: silent, on: validation, when: { outcome: credentials_rejected }, do: { hang: before_head } }]",
    );
    let plan = fixture.plan("set_password.password_replaced", 1000);
    let rejected = EntryFilter {
        judged: Some(Outcome::CredentialsRejected),
        ..EntryFilter::default()
    };
    let interrupt = async {
        fixture.served.appliance().wait(&rejected, 1).await;
        fixture.stop.request();
    };
    let run = async { tokio::join!(fixture.run(&plan, 1000, &|_| ()), interrupt).0 };

    let ended = tokio::time::timeout(Duration::from_secs(10), run).await;

    let ended = ended.expect("it waits for no answer");
    fixture.nothing_is_lost(&ended);
    assert!(ended.is_interrupted);
    assert_eq!(fixture.served.appliance().count(&rejected), 1);
}
