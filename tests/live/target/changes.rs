//! A run with changes, at a mock that behaves: everything is given back, and few sign-ins fail.

use crate::{
    fake::Seen,
    target::stage::{CONSENT, Stage},
};

#[test]
fn run_with_changes_restores_all_below_the_lockout() {
    let stage = Stage::new();
    let ran = stage.check(&CONSENT);
    assert_eq!(ran.code(), 0, "{ran}");
    assert!(ran.says("none fails"), "{ran}");
    assert!(stage.changes() > 50, "{}", stage.changes());
    assert!(stage.failures() < 5, "{}", stage.failures());
    stage.is_as_before();
    assert_eq!(stage.left(), Vec::<String>::new());
}

#[test]
fn one_sign_in_fails_before_the_last_change() {
    let stage = Stage::new();
    assert_eq!(
        stage
            .check(&[
                "--case",
                "validation.*",
                "--case",
                "set_password.role.*",
                CONSENT[0],
                CONSENT[1]
            ])
            .code(),
        0
    );
    let seen = stage.seen();
    let last_change = seen.iter().rposition(Seen::changes).unwrap();
    let failures = seen[..last_change].iter().filter(|seen| seen.failed);
    assert_eq!(
        failures.count(),
        1,
        "the wrong password before the first change"
    );
}

#[test]
fn without_consent_no_password_change_is_sent() {
    let stage = Stage::new();
    assert_eq!(stage.check(&[]).code(), 0);
    assert_eq!(stage.changes(), 0);
    assert!(stage.failures() <= 3);
}

#[test]
fn without_a_budget_nothing_fails_to_sign_in() {
    let stage = Stage::new();
    assert_eq!(
        stage
            .check(&[CONSENT[0], CONSENT[1], "--max-auth-failures", "0"])
            .code(),
        6,
        "no account was validated, as its password may be wrong"
    );
    assert_eq!(stage.failures(), 0);
    stage.is_as_before();
}

#[test]
fn no_password_is_shown_or_kept() {
    let stage = Stage::new();
    let ran = stage.check(&[CONSENT[0], CONSENT[1], "--report", "json"]);
    for secret in [
        "Boss-Password-12345",
        "Lab-User-Passw0rd:1",
        "Lab-Ro-Passw0rd:1",
    ] {
        assert!(!ran.says(secret), "{secret}");
    }
}

#[test]
fn run_with_repeats_restores_all_within_the_budget() {
    let stage = Stage::new();
    let ran = stage.check(&[
        CONSENT[0],
        CONSENT[1],
        "--repeat",
        "2",
        "--case",
        "set_password.role.*",
        "--case",
        "validation.*",
    ]);
    assert_eq!(ran.code(), 0, "{ran}");
    assert!(stage.failures() <= 3, "{}", stage.failures());
    stage.is_as_before();
}

/// Snapshots of which no case is left are told on full runs, and stay.
#[test]
fn an_obsolete_snapshot_is_told_and_stays() {
    let stage = Stage::new();
    assert_eq!(
        stage
            .check(&["--snapshots", "kept", "--update", "all"])
            .code(),
        0
    );
    let kept = std::path::PathBuf::from(stage.path("kept"));
    std::fs::rename(
        kept.join("validation.authenticated.snap"),
        kept.join("validation.of_old.snap"),
    )
    .unwrap();
    let ran = stage.check(&["--snapshots", "kept"]);
    assert_eq!(ran.code(), 0, "{ran}");
    assert!(
        ran.says("gone: a snapshot without a case (1)\n  validation.of_old\n"),
        "{ran}"
    );
    assert!(kept.join("validation.of_old.snap").exists());
    // Of a target's snapshots none is the tests' own.
    assert!(
        !std::fs::read_to_string(kept.join("validation.of_old.snap"))
            .unwrap()
            .contains("source:")
    );
}
