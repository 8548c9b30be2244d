//! A run that is interrupted while its target says nothing, before anything was changed.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
};

use rstest::rstest;
use rustix::process::Signal;

use crate::{process::Process, target::stage::Stage};

/// Serves a target that answers what has not this text with 404, and else says nothing. Returns its address, and what receives a
/// word when it is silent.
fn silent_at(text: &'static str) -> (String, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, is_silent) = mpsc::channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            if read(&mut stream).contains(text) {
                sender.send(()).unwrap();
                kept.push(stream);
            } else {
                let answer =
                    "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                stream.write_all(answer.as_bytes()).unwrap();
            }
        }
    });
    (format!("http://{address}"), is_silent)
}

/// Reads a request as far as it comes in one piece.
fn read(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 4096];
    let count = stream.read(&mut bytes).unwrap_or(0);
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

#[rstest]
#[case::at_the_probe("GET ")]
#[case::at_the_first_validation("username")]
fn a_run_that_waits_before_any_change_ends_at_once(#[case] text: &'static str) {
    let (stage, (url, is_silent)) = (Stage::new(), silent_at(text));
    let mut command = stage.reaching(&url, &["--timeout", "10m", "--delay", "0s"]);
    let process = Process::spawn(&mut command);
    is_silent.recv().unwrap();

    process.signal(Signal::INT);

    let end = process.end();
    assert_eq!(end.code, Some(130), "{}\n{}", end.out, end.err);
    assert!(end.err.contains("error: interrupted"), "{}", end.err);
}
