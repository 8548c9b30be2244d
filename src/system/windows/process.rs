//! A client with its children: a job of its own.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::windows::ffi::{OsStrExt, OsStringExt},
    path::Path,
    process::{ChildStderr, ChildStdout, Command, ExitStatus},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use process_wrap::std::{ChildWrapper, CommandWrap, CreationFlags, JobObject};
use windows::Win32::System::Threading::CREATE_NEW_PROCESS_GROUP;

use crate::journal::lock;

/// A process in a job.
pub(crate) struct Process(Group);

/// The process and its children, to be killed from elsewhere.
#[derive(Clone)]
pub(crate) struct Group(Arc<Mutex<Box<dyn ChildWrapper>>>);

impl Group {
    /// Kills all of it.
    pub(crate) fn kill(&self) {
        // Fails if nothing of the job is left.
        let _ = lock(&self.0).start_kill();
    }
}

impl Process {
    /// Starts a command, which does not hear this console's Ctrl-C.
    pub(crate) fn start(command: Command) -> io::Result<Process> {
        let mut command = CommandWrap::from(command);
        command
            .wrap(CreationFlags(CREATE_NEW_PROCESS_GROUP))
            .wrap(JobObject);
        let child = command.spawn()?;
        Ok(Process(Group(Arc::new(Mutex::new(child)))))
    }

    /// Returns its number.
    pub(crate) fn id(&self) -> u32 {
        lock(&self.0.0).id()
    }

    /// Returns what it and its children are killed by.
    pub(crate) fn group(&self) -> Group {
        self.0.clone()
    }

    /// Takes what it prints on stdout and stderr.
    pub(crate) fn take_output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        let mut child = lock(&self.0.0);
        (child.stdout().take(), child.stderr().take())
    }

    /// Returns what waits until the process has ended.
    #[expect(
        clippy::disallowed_methods,
        reason = "to wait on a handle would be unsafe code"
    )]
    pub(crate) fn until_ended(&self) -> impl FnOnce() + Send + use<> {
        let group = self.group();
        move || {
            while matches!(lock(&group.0).inner_mut().try_wait(), Ok(None)) {
                thread::sleep(POLL);
            }
        }
    }

    /// Kills the process and its children: none leaves a job.
    pub(crate) fn kill(&mut self, _variable: &str, _value: &OsStr) {
        self.0.kill();
    }

    /// Waits for the end.
    pub(crate) fn wait(&mut self) -> io::Result<ExitStatus> {
        lock(&self.0.0).inner_mut().wait()
    }
}

/// Returns the exit code of a process, if no exception ended it, and how it ended in words.
pub(crate) fn ending(status: ExitStatus) -> (Option<i32>, String) {
    let code = status.code().unwrap_or_default();
    match code.cast_unsigned() {
        exception @ EXCEPTIONS.. => (None, format!("exception {exception:#010x}")),
        _ => (Some(code), format!("exit {code}")),
    }
}

/// Returns whether a process could not be started because too many run.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    error
        .raw_os_error()
        .is_some_and(|code| NO_RESOURCES.contains(&code))
}

/// Opens a file to read.
pub(crate) fn open_at_once(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Returns what a string of the system is made of.
pub(crate) fn units(text: &OsStr) -> Vec<u16> {
    text.encode_wide().collect()
}

/// Returns the string that is made of these.
pub(crate) fn from_units(units: Vec<u16>) -> OsString {
    OsString::from_wide(&units)
}

/// The lowest exit code of a process that an exception ended (NTSTATUS, severity `error`).
const EXCEPTIONS: u32 = 0xC000_0000;
/// ERROR_NOT_ENOUGH_MEMORY, ERROR_NO_SYSTEM_RESOURCES, ERROR_COMMITMENT_LIMIT.
const NO_RESOURCES: [i32; 3] = [8, 1450, 1455];
/// How often the end of a client is asked for.
const POLL: Duration = Duration::from_millis(5);
