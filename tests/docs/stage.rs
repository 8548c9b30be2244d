//! A temporary folder in which the commands of a page run, with the built binary in `PATH`.

use std::{
    env, fs,
    fs::Permissions,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

/// The folder, and the server that is running.
pub(crate) struct Stage {
    folder: TempDir,
    served: Option<Served>,
}

/// A running `serve`, with pairs of the port that the page shows and the real one.
struct Served {
    process: Child,
    ports: Vec<(String, String)>,
}

impl Stage {
    pub(crate) fn new() -> Stage {
        let stage = Stage {
            folder: tempfile::tempdir().unwrap(),
            served: None,
        };
        for folder in ["clients", "fixtures", "snapshots"] {
            copy(
                &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
                &stage.folder.path().join(folder),
            );
        }
        stage
    }

    /// Puts a file into the folder that only its owner may read, as files with passwords must be.
    pub(crate) fn put(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }

    /// Runs a command, which must exit with this code, and returns its output.
    pub(crate) fn run(&self, code: &str, exit: i32, stderr: bool) -> String {
        let output = self.output(code);
        let (out, err) = (text(output.stdout), text(output.stderr));
        assert_eq!(output.status.code(), Some(exit), "{code}\n{out}\n{err}");
        if stderr { err } else { out }
    }

    /// Starts `serve` and returns its ready lines, with the ports that the page shows.
    pub(crate) fn serve(&mut self, code: &str, count: usize) -> String {
        self.stop();
        // The test listens on free ports instead of those that the page shows.
        let code = code.replace(CONTROL, "127.0.0.1:0");
        let words = code
            .split_whitespace()
            .skip_while(|word| *word != "serve")
            .chain(["--quiet", "--listen", "127.0.0.1:0"]);
        let mut process = self
            .command(env!("CARGO_BIN_EXE_d4iot-double"))
            .args(words)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines: Vec<String> = BufReader::new(process.stdout.take().unwrap())
            .lines()
            .take(count)
            .map(Result::unwrap)
            .collect();
        let shown = |line: &str, shown: u16| {
            if line.starts_with("ready control ") {
                CONTROL.rsplit(':').next().unwrap().to_owned()
            } else {
                shown.to_string()
            }
        };
        let ports = lines
            .iter()
            .zip(FIRST_PORT..)
            .map(|(line, next)| {
                (
                    shown(line, next),
                    line.rsplit(':').next().unwrap().to_owned(),
                )
            })
            .collect();
        let served = self.served.insert(Served { process, ports });
        let as_shown = |line: &String, (shown, real): &(String, String)| {
            line.replace(&format!(":{real}"), &format!(":{shown}"))
        };
        lines
            .iter()
            .zip(&served.ports)
            .map(|(line, ports)| as_shown(line, ports) + "\n")
            .collect()
    }

    /// Runs a command that connects to the server. Returns nothing if curl is missing, which is an error only in CI.
    pub(crate) fn ask(&self, code: &str, exit: i32) -> Option<String> {
        if Command::new("curl").arg("--version").output().is_err() {
            assert!(env::var_os("CI").is_none(), "curl is needed");
            return None;
        }
        let served = self
            .served
            .as_ref()
            .expect("a `serves` block comes before a `client` block");
        let swap = |text: String, (from, to): (&String, &String)| {
            text.replace(&format!(":{from}"), &format!(":{to}"))
        };
        let pairs = || served.ports.iter();
        let code = pairs().fold(code.to_owned(), |code, (shown, real)| {
            swap(code, (shown, real))
        });
        let output = self.run(&code, exit, false);
        Some(pairs().fold(output, |output, (shown, real)| swap(output, (real, shown))))
    }

    fn output(&self, code: &str) -> Output {
        let code = code.replace("cargo run --", "d4iot-double");
        self.command("sh")
            .args(["-ec", &code])
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let binaries = Path::new(env!("CARGO_BIN_EXE_d4iot-double"))
            .parent()
            .unwrap();
        let others = env::var_os("PATH").unwrap_or_default();
        let path = [binaries.to_owned()]
            .into_iter()
            .chain(env::split_paths(&others));
        command
            .current_dir(self.folder.path())
            .env("PATH", env::join_paths(path).unwrap())
            .env("XDG_STATE_HOME", self.folder.path());
        for name in [
            "CI",
            "INSTA_UPDATE",
            "NO_COLOR",
            "COLUMNS",
            "https_proxy",
            "HTTPS_PROXY",
            "all_proxy",
            "ALL_PROXY",
        ] {
            command.env_remove(name);
        }
        command
    }

    fn stop(&mut self) {
        if let Some(mut served) = self.served.take() {
            // It may have ended already.
            let _ = served.process.kill();
            let _ = served.process.wait();
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Copies a folder, without snapshots that wait for review.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else if path.extension().is_none_or(|end| end != "new") {
            fs::copy(path, to.join(name)).unwrap();
        }
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// The default port of `serve`.
const FIRST_PORT: u16 = 8443;
/// The address of the control API on the pages.
const CONTROL: &str = "127.0.0.1:9443";
