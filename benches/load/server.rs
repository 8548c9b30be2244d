//! The servers under load: started pinned to one processor, asked once, looked at from outside, and ended.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::client;

/// The programs that are measured.
pub(crate) struct Programs {
    pub(crate) bare: PathBuf,
    pub(crate) ours: PathBuf,
}

/// Whose turn it is.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Who {
    Bare,
    Ours,
}

/// Which server is wanted.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) tls: bool,
    /// Whether it is kept to the first processor; where it is, ours has one thread.
    pub(crate) pinned: bool,
    /// What ours serves; without one, both built-in appliances.
    pub(crate) fixture: Option<&'a Path>,
    /// The command that runs it.
    pub(crate) under: &'a [&'a str],
}

/// A started server that has answered once; ended when dropped.
pub(crate) struct Server {
    child: Child,
    /// What it said when it was ready.
    pub(crate) line: String,
    pub(crate) address: String,
    pub(crate) tls: bool,
    /// From before the process was made to after the first answer.
    pub(crate) first_answer_ms: f64,
}

impl Programs {
    /// Starts one of them, and asks it once.
    pub(crate) fn start(&self, who: Who, wanted: Wanted<'_>) -> Server {
        let mut words: Vec<String> = Vec::new();
        if wanted.pinned {
            words.extend(PINNED.map(str::to_owned));
        }
        words.extend(wanted.under.iter().map(|word| (*word).to_owned()));
        match who {
            Who::Bare => words.extend([
                self.bare.display().to_string(),
                if wanted.tls { "https" } else { "http" }.to_owned(),
            ]),
            Who::Ours => {
                words.extend([
                    self.ours.display().to_string(),
                    "serve".to_owned(),
                    "--listen".to_owned(),
                    "127.0.0.1:0".to_owned(),
                ]);
                words.extend(if wanted.tls {
                    None
                } else {
                    Some("--http".to_owned())
                });
                words.extend(wanted.fixture.map(|fixture| fixture.display().to_string()));
            }
        }
        Server::start(Command::new(&words[0]).args(&words[1..]), wanted.tls)
    }
}

impl Server {
    /// Starts a program that says at the end of its first line where it listens.
    pub(crate) fn start(command: &mut Command, tls: bool) -> Server {
        let start = Instant::now();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let (_, address) = line
            .split_whitespace()
            .last()
            .expect("the server says where it listens")
            .split_once("://")
            .unwrap();
        client::once(address.parse().unwrap(), tls);
        // What else it says is read away, so that it can say it.
        let (address, line) = (address.to_owned(), line.trim().to_owned());
        let first_answer_ms = start.elapsed().as_secs_f64() * 1e3;
        thread::spawn(move || out.lines().for_each(drop));
        Server {
            child,
            line,
            address,
            tls,
            first_answer_ms,
        }
    }

    /// The time its threads have run.
    pub(crate) fn cpu_us(&self) -> f64 {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let run =
            |thread: fs::DirEntry| fs::read_to_string(thread.path().join("schedstat")).unwrap();
        threads
            .map(|thread| {
                run(thread.unwrap())
                    .split(' ')
                    .next()
                    .unwrap()
                    .parse::<f64>()
                    .unwrap()
                    / 1e3
            })
            .sum()
    }

    pub(crate) fn resident_mb(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0 / 1e6
    }

    /// Asks it, with the load on the second processor: the words of a load, `closed 64 1 validation`. Returns what that prints.
    pub(crate) fn load(&self, words: &[&str]) -> f64 {
        load(&self.address, self.tls, words)
    }

    /// The same, with the processor time that the server spent on each of what was counted, in microseconds.
    pub(crate) fn load_and_cpu(&self, words: &[&str]) -> (f64, f64) {
        let before = self.cpu_us();
        let count = self.load(words);
        (count, (self.cpu_us() - before) / count)
    }

    /// Asks it to end, and waits for that.
    pub(crate) fn end(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already is as good.
        drop(self.child.kill().and_then(|()| self.child.wait()));
    }
}

/// Runs a load of this program's as a process of its own, on the second processor.
pub(crate) fn load(addresses: &str, tls: bool, words: &[&str]) -> f64 {
    let ourselves = env::current_exe().unwrap();
    let scheme = if tls { "https" } else { "http" };
    let output = Command::new("taskset")
        .args(["-c", "1"])
        .arg(ourselves)
        .args(["ask", addresses, scheme])
        .args(words)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

/// Tells whether instructions can be counted here.
pub(crate) fn counts_instructions() -> bool {
    Command::new("valgrind")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Counts the instructions of one answer over HTTP, those of the kernel left out: the difference between a run of many and one of few.
pub(crate) fn instructions(programs: &Programs, who: Who, fixture: Option<&Path>) -> f64 {
    let counted = |requests: usize| {
        let profile =
            env::temp_dir().join(format!("d4iot-double-{}.callgrind", std::process::id()));
        let file = format!("--callgrind-out-file={}", profile.display());
        let under = ["valgrind", "--tool=callgrind", file.as_str()];
        let server = programs.start(
            who,
            Wanted {
                pinned: true,
                under: &under,
                fixture,
                ..Wanted::default()
            },
        );
        let mut stream = std::net::TcpStream::connect(&server.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        (0..requests).for_each(|_| client::ask(&mut stream));
        // The counts are written at its end.
        server.end();
        let text = fs::read_to_string(&profile).unwrap();
        fs::remove_file(&profile).unwrap();
        text.lines()
            .find_map(|line| line.strip_prefix("totals: "))
            .unwrap()
            .parse::<f64>()
            .unwrap()
    };
    // The journal is full after a thousand: from then on each entry pushes another out, which is part of the cost.
    (counted(4000) - counted(1500)) / 2500.0
}

const PINNED: [&str; 3] = ["taskset", "-c", "0"];
