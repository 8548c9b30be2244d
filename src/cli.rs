//! The command line: one file per command.

mod check;
mod client;
pub mod code;
pub mod console;
mod diff;
mod documents;
mod error;
mod expectations;
mod explain;
mod export;
mod fixture;
mod healthcheck;
mod judge;
mod live;
mod log;
mod mocks;
mod plan;
mod progress;
pub mod ready;
mod recover;
mod report;
mod reports;
mod review;
mod runtime;
pub mod selection;
pub mod serve;
mod signals;
mod snapshots;
mod stderr;
mod sweep;
mod target;
mod targets;
mod usage;

use std::{env, io, io::Write, panic, panic::AssertUnwindSafe, process::ExitCode, thread};

use clap::{
    Arg, ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand, builder::FalseyValueParser,
};
use tracing::level_filters::LevelFilter;

use crate::{
    cli::{
        console::Console,
        error::{CliError, Result},
        runtime::SignalRuntime,
    },
    contract,
    contract::{Kind, UnknownName},
    suite::cases,
};

/// Mock appliances and a conformance suite for the authentication API of Microsoft Defender for IoT
#[derive(Debug, Parser)]
#[command(name = "d4iot-double", bin_name = "d4iot-double", version, max_term_width = 100, after_help = code::HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    console: Console,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run mock appliances, one per fixture; without fixtures: the built-in sensor and console
    Serve(Box<serve::ServeArgs>),
    /// Run a client of yours in every failure, and say whether the password survives
    Sweep(Box<sweep::SweepArgs>),
    /// Send every documented request to a target, or to built-in mocks, and check the answers
    #[command(after_help = code::HELP)]
    Check(Box<check::CheckArgs>),
    /// Judge recorded traffic (HAR, curl -v, the journal of a mock) as check judges what it sends
    #[command(after_help = code::HELP)]
    Judge(judge::JudgeArgs),
    /// List what check would send, in order, with effects and costs; sends nothing
    Plan(Box<check::CheckArgs>),
    /// Restore the passwords that an interrupted run left changed
    Recover(recover::RecoverArgs),
    /// List new and changed snapshots, with their differences
    Pending(review::ReviewArgs),
    /// Go through new and changed snapshots one by one
    Review(review::ReviewArgs),
    /// Accept new and changed snapshots
    Accept(review::ReviewArgs),
    /// Reject new and changed snapshots
    Reject(review::ReviewArgs),
    /// Compare two snapshot folders or two JSON reports, case by case
    Diff(diff::DiffArgs),
    /// Merge the reports of the parts of a list of targets
    #[command(subcommand)]
    Report(report::ReportCommand),
    /// Show the readings of a fact; without an argument: all disputed or assumed facts
    Explain(explain::ExplainArgs),
    /// Compare what the contract quotes with your copies of the documentation
    Documents(documents::DocumentsArgs),
    /// Write the contract in a format of another tool: OpenAPI, WireMock, Postman, Hurl, HAR
    Export(export::ExportArgs),
    /// Validate fixtures, print their JSON Schema, write a starter
    #[command(subcommand)]
    Fixture(fixture::FixtureCommand),
    /// Exit with 0 if serve answers; for container images
    Healthcheck(healthcheck::HealthcheckArgs),
}

/// Parses, runs, and returns the exit code.
pub fn main() -> ExitCode {
    // Before anything else: until then the first process of a container loses signals.
    let mut words = env::args_os().skip(1);
    let command = words.find(|word| !word.as_encoded_bytes().starts_with(b"-"));
    let start = command.as_ref().filter(|command| *command == "serve");
    let start = start.map(|_| SignalRuntime::new());
    let parsed = with_variables(Cli::command()).try_get_matches();
    let parsed = parsed.and_then(|arguments| Cli::from_arg_matches(&arguments));
    let Cli { command, console } = match parsed {
        Ok(parsed) => parsed,
        // Container engines reserve 2.
        Err(error)
            if error.use_stderr() && command.as_ref().is_some_and(|it| it == "healthcheck") =>
        {
            drop(error.print());
            return ExitCode::from(code::DEVIATION);
        }
        Err(error) => usage::with_tip(error, command.as_deref()).exit(),
    };
    console.install_panic_hook();
    // The requests of a mock are what `serve -v` shows; `check -v` lists cases.
    let lists_requests = console.is_verbose() && matches!(command, Command::Serve(_));
    let max = if lists_requests {
        LevelFilter::DEBUG
    } else {
        LevelFilter::INFO
    };
    log::print_events(console, max);
    let result = panic::catch_unwind(AssertUnwindSafe(|| run(command, start, &console)));
    // The panic hook has printed what a panic says.
    let code = result.map_or(code::INTERNAL, |result| console.code(result));
    console.flush();
    ExitCode::from(code)
}

/// Lets the options of `serve` and `healthcheck` be set by variables, for containers. No other command's: consent to change
/// passwords, and to trust anybody, is given by whoever types it. An empty variable sets nothing, as does `false` for a flag;
/// commas separate the values of an option that may be repeated.
fn with_variables(command: clap::Command) -> clap::Command {
    let named = |option: Arg| {
        let Some(long) = option.get_long() else {
            return option;
        };
        let name = format!("D4IOT_DOUBLE_{}", long.replace('-', "_").to_uppercase());
        let value = env::var(&name).ok();
        let (is_flag, is_list) = match option.get_action() {
            ArgAction::SetTrue => (true, false),
            action => (false, matches!(action, ArgAction::Append)),
        };
        let sets_nothing = |value: &str| {
            value.is_empty() || is_flag && ["0", "false", "no", "off"].contains(&value)
        };
        if value.as_deref().is_some_and(sets_nothing) {
            return option;
        }
        let option = match (is_flag, is_list && value.is_some()) {
            (true, _) => option.value_parser(FalseyValueParser::new()),
            (_, true) => option.value_delimiter(','),
            _ => option,
        };
        option.env(name).hide_env_values(true)
    };
    let with_variables = |command: clap::Command| command.mut_args(named);
    ["serve", "healthcheck"]
        .iter()
        .fold(command, |command, name| {
            command.mut_subcommand(name, with_variables)
        })
}

fn run(command: Command, start: Option<Result<SignalRuntime>>, console: &Console) -> Result {
    match command {
        Command::Serve(options) => {
            let start = start.unwrap_or_else(SignalRuntime::new)?;
            serve::run(&options, start, console)
        }
        Command::Check(options) => {
            reports::prepare(&options.report)?;
            if options.target.targets.is_some() {
                targets::run(&options, console)
            } else if options.target.target.is_some() {
                live::run(&options, console)
            } else {
                check::run(&options, console)
            }
        }
        Command::Sweep(options) => sweep::run(&options, console),
        Command::Judge(options) => judge::run(&options, console),
        Command::Plan(options) => plan::run(&options, console),
        Command::Recover(options) => recover::run(&options, console),
        Command::Pending(options) => review::pending(&options),
        Command::Review(options) => review::review(&options),
        Command::Accept(options) => review::accept(&options, console),
        Command::Reject(options) => review::reject(&options, console),
        Command::Diff(options) => diff::run(&options, console),
        Command::Report(command) => report::run(&command, console),
        Command::Explain(options) => explain::run(&options),
        Command::Documents(options) => documents::run(&options, console),
        Command::Export(options) => export::run(&options, console),
        Command::Fixture(command) => fixture::run(&command),
        Command::Healthcheck(options) => healthcheck::run(&options),
    }
}

/// Starts to read the contracts, and the cases if they are needed, on threads of their own: each
/// takes some milliseconds.
fn read_ahead(needs_cases: bool) {
    let mut readers: Vec<fn()> = vec![|| _ = contract::of(Kind::Sensor), || {
        _ = contract::of(Kind::Console)
    }];
    if needs_cases {
        readers.push(|| _ = cases::all());
    }
    for read in readers {
        // Without a thread they are read when they are needed.
        drop(thread::Builder::new().spawn(read));
    }
}

/// Reads the name of a kind for clap.
fn kind(text: &str) -> std::result::Result<Kind, UnknownName> {
    text.parse()
}

/// The kinds that an option stands for: both without it.
fn kinds(kind: Option<Kind>) -> Vec<Kind> {
    kind.map_or_else(|| vec![Kind::Sensor, Kind::Console], |kind| vec![kind])
}

/// Writes data to stdout. A reader that closes the pipe early, such as `head -1`, is not an error.
fn print(text: impl AsRef<[u8]>) -> Result {
    // Messages that came earlier are written first: on a terminal both are read as one text.
    stderr::flush();
    let mut out = io::stdout();
    match out.write_all(text.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(CliError::usage(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(code::SUCCESS),
    }
}
