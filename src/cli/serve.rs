//! `serve`: one mock appliance per fixture, until a signal comes.

mod announcement;
mod banner;
mod believes;
mod bind;
mod control;
mod fixture_set;
mod identity;
mod notes;
mod prepare;
mod watch;

use std::{
    future::pending,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    thread,
};

use clap::Args;
use tokio::sync::oneshot;

use crate::{
    cli::{
        code,
        console::Console,
        error::{CliError, Result},
        mocks,
        mocks::Mock,
        read_ahead, ready, runtime,
        runtime::SignalRuntime,
        serve::{
            announcement::{Announcement, ProcessUrls},
            control::Listener,
            fixture_set::FixtureSet,
            notes::NoteCounter,
            prepare::prepare,
            watch::Watch,
        },
    },
    contract::Kind,
    fixture,
    redact::Secret,
    server,
    server::{Connections, Limits, Log, Ports, Registry, RegistrySettings, tls::Identity},
    system::Signals,
};

/// The arguments of `serve`.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ServeArgs {
    /// Fixtures, or folders of fixtures, or - for stdin; `d4iot-double fixture init` writes a first one
    #[arg(value_name = "FIXTURE")]
    fixtures: Vec<PathBuf>,
    /// Serve only this built-in appliance, if no FIXTURE is given
    #[arg(long, value_parser = super::kind, conflicts_with = "fixtures")]
    kind: Option<Kind>,
    /// Address of the first appliance; the others take the next ports. Port 0: any free port. Address 0.0.0.0: all interfaces
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8443", value_parser = |text: &str| bind::address(text, 8443))]
    listen: SocketAddr,
    /// Port range for port 0 and for appliances created later (default: any free port)
    #[arg(long, value_name = "A-B")]
    ports: Option<Ports>,
    /// Plain HTTP instead of HTTPS, also for appliances created later
    #[arg(long, conflicts_with_all = ["tls_cert", "san", "ca_out"])]
    http: bool,
    /// Your own certificate, with its chain (PEM)
    #[arg(long, value_name = "PEM", requires = "tls_key", conflicts_with_all = ["san", "ca_out"])]
    tls_cert: Option<PathBuf>,
    /// The private key of the certificate (PEM)
    #[arg(long, value_name = "PEM", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Add a name or address to the generated certificate, which has localhost, 127.0.0.1, ::1 and the host's name; repeatable
    #[arg(long, value_name = "NAME")]
    san: Vec<String>,
    /// Write the certificate of the generated CA, for clients that verify (curl --cacert PEM); each start makes a new CA, unless --ca-key is given
    #[arg(long, value_name = "PEM")]
    ca_out: Option<PathBuf>,
    /// Key of the generated CA (PEM), made at the first start: clients then trust the certificates of later starts too
    #[arg(long, value_name = "PEM", conflicts_with_all = ["tls_cert", "http"])]
    ca_key: Option<PathBuf>,
    /// Certificate of your own CA (PEM), which issues the server's certificates with --ca-key
    #[arg(long, value_name = "PEM", requires = "ca_key", conflicts_with_all = ["tls_cert", "http"])]
    ca_cert: Option<PathBuf>,
    /// Ask every client for a certificate of these CAs (PEM), and serve no other client
    #[arg(long, value_name = "PEM", conflicts_with = "http")]
    client_ca: Option<PathBuf>,
    /// Serve another reading, as `X11=table`: a fact's name, a glob or an X number, and the reading; repeatable. `d4iot-double explain` lists them
    #[arg(long, value_name = "FACT=NAME")]
    reading: Vec<String>,
    /// Serve the readings of a profile, as `check --report profile=FILE` writes it, to impersonate that appliance. --reading overrides it
    #[arg(long, value_name = "FILE")]
    readings: Option<PathBuf>,
    /// Address of the control API, which creates and controls appliances at run time; loopback only, unless a token is set
    #[arg(long, value_name = "ADDR:PORT", value_parser = |text: &str| bind::address(text, 9443))]
    control: Option<SocketAddr>,
    /// File with the bearer token for the control API, which only its owner can write; or set D4IOT_DOUBLE_CONTROL_TOKEN
    #[arg(long, value_name = "FILE", requires = "control")]
    control_token_file: Option<PathBuf>,
    /// Start the control API alone; it creates the appliances
    #[arg(long, requires = "control", conflicts_with_all = ["fixtures", "kind"])]
    no_appliances: bool,
    /// Address for probes (HTTP GET): every request is answered with 200, no appliance notices (default: with --ready-file a free port)
    #[arg(long, value_name = "ADDR:PORT", value_parser = |text: &str| bind::address(text, 8080))]
    health: Option<SocketAddr>,
    /// Host name or address to show in URLs, and in the generated certificate, in place of the address listened on
    #[arg(long, value_name = "HOST", value_parser = bind::host)]
    advertise: Option<String>,
    /// Path below which every operation is served, such as /10.0.0.5, as through a console's tunnel
    #[arg(long, value_name = "PATH", value_parser = bind::path, default_value = "", hide_default_value = true)]
    path_prefix: String,
    /// Arm failure modes of the fixtures, or built-in ones
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    fail: Vec<String>,
    /// Add the failure modes of a file to every appliance; repeatable
    #[arg(long, value_name = "FILE")]
    failures: Vec<PathBuf>,
    /// Random seed below 2^53 (default: random, printed at start)
    #[arg(long, value_name = "N", value_parser = bind::seed)]
    seed: Option<u64>,
    /// At the end, print how many appliances have a password that a client does not know, and exit with 1 if any has: its file has a line SITE USER PASSWORD for each password that it believes to be valid
    #[arg(long, value_name = "FILE")]
    believes: Option<PathBuf>,
    /// Exit with 1 at the end if a request matched no operation or an armed failure mode never fired
    #[arg(long)]
    strict: bool,
    /// Reload fixtures when they change, or the files of failure modes they use; invalid files are ignored with an error
    #[arg(long, requires = "fixtures")]
    watch: bool,
    /// Write the names and URLs of the appliances as JSON when all of them listen; removed at the end
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
    /// End when stdin is closed, as it is when the parent process ends
    #[arg(long)]
    exit_with_stdin: bool,
}

/// Serves until SIGTERM or SIGINT.
pub(super) fn run(options: &ServeArgs, start: SignalRuntime, console: &Console) -> Result {
    let SignalRuntime { runtime, signals } = start;
    let result = runtime.block_on(async {
        if let Some(path) = &options.ready_file {
            // A file of an earlier process says nothing about this one.
            ready::remove(path)?;
        }
        if let Some(path) = &options.believes {
            believes::check_path(path)?;
        }
        read_ahead(false);
        serve_until_stopped(signals, options, console).await
    });
    // A FIFO may still keep its writer waiting.
    runtime.shutdown_background();
    result
}

/// What is read before anything is bound.
struct Inputs {
    watch: Option<Watch>,
    mocks: Vec<Mock>,
    token: Option<Secret>,
    identity: Option<Identity>,
}

impl Inputs {
    fn read(options: &ServeArgs) -> Result<Inputs> {
        let mocks = match options.no_appliances {
            true => Vec::new(),
            false => mocks::load(&options.fixtures, options.kind)?,
        };
        Ok(Inputs {
            watch: options
                .watch
                .then(|| Watch::new(options, &mocks))
                .transpose()?,
            mocks,
            token: control::token(options)?,
            identity: identity::identity(options)?,
        })
    }
}

async fn serve_until_stopped(signals: Signals, options: &ServeArgs, console: &Console) -> Result {
    let mut stop_requested = pin!(stop_requested(signals, options)?);
    let given = options.clone();
    let inputs = tokio::select! {
        biased;
        () = &mut stop_requested => return Ok(code::SUCCESS),
        // The passwords of many users take a second, and a pipe may have no writer.
        inputs = runtime::on_blocking_thread(move || Inputs::read(&given)) => inputs?,
    };
    let registry = registry(options, inputs.identity, console);
    let mocks = prepare(inputs.mocks, options, &registry)?;
    let (control, health) = (Listener::control(options)?, Listener::health(options)?);
    let mut fixtures = FixtureSet::start(options, console, registry, mocks)?;
    let urls = ProcessUrls {
        control: control.as_ref().map(|listener| listener.url.clone()),
        health: health.as_ref().map(|listener| listener.url.clone()),
    };
    let registry = fixtures.registry.clone();
    let control = control.map(|listener| listener.serve_control(registry, inputs.token, *console));
    let health = health.map(Listener::serve_health);
    let mut announcement = tokio::select! {
        biased;
        // The FIFO that is written may never be read.
        () = &mut stop_requested => return Ok(code::SUCCESS),
        announced = Announcement::new(options, console, &fixtures, urls) => announced?,
    };
    announcement::note_seed(&fixtures, console);
    announcement::log_drift(&fixtures, console);
    if let Some(watch) = inputs.watch {
        let watched = reload_changes(watch, options, &mut fixtures, &mut announcement, console);
        tokio::select! {
            biased;
            () = &mut stop_requested => {}
            () = watched => {}
        }
    } else {
        stop_requested.await;
    }
    console.detail("stopping");
    let complaints = fixtures.registry.end().await;
    if let Some(control) = control {
        control.await;
    }
    if let Some(health) = health {
        health.await;
    }
    Ok(exit_code(options, &fixtures, &complaints, console))
}

/// Returns what completes at a signal, or at the end of stdin where that is asked for.
///
/// # Errors
/// Something else is read from stdin.
fn stop_requested(
    mut signals: Signals,
    options: &ServeArgs,
) -> Result<impl Future<Output = ()> + use<>> {
    let (readings, token) = (&options.readings, &options.control_token_file);
    let mut files = options.fixtures.iter().chain(readings).chain(token);
    if options.exit_with_stdin && files.any(|path| path == Path::new("-")) {
        let message = "--exit-with-stdin waits for the end of stdin, and `-` reads all of it";
        return Err(CliError::usage(message).hint("name a file"));
    }
    let stdin = options.exit_with_stdin.then(stdin_end);
    Ok(async move {
        let stdin_ended = async {
            match stdin {
                Some(end) => drop(end.await),
                None => pending().await,
            }
        };
        tokio::select! {
            () = signals.recv() => {}
            () = stdin_ended => {}
        }
    })
}

/// Serves fixtures anew when their files change. It does not end.
async fn reload_changes(
    mut watch: Watch,
    options: &ServeArgs,
    fixtures: &mut FixtureSet<'_>,
    announcement: &mut Announcement,
    console: &Console,
) {
    loop {
        let reload = async {
            let mocks = watch.changed().await?;
            let started = fixtures.reload(mocks)?;
            announcement.update(options, fixtures, &started).await
        };
        if let Err(error) = reload.await {
            console.error(format!(
                "{error}\n  hint: the previous fixtures are still served"
            ));
        }
    }
}

/// Returns the exit code: `--strict` and `--believes` look at what the appliances have seen.
fn exit_code(
    options: &ServeArgs,
    fixtures: &FixtureSet<'_>,
    complaints: &[String],
    console: &Console,
) -> u8 {
    let mut worst = code::SUCCESS;
    if options.strict && !complaints.is_empty() {
        complaints.iter().for_each(|text| console.error(text));
        worst = code::DEVIATION;
    }
    if let Some(path) = &options.believes {
        let compared = believes::compare(path, &fixtures.entries);
        worst = code::worst(worst, console.code(compared));
    }
    worst
}

/// Completes when stdin has ended, which a thread of its own waits for.
fn stdin_end() -> oneshot::Receiver<()> {
    let (sender, ended) = oneshot::channel();
    let read = move || {
        drop(io::copy(&mut io::stdin(), &mut io::sink()));
        drop(sender);
    };
    drop(thread::Builder::new().spawn(read));
    ended
}

fn registry(options: &ServeArgs, identity: Option<Identity>, console: &Console) -> Registry {
    let (console, notes) = (*console, NoteCounter::default());
    server::raise_descriptor_limit();
    let reserved = options.control.map_or(0, |_| crate::control::DESCRIPTORS);
    let log = move |line: &str| {
        if let Some(line) = notes.count(line) {
            console.note(line);
        }
    };
    let limits = Limits {
        log: Log::to(log),
        connections: Connections::with_reserved(reserved),
        ..Limits::default()
    };
    Registry::new(RegistrySettings {
        identity,
        limits: Arc::new(limits),
        ports: options.ports.clone().unwrap_or_default(),
        ip: options.listen.ip(),
        advertise: options.advertise.clone(),
        path_prefix: options.path_prefix.clone(),
        seed: options.seed,
        // A system without a random generator gets any number.
        default_seed: getrandom::u64().unwrap_or(0) & fixture::MAX_SEED,
    })
}

const EXAMPLES: &str = "\
Examples:
  d4iot-double serve                                   a sensor on 8443, a console on 8444
  d4iot-double serve --kind console --http             a console alone, without TLS
  d4iot-double serve plant.yaml --listen 127.0.0.1:0   your own fixture on any free port

When all of them listen, stdout has one line for each: `ready appliance NAME URL`.
SIGTERM or SIGINT (Ctrl-C) ends it with exit code 0. Exit code 2: an option or a fixture is wrong, and nothing was started.";
