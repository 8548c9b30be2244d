//! A client that is a command: a process group of its own, with its output kept and an end to its time.

use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    fs, io,
    io::Read,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
        mpsc::Receiver,
    },
    time::{Duration, Instant},
};

use super::output::{Output, on_thread};
use crate::{
    cli::error::{CliError, Result},
    journal::lock,
    redact::{Redactor, Secret},
    sweep::{Attempt, ClientEnding, ClientUnderTest, Ended, SweepError},
    system::{self, Group, Process},
};

/// The clients that run, with their children.
#[derive(Clone, Default)]
pub(super) struct Groups(Arc<Mutex<GroupState>>);

#[derive(Default)]
struct GroupState {
    running: BTreeMap<u32, Group>,
    is_stopped: bool,
    /// The folder of the CAs and of what clients believe.
    folder: Option<PathBuf>,
}

impl Groups {
    /// Kills all clients with their children, and those that are started later.
    pub(super) fn kill_all(&self) {
        let mut state = lock(&self.0);
        state.is_stopped = true;
        state.running.values().for_each(Group::kill);
    }

    /// Removes the files of all clients.
    pub(super) fn remove_folder(&self) {
        let folder = lock(&self.0).folder.take();
        // Nothing more can be done about a folder that stays.
        let _ = folder.map(fs::remove_dir_all);
    }

    fn add(&self, process: &Process) {
        let mut state = lock(&self.0);
        let group = process.group();
        if state.is_stopped {
            group.kill();
        }
        state.running.insert(process.id(), group);
    }

    fn remove(&self, process: &Process) {
        lock(&self.0).running.remove(&process.id());
    }
}

/// Runs a command as the client.
pub(super) struct CommandClient {
    program: OsString,
    arguments: Vec<OsString>,
    success: Vec<u8>,
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
        success: &[u8],
        groups: &Groups,
    ) -> Result<CommandClient> {
        let number =
            getrandom::u64().map_err(|error| CliError::usage(format!("no seed: {error}")))?;
        let folder = env::temp_dir().join(format!("d4iot-double-sweep-{number:016x}"));
        let made = system::create_private_folder(&mut fs::DirBuilder::new(), &folder);
        made.map_err(|error| {
            CliError::usage(format!("cannot create {}: {error}", folder.display()))
        })?;
        lock(&groups.0).folder = Some(folder.clone());
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
            .stderr(Stdio::piped());
        command
    }

    fn ending(&self, status: ExitStatus) -> (ClientEnding, String) {
        let (code, words) = system::ending(status);
        let ending = match code {
            Some(code) if self.success.iter().any(|own| i32::from(*own) == code) => {
                ClientEnding::Success
            }
            // A shell's way to say that a command was not found, or was ended by a signal.
            Some(code) if SHELL_ERRORS.contains(&code) || SHELL_SIGNALS.contains(&code) => {
                ClientEnding::Crashed
            }
            Some(_) => ClientEnding::Failure,
            None => ClientEnding::Crashed,
        };
        (ending, words)
    }
}

impl ClientUnderTest for CommandClient {
    #[expect(
        clippy::disallowed_methods,
        reason = "the CA and the client's belief are files, and a client has a time"
    )]
    fn run(&self, attempt: &Attempt, limit: Duration) -> Result<Ended, SweepError> {
        let failed = |error: io::Error| {
            let program = self.program.to_string_lossy();
            let hint = match system::is_exhausted(&error) {
                true => FEWER_JOBS,
                false => "",
            };
            SweepError::Start(format!("{program}: {error}{hint}"))
        };
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let ca = self.folder.join(format!("{number}.pem"));
        let believes = self.folder.join(format!("{number}.password"));
        fs::write(&ca, attempt.ca_pem()).map_err(|error| {
            SweepError::Start(format!("cannot write {}: {error}", ca.display()))
        })?;
        let command = self.command(attempt, &ca, &believes);
        let mut process = Process::start(command).map_err(failed)?;
        self.groups.add(&process);
        let watched = watch(&mut process, &attempt.redactor());
        let in_time = match &watched {
            Ok((ended, _)) => ended.recv_timeout(limit).is_ok(),
            Err(_) => false,
        };
        process.kill("D4IOT_BELIEVES", believes.as_os_str());
        self.groups.remove(&process);
        let (ended, output) = watched.map_err(failed)?;
        if !in_time && ended.recv_timeout(MAX_DRAIN).is_err() {
            let program = self.program.to_string_lossy();
            let pid = process.id();
            let message = format!("{program}: it cannot be ended; process {pid} still runs");
            return Err(SweepError::Start(message));
        }
        let status = process.wait().map_err(failed)?;
        let (ending, words) = match in_time {
            true => self.ending(status),
            false => (ClientEnding::Hung, format!("killed after {limit:?}")),
        };
        let deadline = Instant::now() + MAX_DRAIN;
        let [stdout, stderr] =
            output.map(|output| output.end(deadline.saturating_duration_since(Instant::now())));
        let believed = read_belief(&believes);
        // Nothing more can be done about a file that stays.
        let _ = (fs::remove_file(&ca), fs::remove_file(&believes));
        Ok(Ended {
            ending,
            words,
            dropped_password: stdout.1 || stderr.1,
            stdout: stdout.0,
            stderr: stderr.0,
            believed,
        })
    }
}

impl Drop for CommandClient {
    fn drop(&mut self) {
        self.groups.remove_folder();
    }
}

/// Waits for the end of a process, which is then still to be waited for, and reads what it prints.
fn watch(
    process: &mut Process,
    redactor: &Arc<Redactor>,
) -> io::Result<(Receiver<()>, [Output; 2])> {
    let ended = on_thread(process.until_ended())?;
    let (stdout, stderr) = process.take_output();
    let stdout = Output::keep(stdout, redactor)?;
    Ok((ended, [stdout, Output::keep(stderr, redactor)?]))
}

/// Returns the password that a client has written; none where there is no file, or an empty one, or something else than a file.
fn read_belief(path: &Path) -> Option<Secret> {
    // A pipe that nobody writes to must not stop the sweep.
    let file = system::open_at_once(path).ok()?;
    let is_file = file.metadata().is_ok_and(|metadata| metadata.is_file());
    let mut text = String::new();
    file.take(MAX_BELIEF).read_to_string(&mut text).ok()?;
    let text = text.trim_end_matches(['\n', '\r']);
    (is_file && !text.is_empty()).then(|| Secret::new(text))
}

/// Returns a word of the command with its places filled.
fn filled(word: &OsStr, places: &[(&str, &OsStr)]) -> OsString {
    let places = places
        .iter()
        .map(|(place, value)| (system::units(OsStr::new(place)), system::units(value)));
    let places: Vec<_> = places.collect();
    let word = system::units(word);
    let mut rest = word.as_slice();
    let mut filled = Vec::with_capacity(rest.len());
    while let Some((first, others)) = rest.split_first() {
        match places.iter().find(|(place, _)| rest.starts_with(place)) {
            Some((place, value)) => {
                filled.extend_from_slice(value);
                rest = &rest[place.len()..];
            }
            None => {
                filled.push(*first);
                rest = others;
            }
        }
    }
    system::from_units(filled)
}

/// The exit codes by which a shell says that a command did not run (POSIX, section 2.8.2).
const SHELL_ERRORS: RangeInclusive<i32> = 126..=127;
/// Those by which it says that a command was ended by a signal: 128 and the signal's number.
const SHELL_SIGNALS: RangeInclusive<i32> = 129..=159;
/// How long output is read after the client has ended.
const MAX_DRAIN: Duration = Duration::from_secs(1);
/// How much of a file with a password is read, in bytes.
const MAX_BELIEF: u64 = 4096;
const FEWER_JOBS: &str = "\n  hint: too much runs side by side; try --jobs 1";
