//! A working folder of its own, and the binary run in it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

/// A folder that vanishes with the test; nothing of the caller's environment reaches the binary run in it.
pub(crate) struct TestDir {
    folder: TempDir,
}

/// What a run left behind.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl TestDir {
    pub(crate) fn new() -> TestDir {
        TestDir {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A dir with the project's snapshots that start so, in `snapshots/KIND`.
    pub(crate) fn with_snapshots(prefix: &str) -> TestDir {
        let dir = TestDir::new();
        for kind in ["sensor", "console"] {
            let (from, to) = (
                project("snapshots").join(kind),
                dir.path("snapshots").join(kind),
            );
            fs::create_dir_all(&to).unwrap();
            for entry in fs::read_dir(from).unwrap() {
                let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
                if name.starts_with(prefix) && name.ends_with(".snap") {
                    fs::copy(entry.unwrap().path(), to.join(name)).unwrap();
                }
            }
        }
        dir
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The binary with arguments separated by blanks, ready to run.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_d4iot-double"));
        command
            .args(line.split_whitespace())
            .current_dir(self.folder.path());
        for name in [
            "CI",
            "INSTA_UPDATE",
            "NO_COLOR",
            "TERM",
            "COLUMNS",
            "HOME",
            "GITHUB_STEP_SUMMARY",
        ] {
            command.env_remove(name);
        }
        command.env("XDG_STATE_HOME", self.path("state"));
        command
    }

    pub(crate) fn run(&self, line: &str) -> Run {
        run_command(&mut self.command(line))
    }

    pub(crate) fn run_with(&self, line: &str, name: &str, value: &str) -> Run {
        run_command(self.command(line).env(name, value))
    }

    /// Runs check and returns its JSON report, whatever the exit code.
    pub(crate) fn report(&self, line: &str) -> Value {
        let run = self.run(&format!("check -q --report json {line}"));
        serde_json::from_str(&run.out)
            .unwrap_or_else(|error| panic!("{error}: {}{}", run.out, run.err))
    }

    /// Runs check and returns `kind/id` of every case that was run.
    pub(crate) fn ran(&self, line: &str) -> Vec<String> {
        cases(&self.report(line))
            .map(|(kind, case)| format!("{kind}/{}", case["id"].as_str().unwrap()))
            .collect()
    }

    /// Every file below a folder, with its bytes.
    pub(crate) fn files(&self, name: &str) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        walk(&self.path(name), "", &mut files);
        files
    }
}

impl Run {
    /// Asserts the exit code; a failure shows both streams.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Run {
        assert_eq!(
            self.code, code,
            "stdout:\n{}\nstderr:\n{}",
            self.out, self.err
        );
        assert!(!self.err.contains("panicked"), "{}", self.err);
        self
    }
}

pub(crate) fn run_command(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run {
        code: output.status.code().unwrap(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// The cases of a JSON report, each with its kind.
pub(crate) fn cases(report: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let targets = report["targets"].as_array().unwrap();
    targets.iter().flat_map(|target| {
        target["cases"]
            .as_array()
            .unwrap()
            .iter()
            .map(|case| (target["kind"].as_str().unwrap(), case))
    })
}

/// A path in the project.
pub(crate) fn project(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn walk(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            walk(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}
