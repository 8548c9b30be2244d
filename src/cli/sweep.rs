//! `sweep`: runs a command, the client under test, in every failure. The library's `sweep` with a process in place of a closure.

mod command;
mod output;

use std::{
    convert::Infallible,
    ffi::OsString,
    iter,
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use clap::Args;
use command::{CommandClient, Groups};

use crate::{
    cli::{
        code,
        console::Console,
        error::{CliError, Result, read_text},
        expectations, mocks, print,
        progress::Progress,
        reports, runtime, signals,
    },
    contract::{Glob, Kind},
    failure::duration,
    report::{Format, ReportRequest, ReportStyle},
    sweep::{At, KnownScenarios, Sweep, SweepError, SweepEvent, SweepReport, Task},
    system::StopRequest,
};

/// The arguments of `sweep`.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct SweepArgs {
    /// The appliance's kind: sensor or console
    #[arg(long, value_parser = crate::cli::kind, default_value = "sensor", conflicts_with = "fixture")]
    kind: Kind,
    /// What the client is to do: change, reconcile or verify, or a glob; repeatable [default: change]
    #[arg(long, value_name = "NAME", value_parser = list)]
    operation: Vec<List>,
    /// Only these failure modes, by name or glob; repeatable. Without readings then, unless --reading is given
    #[arg(long, value_name = "GLOB", value_parser = list)]
    fail: Vec<List>,
    /// Only these readings, by a fact's name, a glob or an X number; repeatable. Without failure modes then, unless --fail is given
    #[arg(long, value_name = "GLOB", value_parser = list)]
    reading: Vec<List>,
    /// The appliance: users, policy, readings, and failure modes besides the ready-made ones
    #[arg(long, value_name = "FILE")]
    fixture: Option<PathBuf>,
    /// At which calls of the client a failure happens: `each` in turn, once; the `first` alone; `always`, which is each in turn and from there on
    #[arg(long, value_name = "WHICH", value_parser = |text: &str| text.parse::<At>(), default_value = "each")]
    at: At,
    /// Also pairs: a change whose answer is lost or damaged, then another failure
    #[arg(long)]
    pairs: bool,
    /// Only the scenario of this name, or those of a glob, and show what was sent and answered
    #[arg(long, value_name = "NAME")]
    scenario: Option<String>,
    /// How many clients run side by side [default: four for each processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    jobs: Option<u16>,
    /// The seed of everything random
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..1 << 53))]
    seed: Option<u64>,
    /// How long a run of the client may take; it and its children are then killed [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = time)]
    time: Option<Duration>,
    /// The exit codes by which the client says that it succeeded
    #[arg(long, value_name = "CODES", value_delimiter = ',', default_value = "0")]
    success_exit: Vec<u8>,
    /// Known failures (YAML): a list of `scenario`, `verdict` and `reason`. They do not fail the run, but outdated entries do; `until` is the last day of one
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Write a report: text, json, junit, markdown or html; to stdout without a path; repeatable
    #[arg(long, value_name = "FORMAT[=PATH]")]
    report: Vec<ReportRequest>,
    /// The client: a command and its arguments, in which {url}, {ca}, {host}, {port} and {believes} are replaced
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Sweeps, reports, and returns the exit code.
pub(super) fn run(options: &SweepArgs, console: &Console) -> Result {
    let unusable = [Format::Github, Format::Profile];
    if let Some(request) = options
        .report
        .iter()
        .find(|it| unusable.contains(&it.format))
    {
        let message = "expected text, json, junit, markdown or html";
        return Err(CliError::usage(format!(
            "--report {}: {message}",
            request.format
        )));
    }
    let known = match &options.known {
        Some(path) => {
            let today = expectations::today();
            KnownScenarios::read(&path.display().to_string(), &read_text(path)?, today)?
        }
        None => KnownScenarios::default(),
    };
    let sweep = configure(options)?;
    reports::prepare(&options.report)?;
    let groups = Groups::default();
    let stop = stop_on_signals(&groups)?;
    let client = CommandClient::new(&options.command, &options.success_exit, &groups)?;
    let progress = OnceLock::new();
    let observe = |event: SweepEvent<'_>| match event {
        SweepEvent::Planned(scenarios, jobs) => {
            console.note(format!("scenarios: {scenarios}, {jobs} at a time"));
            progress.get_or_init(|| Progress::new(scenarios, console));
        }
        SweepEvent::Ended(scenario) => {
            let (name, verdict) = (&scenario.name, scenario.verdict.name());
            let line = format_args!("{verdict:<14} {name}");
            if let Some(bar) = progress.get() {
                bar.add(name, line);
            }
        }
        SweepEvent::Repeating(0) => {}
        SweepEvent::Repeating(count) => console.note(format!(
            "{count} failed or not reached: those are run again with less load"
        )),
    };
    let ran = sweep.run_with(&client, &stop, &observe);
    progress.get().into_iter().for_each(Progress::end);
    let mut report = match ran {
        Ok(report) => report,
        Err(SweepError::Interrupted) => {
            return Err(CliError::new(code::INTERRUPTED, "interrupted"));
        }
        Err(error) => return Err(CliError::usage(error)),
    };
    let is_whole =
        options.fail.is_empty() && options.reading.is_empty() && options.scenario.is_none();
    known.apply(&mut report, is_whole);
    finish(options, &report, console)
}

fn configure(options: &SweepArgs) -> Result<Sweep> {
    let mut mocks = mocks::load_single(options.fixture.as_slice(), Some(options.kind))?;
    let (_, fixture) = mocks.swap_remove(0);
    let defaults = Sweep::new(fixture);
    let mut tasks: Vec<Task> = Vec::new();
    for text in options.operation.iter().flatten() {
        let glob = Glob::new(text).map_err(|wrong| {
            CliError::usage(format!("--operation `{text}` cannot be read: {wrong}"))
        })?;
        let meant = Task::ALL.iter().filter(|task| glob.is_match(task.name()));
        let meant: Vec<Task> = meant.copied().collect();
        if meant.is_empty() {
            let expected = Task::NAMES.join(", ");
            let message = format!("--operation `{text}`: expected one of {expected}, or a glob");
            return Err(CliError::usage(message));
        }
        tasks.retain(|task| !meant.contains(task));
        tasks.extend(meant);
    }
    Ok(Sweep {
        tasks,
        failures: options.fail.concat(),
        readings: options.reading.concat(),
        at: options.at,
        pairs: options.pairs,
        scenario: options.scenario.clone(),
        jobs: options.jobs.map(usize::from),
        time: options.time.unwrap_or(defaults.time),
        seed: options.seed,
        repeat: Some(repeat(options)),
        ..defaults
    })
}

/// Words with commas between them, where a comma in braces is a glob's.
type List = Vec<String>;

fn list(text: &str) -> std::result::Result<List, Infallible> {
    let mut depth = 0_i32;
    let words = text.split(|character| {
        depth += i32::from(character == '{') - i32::from(character == '}');
        depth == 0 && character == ','
    });
    Ok(words.map(str::to_owned).collect())
}

fn time(text: &str) -> std::result::Result<Duration, &'static str> {
    let time = duration::parse(text).filter(|time| !time.is_zero());
    time.ok_or("expected a duration such as 500ms, 30s or 2m")
}

/// Ends all clients at a signal; what is returned is then set. A second one ends the process at once.
fn stop_on_signals(groups: &Groups) -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let (groups, requested) = (groups.clone(), Arc::clone(&stop));
    let runtime = runtime::of_one_thread()?;
    let requests = [
        StopRequest::Interrupt,
        StopRequest::Terminate,
        StopRequest::Hangup,
        StopRequest::Quit,
    ];
    let mut signals = runtime.block_on(async { signals::receive(&requests) })?;
    let wait = move || {
        runtime.block_on(signals.recv());
        requested.store(true, Ordering::Relaxed);
        groups.kill_all();
        runtime.block_on(signals.recv());
        groups.remove_folder();
        std::process::exit(code::INTERRUPTED.into());
    };
    thread::Builder::new().spawn(wait)?;
    Ok(stop)
}

/// Returns the command that runs one scenario again: what stands before and after its name.
fn repeat(options: &SweepArgs) -> [Vec<String>; 2] {
    let mut words = vec!["d4iot-double".to_owned(), "sweep".to_owned()];
    let mut add = |option: &str, value: String| words.extend([option.to_owned(), value]);
    match &options.fixture {
        Some(path) => add("--fixture", path.display().to_string()),
        None if options.kind != Kind::Sensor => add("--kind", options.kind.to_string()),
        None => {}
    }
    if let Some(seed) = options.seed {
        add("--seed", seed.to_string());
    }
    if let Some(time) = options.time {
        add("--time", format!("{}ms", time.as_millis()));
    }
    if options.success_exit != [0] {
        let codes: Vec<String> = options.success_exit.iter().map(u8::to_string).collect();
        add("--success-exit", codes.join(","));
    }
    words.push("--scenario".to_owned());
    let client = options.command.iter();
    let client = client.map(|word| word.to_string_lossy().into_owned());
    [words, iter::once("--".to_owned()).chain(client).collect()]
}

fn finish(options: &SweepArgs, report: &SweepReport, console: &Console) -> Result {
    let render = |format: Format, _: ReportStyle| report.write(format).unwrap_or_default();
    let written = reports::write_all(&options.report, &render, console);
    // JSON and the like have the exchanges already, and stand alone.
    let is_alone = |it: &ReportRequest| it.path.is_none() && it.format != Format::Text;
    if options.scenario.is_some() && !options.report.iter().any(is_alone) {
        print(report.journal())?;
    }
    written?;
    if report.judged() == 0 && !report.has_failed() {
        let message = "no failure happened: nothing was judged";
        return Err(CliError::new(code::NOTHING_JUDGED, message));
    }
    Ok(match report.passed() {
        true => code::SUCCESS,
        false => code::DEVIATION,
    })
}

const HELP: &str = "\
The client is told by variables what to do: D4IOT_URL, D4IOT_HOST, D4IOT_PORT, D4IOT_CA (a file), D4IOT_KIND, D4IOT_OPERATION, D4IOT_SCENARIO, \
USERNAME, PASSWORD, NEW_PASSWORD, ADMIN_USERNAME, ADMIN_PASSWORD (the last five also with D4IOT_ in front). It may write the password \
that it believes in to the file that D4IOT_BELIEVES names.
Exit codes: 0 every password survives · 1 one is lost, a success is false, the client hangs or crashes, or it accepts a bad certificate · \
2 usage or configuration, or the client fails without a failure · 4 no failure happened · 130 interrupted";
