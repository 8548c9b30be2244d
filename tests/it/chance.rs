//! Chance as it is served: `flaky` fires on three requests in ten, the very ones that `fixture schedule` told beforehand.
//!
//! The number of a call is decided by arrival. On one connection that is the order of asking, so the whole list is seen; on
//! sixty-four at once it is any order within a round, so what is seen is how many each round of calls has fired.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
};

use rustix::process::Signal;

use crate::process::{PROGRAM, Process, SOON};

#[test]
fn one_seed_is_one_predicted_list_near_its_rate() {
    let (predicted, other) = (schedule(42), schedule(43));
    for seen in [fired_on_one(42), fired_on_one(42)] {
        assert_eq!(seen, predicted);
    }
    assert_ne!(predicted, other);
    let error = (CALLS as f64 * RATE * (1.0 - RATE)).sqrt();
    for list in [&predicted, &other] {
        assert!(
            (list.len() as f64 - CALLS as f64 * RATE).abs() < 3.0 * error,
            "{}",
            list.len()
        );
    }
}

#[test]
fn sixty_four_connections_at_once_meet_the_same_decisions() {
    let predicted = schedule(42);
    let (process, ready) = serve(42);
    let mut streams: Vec<_> = (0..AT_ONCE).map(|_| connect(&ready)).collect();
    let mut asked = 0;
    while asked < CALLS {
        let round = AT_ONCE.min(CALLS - asked);
        for stream in &mut streams[..round] {
            stream.get_mut().write_all(REQUEST).unwrap();
        }
        let fired = streams[..round]
            .iter_mut()
            .map(is_fired)
            .filter(|fired| *fired)
            .count();
        let these = asked + 1..=asked + round;
        assert_eq!(
            fired,
            predicted
                .iter()
                .filter(|ordinal| these.contains(ordinal))
                .count(),
            "calls {these:?}"
        );
        asked += round;
    }
    end(process);
}

/// Returns which calls `fixture schedule` says will be fired.
fn schedule(seed: u64) -> Vec<usize> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/failures/flaky.yaml");
    let (seed, calls) = (seed.to_string(), CALLS.to_string());
    let printed = std::process::Command::new(PROGRAM)
        .args([
            "fixture", "schedule", file, "--seed", &seed, "--calls", &calls,
        ])
        .output()
        .unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    let line = printed
        .lines()
        .find(|line| line.starts_with("flaky: "))
        .unwrap();
    line.rsplit(':')
        .next()
        .unwrap()
        .split_whitespace()
        .map(|ordinal| ordinal.parse().unwrap())
        .collect()
}

/// Returns which calls were fired when asked one after the other.
fn fired_on_one(seed: u64) -> Vec<usize> {
    let (process, ready) = serve(seed);
    let mut stream = connect(&ready);
    let mut fired = Vec::new();
    for first in (1..=CALLS).step_by(AHEAD) {
        // Several are sent ahead of their answers, which come in order.
        stream.get_mut().write_all(&REQUEST.repeat(AHEAD)).unwrap();
        fired.extend((first..first + AHEAD).filter(|_| is_fired(&mut stream)));
    }
    end(process);
    fired
}

fn serve(seed: u64) -> (Process, String) {
    let (process, ready) = Process::serve(
        1,
        &[
            "--kind",
            "sensor",
            "--http",
            "--strict",
            "--fail",
            "flaky",
            "--seed",
            &seed.to_string(),
        ],
    );
    (
        process,
        ready[0].url.trim_start_matches("http://").to_owned(),
    )
}

fn end(process: Process) {
    process.signal(Signal::TERM);
    let end = process.end();
    assert_eq!(end.code, Some(0), "{}", end.err);
}

fn connect(address: &str) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    BufReader::new(stream)
}

/// Reads an answer: the error page, or the lawful one.
fn is_fired(stream: &mut BufReader<TcpStream>) -> bool {
    let (mut status, mut length) = (0, 0);
    let mut line = String::new();
    loop {
        line.clear();
        assert_ne!(
            stream.read_line(&mut line).unwrap(),
            0,
            "the connection is kept"
        );
        let lower = line.trim_end().to_ascii_lowercase();
        if lower.is_empty() {
            break;
        } else if status == 0 {
            status = lower[9..12].parse().unwrap();
        } else if let Some(text) = lower.strip_prefix("content-length: ") {
            length = text.parse().unwrap();
        }
    }
    std::io::copy(&mut stream.take(length), &mut std::io::sink()).unwrap();
    assert!([200, 503].contains(&status), "{status}");
    status == 503
}

const REQUEST: &[u8] = b"POST /api/external/authentication/validation HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
    content-length: 43\r\n\r\n{\"username\":\"test\",\"password\":\"Test12345!\"}";

const CALLS: usize = 10_000;
const RATE: f64 = 0.3;
const AT_ONCE: usize = 64;
const AHEAD: usize = 50;
