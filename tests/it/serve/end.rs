//! The end of the process.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::{Arc, Barrier},
    thread,
    time::{Duration, Instant},
};

use d4iot_double::contract::{Kind, Outcome};
use rstest::rstest;
use rustix::process::Signal;

use super::{Answer, free_ports};
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
