//! Compares the program with a bare hyper server that does the same work: the table of `docs/development/performance.md`.
//!
//! `load PROGRAM [ROW…]`; `benches/run` builds the program and calls this. Rounds are interleaved: in each, one server is measured right
//! after the other. Servers have the first processor, the load has the second.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench prints, stops at an error, takes the time and reads files"
)]

mod bare;
mod client;
mod requests;
mod server;

use std::{
    env,
    path::Path,
    process::{Command, ExitCode},
    time::Instant,
};

use client::Client;
use server::Server;

type Row = fn(&str) -> bool;

const ROWS: [(&str, Row); 5] = [
    ("throughput", throughput),
    ("handshakes", handshakes),
    ("start", start),
    ("memory", memory),
    ("check", check),
];

/// What the median must be; a ratio is of the program to what it is compared with.
enum Limit {
    RatioAtLeast(f64),
    RatioAtMost(f64),
    AtMost(f64),
}

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        // The processes that this one starts.
        ["bare", scheme] => block_on(bare::serve(scheme)).unwrap(),
        ["validations" | "handshakes", address, scheme] => {
            let client = Client::new(address, scheme);
            println!("{}", block_on(client.load(words[0] == "validations")));
        }
        // `check` has such a runtime too.
        ["requests"] => tokio::runtime::Runtime::new()
            .unwrap()
            .block_on(requests::send_all()),
        [program, ref wanted @ ..] => {
            let names = ROWS.map(|(name, _)| name);
            if let Some(unknown) = wanted.iter().find(|word| !names.contains(word)) {
                panic!("unknown row `{unknown}`, expected {}", names.join(", "));
            }
            println!(
                "{:36}{:>12}{:>12}{:>8}",
                "medians", "compared", "program", "ratio"
            );
            let rows = ROWS
                .iter()
                .filter(|(name, _)| wanted.is_empty() || wanted.contains(name));
            let met: Vec<bool> = rows.map(|(_, row)| row(program)).collect();
            return ExitCode::from(u8::from(met.contains(&false)));
        }
        [] => panic!("expected: load PROGRAM [ROW…]"),
    }
    ExitCode::SUCCESS
}

/// Validations as fast as they are answered. One of two limits must be met; processor time is the steadier one.
fn throughput(program: &str) -> bool {
    let both = ["http", "https"].map(|scheme| {
        let (counts, times) = load(program, scheme, "validations");
        let name = format!("validations a second, {scheme}");
        let is_fast = print(&name, &counts, Limit::RatioAtLeast(0.9));
        let name = format!("processor time of one, {scheme}, us");
        let is_cheap = print(&name, &times, Limit::RatioAtMost(1.14));
        is_fast || (is_cheap && median(&counts, ratio) >= 0.82)
    });
    both == [true; 2]
}

fn handshakes(program: &str) -> bool {
    let (counts, _) = load(program, "https", "handshakes");
    let name = "full TLS handshakes a second";
    print(name, &counts, Limit::RatioAtLeast(0.95))
}

/// From before the process is made to the end of its first HTTPS answer.
fn start(program: &str) -> bool {
    let times = pairs(20, program, |program| {
        Server::start(program, "https", false).first_answer_ms
    });
    print("start to first answer, ms", &times, Limit::AtMost(10.0))
}

/// With both appliances over HTTPS.
fn memory(program: &str) -> bool {
    let sizes = pairs(1, program, |program| {
        Server::start(program, "https", false).resident_mb()
    });
    print("resident after start, MB", &sizes, Limit::AtMost(16.0))
}

/// Whole processes: reqwest alone sending the same requests, and `check` of both kinds.
fn check(program: &str) -> bool {
    let own = env::current_exe().unwrap();
    let times = pairs(10, program, |program| {
        let mut command = Command::new(program.map_or(own.as_path(), Path::new));
        command.arg(program.map_or("requests", |_| "check"));
        let start = Instant::now();
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {output:?}");
        start.elapsed().as_secs_f64() * 1e3
    });
    let name = "reqwest alone and check, ms";
    print(name, &times, Limit::RatioAtMost(1.6))
}

type Pairs = Vec<(f64, f64)>;

/// Loads both servers in turn. Returns requests a second, and the processor time of each.
fn load(program: &str, scheme: &'static str, kind: &str) -> (Pairs, Pairs) {
    let [bare, measured] =
        [None, Some(program)].map(|program| Server::start(program, scheme, true));
    let rounds = env::var("ROUNDS").map_or(5, |rounds| rounds.parse().expect("ROUNDS is a number"));
    (0..rounds)
        .map(|_| {
            let (bare, measured) = (bare.load(kind), measured.load(kind));
            ((bare.0, measured.0), (bare.1, measured.1))
        })
        .unzip()
}

fn pairs(rounds: usize, program: &str, measure: impl Fn(Option<&str>) -> f64) -> Pairs {
    (0..rounds)
        .map(|_| (measure(None), measure(Some(program))))
        .collect()
}

/// Prints a row and returns whether its limit is met.
fn print(name: &str, pairs: &Pairs, limit: Limit) -> bool {
    let compared = median(pairs, |(compared, _)| *compared);
    let measured = median(pairs, |(_, measured)| *measured);
    let ratio = median(pairs, ratio);
    let (expected, is_met) = match limit {
        Limit::RatioAtLeast(least) => (format!("ratio >= {least}"), ratio >= least),
        Limit::RatioAtMost(most) => (format!("ratio <= {most}"), ratio <= most),
        Limit::AtMost(most) => (format!("program <= {most}"), measured <= most),
    };
    let verdict = if is_met { "met" } else { "NOT MET" };
    println!("{name:36}{compared:>12.1}{measured:>12.1}{ratio:>8.2}  {expected}: {verdict}");
    is_met
}

fn ratio((compared, measured): &(f64, f64)) -> f64 {
    measured / compared
}

fn median(pairs: &Pairs, value: impl Fn(&(f64, f64)) -> f64) -> f64 {
    let mut values: Vec<f64> = pairs.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Runs a future on one thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
