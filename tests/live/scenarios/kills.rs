//! SIGKILL at requests of a consenting run and of `recover`: 20 of each, or at every one with `D4IOT_EVERY_REQUEST`.

use std::env;

use crate::{
    fake::{KillAt, Seen},
    scenarios::{Command, Scenario, play::Play, run_all},
};

#[test]
fn recover_gives_all_back_after_a_kill_at_any_request() {
    let mut play = Play::start(&Scenario::well("whole"));
    let whole = play.command(Command::Check, &[]).output().unwrap();
    assert_eq!(whole.status.code(), Some(0), "{whole:?}");
    let changes: Vec<bool> = {
        let ledger = play.running.fake.ledger();
        ledger.seen.iter().map(Seen::changes).collect()
    };
    let requests = changes.len();
    play.is_changed(&[]);
    assert!(requests > 100, "{requests}");
    let jobs = numbers(requests).into_iter().flat_map(|request| {
        // Carried out or not: both at every change, else in turn.
        let both = [true, false];
        let one = [request % 2 == 0];
        let is_change = is_every() && changes[request - 1];
        let which: &[bool] = if is_change { &both } else { &one };
        let at = |after| KillAt { request, after };
        which.iter().copied().map(at).collect::<Vec<_>>()
    });
    let jobs = jobs.map(|at| {
        let job = move || killed_run(at);
        (format!("{at:?}"), Box::new(job) as Box<_>)
    });
    run_all(jobs.collect());
}

#[test]
fn recover_gives_all_back_after_a_kill_of_recover() {
    let first = if is_every() { 40 } else { 20 };
    let jobs = (1..=first).flat_map(|request| [true, false].map(|after| KillAt { request, after }));
    // A `recover` has few requests: of the sample each is done once, carried out or not.
    let jobs = jobs.filter(|at| is_every() || at.after == (at.request % 2 == 0));
    let jobs = jobs.map(|at| {
        let job = move || killed_recover(at);
        (format!("{at:?}"), Box::new(job) as Box<_>)
    });
    run_all(jobs.collect());
}

/// A run is killed, further runs are refused, and `recover` gives back what is left changed.
fn killed_run(at: KillAt) -> Vec<String> {
    let mut play = Play::start(&Scenario::well("killed"));
    let killed = play.kill(at, Command::Check, &[]);
    if killed.status.code().is_some() {
        play.wrong("was not killed", &killed);
    }
    let journals = play.folder.path().join("state/d4iot-double/journals");
    let began = journals.is_dir() && journals.read_dir().unwrap().count() > 0;
    if began {
        play.running.fake.ledger().requests = 0;
        let again = play.command(Command::Check, &[]).output().unwrap();
        let is_open = again.status.code() == Some(6);
        if is_open {
            play.has_sent(0);
        } else {
            // Before the journal began nothing can be changed.
            play.is_changed(&[]);
            play.is_untouched();
        }
    }
    recovered(&mut play);
    play.end(2, 0);
    play.into_wrong()
}

/// `recover` is killed at one of its requests, and the next one gives all back.
fn killed_recover(at: KillAt) -> Vec<String> {
    let mut play = Play::start(&Scenario::well("killed recover"));
    let request = 40 + at.request;
    play.killed_at(request, &[]);
    play.kill(at, Command::Recover, &[]);
    recovered(&mut play);
    play.end(2, 0);
    play.into_wrong()
}

fn recovered(play: &mut Play) {
    for _ in 0..2 {
        let output = play.command(Command::Recover, &[]).output().unwrap();
        if output.status.code() != Some(0) {
            play.wrong("was not recovered", &output);
        }
        play.is_changed(&[]);
    }
}

/// 20 numbers, evenly spread, or all.
fn numbers(requests: usize) -> Vec<usize> {
    if is_every() {
        (1..=requests).collect()
    } else {
        (1..=20).map(|part| part * requests / 21).collect()
    }
}

fn is_every() -> bool {
    env::var_os("D4IOT_EVERY_REQUEST").is_some_and(|value| !value.is_empty())
}
