//! A check of our own mock that is interrupted.

use std::process::Command;

use rustix::process::Signal;

use crate::{
    check::test_dir::TestDir,
    process::{PROGRAM, Process},
};

#[test]
fn what_was_judged_before_a_signal_is_reported() {
    let dir = TestDir::new();
    let hangs = "appliance: sensor\nfailures: [{ name: h, on: validation, when: { after: 1 }, do: { hang: before_head } }]\n";
    dir.write("hangs.yaml", hangs);
    let mut command = Command::new(PROGRAM);
    command
        .args(["-v", "check", "--fixture", "hangs.yaml"])
        .args(["--case", "validation.a*", "--case", "validation.method.*"])
        .current_dir(dir.path(""))
        .env_remove("CI");
    let mut process = Process::spawn(&mut command);
    process.says("documented");
    process.signal(Signal::INT);
    let end = process.end();
    assert_eq!(end.code, Some(130), "{}", end.err);
    assert!(end.out.contains("the run was interrupted"), "{}", end.out);
    assert!(end.out.contains(" documented, "), "{}", end.out);
    assert!(end.err.contains("error: interrupted"), "{}", end.err);
}
