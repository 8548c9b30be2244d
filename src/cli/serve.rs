//! `serve`: one mock appliance per fixture, until a signal comes.

mod banner;

use std::fs;
use std::future::Future;
use std::io;
use std::io::Write;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::runtime::Runtime;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

use crate::cli::agreed;
use crate::cli::code;
use crate::cli::fixture;
use crate::cli::ready;
use crate::cli::ready::Ready;
use crate::cli::ready::ReadyFile;
use crate::cli::ready::Served;
use crate::cli::talk::Talk;
use crate::contract;
use crate::contract::Kind;
use crate::double::Double;
use crate::fixture::Fixture;
use crate::server;
use crate::server::Limits;
use crate::server::tls::Identity;

/// What serve is told.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Options {
    /// Fixtures, or folders of fixtures; `d4iot-double fixture init` writes one to begin with
    #[arg(value_name = "FIXTURE")]
    fixtures: Vec<PathBuf>,
    /// Which built-in appliance, when no FIXTURE is given
    #[arg(long, value_parser = super::kind, conflicts_with = "fixtures")]
    kind: Option<Kind>,
    /// The first appliance's address; further ones take the next ports. Port 0: any free one. Address 0.0.0.0: from everywhere
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8443", value_parser = address)]
    listen: SocketAddr,
    /// Plain HTTP instead of HTTPS
    #[arg(long, conflicts_with_all = ["tls_cert", "san", "ca_out"])]
    http: bool,
    /// Your own certificate, with its chain
    #[arg(long, value_name = "PEM", requires = "tls_key", conflicts_with_all = ["san", "ca_out"])]
    tls_cert: Option<PathBuf>,
    /// Its private key
    #[arg(long, value_name = "PEM", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A further name or address in the generated certificate, which has localhost, 127.0.0.1, ::1 and the host's name; repeatable
    #[arg(long, value_name = "NAME")]
    san: Vec<String>,
    /// Write the generated CA's certificate, for clients that verify (curl --cacert PEM); each start makes a new one
    #[arg(long, value_name = "PEM")]
    ca_out: Option<PathBuf>,
    /// Serve another reading: a fact's name, a glob or a register number, and the reading, `X11=table`; repeatable. `d4iot-double explain` lists them
    #[arg(long, value_name = "FACT=NAME")]
    reading: Vec<String>,
    /// Serve the readings of a profile, as `check --report profile=FILE` writes it: impersonate that appliance. --reading is taken after it
    #[arg(long, value_name = "FILE")]
    readings: Option<PathBuf>,
    /// The seed of everything random; made up and told in the ready file when not given
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Write what is served where, as JSON, once every listener is bound; removed at the end
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
}

/// Serves until SIGTERM or SIGINT, and returns the exit code.
pub fn run(options: &Options, talk: &Talk) -> u8 {
    talk.code(serve(options, talk))
}

/// Starts the runtime: one thread where there is one processor, else as many as there are.
///
/// # Errors
/// The system's.
pub fn runtime() -> io::Result<Runtime> {
    let single = std::thread::available_parallelism().is_ok_and(|count| count.get() == 1);
    let mut builder = if single { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.enable_all().build()
}

/// Lets appliances serve other readings, each `FACT=NAME`. With several appliances a choice must suit at least one.
///
/// # Errors
/// A choice without `=`, or one that suits none.
pub fn choose<'a>(fixtures: impl Iterator<Item = &'a mut Fixture>, choices: &[String]) -> Result<(), String> {
    let mut fixtures: Vec<&mut Fixture> = fixtures.collect();
    for choice in choices {
        let (fact, reading) = choice.split_once('=').ok_or_else(|| format!("--reading {choice}: expected FACT=NAME, `X11=table`"))?;
        let refused: Vec<String> = fixtures
            .iter_mut()
            .filter_map(|fixture| fixture.readings.choose(contract::of(fixture.kind), fact, reading).err())
            .map(|error| error.to_string())
            .collect();
        match refused.first() {
            Some(error) if refused.len() == fixtures.len() => return Err(format!("--reading {choice}: {error}")),
            _ => {}
        }
    }
    Ok(())
}

fn serve(options: &Options, talk: &Talk) -> Result<u8, String> {
    let mut fixtures = fixtures(options)?;
    agreed::impersonate(fixtures.iter_mut(), options.readings.as_deref())?;
    choose(fixtures.iter_mut(), &options.reading)?;
    let identity = identity(options)?;
    server::raise_descriptor_limit();
    let runtime = runtime().map_err(|error| format!("starting: {error}"))?;
    runtime.block_on(async {
        // Signals are taken before anything is told to be ready: whoever reads that line may send one at once.
        let stopped = stopped()?;
        let listeners = bind(options, &fixtures)?;
        let limits = limits(*talk);
        let mut doubles = Vec::new();
        for (fixture, listener) in fixtures.iter().zip(listeners) {
            let double = Double::serve(listener, fixture.appliance(), identity.as_ref(), limits.clone());
            doubles.push((fixture, double.map_err(|error| format!("serving {}: {error}", fixture.name))?));
        }
        let _ready = tell(options, talk, identity.as_ref(), &doubles)?;
        stopped.await;
        talk.detail("stopping");
        let ends: Vec<_> = doubles.into_iter().map(|(_, double)| double.end()).collect();
        for end in ends {
            end.await;
        }
        Ok(code::GOOD)
    })
}

fn fixtures(options: &Options) -> Result<Vec<Fixture>, String> {
    if options.fixtures.is_empty() {
        let kinds = options.kind.map_or_else(|| vec![Kind::Sensor, Kind::Console], |kind| vec![kind]);
        return Ok(kinds.into_iter().map(crate::fixture::built_in).collect());
    }
    fixture::load(&options.fixtures).map(|loaded| loaded.into_iter().map(|(_, fixture)| fixture).collect())
}

#[expect(clippy::disallowed_methods, reason = "certificates are read where the command line says")]
fn identity(options: &Options) -> Result<Option<Identity>, String> {
    if options.http {
        return Ok(None);
    }
    let read = |path: &Path| fs::read_to_string(path).map_err(|error| format!("reading {}: {error}", path.display()));
    let identity = match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) => Identity::from_pem(&read(certificate)?, &read(key)?)
            .map_err(|error| format!("{} with {}: {error}", certificate.display(), key.display()))?,
        _ => Identity::generate(&options.san).map_err(|error| format!("making a certificate: {error}"))?,
    };
    Ok(Some(identity))
}

/// Reads an address for clap. What people often type instead is answered with what they mean.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        let host_and_port = text.strip_prefix("localhost").unwrap_or(text);
        let port = host_and_port.strip_prefix(':').unwrap_or(host_and_port);
        let meant = match (port.parse::<u16>(), text.parse::<IpAddr>()) {
            (Ok(port), _) => format!("; did you mean 127.0.0.1:{port}?"),
            (_, Ok(ip)) => format!("; did you mean {}?", SocketAddr::new(ip, 8443)),
            _ => String::new(),
        };
        format!("expected an IP address and a port, 127.0.0.1:8443 or [::1]:8443{meant}")
    })
}

/// Binds every listener before any is served: one that cannot be bound starts nothing.
fn bind(options: &Options, fixtures: &[Fixture]) -> Result<Vec<TcpListener>, String> {
    let mut next = Some(options.listen);
    let mut listeners = Vec::new();
    let mut taken: Vec<(SocketAddr, &str)> = Vec::new();
    for fixture in fixtures {
        let address = fixture.listen.or(next).ok_or_else(|| {
            format!("no port is left for {}: the one before it has 65535\n  hint: --listen with a lower port, or with port 0", fixture.name)
        })?;
        let listener = server::bind(address).map_err(|error| unbound(fixture, address, &error, &taken))?;
        if fixture.listen.is_none() {
            next = following(address);
        }
        taken.push((address, &fixture.name));
        listeners.push(listener);
    }
    Ok(listeners)
}

/// The address with the next port; port 0 stays any free one.
fn following(address: SocketAddr) -> Option<SocketAddr> {
    let port = if address.port() == 0 { 0 } else { address.port().checked_add(1)? };
    Some(SocketAddr::new(address.ip(), port))
}

fn unbound(fixture: &Fixture, address: SocketAddr, error: &io::Error, taken: &[(SocketAddr, &str)]) -> String {
    let neighbour = taken.iter().find(|(other, _)| error.kind() == io::ErrorKind::AddrInUse && other.port() == address.port());
    let anywhere = SocketAddr::new(address.ip(), 0);
    let hint = match (error.kind(), neighbour) {
        (_, Some((_, name))) => format!("`{name}` of this very start has that port; let a fixture's `listen` and --listen leave each other room"),
        (io::ErrorKind::AddrInUse, None) if fixture.listen.is_some() => format!("the fixture asks for it; `listen: {anywhere}` takes any free port"),
        (io::ErrorKind::AddrInUse, None) => format!("--listen {anywhere} takes any free port"),
        (io::ErrorKind::PermissionDenied, _) => "ports below 1024 need privileges; take a higher one".into(),
        (io::ErrorKind::AddrNotAvailable, _) => {
            "this machine has no such address; 127.0.0.1 is the machine itself, 0.0.0.0 every address it has".into()
        }
        _ => format!("--listen {anywhere} takes any free port"),
    };
    format!("{} cannot listen on {address}: {error}\n  hint: {hint}", fixture.name)
}

fn limits(talk: Talk) -> Limits {
    Limits { log: server::Log::to(move |line| talk.note(line)), ..Limits::default() }
}

/// Completes at the first SIGTERM or SIGINT.
fn stopped() -> Result<impl Future<Output = ()>, String> {
    let taken = |kind| signal(kind).map_err(|error| format!("taking signals: {error}"));
    let (mut terminate, mut interrupt) = (taken(SignalKind::terminate())?, taken(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Tells what is served where: the CA's certificate, the ready file, then the ready lines.
fn tell(options: &Options, talk: &Talk, identity: Option<&Identity>, doubles: &[(&Fixture, Double)]) -> Result<Option<ReadyFile>, String> {
    let ca = identity.and_then(Identity::ca_pem);
    if let (Some(path), Some(ca)) = (&options.ca_out, ca) {
        ready::write_whole(path, ca)?;
    }
    let url = |double: &Double| format!("{}://{}", double.scheme(), reachable(double.address()));
    let ready = Ready {
        version: Ready::VERSION,
        pid: std::process::id(),
        seed: options.seed.unwrap_or_else(made_up),
        ca: ca.map(str::to_owned),
        control: None,
        appliances: doubles.iter().map(|(fixture, double)| Served { name: fixture.name.clone(), kind: fixture.kind, url: url(double) }).collect(),
    };
    let file = options.ready_file.as_ref().map(|path| ready.write(path)).transpose()?;
    let lines: String = ready.appliances.iter().map(|served| format!("ready appliance {} {}\n", served.name, served.url)).collect();
    let mut out = io::stdout().lock();
    // Whoever closed stdout does not want to read it.
    drop(out.write_all(lines.as_bytes()).and_then(|()| out.flush()));
    drop(out);
    greet(talk, doubles.iter().map(|(fixture, _)| *fixture).zip(&ready.appliances));
    Ok(file)
}

/// Says how the first appliance of each kind can be asked: of many, one is like another.
fn greet<'a>(talk: &Talk, served: impl Iterator<Item = (&'a Fixture, &'a Served)>) {
    let mut kinds = Vec::new();
    for (fixture, served) in served {
        if kinds.contains(&fixture.kind) {
            continue;
        }
        if let Some(command) = banner::how_to_ask(fixture, &served.url) {
            talk.note(format!("ask {}: {command}", served.name));
        }
        kinds.push(fixture.kind);
    }
    talk.note("Ctrl-C ends it, -q says less");
}

/// An address a client on this machine can use: no address at all means this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn made_up() -> u64 {
    // Nothing depends on it but what is told to be random: where the system has no chance to give, any number does.
    getrandom::u64().unwrap_or(0)
}

const EXAMPLES: &str = "\
Examples:
  d4iot-double serve                                    a sensor on port 8443 and a console on port 8444
  d4iot-double serve --kind console --http              a console alone, without TLS
  d4iot-double serve plant.yaml --listen 127.0.0.1:0    an appliance of your own on any free port

Once all of them listen, stdout has one line for each: `ready appliance NAME URL`.
SIGTERM or SIGINT (Ctrl-C) ends it with exit code 0. Exit code 2: something is wrong with what it was told, and nothing was started.";
