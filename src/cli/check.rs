//! `check`: sends every documented request to built-in mocks and checks the answers. For a target: see `live`.

use std::{
    env, mem,
    path::{Path, PathBuf},
    thread,
    time::SystemTime,
};

use clap::Args;

use crate::{
    cli::{
        code, console,
        console::Console,
        error::{CliError, Result},
        expectations, mocks,
        mocks::Mock,
        progress::Progress,
        read_ahead, reports, runtime,
        selection::Selection,
        signals, snapshots,
        snapshots::UpdateChoice,
        target::TargetArgs,
    },
    client::ConnectFailure,
    contract::{Kind, encoding},
    fixture::Fixture,
    report,
    report::{CaseResult, Format, Regression, Summary, TargetSummary, amount},
    runner,
    runner::{
        RunContext, RunResult,
        live::{StopSignal, guard::INTERRUPTED},
    },
    server::tls::Identity,
    snapshot::{
        SnapshotStore,
        SnapshotWrite::{Pending, Withheld, Written},
    },
    suite::{KnownDifferences, TargetExpectations, cases::CaseWithLocation},
};

/// The arguments of `check`.
#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    pub(super) target: TargetArgs,
    #[command(flatten)]
    pub(super) selection: Selection,
    /// The mock to start, instead of the built-in ones
    #[arg(
        help_heading = "Mock",
        long,
        value_name = "FILE",
        conflicts_with = "where"
    )]
    fixture: Option<PathBuf>,
    /// Serve another reading, as `X11=table`: a fact's name, a glob or an X number, and the reading; repeatable
    #[arg(
        help_heading = "Mock",
        long,
        value_name = "FACT=NAME",
        conflicts_with = "where"
    )]
    reading: Vec<String>,
    /// Arm failure modes of the mock's fixture, or built-in ones
    #[arg(
        help_heading = "Mock",
        long,
        value_name = "NAME",
        value_delimiter = ',',
        conflicts_with = "where"
    )]
    fail: Vec<String>,
    /// Snapshot folder; with both kinds: one subfolder per kind (`sensor/`, `console/`)
    #[arg(help_heading = "Comparison", long, value_name = "DIR")]
    pub(super) snapshots: Option<PathBuf>,
    /// Which snapshots may be written: pending (default), no (default in CI), new (missing ones), all. INSTA_UPDATE applies if this is absent
    #[arg(help_heading = "Comparison", long, value_enum, value_name = "WHAT")]
    pub(super) update: Option<UpdateChoice>,
    /// The readings to expect: a profile, as `--report profile=FILE` writes it. Mocks serve them; any other reading is a deviation
    #[arg(help_heading = "Comparison", long, value_name = "FILE")]
    pub(super) readings: Option<PathBuf>,
    /// Known differences (YAML): they do not fail the run, but outdated entries do. A list of `case` (id or glob), `reason` and optionally `until: YYYY-MM-DD` and `kind`
    #[arg(help_heading = "Comparison", long, value_name = "FILE")]
    pub(super) known: Option<PathBuf>,
    /// Run each case N times; a case whose answers differ is unstable and fails
    #[arg(help_heading = "Report", long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) repeat: u32,
    /// A name for this run, shown in the reports
    #[arg(help_heading = "Report", long, value_name = "TEXT")]
    pub(super) label: Option<String>,
    /// Write a report: text, json, junit, markdown, github, html or profile; to stdout without a path (markdown to $GITHUB_STEP_SUMMARY if that is set); repeatable
    #[arg(help_heading = "Report", long, value_name = "FORMAT[=PATH]")]
    pub(super) report: Vec<report::ReportRequest>,
}

/// Checks, reports, and returns the exit code.
pub(super) fn run(options: &CheckArgs, console: &Console) -> Result {
    read_ahead(true);
    let known = expectations::known(options.known.as_deref())?;
    let runs = mock_runs(options, &known)?;
    if runs.iter().all(|run| run.cases.is_empty()) {
        return Err(options.selection.nothing());
    }
    let stop = StopSignal::default();
    let results = run_all(runs, options, &stop, console)?;
    if !stop.is_requested() {
        return finish(options, results, &known, Default::default(), console);
    }
    let trouble = (vec![INTERRUPTED.to_owned()], Vec::new());
    let code = finish(options, results, &known, trouble, console)?;
    console.error("interrupted");
    Ok(code::worst(code, code::INTERRUPTED))
}

/// A mock, and the cases that are run on it.
struct MockRun {
    fixture: Fixture,
    label: String,
    cases: Vec<&'static CaseWithLocation>,
    store: SnapshotStore,
    agreed: TargetExpectations,
}

fn mock_runs(options: &CheckArgs, known: &KnownDifferences) -> Result<Vec<MockRun>> {
    let kinds = options.selection.kinds();
    let mut mocks = mocks::load_single(options.fixture.as_slice(), options.selection.kind)?;
    mocks.retain(|(_, fixture)| kinds.contains(&fixture.kind));
    if let (true, Some(path)) = (mocks.is_empty(), &options.fixture) {
        let message = format!("{} is not a fixture of a {}", path.display(), kinds[0]);
        return Err(CliError::usage(message));
    }
    let profiles = options.readings.as_deref();
    let profiles = mocks::configure(&mut mocks, profiles, &options.reading, &options.fail)?;
    let is_unchanged = options.fixture.is_none()
        && options.reading.is_empty()
        && options.readings.is_none()
        && options.fail.is_empty();
    let (folder, has_both_kinds) = (options.snapshots.as_deref(), mocks.len() > 1);
    let run = |(path, fixture): Mock| {
        let kind = fixture.kind;
        let built_in = || "built-in mock".to_owned();
        Ok(MockRun {
            label: path.map_or_else(built_in, |path| format!("mock of {}", path.display())),
            cases: options.selection.cases(kind)?,
            store: snapshots::store(folder, kind, has_both_kinds, is_unchanged, options.update)?,
            agreed: TargetExpectations::new(kind, &profiles, known.clone()),
            fixture,
        })
    };
    mocks.into_iter().map(run).collect()
}

/// What is expected of a target, and the known differences in it.
pub(super) fn agreed_of(
    readings: Option<&Path>,
    known: Option<&Path>,
    kind: Kind,
) -> Result<(TargetExpectations, KnownDifferences)> {
    let profiles = expectations::profiles(readings)?;
    if let Some(path) = readings
        && !profiles.iter().any(|profile| profile.kind == kind)
    {
        let message = format!("{} has no profile of a {kind}", path.display());
        return Err(CliError::usage(message));
    }
    let known = expectations::known(known)?;
    let agreed = TargetExpectations::new(kind, &profiles, known.clone());
    Ok((agreed, known))
}

/// Runs each kind on a thread of its own, the mock and its client together: they wake no other thread, which took a third of the time.
fn run_all(
    runs: Vec<MockRun>,
    options: &CheckArgs,
    stop: &StopSignal,
    console: &Console,
) -> Result<Vec<RunResult>> {
    let identity = Identity::generate(&[])?;
    let progress = Progress::new(runs.iter().map(|run| run.cases.len()).sum(), console);
    let run = |run: MockRun| {
        runtime::of_one_thread()?.block_on(async {
            signals::listen(stop, &Default::default(), *console);
            run_one(run, options, &identity, stop, &progress).await
        })
    };
    // All run to their end, so that the error of one does not cut off another.
    let results: Vec<Result<RunResult>> = thread::scope(|scope| {
        let spawn = |one| scope.spawn(|| run(one));
        let threads: Vec<_> = runs.into_iter().map(spawn).collect();
        let panicked = |_| Err(CliError::usage("a run ended early: it panicked"));
        let threads = threads.into_iter().map(|thread| thread.join());
        threads.map(|run| run.unwrap_or_else(panicked)).collect()
    });
    progress.end();
    results.into_iter().collect()
}

async fn run_one(
    mock: MockRun,
    options: &CheckArgs,
    identity: &Identity,
    stop: &StopSignal,
    progress: &Progress,
) -> Result<RunResult> {
    let kind = mock.fixture.kind;
    let started = RunContext::mock(&mock.fixture, mock.label, identity);
    let (double, mut context) = started.map_err(CliError::usage)?;
    context.agreed = mock.agreed;
    context.repeat = options.repeat;
    context.stop = stop.clone();
    let add = |case: &CaseResult| progress.add_case(kind, case);
    let mut run = runner::run(&context, &mock.cases, &mock.store, &add).await;
    double.stop().await;
    if options.selection.is_full() {
        let ids = mock.cases.iter().map(|located| &*located.case.id);
        let gone = mock.store.gone(&ids.collect::<Vec<_>>());
        run.summary.gone = gone.map_err(CliError::usage)?;
    }
    Ok(run)
}

/// Writes the reports of runs and returns the exit code. `trouble` is what went wrong with a run itself and has a code of its own;
/// `actions` is what a person must do.
pub(super) fn finish(
    options: &CheckArgs,
    mut runs: Vec<RunResult>,
    known: &KnownDifferences,
    (mut trouble, actions): (Vec<String>, Vec<String>),
    console: &Console,
) -> Result {
    let problems = runs.iter_mut().map(|run| mem::take(&mut run.problems));
    let problems: Vec<String> = problems.flatten().collect();
    let failed = console.errors(&problems);
    trouble.extend(problems);
    let writes: Vec<_> = runs.iter().flat_map(|run| run.writes.clone()).collect();
    let count = |what| writes.iter().filter(|one| **one == what).count();
    note_snapshots(options, count(Written), count(Withheld), console);
    let unreachable = runs.iter().find_map(|run| run.unreachable.clone());
    let targets = runs.into_iter().map(|run| run.summary);
    let mut summary = Summary {
        label: options.label.clone(),
        options: command_line().collect(),
        actions,
        ..Summary::new(trouble, targets.collect())
    };
    if !options.selection.is_full() {
        // What was not selected was not to be asked for.
        let targets = summary.targets.iter_mut();
        targets.for_each(|target| target.not_asked.clear());
    }
    let (has_outdated, published) = publish(&options.report, &mut summary, Some(known), console)?;
    note_pending(options, count(Pending), console);
    let code = console.code(exit_code(&summary.targets, has_outdated, unreachable));
    Ok(code::worst(code, code::worst(failed, published)))
}

/// Returns the words of the command line, without passwords.
pub(super) fn command_line() -> impl Iterator<Item = String> {
    let words = env::args_os().skip(1);
    words.map(|word| console::redacted(&word.to_string_lossy()))
}

/// Adds what is wrong with known differences, and the date unless it has one, and writes the reports. Returns whether there was
/// something wrong, and the exit code of the writing.
#[expect(clippy::disallowed_methods, reason = "an edge: reports have a date")]
pub(super) fn publish(
    requests: &[report::ReportRequest],
    summary: &mut Summary,
    known: Option<&KnownDifferences>,
    console: &Console,
) -> Result<(bool, u8)> {
    let now = || encoding::timestamp(SystemTime::now());
    summary.date.get_or_insert_with(now);
    let outdated = known.map(|known| known.problems(summary));
    let outdated = outdated.unwrap_or_default();
    let has_outdated = !outdated.is_empty();
    summary.trouble.extend(outdated);
    let failures = reports::write_files(requests, &|format, style| format.write(summary, style));
    let code = console.errors(&failures);
    summary.trouble.extend(failures);
    let write = |format: Format, style| format.write(summary, style);
    reports::print_others(requests, &write, console)?;
    Ok((has_outdated, code))
}

/// Says what became of the snapshots, or that there is none to compare with.
fn note_snapshots(options: &CheckArgs, written: usize, withheld: usize, console: &Console) {
    if options.target.target.is_some() && options.snapshots.is_none() {
        console.note("no baseline\n  hint: --snapshots DIR records one");
    }
    if written + withheld == 0 {
        return;
    }
    let folder = options.snapshots.as_ref();
    let folder = folder.map(|folder| format!(" to {}", folder.display()));
    let withheld = match withheld {
        0 => String::new(),
        _ => {
            format!(", {withheld} not: they deviate\n  hint: --known FILE lists known differences")
        }
    };
    let (written, folder) = (amount(written, "snapshot"), folder.unwrap_or_default());
    console.note(format!("{written} written{folder}{withheld}"));
}

fn note_pending(options: &CheckArgs, pending: usize, console: &Console) {
    let waits = match pending {
        0 => return,
        1 => "1 snapshot waits".to_owned(),
        pending => format!("{pending} snapshots wait"),
    };
    let folder = match &options.snapshots {
        Some(folder) => format!(" --snapshots {}", folder.display()),
        None => String::new(),
    };
    console.note(format!("{waits} for a decision\n  hint: d4iot-double pending{folder} shows them; review, accept or reject decides"));
}

/// Returns the exit code that the verdicts on targets give, or why it is another.
pub(super) fn exit_code(
    targets: &[TargetSummary],
    has_outdated: bool,
    unreachable: Option<ConnectFailure>,
) -> Result {
    let mut cases = targets.iter().flat_map(|target| &target.cases);
    let inconsistent = targets.iter().map(|target| &target.inconsistent);
    let is_inconsistent = inconsistent.flatten().any(|found| found.known.is_none());
    let is_new = |case: &CaseResult| case.regression == Some(Regression::New);
    if is_inconsistent || has_outdated || cases.clone().any(|case| case.failed) {
        Ok(code::DEVIATION)
    } else if let Some(ConnectFailure { message, hint }) = unreachable {
        let message = format!("the target could not be reached: {message}");
        Err(CliError::new(code::UNREACHABLE, message).hint(hint))
    } else if snapshots::is_ci() && cases.clone().any(is_new) {
        let hint = "run check elsewhere, then `d4iot-double review`, and commit the snapshots";
        Err(CliError::new(code::NO_SNAPSHOT, "in CI every case needs a snapshot").hint(hint))
    } else if !cases.any(|case| case.conformance.is_judged()) {
        Err(CliError::new(code::NOTHING_JUDGED, "nothing was judged"))
    } else {
        Ok(code::SUCCESS)
    }
}
