//! Plays one scenario, and says what went wrong.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{self, Output, Stdio},
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use tempfile::TempDir;

use crate::{
    fake::{KillAt, Running},
    scenarios::{Command, Run, Scenario, Step, well},
    target::stage::CONSENT,
};

pub(crate) struct Play {
    pub(crate) running: Running,
    pub(crate) folder: TempDir,
    tls: bool,
    pub(crate) lasting: bool,
    wrong: Vec<String>,
}

/// Returns what went wrong.
pub(crate) fn play(scenario: Scenario) -> Vec<String> {
    let mut play = Play::start(&scenario);
    for step in scenario.steps {
        play.step(step);
    }
    play.end(scenario.row, scenario.created);
    play.wrong
}

impl Play {
    pub(crate) fn start(scenario: &Scenario) -> Play {
        let play = Play {
            running: Running::start(
                &scenario.fixture,
                scenario.lock,
                scenario.tls,
                Arc::clone(&scenario.responder),
            ),
            folder: folder(),
            tls: scenario.tls,
            lasting: scenario.lasting.is_some(),
            wrong: Vec::new(),
        };
        play.write_accounts(&scenario.accounts);
        play
    }

    pub(crate) fn write_accounts(&self, text: &str) {
        let path = self.folder.path().join("lab.yaml");
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Act(act) => act(self),
            Step::Behave(responder) => self.running.fake.behave(responder),
            Step::Changed(users) => self.is_changed(users),
            Step::Edit(from, to) => {
                let path = self.folder.path().join("lab.yaml");
                let text = fs::read_to_string(path).unwrap();
                assert!(text.contains(from), "{from}");
                self.write_accounts(&text.replace(from, to));
            }
            Step::Killed(request, arguments) => self.killed_at(request, arguments),
            Step::Run(run) => self.run(&run),
        }
    }

    fn run(&mut self, run: &Run) {
        let before = self.changed();
        let output = self.command(run.command, run.arguments).output().unwrap();
        let code = output.status.code().unwrap_or(-1);
        if !run.codes.contains(&code) {
            let wrong = format!("exit code {code}, expected {:?}", run.codes);
            self.wrong(&wrong, &output);
        }
        let said = said(&output);
        for words in run.says {
            if !said.contains(words) {
                self.wrong(&format!("does not say `{words}`"), &output);
            }
        }
        if said.contains("Passw0rd") || said.contains("Password-12345") {
            self.wrong("shows a password", &output);
        }
        let changed: Vec<String> = self.changed().difference(&before).cloned().collect();
        let checks = !matches!(run.command, Command::Recover);
        if checks && !changed.is_empty() && code != 7 && !self.lasting {
            self.wrong(
                &format!("exit code {code}, and {changed:?} are left changed"),
                &output,
            );
        }
    }

    /// Runs `check`, which is killed at a request, after that was carried out.
    pub(crate) fn killed_at(&mut self, request: usize, arguments: &[&str]) {
        let at = KillAt {
            request,
            after: true,
        };
        let output = self.kill(at, Command::Check, arguments);
        if output.status.code().is_some() {
            self.wrong(&format!("was not killed at request {request}"), &output);
        }
    }

    /// Starts a command that is killed at a request, if it gets there.
    pub(crate) fn kill(&self, at: KillAt, command: Command, arguments: &[&str]) -> Output {
        self.running.fake.kill_at(at);
        let child = self
            .command(command, arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        self.running.fake.started(child.id());
        let output = child.wait_with_output().unwrap();
        self.running.fake.never_kill();
        output
    }

    pub(crate) fn command(&self, command: Command, arguments: &[&str]) -> process::Command {
        let mut started = crate::target::stage::command();
        match command {
            Command::Check => {
                self.checks(&mut started, &self.running.url());
                if self.tls {
                    started.arg("--insecure");
                }
                started.args(CONSENT);
            }
            Command::At(url) => {
                self.checks(&mut started, &url(&self.running));
            }
            Command::Look => self.checks(&mut started, &self.running.url()),
            Command::Recover => {
                started.arg("recover");
            }
        }
        started
            .args(arguments)
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .env_remove("CI")
            .current_dir(self.folder.path());
        started
    }

    fn checks(&self, command: &mut process::Command, url: &str) {
        command.args(["check", url, "--kind", "sensor"]);
        command.args(["--accounts", "lab.yaml"]);
    }

    /// The users whose passwords differ from those at first.
    pub(crate) fn changed(&self) -> BTreeSet<String> {
        let now = self.running.fake.passwords();
        let original = self.running.fake.ledger().original.clone();
        now.into_iter()
            .filter(|(name, password)| original.get(name).is_some_and(|old| old != password))
            .map(|(name, _)| name)
            .collect()
    }

    fn created(&self) -> BTreeSet<String> {
        let now = self.running.fake.passwords();
        let original = self.running.fake.ledger().original.clone();
        let created = now.into_keys().filter(|name| !original.contains_key(name));
        created.collect()
    }

    pub(crate) fn is_changed(&mut self, users: &[&str]) {
        let (changed, expected) = (self.changed(), names(users));
        if changed != expected {
            let wrong = format!("changed are {changed:?}, expected {expected:?}");
            self.wrong.push(wrong);
        }
    }

    /// Holds the three rules.
    pub(crate) fn end(&mut self, row: usize, may_create: usize) {
        self.running.fake.ledger().hurry();
        let created = self.created();
        if created.len() > may_create {
            self.wrong.push(format!("created: {created:?}"));
        }
        let changed = self.changed();
        if !changed.is_empty() && !self.lasting {
            self.running.fake.behave(Arc::new(well));
            let output = self.command(Command::Recover, &[]).output().unwrap();
            let left = self.changed();
            if !left.is_empty() || output.status.code() != Some(0) {
                let wrong = format!("{changed:?} were changed; `recover` leaves {left:?}");
                self.wrong(&wrong, &output);
            }
        }
        let ledger = self.running.fake.ledger();
        let (longest, failed) = (ledger.longest_row(), ledger.failed);
        let locked = ledger.locked.clone();
        let outside: Vec<String> = ledger
            .named
            .iter()
            .chain(&ledger.touched)
            .filter(|name| !ACCOUNT_NAMES.contains(&name.as_str()) && !created.contains(*name))
            .cloned()
            .collect();
        drop(ledger);
        if longest > row {
            let wrong = format!(
                "{longest} failed sign-ins in a row, at most {row} expected; {failed} in total"
            );
            self.wrong.push(wrong);
        }
        if !locked.is_empty() {
            self.wrong.push(format!("locked: {locked:?}"));
        }
        if !outside.is_empty() {
            let wrong = format!("touched, and not in the file: {outside:?}");
            self.wrong.push(wrong);
        }
    }

    /// No report has this text.
    pub(crate) fn shows_nowhere(&mut self, text: &str) {
        for name in ["r.json", "r.html"] {
            let report = fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
            if report.is_empty() || report.contains(text) {
                self.note(&format!("{name} is empty or shows {text}"));
            }
        }
    }

    /// No user's password was changed, also not for a moment.
    pub(crate) fn is_untouched(&mut self) {
        let touched = self.running.fake.ledger().touched.clone();
        if !touched.is_empty() {
            self.note(&format!("changed for a moment: {touched:?}"));
        }
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        let folder = self.folder.path();
        fs::rename(folder.join(from), folder.join(to)).unwrap();
    }

    pub(crate) fn has_password(&mut self, user: &str, password: &str) {
        let now = self.running.fake.passwords()[user].clone();
        if now != password {
            self.note(&format!("the password of {user} is another one"));
        }
    }

    /// No lock file is left.
    pub(crate) fn has_no_lock(&mut self) {
        let journals = self.folder.path().join("state/d4iot-double/journals");
        for entry in fs::read_dir(journals).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".lock") {
                self.note(&format!("{name} is left"));
            }
        }
    }

    /// What remembers the failed sign-ins at the appliance.
    fn failures(&self) -> PathBuf {
        let journals = self.folder.path().join("state/d4iot-double/journals");
        let entries = fs::read_dir(journals).unwrap();
        let mut paths = entries.map(|entry| entry.unwrap().path());
        let is_memory = |path: &PathBuf| path.extension().is_some_and(|end| end == "failures");
        paths.find(is_memory).unwrap()
    }

    pub(crate) fn forget_failures(&self) {
        fs::remove_file(self.failures()).unwrap();
    }

    /// How many failed sign-ins are remembered.
    pub(crate) fn remembered_failures(&self) -> usize {
        let text = fs::read_to_string(self.failures()).unwrap();
        // A line that says more is not of a failure.
        text.lines().filter(|line| !line.contains(' ')).count()
    }

    /// Further sign-ins have just failed.
    pub(crate) fn fail_elsewhere(&self, failures: usize) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let text = fs::read_to_string(self.failures()).unwrap();
        let further = format!("{}\n", now.as_secs()).repeat(failures);
        fs::write(self.failures(), text + &further).unwrap();
    }

    pub(crate) fn has_sent(&mut self, requests: usize) {
        let sent = self.running.fake.ledger().requests;
        if sent != requests {
            self.note(&format!("{sent} requests were sent, expected {requests}"));
        }
    }

    pub(crate) fn into_wrong(self) -> Vec<String> {
        self.wrong
    }

    pub(crate) fn note(&mut self, wrong: &str) {
        self.wrong.push(wrong.to_owned());
    }

    pub(crate) fn wrong(&mut self, what: &str, output: &Output) {
        let last = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            let lines = text.lines().filter(|line| !line.starts_with("sensor  "));
            let lines: Vec<&str> = lines.collect();
            lines[lines.len().saturating_sub(shown_lines())..].join("\n    | ")
        };
        let (out, err) = (last(&output.stdout), last(&output.stderr));
        self.wrong
            .push(format!("{what}\n    | {out}\n    | -- stderr\n    | {err}"));
    }
}

/// How many of the last lines of a command are shown; `D4IOT_LINES` may ask for more.
fn shown_lines() -> usize {
    let lines = std::env::var("D4IOT_LINES").ok();
    lines.and_then(|lines| lines.parse().ok()).unwrap_or(6)
}

pub(crate) fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy;
    format!("{}\n{}", text(&output.stdout), text(&output.stderr))
}

fn names(users: &[&str]) -> BTreeSet<String> {
    users.iter().map(|user| (*user).to_owned()).collect()
}

/// In memory, if there is a file system for it: journals are flushed to the disk with each change.
pub(crate) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        TempDir::new_in(memory).unwrap()
    } else {
        TempDir::new().unwrap()
    }
}

const ACCOUNT_NAMES: [&str; 5] = [
    "boss",
    "lab-analyst",
    "lab-bystander",
    "lab-readonly",
    "lab-user",
];
