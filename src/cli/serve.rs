//! `serve`: one mock appliance per fixture, until a signal comes.

mod banner;
mod bind;
mod control;
mod notes;
mod roster;
mod tell;
mod watch;

use std::{
    fs,
    future::Future,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
};

use clap::Args;
use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};

use crate::{
    appliance::User,
    cli::{
        agreed, code, fixture,
        serve::{
            control::Control,
            notes::NoteCounter,
            roster::Roster,
            tell::Told,
            watch::{Files, Watch},
        },
        talk,
        talk::Talk,
    },
    contract,
    contract::Kind,
    fixture::Fixture,
    server,
    server::{
        Connections, Limits, Log, Ports, Registry, RegistryError, RegistrySettings, tls,
        tls::Identity,
    },
};

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
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8443", value_parser = bind::address)]
    listen: SocketAddr,
    /// Where port 0, and appliances that are made later, take their ports from; by default any free one
    #[arg(long, value_name = "A-B")]
    ports: Option<Ports>,
    /// Plain HTTP instead of HTTPS, also for appliances that are made later
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
    /// Serve the control API there, by which appliances are made and driven while they run; loopback only, unless there is a token
    #[arg(long, value_name = "ADDR:PORT", value_parser = bind::control)]
    control: Option<SocketAddr>,
    /// A file with the token that whoever asks the control API must send, as `Authorization: Bearer`; nobody else may read it
    #[arg(long, value_name = "FILE", requires = "control")]
    control_token_file: Option<PathBuf>,
    /// Arm failure modes of the fixtures, or ready-made ones
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    fail: Vec<String>,
    /// The seed of everything random; made up and told when not given
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Exit with 1 at the end if a request hit no operation or an armed failure mode never fired
    #[arg(long)]
    strict: bool,
    /// Look twice a second whether a fixture has changed, and serve it as it then is; one that does not load leaves the old one in force
    #[arg(long, requires = "fixtures")]
    watch: bool,
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
    if single {
        runtime_of_one_thread()
    } else {
        Builder::new_multi_thread().enable_all().build()
    }
}

/// Starts a runtime of the thread that blocks on it.
///
/// # Errors
/// The system's.
pub fn runtime_of_one_thread() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Lets appliances serve other readings, each `FACT=NAME`. With several appliances a choice must suit at least one.
///
/// # Errors
/// A choice without `=`, or one that suits none.
pub fn choose<'a>(
    fixtures: impl Iterator<Item = &'a mut Fixture>,
    choices: &[String],
) -> Result<(), String> {
    let mut fixtures: Vec<&mut Fixture> = fixtures.collect();
    for choice in choices {
        let (fact, reading) = choice
            .split_once('=')
            .ok_or_else(|| format!("--reading {choice}: expected FACT=NAME, `X11=table`"))?;
        let refused: Vec<_> = fixtures
            .iter_mut()
            .filter_map(|fixture| {
                fixture
                    .readings
                    .choose(contract::of(fixture.kind), fact, reading)
                    .err()
            })
            .map(|error| error.to_string())
            .collect();
        match refused.first() {
            Some(error) if refused.len() == fixtures.len() => {
                return Err(format!("--reading {choice}: {error}"));
            }
            _ => {}
        }
    }
    // Modes of their own readings stand on those that were chosen here, or by a profile before.
    fixtures
        .into_iter()
        .try_for_each(Fixture::reload_modes)
        .map_err(|error| error.to_string())
}

/// Arms failure modes by name. With several appliances a name must be known to at least one; a ready-made one is to all.
///
/// # Errors
/// A name that none knows.
pub fn arm<'a>(
    fixtures: impl Iterator<Item = &'a mut Fixture>,
    names: &[String],
) -> Result<(), String> {
    let mut fixtures: Vec<&mut Fixture> = fixtures.collect();
    for name in names {
        let refused: Vec<_> = fixtures
            .iter_mut()
            .filter_map(|fixture| fixture.arm(name).err())
            .collect();
        match refused.first() {
            Some(error) if refused.len() == fixtures.len() => {
                return Err(format!("--fail {name}: {error}"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn serve(options: &Options, talk: &Talk) -> Result<u8, String> {
    let files = if options.watch {
        watch::read(&options.fixtures)?
    } else {
        Files::default()
    };
    let fixtures = fixtures(options)?;
    let identity = identity(options)?;
    let token = control::token(options)?;
    let (spoken, notes) = (*talk, NoteCounter::default());
    server::raise_descriptor_limit();
    let reserved = if options.control.is_some() {
        crate::control::DESCRIPTORS
    } else {
        0
    };
    let fleet = Registry::new(RegistrySettings {
        identity,
        limits: Arc::new(Limits {
            log: Log::to(move |line| notes.count(line).iter().for_each(|line| spoken.note(line))),
            connections: Connections::with_reserved(reserved),
            ..Limits::default()
        }),
        ports: options.ports.clone().unwrap_or_default(),
        ip: options.listen.ip(),
        seed: options.seed,
        default_seed: made_up(),
    });
    let fixtures = prepare(fixtures, options, &fleet)?;
    let runtime = runtime().map_err(|error| format!("starting: {error}"))?;
    let code = runtime.block_on(async {
        // Signals are taken before anything is told to be ready: whoever reads that line may send one at once.
        let mut stopped = pin!(stopped()?);
        let control = Control::bind(options, token)?;
        let mut roster = Roster::start(options, talk, fleet, fixtures)?;
        let url = control.as_ref().map(|control| control.url().to_owned());
        let control = control.map(|control| control.start(roster.fleet.clone(), *talk));
        let mut told = tokio::select! {
            told = Told::tell(options, talk, &roster, url) => told?,
            // Nobody may ever read the FIFO that is written.
            () = &mut stopped => return Ok(code::GOOD),
        };
        if options.seed.is_none() && roster.entries.iter().any(|entry| !entry.fixture.failures.is_empty()) {
            let seed = roster.fleet.settings().default_seed;
            talk.note(format!("seed {seed}, unless a fixture names its own; --seed {seed} makes everything random happen again"));
        }
        let mut watch = Watch::new(options.fixtures.clone(), files);
        loop {
            tokio::select! {
                biased;
                () = &mut stopped => break,
                files = watch.changed(), if options.watch => {
                    let reloaded = async {
                        let started = roster.reload(&files?)?;
                        told.tell_again(options, &roster, &started).await
                    };
                    match reloaded.await {
                        Ok(()) => {}
                        Err(error) => talk.error(format!("{error}\n  hint: what was served before is still in force")),
                    }
                }
            }
        }
        talk.detail("stopping");
        let controlled = async {
            if let Some(control) = control {
                control.end().await;
            }
        };
        let ((), findings) = tokio::join!(controlled, roster.fleet.end());
        if !options.strict || findings.is_empty() {
            return Ok(code::GOOD);
        }
        findings.iter().for_each(|finding| talk.error(finding));
        Ok(code::WRONG)
    });
    // A FIFO may still keep its writer waiting.
    runtime.shutdown_background();
    code
}

fn fixtures(options: &Options) -> Result<Vec<(Option<PathBuf>, Fixture)>, String> {
    if options.fixtures.is_empty() {
        let kinds = options
            .kind
            .map_or_else(|| vec![Kind::Sensor, Kind::Console], |kind| vec![kind]);
        return Ok(kinds
            .into_iter()
            .map(|kind| (None, crate::fixture::built_in(kind)))
            .collect());
    }
    Ok(fixture::load(&options.fixtures)?
        .into_iter()
        .map(|(path, fixture)| (Some(path), fixture))
        .collect())
}

/// Does to fixtures what the command line says, and refuses what cannot be served.
fn prepare(
    mut fixtures: Vec<(Option<PathBuf>, Fixture)>,
    options: &Options,
    fleet: &Registry,
) -> Result<Vec<(Option<PathBuf>, Fixture)>, String> {
    agreed::impersonate(
        fixtures.iter_mut().map(|(_, fixture)| fixture),
        options.readings.as_deref(),
    )?;
    choose(
        fixtures.iter_mut().map(|(_, fixture)| fixture),
        &options.reading,
    )?;
    arm(
        fixtures.iter_mut().map(|(_, fixture)| fixture),
        &options.fail,
    )?;
    for (_, fixture) in &fixtures {
        fleet
            .check_fixture(fixture)
            .map_err(|error| match (&error, error.hint()) {
                (RegistryError::Certificate { .. }, Some(hint)) => {
                    format!("{error}\n  hint: {hint}")
                }
                _ => error.to_string(),
            })?;
    }
    // The built-in passwords are printed in the documents, and stand in what is said of how to ask.
    let own = fixtures.iter().filter(|(_, fixture)| fixture.names_users);
    let users: Vec<&User> = own
        .flat_map(|(_, fixture)| fixture.state.directory.users())
        .collect();
    talk::hide(
        users.iter().map(|user| user.password.expose()),
        &users.iter().map(|user| user.username.as_str()).collect(),
    );
    Ok(fixtures)
}

#[expect(
    clippy::disallowed_methods,
    reason = "certificates are read where the command line says"
)]
fn identity(options: &Options) -> Result<Option<Identity>, String> {
    if options.http {
        return Ok(None);
    }
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|error| format!("reading {}: {error}", path.display()))
    };
    let identity = match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) => Identity::from_pem(&read(certificate)?, &read(key)?)
            .map_err(|error| {
                format!("{} with {}: {error}", certificate.display(), key.display())
            })?,
        _ => Identity::generate(&options.san).map_err(|error| match error {
            tls::Error::BadName(name) => {
                format!("--san {name}: expected a host name or an IP address, without a port")
            }
            error => format!("making a certificate: {error}"),
        })?,
    };
    Ok(Some(identity))
}

/// Completes at the first SIGTERM or SIGINT.
fn stopped() -> Result<impl Future<Output = ()>, String> {
    let taken = |kind| signal(kind).map_err(|error| format!("taking signals: {error}"));
    let (mut terminate, mut interrupt) = (
        taken(SignalKind::terminate())?,
        taken(SignalKind::interrupt())?,
    );
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn made_up() -> u64 {
    // Nothing depends on it but what is told to be random: where the system has no chance to give, any number does.
    getrandom::u64().unwrap_or(0)
}

const EXAMPLES: &str = "\
Examples:
  d4iot-double serve                                   a sensor on 8443, a console on 8444
  d4iot-double serve --kind console --http             a console alone, without TLS
  d4iot-double serve plant.yaml --listen 127.0.0.1:0   one of your own on any free port

Once all of them listen, stdout has one line for each: `ready appliance NAME URL`.
SIGTERM or SIGINT (Ctrl-C) ends it with exit code 0. Exit code 2: something is wrong with what it was told, and nothing was started.";
