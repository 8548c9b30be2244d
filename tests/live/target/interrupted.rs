//! A run that is interrupted while its target says nothing, before anything was changed.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::Duration,
};

use rstest::rstest;
use rustix::process::Signal;

use crate::{process::Process, target::stage::Stage};

/// Serves a target that says nothing to requests with this text, but for some of them, and answers others with 404. Returns its
/// address, and what receives a word when it is silent.
fn silent_at(text: &'static str, mut answered: usize) -> (String, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, is_silent) = mpsc::channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let has_text = read(&mut stream).contains(text);
            if has_text && answered == 0 {
                sender.send(()).unwrap();
                kept.push(stream);
            } else {
                answered -= usize::from(has_text);
                let answer =
                    "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                stream.write_all(answer.as_bytes()).unwrap();
            }
        }
    });
    (format!("http://{address}"), is_silent)
}

/// Reads a request to the end of its body.
fn read(stream: &mut TcpStream) -> String {
    let (mut text, mut bytes) = (String::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut bytes).unwrap();
        text += &String::from_utf8_lossy(&bytes[..count]);
        let is_whole = match text.split_once("\r\n\r\n") {
            Some((head, body)) => {
                let lengths = head.to_lowercase();
                let length = lengths
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                body.len() >= length.map_or(0, |length| length.parse().unwrap())
            }
            None => false,
        };
        if is_whole || count == 0 {
            return text;
        }
    }
}

/// What was answered says nothing of the paths, and nothing counts as a failed sign-in that was not sent.
#[rstest]
#[case::at_the_first_probe("GET ", 0)]
#[case::between_a_path_and_its_neighbour("GET ", 1)]
#[case::at_the_first_validation("username", 0)]
fn a_run_that_waits_before_any_change_ends_at_once(
    #[case] text: &'static str,
    #[case] answered: usize,
) {
    let (stage, (url, is_silent)) = (Stage::new(), silent_at(text, answered));
    let profile = format!("profile={}", stage.path("profile"));
    let options = ["--timeout", "10m", "--delay", "0s", "--report", &profile];
    let options = [&options[..], &["--max-auth-failures", "9"]].concat();
    let process = Process::spawn(&mut stage.reaching(&url, &options));
    is_silent.recv_timeout(SOON).unwrap();
    let remembered = stage.remembered();
    assert_eq!(remembered.is_empty(), text == "GET ", "{remembered}");

    process.signal(Signal::INT);

    let end = process.end();
    assert_eq!(end.code, Some(130), "{}\n{}", end.out, end.err);
    assert!(end.err.contains("error: interrupted"), "{}", end.err);
    let profile = fs::read_to_string(stage.path("profile")).unwrap();
    assert!(!profile.contains("set_password.path"), "{profile}");
    assert_eq!(stage.remembered(), remembered);
}

/// How long anything may take.
const SOON: Duration = Duration::from_secs(60);
