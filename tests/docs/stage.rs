//! Where the README's commands are run: a folder like the project's, with the built binary in reach.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

/// A folder that vanishes with the test.
pub(crate) struct Stage {
    folder: TempDir,
    served: Option<Served>,
}

/// A running `serve`, and for each port that the page shows the one it has.
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
        for folder in [
            "fixtures",
            "snapshots",
            "snapshots/sensor",
            "snapshots/console",
        ] {
            let there = stage.folder.path().join(folder);
            fs::create_dir_all(&there).unwrap();
            for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
                .unwrap()
                .map(Result::unwrap)
            {
                let name = entry.file_name();
                // What waits to be reviewed is nobody's yet.
                if entry.path().is_file()
                    && !name.to_str().is_some_and(|name| name.ends_with(".new"))
                {
                    fs::copy(entry.path(), there.join(name)).unwrap();
                }
            }
        }
        stage
    }

    /// Puts a file into the folder.
    pub(crate) fn put(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// Runs a command, which must end with this code, and returns what it prints.
    pub(crate) fn run(&self, code: &str, exit: i32, stderr: bool) -> String {
        let output = self.output(code);
        let (out, err) = (text(output.stdout), text(output.stderr));
        assert_eq!(output.status.code(), Some(exit), "{code}\n{out}\n{err}");
        if stderr { err } else { out }
    }

    /// Starts to serve, and returns what it says until it is ready, with the ports that the page shows.
    pub(crate) fn serve(&mut self, code: &str, lines: usize) -> String {
        self.stop();
        // What listens on a port that the page shows listens on any free one here.
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
        let said: Vec<String> = BufReader::new(process.stdout.take().unwrap())
            .lines()
            .take(lines)
            .map(Result::unwrap)
            .collect();
        let shown = |line: &str, shown: u16| {
            if line.starts_with("ready control ") {
                CONTROL.rsplit(':').next().unwrap().to_owned()
            } else {
                shown.to_string()
            }
        };
        let ports = said
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
        said.iter()
            .zip(&served.ports)
            .map(|(line, ports)| as_shown(line, ports) + "\n")
            .collect()
    }

    /// Runs a command that asks what is served. None where there is no curl, which is an error only in CI.
    pub(crate) fn ask(&self, code: &str) -> Option<String> {
        if Command::new("curl").arg("--version").output().is_err() {
            assert!(env::var_os("CI").is_none(), "curl is needed");
            return None;
        }
        let served = self
            .served
            .as_ref()
            .expect("something is served before it is asked");
        let real = served
            .ports
            .iter()
            .fold(code.to_owned(), |code, (shown, real)| {
                code.replace(&format!(":{shown}"), &format!(":{real}"))
            });
        Some(self.run(&real, 0, false))
    }

    fn output(&self, code: &str) -> Output {
        let code = code.replace("cargo run --release --", "d4iot-double");
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
            // It may have ended by itself.
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

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// What `serve` takes if it is told nothing.
const FIRST_PORT: u16 = 8443;
/// Where the page lets the control API listen.
const CONTROL: &str = "127.0.0.1:9443";
