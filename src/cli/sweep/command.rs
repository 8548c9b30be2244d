//! A client that is a command: a process group of its own, with its output kept and an end to its time.

use std::{
    collections::BTreeSet,
    env,
    ffi::{OsStr, OsString},
    fs, io,
    io::Read,
    os::unix::{
        fs::DirBuilderExt,
        process::{CommandExt, ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc,
        mpsc::Receiver,
    },
    thread,
    time::Duration,
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid},
};

use crate::{
    cli::error::{CliError, Result},
    journal::lock,
    redact::Secret,
    sweep::{Attempt, ClientEnding, ClientUnderTest, Ended, SweepError},
};

/// The process groups of the clients that run.
#[derive(Clone, Default)]
pub(super) struct Groups(Arc<Mutex<GroupState>>);

#[derive(Default)]
struct GroupState {
    running: BTreeSet<i32>,
    is_stopped: bool,
}

impl Groups {
    /// Kills all clients with their children, and those that are started later.
    pub(super) fn kill_all(&self) {
        let mut state = lock(&self.0);
        state.is_stopped = true;
        state.running.iter().for_each(|group| kill(*group));
    }

    fn add(&self, group: i32) {
        let mut state = lock(&self.0);
        state.running.insert(group);
        if state.is_stopped {
            kill(group);
        }
    }

    fn remove(&self, group: i32) {
        lock(&self.0).running.remove(&group);
    }
}

/// Runs a command as the client.
pub(super) struct CommandClient {
    program: OsString,
    arguments: Vec<OsString>,
    success: Vec<i32>,
    groups: Groups,
    /// The folder of the CA and of what clients believe, for this user alone.
    folder: PathBuf,
    number: AtomicU64,
}

impl CommandClient {
    /// Takes a command, and the exit codes by which it tells a success.
    ///
    /// # Errors
    /// There is no place for temporary files.
    pub(super) fn new(
        command: &[OsString],
        success: &[i32],
        groups: &Groups,
    ) -> Result<CommandClient> {
        let number =
            getrandom::u64().map_err(|error| CliError::usage(format!("no seed: {error}")))?;
        let folder = env::temp_dir().join(format!("d4iot-double-sweep-{number:016x}"));
        let made = fs::DirBuilder::new().mode(0o700).create(&folder);
        made.map_err(|error| {
            CliError::usage(format!("cannot create {}: {error}", folder.display()))
        })?;
        let mut words = command.iter().cloned();
        Ok(CommandClient {
            program: words.next().unwrap_or_default(),
            arguments: words.collect(),
            success: success.to_vec(),
            groups: groups.clone(),
            folder,
            number: AtomicU64::new(0),
        })
    }

    fn command(&self, attempt: &Attempt, ca: &Path, believes: &Path) -> Command {
        let url = attempt.url();
        let authority = url
            .split_once("://")
            .map_or(url, |(_, authority)| authority);
        let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "443"));
        let (ca, believes) = (ca.as_os_str(), believes.as_os_str());
        let places = [
            ("{url}", OsStr::new(url)),
            ("{host}", OsStr::new(host)),
            ("{port}", OsStr::new(port)),
            ("{ca}", ca),
            ("{believes}", believes),
        ];
        let mut command = Command::new(&self.program);
        command.args(self.arguments.iter().map(|word| filled(word, &places)));
        for name in [
            "D4IOT_CA",
            "SSL_CERT_FILE",
            "REQUESTS_CA_BUNDLE",
            "NODE_EXTRA_CA_CERTS",
            "CURL_CA_BUNDLE",
        ] {
            command.env(name, ca);
        }
        command
            .env("D4IOT_URL", url)
            .env("D4IOT_HOST", host)
            .env("D4IOT_PORT", port)
            .env("D4IOT_KIND", attempt.kind().name())
            .env("D4IOT_OPERATION", attempt.task().name())
            .env("D4IOT_SCENARIO", attempt.scenario())
            .env("D4IOT_BELIEVES", believes);
        for (name, value) in [
            ("USERNAME", Some(attempt.username())),
            ("PASSWORD", attempt.password()),
            ("NEW_PASSWORD", attempt.new_password()),
            ("ADMIN_USERNAME", attempt.admin_username()),
            ("ADMIN_PASSWORD", attempt.admin_password()),
        ] {
            for name in [name.to_owned(), format!("D4IOT_{name}")] {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            }
        }
        // A proxy for the world outside does not reach this machine's own address.
        for name in ["NO_PROXY", "no_proxy"] {
            let others = env::var(name).unwrap_or_default();
            command.env(name, format!("{host},localhost,{others}"));
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        command
    }

    fn ending(&self, status: ExitStatus) -> (ClientEnding, String) {
        match (status.code(), status.signal()) {
            (Some(code), _) => {
                let ending = if self.success.contains(&code) {
                    ClientEnding::Success
                } else if code >= SHELL_ERRORS {
                    // A shell's way to say that a command was not found, or was ended by a signal.
                    ClientEnding::Crashed
                } else {
                    ClientEnding::Failure
                };
                (ending, format!("exit {code}"))
            }
            (None, signal) => {
                let signal = signal.unwrap_or_default();
                (ClientEnding::Crashed, format!("signal {signal}"))
            }
        }
    }
}

impl ClientUnderTest for CommandClient {
    #[expect(
        clippy::disallowed_methods,
        reason = "the CA and the client's belief are files"
    )]
    fn run(&self, attempt: &Attempt, limit: Duration) -> Result<Ended, SweepError> {
        let failed = |error: std::io::Error| {
            let program = self.program.to_string_lossy();
            SweepError::Start(format!("{program}: {error}"))
        };
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let ca = self.folder.join(format!("{number}.pem"));
        let believes = self.folder.join(format!("{number}.password"));
        fs::write(&ca, attempt.ca_pem()).map_err(failed)?;
        let mut child = self
            .command(attempt, &ca, &believes)
            .spawn()
            .map_err(failed)?;
        let pid = Pid::from_child(&child);
        let group = pid.as_raw_nonzero().get();
        self.groups.add(group);
        let watched = watch(&mut child, pid);
        let in_time = match &watched {
            Ok((ended, _)) => ended.recv_timeout(limit).is_ok(),
            Err(_) => false,
        };
        // Children that are left belong to the group, which has its number as long as the client is not waited for.
        kill(group);
        self.groups.remove(group);
        let status = child.wait().map_err(failed)?;
        let (ending, words) = match in_time {
            true => self.ending(status),
            false => (ClientEnding::Hung, format!("killed after {limit:?}")),
        };
        kill_strays(&believes);
        let (_, output) = watched.map_err(failed)?;
        let [stdout, stderr] = output.map(Output::text);
        let believed = fs::read_to_string(&believes).ok();
        // Nothing more can be done about a file that stays.
        let _ = (fs::remove_file(&ca), fs::remove_file(&believes));
        Ok(Ended {
            ending,
            words,
            stdout,
            stderr,
            believed: believed.map(|text| Secret::new(text.trim_end_matches(['\n', '\r']))),
        })
    }
}

impl Drop for CommandClient {
    fn drop(&mut self) {
        // Nothing more can be done about a folder that stays.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Waits for the end of a child, which is then still to be waited for, and reads what it prints.
fn watch(child: &mut Child, pid: Pid) -> io::Result<(Receiver<()>, [Output; 2])> {
    let ended = on_thread(move || {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(waitid(WaitId::Pid(pid), options), Err(Errno::INTR)) {}
    })?;
    let stdout = Output::keep(child.stdout.take())?;
    Ok((ended, [stdout, Output::keep(child.stderr.take())?]))
}

/// Does something on a thread of its own; what is returned then receives a message.
fn on_thread(work: impl FnOnce() + Send + 'static) -> io::Result<Receiver<()>> {
    let (sender, receiver) = mpsc::channel();
    thread::Builder::new().spawn(move || {
        work();
        // Perhaps nobody waits any longer.
        let _ = sender.send(());
    })?;
    Ok(receiver)
}

fn kill(group: i32) {
    // Fails if nothing of the group is left.
    let _ = Pid::from_raw(group).map(|group| kill_process_group(group, Signal::KILL));
}

/// Kills what a client started in a session of its own: such a process has the client's variables, which only Linux shows.
#[expect(clippy::disallowed_methods, reason = "Linux shows processes as files")]
fn kill_strays(believes: &Path) {
    let believes = believes.as_os_str().as_encoded_bytes();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let number = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let variables = fs::read(process.path().join("environ")).unwrap_or_default();
        let mut variables = variables.split(|byte| *byte == 0);
        if let Some(pid) = number.and_then(Pid::from_raw)
            && variables.any(|one| one.strip_prefix(b"D4IOT_BELIEVES=") == Some(believes))
        {
            // Fails if it has ended by now.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// Returns a word of the command with its places filled.
fn filled(word: &OsStr, places: &[(&str, &OsStr)]) -> OsString {
    let Some(word) = word.to_str() else {
        return word.to_owned();
    };
    let fill = |text: String, (place, value): &(&str, &OsStr)| {
        text.replace(place, &value.to_string_lossy())
    };
    places.iter().fold(word.to_owned(), fill).into()
}

/// What a client prints: its end is kept, the rest is read and dropped.
struct Output {
    kept: Arc<Mutex<Kept>>,
    ended: Receiver<()>,
}

#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    dropped: usize,
}

impl Output {
    fn keep(source: Option<impl Read + Send + 'static>) -> io::Result<Output> {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let target = Arc::clone(&kept);
        let ended = on_thread(move || {
            let mut chunk = vec![0; 8192];
            let Some(mut source) = source else { return };
            while let Ok(count @ 1..) = source.read(&mut chunk) {
                lock(&target).add(&chunk[..count]);
            }
        })?;
        Ok(Output { kept, ended })
    }

    /// Returns what was printed. What a process outside the group still prints is not waited for.
    fn text(self) -> String {
        let is_complete = self.ended.recv_timeout(MAX_DRAIN).is_ok();
        let kept = lock(&self.kept);
        let mut text = String::from_utf8_lossy(&kept.bytes).into_owned();
        if kept.dropped > 0 {
            // Half a password may stand before the first line feed.
            let start = text.find('\n').map_or(text.len(), |place| place + 1);
            text = format!(
                "… ({} bytes before)\n{}",
                kept.dropped + start,
                &text[start..]
            );
        }
        if !is_complete {
            text.push_str("\n… (a process outside the client's group still had this open)");
        }
        text
    }
}

impl Kept {
    fn add(&mut self, chunk: &[u8]) {
        self.bytes.extend_from_slice(chunk);
        if self.bytes.len() > 2 * MAX_OUTPUT {
            let excess = self.bytes.len() - MAX_OUTPUT;
            self.bytes.drain(..excess);
            self.dropped += excess;
        }
    }
}

/// The least exit code by which a shell says that a command did not run, or did not end by itself.
const SHELL_ERRORS: i32 = 126;
/// How much of an output is kept, in bytes.
const MAX_OUTPUT: usize = 65_536;
/// How long output is read after the client has ended.
const MAX_DRAIN: Duration = Duration::from_secs(1);
