//! The command line: what can be said, and which code a command ends with. One file a command.

mod agreed;
pub mod check;
pub mod client;
pub mod diff;
pub mod documents;
pub mod explain;
pub mod fixture;
pub mod healthcheck;
pub mod live;
mod log;
pub mod plan;
mod progress;
pub mod ready;
pub mod recover;
mod reports;
pub mod review;
pub mod selection;
pub mod serve;
mod snapshots;
mod stderr;
pub mod talk;
pub mod target;

use std::{io, io::Write, panic, panic::AssertUnwindSafe, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{
    cli::talk::{Colour, LogFormat, Talk},
    contract::{Kind, UnknownName},
};

/// A test double of Microsoft Defender for IoT appliances, and a conformance suite for their authentication API.
#[derive(Debug, Parser)]
#[command(name = "d4iot-double", version, max_term_width = 100, after_help = EXIT_CODES)]
struct Line {
    #[command(subcommand)]
    command: Command,
    /// When to use colour; NO_COLOR is honoured
    #[arg(long, global = true, display_order = 900, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    color: Colour,
    /// Say less on stderr
    #[arg(short, long, global = true, display_order = 901)]
    quiet: bool,
    /// Say more on stderr
    #[arg(
        short,
        long,
        global = true,
        display_order = 902,
        conflicts_with = "quiet"
    )]
    verbose: bool,
    /// The form of what is said on stderr
    #[arg(long, global = true, display_order = 903, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    log_format: LogFormat,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run one mock appliance per fixture; without one: the built-in sensor and console
    Serve(Box<serve::Options>),
    /// Fire every documented request at a target, or at mocks of its own, and judge the answers
    #[command(after_help = EXIT_CODES)]
    Check(Box<check::Options>),
    /// What check would send, in order, with effects and costs; sends nothing
    Plan(Box<check::Options>),
    /// Give back the passwords that an interrupted run left changed
    Recover(recover::Options),
    /// List new and changed snapshots, with their differences
    Pending(review::Options),
    /// Go through new and changed snapshots one by one
    Review(review::Options),
    /// Accept new and changed snapshots
    Accept(review::Options),
    /// Reject new and changed snapshots
    Reject(review::Options),
    /// What differs between two snapshot folders or two JSON reports, case by case
    Diff(diff::Options),
    /// The readings of a fact, where each is said, why one is preferred, or what a case is about; without an argument: all disputed or assumed facts
    Explain {
        /// A fact, a glob (`validation.*`), a register number (`X11`), an outcome or a case
        #[arg(value_name = "FACT|CASE|OUTCOME")]
        what: Option<String>,
        /// One kind of appliance only
        #[arg(long, value_parser = kind)]
        kind: Option<Kind>,
    },
    /// Hold the contract against copies of the documents
    Documents {
        /// The sensor's page
        #[arg(long, value_name = "FILE")]
        sensor: PathBuf,
        /// The console's page
        #[arg(long, value_name = "FILE")]
        console: PathBuf,
    },
    /// Validate fixtures, print their JSON Schema, write a starter
    #[command(subcommand)]
    Fixture(FixtureCommand),
    /// For container images: exit 0 when every appliance answers
    Healthcheck(healthcheck::Options),
}

#[derive(Debug, Subcommand)]
enum FixtureCommand {
    /// Validate fixtures; a folder means all files in it
    Check {
        /// Fixtures or folders
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Print the JSON Schema of fixtures
    Schema {
        /// Of files that hold failure modes and no more
        #[arg(long)]
        modes: bool,
    },
    /// Write a commented starter; to stdout without a path
    Init {
        /// Where to write it; a file that is there is left alone
        path: Option<PathBuf>,
    },
    /// Which calls which failure mode will strike
    Schedule {
        /// A fixture, or a file of failure modes
        file: PathBuf,
        /// The seed that `serve` will be told; by default the fixture's
        #[arg(long, value_name = "S")]
        seed: Option<u64>,
        /// How many calls to look at
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
        calls: u64,
    },
}

/// Parses, runs, and returns the exit code.
pub fn main() -> ExitCode {
    let line = Line::parse();
    let talk = Talk::new(line.color, line.quiet, line.verbose, line.log_format);
    talk.hush_panics();
    if line.verbose {
        log::listen(talk);
    }
    // What a panic has to say was said when it happened.
    let code = panic::catch_unwind(AssertUnwindSafe(|| run(line.command, &talk)))
        .unwrap_or(code::INTERNAL);
    talk.flush();
    ExitCode::from(code)
}

fn run(command: Command, talk: &Talk) -> u8 {
    let mut out = Stdout;
    match command {
        Command::Serve(options) => serve::run(&options, talk),
        Command::Check(options) => {
            if options.target.target.is_some() {
                live::run(&options, talk)
            } else {
                check::run(&options, talk)
            }
        }
        Command::Plan(options) => plan::run(&options, &mut out, talk),
        Command::Recover(options) => recover::run(&options, talk),
        Command::Pending(options) => review::pending(&options, &mut out, talk),
        Command::Review(options) => review::review(&options, &mut out, talk),
        Command::Accept(options) => review::accept(&options, &mut out, talk),
        Command::Reject(options) => review::reject(&options, &mut out, talk),
        Command::Diff(options) => diff::run(&options, &mut out, talk),
        Command::Explain { what, kind } => {
            let kinds = kind.map_or_else(|| vec![Kind::Sensor, Kind::Console], |kind| vec![kind]);
            talk.code(explain::run(what.as_deref(), &kinds, &mut out).map(|()| code::GOOD))
        }
        Command::Documents { sensor, console } => {
            talk.code(documents::run(&sensor, &console, &mut out))
        }
        Command::Fixture(FixtureCommand::Check { files }) => {
            fixture::check(&files, &mut out, &mut io::stderr())
        }
        Command::Fixture(FixtureCommand::Schema { modes }) => fixture::schema(modes, &mut out),
        Command::Fixture(FixtureCommand::Schedule { file, seed, calls }) => {
            fixture::schedule(&file, seed, calls, &mut out, &mut io::stderr())
        }
        Command::Fixture(FixtureCommand::Init { path }) => {
            fixture::init(path.as_deref(), &mut out, &mut io::stderr())
        }
        Command::Healthcheck(options) => healthcheck::run(&options, talk),
    }
}

/// Reads a kind's name for clap.
fn kind(text: &str) -> Result<Kind, UnknownName> {
    text.parse()
}

/// Standard output, each piece after all messages that came before it: on a terminal both are read as one.
pub(crate) struct Stdout;

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        stderr::flush();
        io::stdout().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush()
    }
}

/// Takes a reader that has seen enough, `| head -1`, for one that has read everything.
fn written(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Exit codes, in the order of interface.md. Where several hold, the gravest wins; each command says how.
pub mod code {
    /// All judged cases pass, or what was asked is done.
    pub const GOOD: u8 = 0;
    /// A deviation, an inconsistency, a changed snapshot; a document that does not say what the contract says.
    pub const WRONG: u8 = 1;
    /// Usage or configuration, also an address that cannot be bound.
    pub const USAGE: u8 = 2;
    /// The target cannot be reached, or TLS was refused.
    pub const UNREACHABLE: u8 = 3;
    /// Nothing was judged.
    pub const NOTHING: u8 = 4;
    /// In CI: a case whose snapshot does not exist.
    pub const NO_SNAPSHOT: u8 = 5;
    /// Refused or stopped by a safety rule.
    pub const REFUSED: u8 = 6;
    /// A password could not be given back.
    pub const LOST: u8 = 7;
    /// An error inside this program.
    pub const INTERNAL: u8 = 70;
    /// Interrupted, and everything was given back.
    pub const INTERRUPTED: u8 = 130;

    /// Returns the graver of two codes.
    pub fn gravest(one: u8, other: u8) -> u8 {
        let rank = |code: u8| GRAVITY.iter().position(|known| *known == code).unwrap_or(0);
        if rank(one) <= rank(other) { one } else { other }
    }

    /// Every code, the gravest first.
    const GRAVITY: [u8; 10] = [
        LOST,
        INTERNAL,
        INTERRUPTED,
        USAGE,
        WRONG,
        REFUSED,
        UNREACHABLE,
        NO_SNAPSHOT,
        NOTHING,
        GOOD,
    ];
}

const EXIT_CODES: &str = "Exit codes: 0 all judged cases pass · 1 a deviation, an inconsistency, an unstable answer or a changed snapshot · 2 usage or configuration · \
3 target unreachable or TLS refused · 4 nothing was judged · 5 in CI, a snapshot is missing · 6 refused or stopped by a safety rule · 7 a password could not be given back: act now · 70 internal error · 130 interrupted, everything given back";
