//! A client with its children: a process group of its own.

use std::{
    ffi::{OsStr, OsString},
    fs,
    fs::File,
    io,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        process::{CommandExt, ExitStatusExt},
    },
    path::Path,
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus},
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid},
};

/// A process that leads a group of its own, which has its number as long as the process is not waited for.
pub(crate) struct Process {
    child: Child,
    pid: Pid,
}

/// The process and its children, to be killed from elsewhere.
#[derive(Clone)]
pub(crate) struct Group(Pid);

impl Group {
    /// Kills all of it.
    pub(crate) fn kill(&self) {
        // Fails if nothing of the group is left.
        let _ = kill_process_group(self.0, Signal::KILL);
    }
}

impl Process {
    /// Starts a command.
    pub(crate) fn start(mut command: Command) -> io::Result<Process> {
        let child = command.process_group(0).spawn()?;
        let pid = Pid::from_child(&child);
        Ok(Process { child, pid })
    }

    /// Returns its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns what it and its children are killed by.
    pub(crate) fn group(&self) -> Group {
        Group(self.pid)
    }

    /// Takes what it prints on stdout and stderr.
    pub(crate) fn take_output(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    /// Returns what waits until the process has ended; it is then still to be waited for.
    pub(crate) fn until_ended(&self) -> impl FnOnce() + Send + use<> {
        let pid = self.pid;
        move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(waitid(WaitId::Pid(pid), options), Err(Errno::INTR)) {}
        }
    }

    /// Kills the process, the children that are left, and what they started that has this value of a variable.
    pub(crate) fn kill(&mut self, variable: &str, value: &OsStr) {
        self.group().kill();
        // It may have joined another group.
        let _ = self.child.kill();
        kill_strays(variable, value);
    }

    /// Waits for the end.
    pub(crate) fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}

/// Returns the exit code of a process, if it has one, and how it ended in words.
pub(crate) fn ending(status: ExitStatus) -> (Option<i32>, String) {
    match status.code() {
        Some(code) => (Some(code), format!("exit {code}")),
        None => (
            None,
            format!("signal {}", status.signal().unwrap_or_default()),
        ),
    }
}

/// Returns whether a process could not be started because too many run.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::AGAIN | Errno::MFILE | Errno::NFILE | Errno::NOMEM)
    )
}

/// Opens a file to read; a pipe that nobody writes to is not waited for.
pub(crate) fn open_at_once(path: &Path) -> io::Result<File> {
    let options = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, options, Mode::empty())?))
}

/// Returns what a string of the system is made of.
pub(crate) fn units(text: &OsStr) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// Returns the string that is made of these.
pub(crate) fn from_units(units: Vec<u8>) -> OsString {
    OsString::from_vec(units)
}

/// Kills what a client started in a session of its own: such a process has the client's variables, which only Linux shows.
#[expect(clippy::disallowed_methods, reason = "Linux shows processes as files")]
fn kill_strays(variable: &str, value: &OsStr) {
    let own = [variable.as_bytes(), b"=", value.as_bytes()].concat();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let number = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let variables = fs::read(process.path().join("environ")).unwrap_or_default();
        let mut variables = variables.split(|byte| *byte == 0);
        if let Some(pid) = number.and_then(Pid::from_raw)
            && variables.any(|one| one == own)
        {
            // Fails if it has ended by now.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}
