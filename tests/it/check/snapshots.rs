//! What check reads and writes beside the cases: a snapshot changes by a person's decision only.

use std::fs;

use rstest::rstest;

use crate::check::desk::{Desk, Told};

#[rstest]
#[case::at_a_desk("", "", "", true)]
#[case::in_ci("", "CI", "true", false)]
#[case::no_build_server("", "CI", "false", true)]
#[case::told_not_to("--update no", "UNRELATED", "", false)]
#[case::told_to_in_ci("--update pending", "CI", "true", true)]
fn one_changed_character_fails_and_touches_nothing(
    #[case] option: &str,
    #[case] name: &str,
    #[case] value: &str,
    #[case] leaves_pending: bool,
) {
    let desk = changed();
    let before = desk.files("snapshots");
    let name = if name.is_empty() { "UNRELATED" } else { name };
    let told = desk
        .run_with(&format!("{CHECK} {option}"), name, value)
        .ends_with(1);
    assert!(
        told.out.contains("-201\n") && told.out.contains("+200\n"),
        "{}",
        told.out
    );
    assert!(
        told.out.contains("--> conformance/cases/validation.yaml:"),
        "{}",
        told.out
    );
    let mut after = desk.files("snapshots");
    assert_eq!(
        after.remove(&format!("{FILE}.new")).is_some(),
        leaves_pending
    );
    assert_eq!(after, before);
    assert_eq!(
        told.err.contains("1 snapshot waits"),
        leaves_pending,
        "{}",
        told.err
    );
}

#[test]
fn missing_snapshot_fails_in_ci_and_a_person_accepts_it() {
    let desk = missing();
    let before = desk.files("snapshots");
    let told = desk.run_with(CHECK, "CI", "true").ends_with(5);
    assert!(
        told.err.contains("in CI every case needs a snapshot"),
        "{}",
        told.err
    );
    assert_eq!(desk.files("snapshots"), before);

    desk.run(CHECK).ends_with(0);
    assert!(desk.path(&format!("snapshots/{FILE}.new")).exists());
    let pending = desk.run("pending").ends_with(0);
    assert!(
        pending
            .out
            .starts_with("new sensor/validation.authenticated: ")
            && pending.out.ends_with("\n1 pending\n"),
        "{}",
        pending.out
    );

    assert_eq!(
        desk.run("accept validation.*").ends_with(0).out,
        "accepted sensor/validation.authenticated\n"
    );
    assert_eq!(
        desk.files("snapshots"),
        Desk::with_snapshots(SOME).files("snapshots")
    );
    desk.run_with(CHECK, "CI", "true").ends_with(0);
    assert_eq!(desk.run("pending").ends_with(0).out, "0 pending\n");
}

#[test]
fn a_rejected_change_leaves_the_snapshot_as_it_was() {
    let desk = changed();
    let before = desk.files("snapshots");
    desk.run(CHECK).ends_with(1);
    let pending = desk.run("pending sensor/*").ends_with(0);
    assert!(
        pending
            .out
            .starts_with("changed sensor/validation.authenticated: ")
            && pending.out.contains("-201\n+200\n"),
        "{}",
        pending.out
    );
    assert_eq!(
        desk.run("reject sensor/validation.authenticated")
            .ends_with(0)
            .out,
        "rejected sensor/validation.authenticated\n"
    );
    assert_eq!(desk.files("snapshots"), before);
    let told = desk.run("reject").ends_with(2);
    assert!(
        told.err
            .contains("no pending snapshot matches `*`\n  hint: "),
        "{}",
        told.err
    );
}

/// Whoever wrote the pending file: `check` writes none that would be refused.
#[rstest]
#[case::deviation(
    "Authentication succeeded.",
    "Welcome",
    "a deviation that is not known"
)]
#[case::a_value_for_a_placeholder(
    "«user.username»",
    "svc-rotation",
    "is not the one that the case sends"
)]
#[case::secret_of_the_environment(
    "succeeded.",
    "succeeded. Vault-Passw0rd-1",
    "the value of the environment variable VAULT_PASSWORD"
)]
#[case::secret_of_an_account(
    "succeeded.",
    "succeeded. Lab-Passw0rd-1",
    "the password of account `user`"
)]
fn accept_refuses_by_itself(#[case] from: &str, #[case] to: &str, #[case] why: &str) {
    let desk = Desk::with_snapshots(SOME);
    let text = desk.read(&format!("snapshots/{FILE}"));
    assert!(text.contains(from));
    desk.write(&format!("snapshots/{FILE}.new"), &text.replace(from, to));
    desk.write(
        "lab.yaml",
        "user: { username: lab, password: Lab-Passw0rd-1 }\n",
    );
    fs::set_permissions(
        desk.path("lab.yaml"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    let before = desk.files("snapshots");
    let told = desk
        .run_with(
            "accept --accounts lab.yaml",
            "VAULT_PASSWORD",
            "Vault-Passw0rd-1",
        )
        .ends_with(6);
    assert!(
        told.err.contains(why) && !told.err.contains("Passw0rd"),
        "{}",
        told.err
    );
    assert_eq!(desk.files("snapshots"), before);
}

#[test]
fn accept_takes_a_deviation_that_is_known() {
    let desk = Desk::with_snapshots(SOME);
    let text = desk
        .read(&format!("snapshots/{FILE}"))
        .replace("Authentication succeeded.", "Welcome");
    desk.write(&format!("snapshots/{FILE}.new"), &text);
    desk.write(
        "known.yaml",
        "- { case: validation.authenticated, reason: firmware 22.3 }\n",
    );
    desk.run("accept --known known.yaml").ends_with(0);
    assert_eq!(desk.read(&format!("snapshots/{FILE}")), text);
}

#[test]
fn a_change_that_is_gone_takes_its_pending_file_along() {
    let desk = changed();
    desk.run(CHECK).ends_with(1);
    fs::copy(
        crate::check::desk::project("snapshots").join(FILE),
        desk.path("snapshots").join(FILE),
    )
    .unwrap();
    desk.run(CHECK).ends_with(0);
    assert_eq!(
        desk.files("snapshots"),
        Desk::with_snapshots(SOME).files("snapshots")
    );
}

#[test]
fn a_full_run_changes_no_file() {
    let desk = Desk::with_snapshots("");
    let (before, written) = (desk.files("snapshots"), modified(&desk));
    assert!(before.len() > 600, "{}", before.len());
    let told = desk.run("check").ends_with(0);
    assert_eq!(desk.files("snapshots"), before);
    assert_eq!(modified(&desk), written);
    assert!(
        told.out.ends_with("All judged cases pass.\n"),
        "{}",
        told.out
    );
    assert_eq!(
        told.err.lines().count(),
        before.len(),
        "a line a case:\n{}",
        told.err
    );
}

#[test]
fn without_a_folder_the_built_in_copy_is_compared() {
    let desk = Desk::new();
    let told = desk.run(CHECK).ends_with(0);
    assert!(told.out.contains(" same, 0 changed, 0 new"), "{}", told.out);
    assert_eq!(
        desk.files("").into_keys().collect::<Vec<_>>(),
        ["state/d4iot-double/last-run"]
    );
}

/// A changed snapshot and a missing one: which files stand there afterwards, and whose bytes they have.
#[rstest]
#[case::no("no", "", Left::NOTHING)]
#[case::auto("auto", "", Left::PENDING)]
#[case::empty("", "", Left::PENDING)]
#[case::auto_in_ci("auto", "true", Left::NOTHING)]
#[case::new("new", "", Left::PENDING)]
#[case::new_in_ci("new", "true", Left::PENDING)]
#[case::always("always", "", Left::ALL)]
#[case::force("force", "", Left::ALL)]
fn insta_update_counts_where_the_option_is_absent(
    #[case] insta_update: &str,
    #[case] ci: &str,
    #[case] left: Left,
) {
    let code = i32::from(left != Left::ALL);
    let desk = changed_and_missing();
    let mut command = desk.command(CHECK);
    crate::check::desk::told(command.env("INSTA_UPDATE", insta_update).env("CI", ci))
        .ends_with(code);
    assert_eq!(Left::on(&desk), left);
}

#[rstest]
#[case::no("no", Left::NOTHING)]
#[case::pending("pending", Left::PENDING)]
#[case::new("new", Left { missing_written: true, ..Left::NOTHING })]
#[case::all("all", Left::ALL)]
fn the_option_counts_before_insta_update(#[case] update: &str, #[case] left: Left) {
    let desk = changed_and_missing();
    let other = if update == "no" { "always" } else { "no" };
    // What was changed fails the run that finds it, but for one that was told to write it down.
    let code = i32::from(left != Left::ALL);
    let told = desk
        .run_with(&format!("{CHECK} --update {update}"), "INSTA_UPDATE", other)
        .ends_with(code);
    assert_eq!(
        told.out.contains("1 changed snapshot written"),
        code == 0,
        "{}",
        told.out
    );
    assert_eq!(Left::on(&desk), left);
}

#[test]
fn nonsense_in_insta_update_is_refused_before_anything_runs() {
    let desk = changed_and_missing();
    let told = desk
        .run_with(CHECK, "INSTA_UPDATE", "nonsense")
        .ends_with(2);
    assert_eq!(
        told.err,
        "error: INSTA_UPDATE is `nonsense`, expected one of no, auto, new, always, force\n"
    );
    assert_eq!(Left::on(&desk), Left::NOTHING);
    desk.run_with(&format!("{CHECK} --update no"), "INSTA_UPDATE", "nonsense")
        .ends_with(1);
}

#[test]
fn a_named_folder_is_read_alike_for_one_kind_and_for_both() {
    let desk = Desk::with_snapshots(SOME);
    fs::rename(desk.path("snapshots"), desk.path("mine")).unwrap();
    for line in [
        "--snapshots mine",
        "--snapshots mine --kind sensor",
        "--snapshots mine/sensor --kind sensor",
    ] {
        let told = desk.run_with(&format!("check -q --case {SOME}* {line}"), "CI", "true");
        assert!(
            told.ends_with(0).out.contains(" 0 changed, 0 new"),
            "{line}"
        );
    }
}

#[test]
fn gone_is_told_on_full_runs_and_fails_nothing() {
    let desk = Desk::with_snapshots("");
    fs::rename(
        desk.path("snapshots/sensor/validation.repeated.snap"),
        desk.path("snapshots/sensor/validation.of_old.snap"),
    )
    .unwrap();
    let told = desk.run("check -q --kind sensor").ends_with(0);
    assert!(
        told.out
            .contains("gone: a snapshot without a case (1)\n  validation.of_old\n"),
        "{}",
        told.out
    );
    let told = desk.run(CHECK).ends_with(0);
    assert!(!told.out.contains("gone"), "{}", told.out);
}

#[rstest]
#[case::broken("<<<<<<< HEAD\n", "line 1: expected `---`")]
#[case::not_text("\0", "line 1: expected `---`")]
fn a_broken_snapshot_is_named(#[case] text: &str, #[case] expected: &str) {
    let desk = changed();
    desk.write(&format!("snapshots/{FILE}"), text);
    let Told { err, .. } = desk.run(CHECK).ends_with(2);
    assert!(
        err.contains(&format!("snapshots/{FILE}: {expected}")),
        "{err}"
    );
}

#[derive(Debug, PartialEq, Eq)]
struct Left {
    changed_written: bool,
    missing_written: bool,
    pending: usize,
}

impl Left {
    const ALL: Left = Left {
        changed_written: true,
        missing_written: true,
        pending: 0,
    };
    const NOTHING: Left = Left {
        changed_written: false,
        missing_written: false,
        pending: 0,
    };
    const PENDING: Left = Left {
        changed_written: false,
        missing_written: false,
        pending: 2,
    };

    fn on(desk: &Desk) -> Left {
        let files = desk.files("snapshots");
        Left {
            changed_written: !desk.read(&format!("snapshots/{FILE}")).contains("\n201\n"),
            missing_written: files.contains_key(MISSING),
            pending: files
                .keys()
                .filter(|name| name.ends_with(".snap.new"))
                .count(),
        }
    }
}

fn changed() -> Desk {
    let desk = Desk::with_snapshots(SOME);
    let path = format!("snapshots/{FILE}");
    desk.write(&path, &desk.read(&path).replace("\n200\n", "\n201\n"));
    desk
}

fn missing() -> Desk {
    let desk = Desk::with_snapshots(SOME);
    fs::remove_file(desk.path("snapshots").join(FILE)).unwrap();
    desk
}

fn changed_and_missing() -> Desk {
    let desk = changed();
    fs::remove_file(desk.path("snapshots").join(MISSING)).unwrap();
    desk
}

fn modified(desk: &Desk) -> Vec<std::time::SystemTime> {
    desk.files("snapshots")
        .keys()
        .map(|name| {
            desk.path("snapshots")
                .join(name)
                .metadata()
                .unwrap()
                .modified()
                .unwrap()
        })
        .collect()
}

/// Few cases, of both kinds: most tests need no more.
const SOME: &str = "validation.authenticated";
const CHECK: &str = "check --case validation.authenticated*";
const FILE: &str = "sensor/validation.authenticated.snap";
const MISSING: &str = "console/validation.authenticated.admin.snap";
