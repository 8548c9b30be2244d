//! A target that misbehaves: whatever happens, nothing is lost.

use std::net::TcpListener;

use rstest::rstest;

use crate::stage::Behaviour;
use crate::stage::CONSENT;
use crate::stage::FIXTURE;
use crate::stage::Ran;
use crate::stage::Seen;
use crate::stage::Stage;
use crate::stage::Wrong;

#[rstest]
fn whatever_change_goes_wrong_nothing_is_lost_and_nothing_is_sent_twice(
    #[values(Wrong::LostAfter, Wrong::LostBefore, Wrong::PageAfter, Wrong::PageBefore)] wrong: Wrong,
    #[values(Some(1), Some(4), Some(5), Some(6), None)] which: Option<usize>,
) {
    goes_wrong(wrong, which);
}

#[rstest]
fn whatever_change_is_not_answered_in_time_nothing_is_lost(
    #[values(Wrong::LateAfter, Wrong::LateBefore)] wrong: Wrong,
    #[values(Some(1), Some(4), Some(5), None)] which: Option<usize>,
) {
    goes_wrong(wrong, which);
}

fn goes_wrong(wrong: Wrong, which: Option<usize>) {
    let stage = Stage::of(FIXTURE, Behaviour::Wrong(wrong, which));
    let ran =
        stage.check(&[CONSENT[0], CONSENT[1], "--timeout", "250ms", "--case", "set_password.role.*", "--case", "set_password_by_admin.then.user*"]);
    let original = stage.same_as_before();
    // 1: such an answer is a deviation.
    assert!([0, 1].contains(&ran.code()), "{ran}");
    // The administrator's credentials are never refused here, so nothing may be lost.
    assert!(original, "{ran}");
    let sent: Vec<Seen> = stage.seen();
    for pair in sent.windows(2).filter(|pair| pair[0].changes()) {
        assert_ne!(pair[0].body, pair[1].body, "a change was sent twice");
    }
    assert!(stage.failures() < 5, "{}", stage.failures());
}

#[test]
fn what_cannot_be_given_back_is_7_with_steps_and_recover_tries_again() {
    let stage = Stage::of(FIXTURE, Behaviour::Stuck);
    let ran = stage.check(&[CONSENT[0], CONSENT[1], "--case", "set_password.role.security_analyst"]);
    assert_eq!(ran.code(), 7, "{ran}");
    assert!(ran.says("lab-analyst") && ran.says("sign in to") && !ran.says("Passw0rd"), "{ran}");
    assert_eq!(stage.check(&[]).code(), 6);
    assert_eq!(stage.recover().code(), 7);
    stage.service.behave(Behaviour::Well);
    let recovered = stage.recover();
    assert_eq!(recovered.code(), 0, "{recovered}");
    stage.is_as_before();
}

#[test]
fn credentials_that_were_accepted_and_are_refused_stop_the_run() {
    let stage = Stage::of(&FIXTURE.replace("after: 5", "after: 2"), Behaviour::Well);
    let ran = stage.check(&["--max-auth-failures", "20"]);
    assert_eq!(ran.code(), 6, "{ran}");
    assert!(ran.says("lock-out is suspected"), "{ran}");
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let stage = Stage::of(FIXTURE, Behaviour::Redirect(format!("http://{}/", elsewhere.local_addr().unwrap())));
    stage.check(&CONSENT);
    assert!(elsewhere.accept().is_err(), "a password went elsewhere");
}

#[test]
fn a_path_in_the_target_stands_before_every_path() {
    let stage = Stage::new();
    let target = format!("{}/10.1.0.7", stage.url);
    Ran::of(stage.command(&["check", &target, "--kind", "sensor", "--accounts", stage.accounts().to_str().unwrap()]));
    let seen = stage.seen();
    assert!(!seen.is_empty() && seen.iter().all(|seen| seen.path.starts_with("/10.1.0.7/")));
}

#[test]
fn nobody_at_home_is_3() {
    let stage = Stage::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = Ran::of(stage.command(&["check", &format!("http://{closed}"), "--kind", "sensor"]));
    assert_eq!(ran.code(), 3, "{ran}");
}
