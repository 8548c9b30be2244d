//! The stage: a mock that may misbehave, the folder of its user, and the binary run there.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    panic::resume_unwind,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Condvar, Mutex, mpsc},
    time::Duration,
};

use bytes::Bytes;
use d4iot_double::{
    clock::Clock,
    failure::Schedule,
    fixture, server,
    server::{Client, Limits, MockAppliance, Refusal, ServerAnswer, Service},
};
use http::{Request, Response, StatusCode, request::Parts};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::target::hostile::HOSTILE;

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

#[derive(Clone, Debug)]
pub(crate) enum Behaviour {
    /// Every answer is full of what acts on the program that shows it.
    Hostile,
    /// The process is killed at its n-th request, after that is carried out.
    Kill(usize),
    /// At the n-th request a command is run.
    Meanwhile(usize, Arc<Mutex<Option<Command>>>),
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    LateAfter,
    LateBefore,
    LostAfter,
    LostBefore,
    PageAfter,
    PageBefore,
}

#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Bytes,
    pub(crate) failed: bool,
}

impl Seen {
    /// Whether it could change a password: it names somebody and brings a new one.
    pub(crate) fn changes(&self) -> bool {
        let body = String::from_utf8_lossy(&self.body);
        self.method == "POST"
            && self.path.contains("set_password")
            && body.contains("new_password")
            && body.contains("\"username\":\"lab-")
    }
}

pub(crate) struct Fickle {
    pub(crate) host: MockAppliance,
    pub(crate) behaviour: Mutex<Behaviour>,
    pub(crate) seen: Mutex<Vec<Seen>>,
    pub(crate) process: Mutex<Option<Pid>>,
    pub(crate) started: Condvar,
    pub(crate) meanwhile: Mutex<Option<Ran>>,
}

impl Fickle {
    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    pub(crate) fn carry_out(&self, request: &Request<Bytes>, client: Client) -> Response<Bytes> {
        let answer = self.host.answer(request, client).into_response();
        let text = String::from_utf8_lossy(answer.body()).to_lowercase();
        let failed = text.contains("authentication failure") || text.contains("validation failed");
        self.seen.lock().unwrap().last_mut().unwrap().failed = failed;
        answer
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let mut process = self.process.lock().unwrap();
        // The process may ask before its number is noted.
        while process.is_none() {
            process = self.started.wait(process).unwrap();
        }
        kill_process(process.unwrap(), signal).unwrap();
    }
}

impl Service for Fickle {
    fn answer(&self, request: &Request<Bytes>, client: Client) -> ServerAnswer {
        ServerAnswer::plain(self.behaved(request, client))
    }

    fn clock(&self) -> &Clock {
        self.host.clock()
    }

    fn refuse(&self, head: &Parts, refusal: Refusal, client: Client) -> ServerAnswer {
        self.host.refuse(head, refusal, client)
    }
}

impl Fickle {
    pub(crate) fn behaved(&self, request: &Request<Bytes>, client: Client) -> Response<Bytes> {
        let (number, change, changes) = {
            let mut seen = self.seen.lock().unwrap();
            let (method, path) = (
                request.method().to_string(),
                request.uri().path().to_owned(),
            );
            seen.push(Seen {
                method,
                path,
                body: request.body().clone(),
                failed: false,
            });
            (
                seen.len(),
                seen.last().unwrap().changes(),
                seen.iter().filter(|seen| seen.changes()).count(),
            )
        };
        let behaviour = self.behaviour.lock().unwrap().clone();
        match behaviour {
            Behaviour::Kill(at) if number == at => {
                let answer = self.carry_out(request, client);
                self.signal(Signal::KILL);
                answer
            }
            Behaviour::Signal(at, signal) if number == at => {
                self.signal(signal);
                self.carry_out(request, client)
            }
            Behaviour::Twice(at) if change && changes == at => {
                self.signal(Signal::INT);
                self.carry_out(request, client)
            }
            Behaviour::Twice(at) if changes >= at => {
                self.signal(Signal::INT);
                let (_keep, never) = mpsc::channel::<()>();
                assert!(
                    never.recv_timeout(Duration::from_millis(1000)).is_err(),
                    "nobody sends"
                );
                resume_unwind(Box::new(()))
            }
            Behaviour::Meanwhile(at, other) if number == at => {
                *self.meanwhile.lock().unwrap() =
                    Some(Ran::of(other.lock().unwrap().take().unwrap()));
                self.carry_out(request, client)
            }
            Behaviour::Hostile => {
                let body = format!(
                    "{{\"msg\":{}}}\n{}",
                    serde_json::Value::from(HOSTILE),
                    HOSTILE
                );
                Response::builder()
                    .status(200)
                    .header("content-type", "text/html<script>")
                    .body(Bytes::from(body))
                    .unwrap()
            }
            Behaviour::Redirect(to) => Response::builder()
                .status(StatusCode::TEMPORARY_REDIRECT)
                .header("location", to)
                .body(Bytes::new())
                .unwrap(),
            // The rehearsal and the first change of a case.
            Behaviour::Stuck if change && changes > 2 => self.carry_out(&refused(request), client),
            Behaviour::Wrong(wrong, which)
                if change && which.is_none_or(|which| which == changes) =>
            {
                self.wrong(wrong, request, client)
            }
            _ => self.carry_out(request, client),
        }
    }

    pub(crate) fn wrong(
        &self,
        wrong: Wrong,
        request: &Request<Bytes>,
        client: Client,
    ) -> Response<Bytes> {
        if matches!(
            wrong,
            Wrong::LateAfter | Wrong::LostAfter | Wrong::PageAfter
        ) {
            self.carry_out(request, client);
        }
        match wrong {
            Wrong::LostAfter | Wrong::LostBefore => resume_unwind(Box::new(())),
            Wrong::LateAfter | Wrong::LateBefore => {
                let (_keep, never) = mpsc::channel::<()>();
                assert!(
                    never.recv_timeout(Duration::from_millis(2300)).is_err(),
                    "nobody sends"
                );
                resume_unwind(Box::new(()))
            }
            Wrong::PageAfter | Wrong::PageBefore => {
                let page = Bytes::from("<html><body><h1>Service Unavailable</h1></body></html>");
                Response::builder()
                    .status(503)
                    .header("content-type", "text/html")
                    .body(page)
                    .unwrap()
            }
        }
    }
}

/// The same request with passwords that nobody has.
pub(crate) fn refused(request: &Request<Bytes>) -> Request<Bytes> {
    let body = String::from_utf8_lossy(request.body()).replace("password\":\"", "password\":\"x");
    let mut refused = request.clone();
    *refused.body_mut() = Bytes::from(body);
    refused
}

pub(crate) struct Stage {
    pub(crate) service: Arc<Fickle>,
    pub(crate) url: String,
    pub(crate) folder: TempDir,
    _runtime: Runtime,
}

impl Stage {
    pub(crate) fn new() -> Stage {
        Stage::of(FIXTURE, Behaviour::Well)
    }

    pub(crate) fn of(fixture: &str, behaviour: Behaviour) -> Stage {
        let appliance = fixture::read("test.yaml", fixture).unwrap().appliance();
        let (seen, process, started, meanwhile) = Default::default();
        let service = Arc::new(Fickle {
            host: MockAppliance::new(appliance, Schedule::default()),
            behaviour: Mutex::new(behaviour),
            seen,
            process,
            started,
            meanwhile,
        });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(3)
            .enable_all()
            .build()
            .unwrap();
        let listener =
            runtime.block_on(async { server::bind("127.0.0.1:0".parse().unwrap()).unwrap() });
        let url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(server::run(
            listener,
            None,
            Arc::<Fickle>::clone(&service),
            Limits::default(),
            std::future::pending(),
        ));
        let stage = Stage {
            service,
            url,
            folder: TempDir::new().unwrap(),
            _runtime: runtime,
        };
        stage.write_accounts(ACCOUNTS);
        stage
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
        *self.service.process.lock().unwrap() = Pid::from_raw(i32::try_from(child.id()).unwrap());
        self.service.started.notify_all();
        child
    }

    /// Gives back what is left; the appliance behaves from here on, unless it is stuck.
    pub(crate) fn recover(&self) -> Ran {
        if matches!(*self.service.behaviour.lock().unwrap(), Behaviour::Kill(..)) {
            self.service.behave(Behaviour::Well);
        }
        Ran::of(self.command(&["recover"]))
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.service.seen.lock().unwrap().clone()
    }

    pub(crate) fn changes(&self) -> usize {
        self.seen().iter().filter(|seen| seen.changes()).count()
    }

    pub(crate) fn failures(&self) -> usize {
        self.seen().iter().filter(|seen| seen.failed).count()
    }

    pub(crate) fn same_as_before(&self) -> bool {
        let state = self.service.host.state();
        let mut users = ACCOUNTS
            .lines()
            .filter_map(|line| Some((line.split("username: ").nth(1)?, line.split('"').nth(1)?)));
        users.all(|(name, password)| {
            let name = name.split(',').next().unwrap();
            state.directory.find(name).is_none_or(|user| {
                user.password.expose() == password || user.password.expose() == "short1A!"
            })
        })
    }

    #[track_caller]
    pub(crate) fn is_as_before(&self) {
        assert!(
            self.same_as_before(),
            "{:?}",
            self.service.host.state().directory
        );
    }

    /// Journals and seeds that are left.
    pub(crate) fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path().join("state/d4iot-double/journals")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| !name.ends_with(".lock")).collect()
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
