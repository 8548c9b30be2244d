//! A started `d4iot-double`, watched through its pipes and ended by its own process id when the test is over.

#![allow(dead_code, reason = "each test file uses its part of this")]

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    sync::{mpsc, mpsc::Receiver},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal};

/// A running program and the lines it says.
pub(crate) struct Process {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
    said: String,
}

/// What a program left behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    /// Of stdout, what no one has read before.
    pub(crate) out: String,
    /// All of stderr.
    pub(crate) err: String,
}

/// A line on stdout that says where an appliance is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReadyLine {
    pub(crate) name: String,
    pub(crate) url: String,
}

impl ReadyLine {
    /// Reads `ready appliance NAME URL`, to the letter.
    pub(crate) fn read(line: &str) -> ReadyLine {
        let words: Vec<&str> = line.split(' ').collect();
        let ["ready", "appliance", name, url] = words[..] else {
            panic!("no ready line: {line:?}")
        };
        ReadyLine {
            name: name.to_owned(),
            url: url.to_owned(),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }
}

impl Process {
    /// Starts the program that was built with this test.
    pub(crate) fn start(args: &[&str]) -> Process {
        Process::spawn(Command::new(PROGRAM).args(args))
    }

    /// Starts `serve` on free ports and waits for this many ready lines.
    pub(crate) fn serve(count: usize, args: &[&str]) -> (Process, Vec<ReadyLine>) {
        let args: Vec<&str> = ["serve", "--listen", "127.0.0.1:0"]
            .iter()
            .chain(args)
            .copied()
            .collect();
        let mut process = Process::start(&args);
        let ready = process.ready(count);
        (process, ready)
    }

    pub(crate) fn spawn(command: &mut Command) -> Process {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = lines(child.stdout.take().unwrap());
        let err = lines(child.stderr.take().unwrap());
        Process {
            child,
            out,
            err,
            said: String::new(),
        }
    }

    /// Waits for this many ready lines.
    pub(crate) fn ready(&mut self, count: usize) -> Vec<ReadyLine> {
        (0..count)
            .map(|_| match self.out.recv_timeout(SOON) {
                Ok(line) => ReadyLine::read(&line),
                Err(_) => panic!(
                    "no ready line; stderr: {}{}",
                    self.said,
                    self.err.try_iter().collect::<Vec<_>>().join("\n")
                ),
            })
            .collect()
    }

    /// Waits for the line that says where the control API is, and returns its URL.
    pub(crate) fn control(&mut self) -> String {
        let line = self
            .out
            .recv_timeout(SOON)
            .unwrap_or_else(|_| panic!("no ready line of the control API; stderr: {}", self.said));
        line.strip_prefix("ready control ")
            .unwrap_or_else(|| panic!("no ready line: {line:?}"))
            .to_owned()
    }

    /// Waits for a line on stderr that has these words.
    pub(crate) fn says(&mut self, words: &str) -> String {
        loop {
            let line = self
                .err
                .recv_timeout(SOON)
                .unwrap_or_else(|_| panic!("no `{words}` in: {}", self.said));
            self.said.push_str(&format!("{line}\n"));
            if line.contains(words) {
                return line;
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        rustix::process::kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> End {
        let out = rest(&self.out, "stdout");
        let err = rest(&self.err, "stderr");
        End {
            code: self.child.wait().unwrap().code(),
            out,
            err: std::mem::take(&mut self.said) + &err,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, which is just as well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        BufReader::new(pipe)
            .lines()
            .map_while(Result::ok)
            .try_for_each(|line| sender.send(line))
    });
    receiver
}

/// All lines until the pipe is closed, which a process does at the latest when it ends.
fn rest(lines: &Receiver<String>, name: &str) -> String {
    let mut text = String::new();
    loop {
        match lines.recv_timeout(SOON) {
            Ok(line) => text.push_str(&format!("{line}\n")),
            Err(mpsc::RecvTimeoutError::Disconnected) => return text,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("{name} is still open; it has: {text}"),
        }
    }
}

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_d4iot-double");

/// Longer than anything here takes on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);
