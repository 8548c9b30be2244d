//! A server under load: started, observed from outside, and ended.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::Instant,
};

use crate::client::{Client, validate};

/// A server that has answered once; killed when dropped.
pub(crate) struct Server {
    child: Child,
    address: String,
    scheme: &'static str,
    /// From before the process was made to after its first answer.
    pub(crate) first_answer_ms: f64,
}

impl Server {
    /// Starts the bare server, or with a path the program that is measured. With `pinned` it has the first processor alone.
    pub(crate) fn start(program: Option<&str>, scheme: &'static str, pinned: bool) -> Server {
        let mut command = Command::new("taskset");
        command.args(["-c", if pinned { "0" } else { "0,1" }]);
        match program {
            None => command
                .arg(env::current_exe().unwrap())
                .args(["bare", scheme]),
            Some(program) => command.args([program, "serve", "--listen", "127.0.0.1:0"]),
        };
        if program.is_some() && scheme == "http" {
            command.arg("--http");
        }
        let start = Instant::now();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        // `ready appliance sensor https://ADDRESS`
        let url = line.split_whitespace().last();
        let url = url.expect("the server prints its address");
        let address = url.rsplit('/').next().unwrap_or_default().to_owned();
        crate::block_on(async {
            validate(&mut Client::new(&address, scheme).connect().await).await
        });
        let first_answer_ms = start.elapsed().as_secs_f64() * 1e3;
        // Its further lines are read, so that it can write them.
        thread::spawn(move || out.lines().for_each(drop));
        Server {
            child,
            address,
            scheme,
            first_answer_ms,
        }
    }

    /// Runs a load on the second processor. Returns how many requests were answered, and the processor time of the server for
    /// each, in microseconds.
    pub(crate) fn load(&self, kind: &str) -> (f64, f64) {
        let before = self.cpu_us();
        let mut command = Command::new("taskset");
        command.args(["-c", "1"]).arg(env::current_exe().unwrap());
        let output = command
            .args([kind, &self.address, self.scheme])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let count: f64 = text.trim().parse().expect("the load prints a number");
        (count, (self.cpu_us() - before) / count)
    }

    /// How long its threads have run.
    fn cpu_us(&self) -> f64 {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        threads
            .map(|thread| {
                let text = fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap();
                text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e3
            })
            .sum()
    }

    pub(crate) fn resident_mb(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let mut lines = status.lines();
        let line = lines.find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0 / 1e6
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What has ended already is as good.
        drop(self.child.kill().and_then(|()| self.child.wait()));
    }
}
