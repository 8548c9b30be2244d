//! A target that misbehaves: whatever happens, nothing is lost.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use rstest::rstest;

use crate::{
    fake::Seen,
    target::{
        every::every,
        stage::{Behaviour, CONSENT, FIXTURE, Ran, Stage, Wrong},
    },
};

/// One answer to a change is lost: with `D4IOT_EVERY_REQUEST` each of the whole plan in turn, else a sample of them. The administrator is
/// never refused here, so that nothing may be left changed.
#[rstest]
fn lost_answer_to_any_change_loses_and_repeats_nothing(
    #[values(
        Wrong::LateAfter,
        Wrong::LateBefore,
        Wrong::LostAfter,
        Wrong::LostBefore,
        Wrong::PageAfter,
        Wrong::PageBefore
    )]
    wrong: Wrong,
) {
    let done = every(37, |number| {
        let stage = Stage::of(FIXTURE, Behaviour::Wrong(wrong, Some(number)));
        let ran = stage.check(&[CONSENT[0], CONSENT[1], "--timeout", "2s"]);
        if stage.changes() < number {
            assert!(number > 50, "the run had {} changes", stage.changes());
            return false;
        }
        assert_eq!(ran.code(), 0, "{wrong:?} at change {number}: {ran}");
        nothing_is_lost(&stage, &ran);
        true
    });
    println!("{wrong:?} at {done} changes");
}

/// Every answer to a change is lost: that must not pass for green.
#[rstest]
fn what_is_never_answered_is_a_deviation(
    #[values(
        Wrong::LostAfter,
        Wrong::LostBefore,
        Wrong::PageAfter,
        Wrong::PageBefore
    )]
    wrong: Wrong,
) {
    let stage = Stage::of(FIXTURE, Behaviour::Wrong(wrong, None));
    let ran = stage.check(&[CONSENT[0], CONSENT[1], "--timeout", "2s"]);
    assert_eq!(ran.code(), 1, "{ran}");
    assert!(
        ran.says("no such change was answered in the whole run"),
        "{ran}"
    );
    nothing_is_lost(&stage, &ran);
}

#[test]
fn a_lost_answer_is_told_with_what_became_of_the_change() {
    let one = |wrong| {
        let stage = Stage::of(FIXTURE, Behaviour::Wrong(wrong, Some(4)));
        let ran = stage.check(&[
            CONSENT[0],
            CONSENT[1],
            "--timeout",
            "2s",
            "--case",
            "set_password.password_replaced*",
            "--case",
            "set_password.role.*",
            "--report",
            "json",
        ]);
        assert_eq!(ran.code(), 0, "{ran}");
        ran.to_string()
    };
    let made = one(Wrong::LostAfter);
    assert!(
        made.contains("the answer to a change was lost: ")
            && made.contains("a validation then found the change of `"),
        "{made}"
    );
    assert!(made.contains("` made\""), "{made}");
    let not = one(Wrong::PageBefore);
    assert!(
        not.contains("lost: status 503; a validation then found the change of `")
            && not.contains("` not made\""),
        "{not}"
    );
}

#[track_caller]
fn nothing_is_lost(stage: &Stage, ran: &Ran) {
    assert!(stage.same_as_before(), "{ran}");
    let sent: Vec<Seen> = stage.seen();
    for pair in sent.windows(2).filter(|pair| pair[0].changes()) {
        assert_ne!(pair[0].body, pair[1].body, "a change was sent twice");
    }
    assert!(stage.failures() < 5, "{}", stage.failures());
    assert_eq!(stage.left(), Vec::<String>::new());
}

#[test]
fn unrestored_password_exits_7_and_recover_tries_again() {
    let stage = Stage::of(FIXTURE, Behaviour::Stuck);
    let ran = stage.check(&[
        CONSENT[0],
        CONSENT[1],
        "--case",
        "set_password.role.security_analyst",
    ]);
    assert_eq!(ran.code(), 7, "{ran}");
    assert!(
        ran.says("lab-analyst") && ran.says("sign in to") && !ran.says("Passw0rd"),
        "{ran}"
    );
    assert_eq!(stage.check(&[]).code(), 6);
    assert_eq!(stage.recover().code(), 7);
    stage.forget_failures();
    stage.behave(Behaviour::Well);
    let recovered = stage.recover();
    assert_eq!(recovered.code(), 0, "{recovered}");
    stage.is_as_before();
}

/// A path that is mistyped, or another state folder, must not read like "nothing was left changed".
#[test]
fn recover_of_a_journal_that_does_not_exist_is_an_error() {
    let stage = Stage::of(FIXTURE, Behaviour::Stuck);
    let case = "set_password.role.security_analyst";
    let ran = stage.check(&[CONSENT[0], CONSENT[1], "--case", case]);
    assert_eq!(ran.code(), 7, "{ran}");
    let journal = stage
        .left()
        .into_iter()
        .find(|name| name.ends_with(".journal"))
        .unwrap();
    let folder = stage.path("state/d4iot-double/journals");
    let mistyped = format!("{folder}/{journal}").replace(".journal", ".jurnal");

    let ran = Ran::of(stage.command(&["recover", &mistyped]));

    assert_eq!(ran.code(), 2, "{ran}");
    assert!(
        ran.said(&format!("error: no such journal: {mistyped}\n")),
        "{ran}"
    );
    assert!(ran.said(&format!("{folder}/{journal}")), "{ran}");
    assert!(stage.left().contains(&journal));
}

#[test]
fn recover_names_the_folder_that_has_no_journal() {
    let stage = Stage::new();
    let folder = stage.path("elsewhere");
    let other_state = |arguments: &[&str]| {
        let mut command = stage.command(arguments);
        Ran::of(command.env("XDG_STATE_HOME", &folder))
    };

    let (all, one) = (
        other_state(&["recover"]),
        other_state(&["recover", "gone.journal"]),
    );

    assert_eq!(all.code(), 0, "{all}");
    assert_eq!(one.code(), 2, "{one}");
    for ran in [all, one] {
        assert!(
            ran.said(&format!("{folder}/d4iot-double/journals")),
            "{ran}"
        );
    }
}

#[test]
fn credentials_that_were_accepted_and_are_refused_stop_the_run() {
    let stage = Stage::of(&FIXTURE.replace("after: 5", "after: 1"), Behaviour::Well);
    let ran = stage.check(&["--max-auth-failures", "20"]);
    assert_eq!(ran.code(), 6, "{ran}");
    assert!(ran.says("lock-out is suspected"), "{ran}");
}

#[test]
fn a_redirect_is_not_followed() {
    // Another host, by an address of its own.
    let elsewhere = TcpListener::bind("127.0.0.2:0").unwrap();
    let stage = Stage::of(
        FIXTURE,
        Behaviour::Redirect(format!("http://{}/", elsewhere.local_addr().unwrap())),
    );
    // Whoever comes there is counted and let go at once, so that a suite that follows fails soon. Ends with the test's process.
    let came = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&came);
    thread::spawn(move || {
        for _ in elsewhere.incoming() {
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    stage.check(&CONSENT);
    assert!(!stage.seen().is_empty());
    assert_eq!(came.load(Ordering::Relaxed), 0, "a password went elsewhere");
}

#[test]
fn a_path_in_the_target_stands_before_every_path() {
    let stage = Stage::new();
    let target = format!("{}/10.1.0.7", stage.url);
    Ran::of(stage.command(&[
        "check",
        &target,
        "--kind",
        "sensor",
        "--accounts",
        stage.accounts().to_str().unwrap(),
    ]));
    let seen = stage.seen();
    assert!(!seen.is_empty() && seen.iter().all(|seen| seen.path.starts_with("/10.1.0.7/")));
}

#[test]
fn nobody_at_home_is_3() {
    let stage = Stage::new();
    let ran = Ran::of(stage.command(&["check", "http://127.0.0.1:1", "--kind", "sensor"]));
    assert_eq!(ran.code(), 3, "{ran}");
}
