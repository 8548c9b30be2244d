//! `serve`: one mock appliance per fixture, until a signal comes.

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

use crate::cli::code;
use crate::cli::fixture;
use crate::cli::talk::Talk;
use crate::contract;
use crate::contract::Kind;
use crate::double::Double;
use crate::failure::Schedule;
use crate::fixture::Fixture;
use crate::host::Host;
use crate::server;
use crate::server::Limits;
use crate::server::tls::Identity;

/// What serve is told.
#[derive(Args, Debug)]
pub struct Options {
    /// Fixtures, or folders of fixtures
    #[arg(value_name = "FIXTURE")]
    fixtures: Vec<PathBuf>,
    /// Which built-in appliance, when no FIXTURE is given
    #[arg(long, value_parser = super::kind, conflicts_with = "fixtures")]
    kind: Option<Kind>,
    /// The first appliance's address; further ones take the next ports. Port 0: any free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8443")]
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
    /// A further name or address in the generated certificate
    #[arg(long, value_name = "NAME")]
    san: Vec<String>,
    /// Write the generated CA's certificate, for clients that verify
    #[arg(long, value_name = "PEM")]
    ca_out: Option<PathBuf>,
    /// Serve another reading: a fact's name, a glob or a register number, and the reading
    #[arg(long, value_name = "FACT=NAME")]
    reading: Vec<String>,
    /// The seed of everything random; made up and told in the ready file when not given
    #[arg(long)]
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
            let double = Double::serve(listener, Host::new(fixture.appliance(), Schedule::default()), identity.as_ref(), limits.clone());
            doubles.push((fixture, double.map_err(|error| format!("serving {}: {error}", fixture.name))?));
        }
        let _ready = tell(options, identity.as_ref(), &doubles)?;
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

/// Binds every listener before any is served: one that cannot be bound starts nothing.
fn bind(options: &Options, fixtures: &[Fixture]) -> Result<Vec<TcpListener>, String> {
    let mut next = options.listen;
    let mut listeners = Vec::new();
    for fixture in fixtures {
        let address = fixture.listen.unwrap_or(next);
        let listener = server::bind(address)
            .map_err(|error| format!("{} cannot listen on {address}: {error}\n  hint: --listen 127.0.0.1:0 takes any free port", fixture.name))?;
        if fixture.listen.is_none() && next.port() != 0 {
            next.set_port(next.port().checked_add(1).unwrap_or(0));
        }
        listeners.push(listener);
    }
    Ok(listeners)
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
fn tell(options: &Options, identity: Option<&Identity>, doubles: &[(&Fixture, Double)]) -> Result<Option<ReadyFile>, String> {
    if let (Some(path), Some(ca)) = (&options.ca_out, identity.and_then(Identity::ca_pem)) {
        write_whole(path, ca)?;
    }
    let url = |double: &Double| format!("{}://{}", double.scheme(), reachable(double.address()));
    let ready = match &options.ready_file {
        Some(path) => {
            let seed = options.seed.unwrap_or_else(made_up);
            let appliances: Vec<_> = doubles
                .iter()
                .map(|(fixture, double)| serde_json::json!({ "name": fixture.name, "kind": fixture.kind, "url": url(double) }))
                .collect();
            let ready = serde_json::json!({
                "version": 1,
                "pid": std::process::id(),
                "seed": seed,
                "ca": identity.and_then(Identity::ca_pem),
                "control": null,
                "appliances": appliances,
            });
            write_whole(path, &format!("{ready}\n"))?;
            Some(ReadyFile(path.clone()))
        }
        None => None,
    };
    let lines: String = doubles.iter().map(|(fixture, double)| format!("ready appliance {} {}\n", fixture.name, url(double))).collect();
    let mut out = io::stdout().lock();
    // Whoever closed stdout does not want to read it.
    drop(out.write_all(lines.as_bytes()).and_then(|()| out.flush()));
    Ok(ready)
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

/// Writes a file so that nobody ever reads half of it: a temporary file beside it, then a rename.
#[expect(clippy::disallowed_methods, reason = "files go where the command line says")]
fn write_whole(path: &Path, text: &str) -> Result<(), String> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    fs::write(&temporary, text).and_then(|()| fs::rename(&temporary, path)).map_err(|error| {
        drop(fs::remove_file(&temporary));
        format!("writing {}: {error}", path.display())
    })
}

fn made_up() -> u64 {
    // Nothing depends on it but what is told to be random: where the system has no chance to give, any number does.
    getrandom::u64().unwrap_or(0)
}

/// The ready file, removed when the serving ends.
struct ReadyFile(PathBuf);

impl Drop for ReadyFile {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}
