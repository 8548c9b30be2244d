//! What check reads and writes beside the cases: a snapshot changes by a person's decision only.

mod insta_update;

use std::{fs, process::Command};

use rstest::rstest;

use crate::check::test_dir::{Run, TestDir, run_command};

#[rstest]
#[case::on_a_terminal("", "", "", true)]
#[case::in_ci("", "CI", "true", false)]
#[case::no_build_server("", "CI", "false", true)]
#[case::update_no("--update no", "UNRELATED", "", false)]
#[case::update_pending_in_ci("--update pending", "CI", "true", true)]
fn one_changed_character_fails_and_touches_nothing(
    #[case] option: &str,
    #[case] name: &str,
    #[case] value: &str,
    #[case] leaves_pending: bool,
) {
    let dir = changed();
    let before = dir.files("snapshots");
    let name = if name.is_empty() { "UNRELATED" } else { name };
    let run = dir
        .run_with(&format!("{CHECK} {option}"), name, value)
        .ends_with(1);
    assert!(
        run.out.contains("-201\n") && run.out.contains("+200\n"),
        "{}",
        run.out
    );
    assert!(
        run.out
            .contains("case      conformance/cases/validation.yaml:"),
        "{}",
        run.out
    );
    let mut after = dir.files("snapshots");
    assert_eq!(
        after.remove(&format!("{FILE}.new")).is_some(),
        leaves_pending
    );
    assert_eq!(after, before);
    assert_eq!(
        run.err.contains("1 snapshot waits"),
        leaves_pending,
        "{}",
        run.err
    );
}

#[test]
fn missing_snapshot_fails_in_ci_and_a_person_accepts_it() {
    let dir = missing();
    let before = dir.files("snapshots");
    let run = dir.run_with(CHECK, "CI", "true").ends_with(5);
    assert!(
        run.err.contains("in CI every case needs a snapshot"),
        "{}",
        run.err
    );
    assert_eq!(dir.files("snapshots"), before);

    dir.run(CHECK).ends_with(0);
    assert!(dir.path(&format!("snapshots/{FILE}.new")).exists());
    let pending = dir.run("pending").ends_with(0);
    assert!(
        pending
            .out
            .starts_with("new sensor/validation.authenticated: ")
            && pending.out.ends_with("\n1 pending\n"),
        "{}",
        pending.out
    );

    assert_eq!(
        dir.run("accept validation.*").ends_with(0).out,
        "accepted sensor/validation.authenticated\n"
    );
    assert_eq!(
        dir.files("snapshots"),
        TestDir::with_snapshots(SOME).files("snapshots")
    );
    dir.run_with(CHECK, "CI", "true").ends_with(0);
    assert_eq!(dir.run("pending").ends_with(0).out, "0 pending\n");
}

#[test]
fn a_rejected_change_leaves_the_snapshot_as_it_was() {
    let dir = changed();
    let before = dir.files("snapshots");
    dir.run(CHECK).ends_with(1);
    let pending = dir.run("pending sensor/*").ends_with(0);
    assert!(
        pending
            .out
            .starts_with("changed sensor/validation.authenticated: ")
            && pending.out.contains("-201\n+200\n"),
        "{}",
        pending.out
    );
    assert_eq!(
        dir.run("reject sensor/validation.authenticated")
            .ends_with(0)
            .out,
        "rejected sensor/validation.authenticated\n"
    );
    assert_eq!(dir.files("snapshots"), before);
    let run = dir.run("reject").ends_with(2);
    assert!(
        run.err
            .contains("no pending snapshot matches `*`\n  hint: "),
        "{}",
        run.err
    );
}

#[test]
fn a_change_that_is_gone_takes_its_pending_file_along() {
    let dir = changed();
    dir.run(CHECK).ends_with(1);
    fs::copy(
        crate::check::test_dir::project("snapshots").join(FILE),
        dir.path("snapshots").join(FILE),
    )
    .unwrap();
    dir.run(CHECK).ends_with(0);
    assert_eq!(
        dir.files("snapshots"),
        TestDir::with_snapshots(SOME).files("snapshots")
    );
}

#[test]
fn a_full_run_changes_no_file() {
    let dir = TestDir::with_snapshots("");
    let (before, written) = (dir.files("snapshots"), modified(&dir));
    assert!(before.len() > 600, "{}", before.len());
    let run = dir.run("check").ends_with(0);
    assert_eq!(dir.files("snapshots"), before);
    assert_eq!(modified(&dir), written);
    assert!(run.out.ends_with("none fails.\n"), "{}", run.out);
    assert_eq!(run.err, "", "off a terminal a run that passes is quiet");
}

#[test]
fn verbose_lists_every_case() {
    let dir = TestDir::with_snapshots(SOME);
    let run = dir.run(&format!("-v {CHECK}")).ends_with(0);
    assert!(
        run.err.contains("documented    same     validation."),
        "{}",
        run.err
    );
}

#[test]
fn without_a_folder_the_built_in_copy_is_compared() {
    let dir = TestDir::new();
    let run = dir.run(CHECK).ends_with(0);
    assert!(run.out.contains(" same, 0 changed, 0 new"), "{}", run.out);
    assert_eq!(
        dir.files("").into_keys().collect::<Vec<_>>(),
        [""; 0],
        "a run leaves nothing behind"
    );
}

#[test]
fn a_named_folder_is_read_alike_for_one_kind_and_for_both() {
    let dir = TestDir::with_snapshots(SOME);
    fs::rename(dir.path("snapshots"), dir.path("mine")).unwrap();
    for line in [
        "--snapshots mine",
        "--snapshots mine --kind sensor",
        "--snapshots mine/sensor --kind sensor",
    ] {
        let run = dir.run_with(&format!("check -q --case {SOME}* {line}"), "CI", "true");
        assert!(run.ends_with(0).out.contains(" 0 changed, 0 new"), "{line}");
    }
}

#[test]
fn gone_is_reported_on_full_runs_and_fails_nothing() {
    let dir = TestDir::with_snapshots("");
    fs::rename(
        dir.path("snapshots/sensor/validation.repeated.snap"),
        dir.path("snapshots/sensor/validation.of_old.snap"),
    )
    .unwrap();
    let run = dir.run("check -q --kind sensor").ends_with(0);
    assert!(
        run.out
            .contains("gone: a snapshot without a case (1)\n  validation.of_old\n"),
        "{}",
        run.out
    );
    let run = dir.run(CHECK).ends_with(0);
    assert!(!run.out.contains("gone"), "{}", run.out);
}

#[rstest]
#[case::broken("<<<<<<< HEAD\n", "line 1: expected `---`")]
#[case::not_text("\0", "line 1: expected `---`")]
fn a_broken_snapshot_is_named(#[case] text: &str, #[case] expected: &str) {
    let dir = changed();
    dir.write(&format!("snapshots/{FILE}"), text);
    let Run { err, .. } = dir.run(CHECK).ends_with(2);
    assert!(
        err.contains(&format!("snapshots/{FILE}: {expected}")),
        "{err}"
    );
}

fn changed() -> TestDir {
    let dir = TestDir::with_snapshots(SOME);
    let path = format!("snapshots/{FILE}");
    dir.write(&path, &dir.read(&path).replace("\n200\n", "\n201\n"));
    dir
}

fn missing() -> TestDir {
    let dir = TestDir::with_snapshots(SOME);
    fs::remove_file(dir.path("snapshots").join(FILE)).unwrap();
    dir
}

fn changed_and_missing() -> TestDir {
    let dir = changed();
    fs::remove_file(dir.path("snapshots").join(MISSING)).unwrap();
    dir
}

fn modified(dir: &TestDir) -> Vec<std::time::SystemTime> {
    dir.files("snapshots")
        .keys()
        .map(|name| {
            dir.path("snapshots")
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

#[test]
fn a_file_that_is_no_snapshot_is_noticed_before_any_request() {
    let dir = TestDir::with_snapshots(SOME);
    dir.write(&format!("snapshots/{FILE}"), "<<<<<<< HEAD\n");
    let run = dir.run(CHECK).ends_with(2);
    assert_eq!(run.out, "", "nothing was sent");
    assert!(run.err.contains("expected `---`"), "{}", run.err);
}

#[test]
fn azure_pipelines_is_a_build_server() {
    let run = missing().run_with(CHECK, "TF_BUILD", "True").ends_with(5);
    assert!(run.err.contains("in CI every case needs"), "{}", run.err);
}

#[test]
fn what_is_written_is_counted() {
    let dir = TestDir::new();
    dir.write(
        "f.yaml",
        "appliance: sensor\nfailures: [{ name: x, on: validation, do: { json: { msg: no } } }]\n",
    );
    let line = "check --fixture f.yaml --case validation.role.* --case set_password.role.user --update new --snapshots s";
    let run = dir.run(line).ends_with(1);
    assert!(
        run.err.contains(" written to s, ") && run.err.contains(" not: they deviate"),
        "{}",
        run.err
    );
}

#[test]
fn accepting_a_change_keeps_the_line_that_names_the_test() {
    let dir = changed();
    dir.run(CHECK).ends_with(1);
    let pending = format!("snapshots/{FILE}.new");
    dir.write(
        &pending,
        &dir.read(&pending)
            .replace("source: tests/snapshots.rs\n", ""),
    );
    dir.run("accept").ends_with(0);
    let kept = dir.read(&format!("snapshots/{FILE}"));
    assert!(kept.contains("source: tests/snapshots.rs\n"), "{kept}");
}

/// Permissions do not bind root: the project is on a file system that is read-only.
#[test]
fn a_read_only_project_is_checked_if_nothing_is_to_be_written() {
    let (same, changed) = (TestDir::with_snapshots(SOME), changed());
    let (Some(same), Some(changed)) = (read_only(&same), read_only(&changed)) else {
        eprintln!("skipped: no mount namespace can be made here");
        return;
    };
    same.ends_with(0);
    let changed = changed.ends_with(2);
    let expected = format!("write snapshots/{FILE}.new: Read-only file system");
    assert!(changed.err.contains(&expected), "{}", changed.err);
    assert!(changed.out.contains("-201\n"), "{}", changed.out);
}

/// Runs check in a folder that cannot be written; none where the system does not allow to make one.
fn read_only(dir: &TestDir) -> Option<Run> {
    let mount = "mount --bind . . && mount -o remount,bind,ro . && cd \"$PWD\"";
    let unshare = |script: &str| {
        let check = dir.command(CHECK);
        let mut command = Command::new("unshare");
        command
            .args(["-rm", "sh", "-c", script])
            .arg(check.get_program())
            .args(check.get_args())
            .current_dir(dir.path(""))
            .env("XDG_STATE_HOME", dir.path("state"))
            .env_remove("CI");
        run_command(&mut command)
    };
    let is_possible = unshare(&format!("{mount} && ! touch x")).code == 0;
    is_possible.then(|| unshare(&format!("{mount} && exec \"$0\" \"$@\"")))
}
