//! How fast we are beside a bare hyper server that does the same work: the table of `docs/development/performance.md`.
//!
//! `load BARE OURS [--strict] [ROW…]`, the paths of both programs; `benches/run` builds them and calls this. Rounds are interleaved:
//! each has a turn of both, one right after the other. Servers are kept to processor 0, the load to processor 1.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench prints, stops at a fault, takes the time and reads files"
)]

mod asked;
mod client;
mod fleet;
mod server;
mod table;

use std::{
    env,
    fmt::Write as _,
    fs,
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use d4iot_double::fixture::READY_MADE;

use crate::{
    client::{CONNECTIONS, What},
    server::{Programs, Server, Wanted, Who},
    table::{Bar, Pair, Table},
};

fn main() -> ExitCode {
    let words: Vec<String> = env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["ask", addresses, scheme, ref what @ ..] => {
            println!("{}", ask(addresses, scheme == "https", what))
        }
        ["fleet", count] => fleet::serve(count.parse().unwrap()),
        ["asked"] => println!("{}", asked::all()),
        [bare, ours, ref rows @ ..] => {
            return rounds(
                &Programs {
                    bare: bare.into(),
                    ours: ours.into(),
                },
                rows,
            );
        }
        _ => panic!("expected: load BARE OURS [--strict] [ROW…]"),
    }
    ExitCode::SUCCESS
}

type Row = fn(&Programs, &mut Table);

/// Every row, by the word it is asked for with.
const ROWS: [(&str, Row); 10] = [
    ("throughput", throughput),
    ("latency", latency),
    ("handshakes", handshakes),
    ("start", start),
    ("memory", memory),
    ("fleet", a_fleet),
    ("changes", changes),
    ("instructions", instructions),
    ("check", check),
    ("size", size),
];

fn rounds(programs: &Programs, words: &[&str]) -> ExitCode {
    let strict = words.contains(&"--strict");
    let wanted: Vec<&str> = words
        .iter()
        .copied()
        .filter(|word| *word != "--strict")
        .collect();
    if let Some(unknown) = wanted
        .iter()
        .find(|word| ROWS.iter().all(|(name, _)| name != *word))
    {
        panic!(
            "no row `{unknown}`; expected {}",
            ROWS.map(|(name, _)| name).join(", ")
        );
    }
    let mut table = Table::default();
    table.head();
    for (name, row) in ROWS {
        if wanted.is_empty() || wanted.contains(&name) {
            row(programs, &mut table);
        }
    }
    if table.end() || !strict {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The load's side of a row: a process of its own, kept to another processor than the server.
fn ask(addresses: &str, tls: bool, what: &[&str]) -> f64 {
    let addresses: Vec<String> = addresses.split(',').map(str::to_owned).collect();
    let time = |seconds: &str| Duration::from_secs_f64(seconds.parse().unwrap());
    match *what {
        ["validations", connections, seconds] => client::closed(
            &addresses,
            tls,
            connections.parse().unwrap(),
            time(seconds),
            usize::MAX,
            What::Validation,
        ) as f64,
        ["changes", users, seconds] => client::closed(
            &addresses,
            tls,
            CONNECTIONS,
            time(seconds),
            usize::MAX,
            What::Change(users.parse().unwrap()),
        ) as f64,
        ["count", most] => client::closed(
            &addresses,
            tls,
            CONNECTIONS,
            Duration::from_secs(300),
            most.parse().unwrap(),
            What::Validation,
        ) as f64,
        ["paced", rate, seconds] => {
            client::paced(&addresses[0], tls, rate.parse().unwrap(), time(seconds))
        }
        ["connections", seconds] => client::connections(&addresses[0], time(seconds)) as f64,
        _ => panic!("no load is called {what:?}"),
    }
}

/// Validations as fast as they are answered, over 64 connections. One bar of two must be met; that of the processor's time is the steadier one.
fn throughput(programs: &Programs, table: &mut Table) {
    for tls in [false, true] {
        let [bare, ours] = both(programs, tls);
        let (mut count, mut cpu) = (Pair::default(), Pair::default());
        for _ in 0..setting("ROUNDS", 5) {
            let words = ["validations", &CONNECTIONS.to_string(), &seconds()];
            let (bare, ours) = (bare.load_and_cpu(&words), ours.load_and_cpu(&words));
            count.add(bare.0 / each(), ours.0 / each());
            cpu.add(bare.1, ours.1);
        }
        let (rate, cost) = (
            format!("validations a second, {}", scheme(tls)),
            format!("CPU a validation, {}, us", scheme(tls)),
        );
        table.either([
            (&rate, &count, Bar::RatioAtLeast(0.9)),
            (&cost, &cpu, Bar::RatioAtMost(1.1)),
        ]);
    }
}

/// At half of what the bare server can do, both at the same rate. Many short turns, each with a percentile of its own: where the
/// machine stops for a hundredth of a second now and then, a long turn has nothing else to tell.
fn latency(programs: &Programs, table: &mut Table) {
    for tls in [false, true] {
        let [bare, ours] = both(programs, tls);
        let rate = bare.load(&["validations", &CONNECTIONS.to_string(), &seconds()]) / each() / 2.0;
        let mut p99 = Pair::default();
        for _ in 0..setting("TURNS", 50) {
            let words = ["paced", &rate.to_string(), "0.1"];
            p99.add(bare.load(&words), ours.load(&words));
        }
        table.row(
            &format!("p99 at {rate:.0} a second, {}, us", scheme(tls)),
            &p99,
            Bar::RatioAtMost(1.2),
        );
    }
}

fn handshakes(programs: &Programs, table: &mut Table) {
    let [bare, ours] = both(programs, true);
    let (mut count, mut cpu) = (Pair::default(), Pair::default());
    for _ in 0..setting("ROUNDS", 5) {
        let words = ["connections", &seconds()];
        let (bare, ours) = (bare.load_and_cpu(&words), ours.load_and_cpu(&words));
        count.add(bare.0 / each(), ours.0 / each());
        cpu.add(bare.1, ours.1);
    }
    table.row(
        "full TLS handshakes a second",
        &count,
        Bar::RatioAtLeast(0.95),
    );
    table.row("CPU a handshake and request, us", &cpu, Bar::None);
}

/// From before the process is made to the end of the first answer; not pinned, so ours starts its threads.
fn start(programs: &Programs, table: &mut Table) {
    for tls in [false, true] {
        let mut first = Pair::default();
        for _ in 0..20 {
            let [bare, ours] = [Who::Bare, Who::Ours].map(|who| {
                programs
                    .start(
                        who,
                        Wanted {
                            tls,
                            ..Wanted::default()
                        },
                    )
                    .first_answer_ms
            });
            first.add(bare, ours);
        }
        let beyond = Pair {
            bare: Vec::new(),
            ours: first
                .bare
                .iter()
                .zip(&first.ours)
                .map(|(bare, ours)| ours - bare)
                .collect(),
        };
        let bars = if tls {
            [Bar::AtMost(10.0), Bar::AtMost(5.0)]
        } else {
            [Bar::None, Bar::None]
        };
        table.row(
            &format!("start to first answer, {}, ms", scheme(tls)),
            &first,
            bars[0],
        );
        table.row("  beyond the bare server, ms", &beyond, bars[1]);
    }
}

/// With both appliances over HTTPS; then after a million validations, of which the journal holds what it may: 8.4 MB at most.
fn memory(programs: &Programs, table: &mut Table) {
    let (mut idle, mut loaded) = (Pair::default(), Pair::default());
    let servers = both(programs, true);
    idle.add(servers[0].resident_mb(), servers[1].resident_mb());
    table.row("resident after start, MB", &idle, Bar::AtMost(8.0));
    drop(servers);
    let [bare, ours] = both(programs, false);
    let requests = setting("REQUESTS", 1_000_000);
    let most = requests.to_string();
    assert_eq!(
        bare.load(&["count", &most]) + ours.load(&["count", &most]),
        2.0 * requests as f64
    );
    loaded.add(bare.resident_mb(), ours.resident_mb());
    table.row(
        &format!("resident after {requests} requests, MB"),
        &loaded,
        Bar::AtMost(16.0 + 8.4),
    );
}

/// A thousand connections to one of them, then one to each of a thousand. The first column is one appliance, the second a thousand.
fn a_fleet(_: &Programs, table: &mut Table) {
    let ourselves = env::current_exe().unwrap();
    let mut command = Command::new("taskset");
    command
        .args(["-c", "0"])
        .arg(ourselves)
        .args(["fleet", "10000"])
        .stdin(Stdio::piped());
    let fleet = Server::start(&mut command, false);
    let [took, cpu, addresses, _] = fleet.line.split(' ').collect::<Vec<_>>()[..] else {
        panic!("it says four words")
    };
    let alone = |figure: &str| Pair {
        bare: Vec::new(),
        ours: vec![figure.parse().unwrap()],
    };
    table.row(
        "10,000 appliances: made in, ms",
        &alone(took),
        Bar::AtMost(2000.0),
    );
    table.row("  of the processor's time, ms", &alone(cpu), Bar::None);
    table.row(
        "10,000 appliances: resident, MB",
        &Pair {
            bare: Vec::new(),
            ours: vec![fleet.resident_mb()],
        },
        Bar::AtMost(200.0),
    );
    let mut over = Pair::default();
    for _ in 0..setting("ROUNDS", 5) {
        let words = ["validations", "1000", &seconds()];
        over.add(
            server::load(&fleet.address, false, &words) / each(),
            server::load(addresses, false, &words) / each(),
        );
    }
    table.row(
        "validations a second: at one, at a thousand",
        &over,
        Bar::RatioAtLeast(0.8),
    );
}

/// Ours alone, under 64 connections: the first column is validations, the second changes.
fn changes(programs: &Programs, table: &mut Table) {
    let fixture = users(1000);
    let server = programs.start(
        Who::Ours,
        Wanted {
            pinned: true,
            fixture: Some(&fixture),
            ..Wanted::default()
        },
    );
    for (users, what) in [("1", "on one user"), ("1000", "on 1,000 users")] {
        let mut pair = Pair::default();
        for _ in 0..setting("ROUNDS", 5) {
            let validations = server.load(&["validations", &CONNECTIONS.to_string(), &seconds()]);
            pair.add(
                validations / each(),
                server.load(&["changes", users, &seconds()]) / each(),
            );
        }
        table.row(
            &format!("validations, changes {what}, a second"),
            &pair,
            Bar::RatioAtLeast(0.7),
        );
    }
    fs::remove_file(fixture).unwrap();
}

/// In a process that answers over HTTP. What the kernel does for it is not counted, so this ratio is no ratio of times.
fn instructions(programs: &Programs, table: &mut Table) {
    if !server::counts_instructions() {
        println!("instructions an answer: not counted, valgrind is not installed");
        return;
    }
    let (bare, ours) = (
        server::instructions(programs, Who::Bare, None),
        server::instructions(programs, Who::Ours, None),
    );
    table.row(
        "instructions an answer",
        &Pair {
            bare: vec![bare],
            ours: vec![ours],
        },
        Bar::RatioAtMost(2.0),
    );
    let (fixture, count) = unarmed();
    let loaded = server::instructions(programs, Who::Ours, Some(&fixture));
    fs::remove_file(fixture).unwrap();
    table.row(
        &format!("  without modes, with {count} unarmed"),
        &Pair {
            bare: vec![ours],
            ours: vec![loaded],
        },
        Bar::RatioAtMost(1.02),
    );
}

/// Whole processes, both of ours: the first column is reqwest sending the same requests, the second `check`.
fn check(programs: &Programs, table: &mut Table) {
    let timed = |program: &PathBuf, word: &str| {
        let start = Instant::now();
        let status = Command::new(program)
            .arg(word)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        start.elapsed().as_secs_f64() * 1e3
    };
    let ourselves = env::current_exe().unwrap();
    let mut pair = Pair::default();
    for _ in 0..10 {
        pair.add(timed(&ourselves, "asked"), timed(&programs.ours, "check"));
    }
    table.row(
        "reqwest alone, check of both kinds, ms",
        &pair,
        Bar::RatioAtMost(1.5),
    );
}

fn size(programs: &Programs, table: &mut Table) {
    let size = |program: &PathBuf| fs::metadata(program).unwrap().len() as f64 / 1e6;
    table.row(
        "binary, stripped, MB",
        &Pair {
            bare: vec![size(&programs.bare)],
            ours: vec![size(&programs.ours)],
        },
        Bar::AtMost(10.0),
    );
}

/// Starts both, kept to the first processor.
fn both(programs: &Programs, tls: bool) -> [Server; 2] {
    [Who::Bare, Who::Ours].map(|who| {
        programs.start(
            who,
            Wanted {
                tls,
                pinned: true,
                ..Wanted::default()
            },
        )
    })
}

/// Writes a fixture of a sensor with so many users, and the ones that loads are sent for.
fn users(count: usize) -> PathBuf {
    let mut text = String::from("appliance: sensor\nusers:\n");
    text.push_str("  - { username: admin, password: Test0987, role: admin }\n  - { username: test, password: Test12345!, role: security_analyst }\n");
    for number in 0..count {
        writeln!(
            text,
            "  - {{ username: user{number}, password: Abcd@12345, role: read_only }}"
        )
        .unwrap();
    }
    written("users", &text)
}

/// Writes a fixture of a sensor with the built-in users and as many failure modes as are ready-made, none armed.
fn unarmed() -> (PathBuf, usize) {
    let mut text = String::from("appliance: sensor\nfailures:\n");
    for number in 0..READY_MADE.len() {
        writeln!(text, "  - {{ name: mode{number}, on: [validation], user: test, armed: false, do: {{ status: 503, page: apache }} }}").unwrap();
    }
    (written("unarmed", &text), READY_MADE.len())
}

fn written(name: &str, text: &str) -> PathBuf {
    let path = env::temp_dir().join(format!("d4iot-double-{}-{name}.yaml", std::process::id()));
    fs::write(&path, text).unwrap();
    path
}

fn scheme(tls: bool) -> &'static str {
    if tls { "https" } else { "http" }
}

/// How long a turn takes.
fn each() -> f64 {
    setting("SECONDS_EACH", 1) as f64
}

fn seconds() -> String {
    each().to_string()
}

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| {
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name}={value}: expected a number"))
    })
}
