//! Runs the bare server and ours in turn, in interleaved rounds, and prints the table of what each costs.
//!
//! `load BARE OURS`, the paths of both binaries; `benches/run` builds them. Servers are pinned to processor 0, the load to 1.

#![expect(clippy::print_stdout, clippy::unwrap_used, clippy::disallowed_methods, reason = "a bench prints, stops at a fault, and takes the time")]

use std::env;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use rustls::ClientConfig;
use rustls::ClientConnection;
use rustls::DigitallySignedStruct;
use rustls::SignatureScheme;
use rustls::StreamOwned;
use rustls::client::Resumption;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::UnixTime;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["connections", address, seconds] => println!("{}", connections(address, seconds.parse().unwrap())),
        [bare, ours] => table(bare, ours),
        _ => panic!("expected: load BARE OURS, the paths of both binaries"),
    }
}

fn table(bare: &str, ours: &str) {
    let (rounds, seconds) = (setting("ROUNDS", 5), setting("SECONDS_EACH", 3));
    println!("{:34}{:>30}{:>30}   ours/bare", "", "bare  min/median/max", "ours  min/median/max");
    for tls in [false, true] {
        let mut start = Pair::default();
        for _ in 0..STARTS {
            start.both(|who| Server::start(command(who, bare, ours, tls, &[])).since_spawn_ms);
        }
        start.print(&format!("start to first answer, {}, ms", name(tls)));
    }
    let mut idle = Pair::default();
    idle.both(|who| Server::start(command(who, bare, ours, true, &[])).resident_mb());
    idle.print("resident after start, MB");

    for tls in [false, true] {
        let servers = [Who::Bare, Who::Ours].map(|who| Server::start(command(who, bare, ours, tls, &PINNED)));
        let (mut throughput, mut cpu, mut made, mut made_cpu, mut resident) = Default::default();
        let (mut requests, mut cpu_before) = ([0.0; 2], [0.0; 2]);
        for _ in 0..rounds {
            Pair::both(&mut throughput, |who| {
                cpu_before[who as usize] = servers[who as usize].cpu_us();
                requests[who as usize] = wrk(&servers[who as usize].url, seconds);
                let spent = servers[who as usize].cpu_us() - cpu_before[who as usize];
                Pair::add(&mut cpu, who, spent / requests[who as usize]);
                requests[who as usize] / seconds as f64
            });
            if tls {
                Pair::both(&mut made, |who| {
                    let before = servers[who as usize].cpu_us();
                    let count = pinned_connections(&servers[who as usize].address, seconds);
                    Pair::add(&mut made_cpu, who, (servers[who as usize].cpu_us() - before) / count);
                    count / seconds as f64
                });
            }
        }
        Pair::both(&mut resident, |who| servers[who as usize].resident_mb());
        Pair::print(&throughput, &format!("validations a second, {}", name(tls)));
        Pair::print(&cpu, &format!("CPU a validation, {}, us", name(tls)));
        if tls {
            Pair::print(&made, "new TLS connections a second");
            Pair::print(&made_cpu, "CPU a TLS connection, us");
        }
        Pair::print(&resident, &format!("resident after the load, {}, MB", name(tls)));
    }

    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_ok() {
        let mut instructions = Pair::default();
        instructions.both(|who| (counted(who, bare, ours, 3000) - counted(who, bare, ours, 1000)) / 2000.0);
        instructions.print("instructions a validation, http");
    }

    let mut check = Pair::default();
    for _ in 0..rounds {
        let start = Instant::now();
        assert!(Command::new(ours).arg("check").stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
        check.add(Who::Ours, start.elapsed().as_secs_f64() * 1e3);
    }
    check.print("check of both kinds, ms");
    let mut size = Pair::default();
    size.both(|who| fs::metadata(if who == Who::Bare { bare } else { ours }).unwrap().len() as f64 / 1e6);
    size.print("binary, MB");
}

/// Whose turn it is.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    Bare,
    Ours,
}

/// What was measured of each.
#[derive(Default)]
struct Pair([Vec<f64>; 2]);

impl Pair {
    fn both(&mut self, mut measure: impl FnMut(Who) -> f64) {
        for who in [Who::Bare, Who::Ours] {
            self.0[who as usize].push(measure(who));
        }
    }

    fn add(&mut self, who: Who, value: f64) {
        self.0[who as usize].push(value);
    }

    fn print(&self, what: &str) {
        let shown = |values: &[f64]| {
            let mut sorted = values.to_vec();
            sorted.sort_by(f64::total_cmp);
            let place = |value: f64| if value >= 1000.0 { format!("{value:.0}") } else { format!("{value:.2}") };
            match sorted[..] {
                [] => (String::new(), f64::NAN),
                _ => (
                    format!("{}/{}/{}", place(sorted[0]), place(sorted[sorted.len() / 2]), place(sorted[sorted.len() - 1])),
                    sorted[sorted.len() / 2],
                ),
            }
        };
        let ((bare, bare_median), (ours, ours_median)) = (shown(&self.0[0]), shown(&self.0[1]));
        let ratio = if bare_median.is_nan() { String::new() } else { format!("{:.2}", ours_median / bare_median) };
        println!("{what:34}{bare:>30}{ours:>30}{ratio:>12}");
    }
}

/// A started server that has answered once; ended when dropped.
struct Server {
    child: Child,
    url: String,
    address: String,
    since_spawn_ms: f64,
}

impl Server {
    fn start(mut command: Command) -> Server {
        let start = Instant::now();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().last().unwrap().to_owned();
        let (scheme, address) = url.split_once("://").unwrap();
        let address = address.to_owned();
        let stream = TcpStream::connect(&address).unwrap();
        if scheme == "https" {
            ask(&mut secured(stream, &client_config()))
        } else {
            ask(&mut { stream })
        }
        Server { since_spawn_ms: start.elapsed().as_secs_f64() * 1e3, child, url, address }
    }

    /// The time its threads have run.
    fn cpu_us(&self) -> f64 {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let run = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("schedstat")).unwrap();
        threads.map(|thread| run(thread.unwrap()).split(' ').next().unwrap().parse::<f64>().unwrap() / 1e3).sum()
    }

    fn resident_mb(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0 / 1e6
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already is as good.
        drop(self.child.kill().and_then(|()| self.child.wait()));
    }
}

/// The command that starts a server, after the words of another that runs it.
fn command(who: Who, bare: &str, ours: &str, tls: bool, under: &[&str]) -> Command {
    let words = match who {
        Who::Bare => vec![bare, name(tls)],
        Who::Ours => [&[ours, "serve", "--listen", "127.0.0.1:0"][..], if tls { &[] } else { &["--http"] }].concat(),
    };
    let words = [under, &words].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

/// Counts the instructions of a server that answers this many requests, its start included, without the kernel's.
fn counted(who: Who, bare: &str, ours: &str, requests: usize) -> f64 {
    let profile = env::temp_dir().join(format!("d4iot-double-{}.callgrind", std::process::id()));
    let file = format!("--callgrind-out-file={}", profile.display());
    let under = [&PINNED[..], &["valgrind", "--tool=callgrind", &file]].concat();
    let mut server = Server::start(command(who, bare, ours, false, &under));
    let mut stream = TcpStream::connect(&server.address).unwrap();
    for _ in 0..requests {
        ask(&mut stream);
    }
    // Asked to end, not made to: the counts are written at the end.
    kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
    server.child.wait().unwrap();
    let text = fs::read_to_string(&profile).unwrap();
    fs::remove_file(&profile).unwrap();
    text.lines().find_map(|line| line.strip_prefix("totals: ")).unwrap().parse().unwrap()
}

fn name(tls: bool) -> &'static str {
    if tls { "https" } else { "http" }
}

/// Loads a server over 64 connections that are kept alive; returns how many requests were answered.
fn wrk(url: &str, seconds: u64) -> f64 {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/validation.lua");
    let output = Command::new("taskset")
        .args(["-c", "1", "wrk", "-t1", "-c64", &format!("-d{seconds}s"), "-s", script, &format!("{url}{PATH}")])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "{text}");
    text.lines().find_map(|line| line.trim().split_once(" requests in")).unwrap().0.parse().unwrap()
}

fn pinned_connections(address: &str, seconds: u64) -> f64 {
    let ourselves = env::current_exe().unwrap();
    let output = Command::new("taskset").args(["-c", "1"]).arg(ourselves).args(["connections", address, &seconds.to_string()]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// Makes new TLS connections, none resumed, one request each, for some seconds; returns how many.
fn connections(address: &str, seconds: u64) -> usize {
    let end = Instant::now() + Duration::from_secs(seconds);
    let config = client_config();
    let one_after_another = || {
        let mut count = 0;
        while Instant::now() < end {
            let mut stream = secured(TcpStream::connect(address).unwrap(), &config);
            ask(&mut stream);
            count += 1;
        }
        count
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(one_after_another)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

fn ask(stream: &mut (impl Read + Write)) {
    let head = format!("POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{BODY}", BODY.len());
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 1024];
    let length = stream.read(&mut answer).unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..length]));
}

fn secured(stream: TcpStream, config: &Arc<ClientConfig>) -> StreamOwned<ClientConnection, TcpStream> {
    stream.set_nodelay(true).unwrap();
    let client = ClientConnection::new(Arc::clone(config), ServerName::try_from("localhost").unwrap()).unwrap();
    StreamOwned::new(client, stream)
}

fn client_config() -> Arc<ClientConfig> {
    let provider = Arc::new(default_provider());
    let trust = Arc::new(Anyone(Arc::clone(&provider)));
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.dangerous().with_custom_certificate_verifier(trust).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// Trusts anyone: the client's work is not what is measured.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(&self, _: &[u8], _: &CertificateDer<'_>, _: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(&self, _: &[u8], _: &CertificateDer<'_>, _: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn setting(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name}={value}: expected a number")))
}

const PINNED: [&str; 3] = ["taskset", "-c", "0"];
const STARTS: usize = 20;
const PATH: &str = "/api/external/authentication/validation";
const BODY: &str = r#"{"username":"test","password":"Test12345!"}"#;
