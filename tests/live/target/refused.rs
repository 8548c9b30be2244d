//! What is refused before anything is sent, and what is left alone.

use std::{fs, os::unix::fs::PermissionsExt};

use rstest::rstest;

use crate::target::stage::{ACCOUNTS, Behaviour, CONSENT, FIXTURE, Ran, Stage, command};

#[rstest]
#[case::another_host(&["--change-passwords-on", "10.0.0.5"], 6, "10.0.0.5")]
#[case::loopback_by_another_name(&["--change-passwords-on", "localhost"], 6, "127.0.0.1")]
#[case::no_report(&["--report", "nonsense"], 2, "nonsense")]
fn what_is_wrong_is_said_before_anything_is_sent(
    #[case] options: &[&str],
    #[case] code: i32,
    #[case] says: &str,
) {
    let stage = Stage::new();
    let ran = stage.check(options);
    assert_eq!(ran.code(), code, "{ran}");
    assert!(ran.says(says), "{ran}");
    assert_eq!(stage.seen().len(), 0);
}

#[rstest]
#[case::kind(&["https://10.0.0.5"], 2, "--kind")]
#[case::clear_text(&["http://10.0.0.5", "--kind", "sensor"], 6, "--allow-http")]
#[case::credentials(&["https://a:b@10.0.0.5", "--kind", "sensor"], 2, "contains credentials")]
#[case::no_address(&["10.0.0.5", "--kind", "sensor"], 2, "https://10.0.0.5")]
#[case::query(&["https://10.0.0.5/?x", "--kind", "sensor"], 2, "query")]
fn a_target_that_is_none_is_refused(
    #[case] options: &[&str],
    #[case] code: i32,
    #[case] says: &str,
) {
    let ran = Ran::of(command().arg("check").args(options));
    assert_eq!(ran.code(), code, "{ran}");
    assert!(ran.says(says), "{ran}");
}

#[test]
fn an_accounts_file_that_others_may_read_is_refused() {
    let stage = Stage::new();
    fs::set_permissions(stage.accounts(), fs::Permissions::from_mode(0o644)).unwrap();
    let ran = stage.check(&[]);
    assert_eq!(ran.code(), 2);
    assert!(ran.says("chmod 600") && !ran.says("Passw0rd"), "{ran}");
    assert_eq!(stage.seen().len(), 0);
}

#[rstest]
fn privileged_users_are_no_objects_of_change(
    #[values("admin", "cyberx", "support", "cyberx_host", "root", "Boss")] name: &str,
) {
    let stage = Stage::new();
    stage.write_accounts(&ACCOUNTS.replace("lab-user", name));
    let ran = stage.check(&CONSENT);
    assert_eq!(ran.code(), 6, "{ran}");
    assert_eq!(stage.seen().len(), 0);
}

#[test]
fn a_user_who_cannot_be_validated_is_not_changed() {
    let stage = Stage::new();
    stage.write_accounts(&ACCOUNTS.replace("Lab-User-Passw0rd:1", "Lab-User-Passw0rd:2"));
    let ran = stage.check(&[CONSENT[0], CONSENT[1], "--case", "set_password*"]);
    assert!(
        ran.said("the appliance refuses the password of user (lab-user): check lab.yaml\n"),
        "{ran}"
    );
    assert_eq!(ran.code(), 6, "{ran}");
    assert_eq!(stage.changes(), 0);
    stage.is_as_before();
}

#[test]
fn password_that_policy_would_refuse_is_not_changed() {
    let stage = Stage::of(
        &FIXTURE.replace("Lab-User-Passw0rd:1", "short1A!"),
        Behaviour::Well,
    );
    stage.write_accounts(&ACCOUNTS.replace("Lab-User-Passw0rd:1", "short1A!"));
    let ran = stage.check(&[
        CONSENT[0],
        CONSENT[1],
        "--case",
        "set_password.password_replaced*",
        "--case",
        "set_password.role.*",
    ]);
    assert!(ran.says("rejects the current password"), "{ran}");
    stage.is_as_before();
}
