//! A run that is killed, interrupted, or not alone.

use std::sync::{Arc, Mutex};

use rstest::rstest;
use rustix::process::Signal;

use crate::target::stage::{Behaviour, CONSENT, FIXTURE, Meanwhile, Ran, Stage};

#[rstest]
fn a_signal_gives_everything_back(
    #[values(Signal::INT, Signal::TERM, Signal::HUP)] signal: Signal,
) {
    let stage = Stage::of(FIXTURE, Behaviour::Signal(30, signal));
    let mut child = stage.start(&CONSENT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    stage.is_as_before();
    assert_eq!(stage.left(), Vec::<String>::new());
}

#[test]
fn a_second_signal_leaves_at_once_and_says_how_to_give_back() {
    // The first change is the rehearsal, the second one the case's; what follows, the first of the way back, hangs.
    let stage = Stage::of(FIXTURE, Behaviour::Twice(2));
    let ran = Ran(stage
        .start(&[
            CONSENT[0],
            CONSENT[1],
            "--case",
            "set_password.role.read_only",
        ])
        .wait_with_output()
        .unwrap());
    assert_eq!(ran.code(), 7, "{ran}");
    assert!(ran.says("d4iot-double recover"), "{ran}");
    stage.behave(Behaviour::Well);
    assert_eq!(stage.recover().code(), 0);
    stage.is_as_before();
}

#[test]
fn two_runs_at_once_are_refused() {
    let stage = Stage::new();
    let other = Arc::new(Mutex::new(Meanwhile::Before(stage.checking(&[]))));
    stage.behave(Behaviour::Meanwhile(3, Arc::clone(&other)));
    assert_eq!(stage.check(&["--case", "validation.*"]).code(), 0);
    let Meanwhile::After(ran) = &*other.lock().unwrap() else {
        panic!("the other run was not started")
    };
    assert_eq!(ran.code(), 6, "{ran}");
}
