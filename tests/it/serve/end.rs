//! The end of the process.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::Command,
    sync::{Arc, Barrier},
    thread,
    time::{Duration, Instant},
};

use d4iot_double::contract::{Kind, Outcome};
use rstest::rstest;
use rustix::{
    fs::{CWD, Mode, mkfifoat},
    process::{Pid, Signal, kill_process},
};

use super::{Answer, Folder, free_ports};
use crate::process::{Process, SOON};

#[rstest]
#[case::sigterm(Signal::TERM)]
#[case::sigint(Signal::INT)]
fn a_signal_ends_it_at_once_whatever_clients_hold_open(#[case] signal: Signal) {
    let (process, ready) = Process::serve(2, &["--http"]);
    let mut greeted = TcpStream::connect(("127.0.0.1", ready[0].port())).unwrap();
    greeted.set_read_timeout(Some(SOON)).unwrap();
    greeted
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    assert_eq!(Answer::read(&mut greeted).status, 404);
    let _silent = TcpStream::connect(("127.0.0.1", ready[1].port())).unwrap();
    let mut halfway = TcpStream::connect(("127.0.0.1", ready[1].port())).unwrap();
    halfway
        .write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nfour")
        .unwrap();
    let began = Instant::now();
    process.signal(signal);
    let end = process.end();
    let took = began.elapsed();
    assert_eq!(end.code, Some(0), "{}", end.err);
    // It is to be within 100 ms; a busy machine is given ten times that.
    assert!(took < Duration::from_secs(1), "it took {took:?}");
    assert_eq!(greeted.read(&mut [0]).unwrap(), 0);
}

#[test]
fn no_answer_is_cut_by_the_end() {
    let (process, ready) = Process::serve(1, &["--kind", "sensor", "--http"]);
    let port = ready[0].port();
    let clients = 4;
    let busy = Arc::new(Barrier::new(clients + 1));
    let talks: Vec<_> = (0..clients)
        .map(|_| {
            let busy = Arc::clone(&busy);
            thread::spawn(move || {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                stream.set_read_timeout(Some(SOON)).unwrap();
                let mut whole = 0;
                loop {
                    // The end may come between two requests; what it must not do is come within an answer.
                    let sent = stream.write_all(b"GET /busy HTTP/1.1\r\nhost: x\r\n\r\n");
                    let Some(answer) = sent.ok().and_then(|()| Answer::read_or_end(&mut stream))
                    else {
                        return whole;
                    };
                    assert_eq!(answer, Answer::any(Kind::Sensor, Outcome::UnknownPath));
                    whole += 1;
                    if whole == 20 {
                        busy.wait();
                    }
                }
            })
        })
        .collect();
    busy.wait();
    process.signal(Signal::TERM);
    assert_eq!(process.end().code, Some(0));
    for console in talks {
        assert!(console.join().unwrap() >= 20);
    }
}

#[test]
fn a_port_is_free_again_for_the_next_start() {
    let first = free_ports(1);
    for _ in 0..3 {
        let mut process = Process::start(&[
            "serve",
            "--kind",
            "sensor",
            "--http",
            "--listen",
            &format!("127.0.0.1:{first}"),
        ]);
        process.ready(1);
        let mut stream = TcpStream::connect(("127.0.0.1", first)).unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .unwrap();
        assert_eq!(Answer::read(&mut stream).status, 404);
        // The server closes first, and so is the one whose port has to wait.
        process.signal(Signal::TERM);
        assert_eq!(process.end().code, Some(0));
    }
}

/// The first process of a container gets no signal that it has not asked for, which is the first thing it does.
#[test]
fn the_first_process_ends_by_a_signal_while_it_starts() {
    let unshare = |args: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["-pf", "--mount-proc"]).args(args);
        command
    };
    if !unshare(&["true"])
        .status()
        .is_ok_and(|status| status.success())
    {
        eprintln!("skipped: no process namespace can be made here");
        return;
    }
    let folder = Folder::new();
    let users = (0..5_000).map(|number| {
        format!("  - {{ username: u{number}, password: Aa1!{number:012}, role: admin }}\n")
    });
    let text = format!("appliance: sensor\nusers:\n{}", users.collect::<String>());
    let program = env!("CARGO_BIN_EXE_d4iot-double");
    let mut command = unshare(&[
        program,
        "serve",
        "-q",
        "--listen",
        "127.0.0.1:0",
        &folder.write("large.yaml", &text),
    ]);
    let process = Process::spawn(&mut command);
    let children = format!("/proc/{0}/task/{0}/children", process.id());
    let first = loop {
        let child = fs::read_to_string(&children).unwrap();
        if catches_term(child.trim()) {
            break child.trim().parse().unwrap();
        }
        thread::yield_now();
    };
    let asked = Instant::now();
    kill_process(Pid::from_raw(first).unwrap(), Signal::TERM).unwrap();
    let end = process.end();
    assert_eq!(
        (end.code, end.out.as_str()),
        (Some(0), ""),
        "nothing was served yet: {}",
        end.err
    );
    assert!(asked.elapsed() < SOON, "{:?}", asked.elapsed());
}

#[rstest]
#[case::token(&["--control", "127.0.0.1:0", "--control-token-file"])]
#[case::certificate(&["--client-ca"])]
fn a_pipe_without_a_writer_leaves_signals_in_force(#[case] args: &[&str]) {
    let folder = Folder::new();
    let fifo = folder.path("fifo");
    mkfifoat(CWD, &fifo, Mode::RWXU).unwrap();
    let start = ["serve", "--listen", "127.0.0.1:0"];
    let process = Process::start(&[&start[..], args, &[&fifo]].concat());
    // Its handlers are there; what it reads comes after them.
    while !catches_term(&process.id().to_string()) {
        thread::yield_now();
    }
    process.signal(Signal::TERM);
    assert_eq!(process.end().code, Some(0));
}

/// Tells whether a process has asked for SIGTERM.
fn catches_term(process: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigCgt:\t"));
    let mask = mask.map_or(0, |mask| u64::from_str_radix(mask, 16).unwrap());
    mask & 1 << (Signal::TERM.as_raw() - 1) != 0
}
