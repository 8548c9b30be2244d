//! The stage: a fake appliance, the folder of its user, and the binary run there.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Response, StatusCode};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::{
    fake::{Answer, Exchange, KillAt, Lock, Running, Seen},
    tampering::replaced,
    target::hostile::{HOSTILE, HOSTILE_COMMAND},
};

pub(crate) const CONSENT: [&str; 2] = ["--change-passwords-on", "127.0.0.1"];

pub(crate) const FIXTURE: &str = r#"
appliance: sensor
users:
  - { username: boss, password: "Boss-Password-12345", role: admin }
  - { username: lab-user, password: "Lab-User-Passw0rd:1", role: security_analyst }
  - { username: lab-bystander, password: "Lab-By-Passw0rd:1", role: read_only }
  - { username: lab-readonly, password: "Lab-Ro-Passw0rd:1", role: read_only }
  - { username: lab-analyst, password: "Lab-An-Passw0rd:1", role: security_analyst }
policy: product_16
lockout: { after: 5, scope: source, for: 15m }
"#;

pub(crate) const ACCOUNTS: &str = r#"
admin: { username: boss, password: "Boss-Password-12345" }
user: { username: lab-user, password: "Lab-User-Passw0rd:1" }
bystander: { username: lab-bystander, password: "Lab-By-Passw0rd:1" }
read_only: { username: lab-readonly, password: "Lab-Ro-Passw0rd:1" }
security_analyst: { username: lab-analyst, password: "Lab-An-Passw0rd:1" }
"#;

/// How the appliance behaves.
#[derive(Clone, Debug)]
pub(crate) enum Behaviour {
    /// Every answer is full of what acts on the program that shows it.
    Hostile,
    /// The process is killed at its n-th request, after that is carried out.
    Kill(usize),
    /// At the n-th request a command is run.
    Meanwhile(usize, Arc<Mutex<Meanwhile>>),
    /// Everything is redirected.
    Redirect(String),
    /// The process gets a signal at its n-th request.
    Signal(usize, Signal),
    /// The first change is carried out; all further ones are refused as if the credentials were wrong.
    Stuck,
    /// The process gets a signal at its n-th change and another one at the next request, which is never answered.
    Twice(usize),
    Well,
    /// The n-th change, or every one, goes wrong.
    Wrong(Wrong, Option<usize>),
}

/// A command, and then what became of it.
#[derive(Debug)]
pub(crate) enum Meanwhile {
    Before(Command),
    After(Ran),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    LateAfter,
    LateBefore,
    LostAfter,
    LostBefore,
    PageAfter,
    PageBefore,
}

impl Behaviour {
    fn answer(&self, exchange: &Exchange<'_>) -> Answer {
        let changes = exchange.fake.changes();
        let change = exchange.seen().changes();
        match self {
            Behaviour::Signal(at, signal) if exchange.number == *at => {
                exchange.fake.signal(*signal);
                exchange.answer().into()
            }
            Behaviour::Twice(at) if change && changes == *at => {
                exchange.fake.signal(Signal::INT);
                exchange.answer().into()
            }
            Behaviour::Twice(at) if changes >= *at => {
                exchange.fake.signal(Signal::INT);
                Answer::Hang
            }
            Behaviour::Meanwhile(at, other) if exchange.number == *at => {
                other.lock().unwrap().run();
                exchange.answer().into()
            }
            Behaviour::Hostile => {
                let text = serde_json::Value::from(HOSTILE);
                // Where an answer resembles a right one, its words are in the cause of the failure too.
                if exchange.number.is_multiple_of(4) {
                    let text = serde_json::Value::from(HOSTILE_COMMAND).to_string();
                    let longer = format!(":{}", text.trim_end_matches('"'));
                    return replaced(exchange.answer(), ":\"", &longer).into();
                }
                let body = format!("{{\"msg\":{text}}}\n{HOSTILE}");
                typed(200, "text/html<script>", body).into()
            }
            Behaviour::Redirect(to) => Response::builder()
                .status(StatusCode::TEMPORARY_REDIRECT)
                .header("location", to)
                .body(Bytes::new())
                .unwrap()
                .into(),
            // The rehearsal and the first change of a case.
            Behaviour::Stuck if change && changes > 2 => exchange.refuse_sign_in().into(),
            Behaviour::Wrong(wrong, which)
                if change && which.is_none_or(|which| which == changes) =>
            {
                wrong.answer(exchange)
            }
            _ => exchange.answer().into(),
        }
    }
}

impl Meanwhile {
    fn run(&mut self) {
        if let Meanwhile::Before(command) = self {
            *self = Meanwhile::After(Ran::of(command));
        }
    }
}

impl Wrong {
    fn answer(self, exchange: &Exchange<'_>) -> Answer {
        if matches!(self, Wrong::LateAfter | Wrong::LostAfter | Wrong::PageAfter) {
            exchange.answer();
        }
        match self {
            Wrong::LateAfter | Wrong::LateBefore => Answer::Hang,
            Wrong::LostAfter | Wrong::LostBefore => Answer::Reset,
            Wrong::PageAfter | Wrong::PageBefore => {
                let page = "<html><body><h1>Service Unavailable</h1></body></html>";
                typed(503, "text/html", page.to_owned()).into()
            }
        }
    }
}

fn typed(status: u16, content_type: &str, body: String) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .body(body.into())
        .unwrap()
}

/// A fake appliance, and the folder of its user.
pub(crate) struct Stage {
    pub(crate) running: Running,
    pub(crate) url: String,
    pub(crate) folder: TempDir,
}

impl Stage {
    pub(crate) fn new() -> Stage {
        Stage::of(FIXTURE, Behaviour::Well)
    }

    pub(crate) fn of(fixture: &str, behaviour: Behaviour) -> Stage {
        // The mock itself locks, as the fixture says.
        let well = Arc::new(|exchange: &Exchange<'_>| exchange.answer().into());
        let running = Running::start(fixture, Lock::NEVER, false, well);
        let stage = Stage {
            url: running.url(),
            running,
            folder: TempDir::new().unwrap(),
        };
        stage.write_accounts(ACCOUNTS);
        stage.behave(behaviour);
        stage
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        let fake = &self.running.fake;
        if let Behaviour::Kill(request) = behaviour {
            let after = true;
            fake.kill_at(KillAt { request, after });
        } else {
            fake.never_kill();
        }
        fake.behave(Arc::new(move |exchange| behaviour.answer(exchange)));
    }

    pub(crate) fn accounts(&self) -> PathBuf {
        self.folder.path().join("lab.yaml")
    }

    pub(crate) fn write_accounts(&self, text: &str) {
        fs::write(self.accounts(), text).unwrap();
        fs::set_permissions(self.accounts(), fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command();
        command
            .args(arguments)
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .env_remove("CI")
            .current_dir(self.folder.path());
        command
    }

    pub(crate) fn checking(&self, options: &[&str]) -> Command {
        self.checking_at(&self.url, options)
    }

    fn checking_at(&self, url: &str, options: &[&str]) -> Command {
        let mut command = self.command(&[
            "-q",
            "check",
            url,
            "--kind",
            "sensor",
            "--accounts",
            self.accounts().to_str().unwrap(),
        ]);
        command.args(options);
        command
    }

    /// A file in the stage's folder.
    pub(crate) fn keep(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// A few cases at any address.
    pub(crate) fn reaching(&self, url: &str, options: &[&str]) -> Command {
        let accounts = self.accounts();
        let mut command = self.command(&[
            "-q",
            "check",
            url,
            "--kind",
            "sensor",
            "--accounts",
            accounts.to_str().unwrap(),
            "--case",
            "validation.auth*",
        ]);
        command
            .args(options)
            .args(["--case", "set_password.password_replaced*"]);
        command
    }

    pub(crate) fn reach(&self, url: &str, options: &[&str]) -> Ran {
        Ran::of(self.reaching(url, options))
    }

    pub(crate) fn check(&self, options: &[&str]) -> Ran {
        Ran::of(self.checking(options))
    }

    pub(crate) fn start(&self, options: &[&str]) -> Child {
        self.launch(&self.url, options)
    }

    pub(crate) fn launch(&self, url: &str, options: &[&str]) -> Child {
        let child = self
            .checking_at(url, options)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        self.running.fake.started(child.id());
        child
    }

    /// Gives back what is left; nothing is killed any more.
    pub(crate) fn recover(&self) -> Ran {
        self.running.fake.never_kill();
        Ran::of(self.command(&["recover"]))
    }

    /// Removes what the state folder remembers of failed sign-ins.
    pub(crate) fn forget_failures(&self) {
        for path in self.memories() {
            fs::remove_file(path).unwrap();
        }
    }

    /// What the state folder remembers of failed sign-ins, a line for each.
    pub(crate) fn remembered(&self) -> String {
        let texts = self.memories().into_iter().map(fs::read_to_string);
        texts.map(Result::unwrap).collect()
    }

    fn memories(&self) -> Vec<PathBuf> {
        let folder = self.folder.path().join("state/d4iot-double/journals");
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        let paths = files.map(|entry| entry.path());
        let is_memory = |path: &PathBuf| path.extension().is_some_and(|end| end == "failures");
        paths.filter(is_memory).collect()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.running.fake.ledger().seen.clone()
    }

    pub(crate) fn changes(&self) -> usize {
        self.running.fake.changes()
    }

    pub(crate) fn failures(&self) -> usize {
        self.running.fake.ledger().failed
    }

    pub(crate) fn same_as_before(&self) -> bool {
        let now = self.running.fake.passwords();
        now == self.running.fake.ledger().original
    }

    #[track_caller]
    pub(crate) fn is_as_before(&self) {
        assert!(self.same_as_before(), "{:?}", self.running.fake.passwords());
    }

    /// Open journals and their seeds that are left.
    pub(crate) fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join("state/d4iot-double/journals")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let is_open = |name: &String| {
            !name.starts_with("closed-") && !name.ends_with(".lock") && !name.ends_with(".failures")
        };
        names.filter(is_open).collect()
    }
}

#[derive(Debug)]
pub(crate) struct Ran(pub(crate) Output);

impl Ran {
    pub(crate) fn of(mut command: impl std::borrow::BorrowMut<Command>) -> Ran {
        Ran(command.borrow_mut().output().unwrap())
    }

    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap_or(-1)
    }

    pub(crate) fn says(&self, text: &str) -> bool {
        self.to_string().contains(text)
    }

    /// Whether it is said on stderr.
    pub(crate) fn said(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.0.stderr).contains(text)
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "{}\n{}",
            String::from_utf8_lossy(&self.0.stdout),
            String::from_utf8_lossy(&self.0.stderr)
        )
    }
}

pub(crate) fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_d4iot-double"))
}
