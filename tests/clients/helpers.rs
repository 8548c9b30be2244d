//! The packages of `helpers/`, run from their sources against the control API as it is now. `.ci/package` tries them as they are installed.

use std::{
    env, io,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use rstest::rstest;

use crate::process::PROGRAM;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The command and its arguments, the folder to run it in, and what shows that it is installed.
#[rstest]
// What the page of the package says is in the wheel alone.
#[case::python(
    &["target/clients/bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", "-k", "not page"],
    "helpers/python/tests",
    &["-c", "import pytest, xdist"]
)]
#[case::node(&["node", "--test"], "helpers/node", &["--version"])]
#[case::go(&["go", "test", "-count=1", "./..."], "helpers/go", &["version"])]
#[ignore = "the clients tier: .ci/run runs it"]
fn helpers_agree_with_the_control_api(
    #[case] command: &[&str],
    #[case] folder: &str,
    #[case] probe: &[&str],
) {
    let root = Path::new(ROOT);
    let in_root = root.join(command[0]);
    let program = if in_root.exists() {
        in_root.as_os_str()
    } else {
        command[0].as_ref()
    };
    let probed = Command::new(program)
        .args(probe)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !probed.is_ok_and(|status| status.success()) {
        assert!(
            env::var_os("D4IOT_CLIENTS").is_none_or(|clients| clients != "all"),
            "{} is not installed",
            command[0]
        );
        let text = format!("left out, as {} is not installed: {folder}\n", command[0]);
        io::stderr().write_all(text.as_bytes()).unwrap();
        return;
    }

    let output = Command::new(program)
        .args(&command[1..])
        .current_dir(root.join(folder))
        .env("D4IOT_DOUBLE_BIN", PROGRAM)
        .env("GOPROXY", "off")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONPATH", root.join("helpers/python"))
        .env("PYTEST_PLUGINS", "d4iot_double.pytest_plugin")
        .output()
        .unwrap();

    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
