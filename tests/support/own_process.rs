//! A test with a process to itself, for what belongs to a whole process: descriptors, memory, limits.

use std::{env, process::Command};

/// Returns whether this is the test's own process. Otherwise runs the test in one, where it must pass.
pub(crate) fn is_own_process(test: &str) -> bool {
    const MARK: &str = "D4IOT_DOUBLE_OWN_PROCESS";
    if env::var_os(MARK).is_some() {
        return true;
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(MARK, "1")
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}{err}");
    assert!(
        out.contains("\nrunning 1 test\n"),
        "no test is named {test}: {out}"
    );
    false
}
