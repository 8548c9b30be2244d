//! `check`: fire every documented request at mocks of its own and judge the answers. At a target: see `visit`.

use std::env;
use std::fs;
use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;

use clap::Args;
use clap::ValueEnum;
use indicatif::ProgressBar;
use indicatif::ProgressStyle;

use crate::baseline::Baseline;
use crate::cli::code;
use crate::cli::fixture;
use crate::cli::selection;
use crate::cli::selection::Selection;
use crate::cli::serve;
use crate::cli::talk::Talk;
use crate::cli::target;
use crate::conformance::suite::Located;
use crate::contract::Kind;
use crate::fixture::Fixture;
use crate::report;
use crate::report::CaseResult;
use crate::report::Conformance;
use crate::report::Format;
use crate::report::Regression;
use crate::report::Summary;
use crate::runner;
use crate::runner::Lab;
use crate::runner::Memory;
use crate::runner::Run;
use crate::runner::memory::Update;
use crate::server::tls::Identity;

/// What check is told.
#[derive(Args, Debug)]
pub struct Options {
    #[command(flatten)]
    pub(super) target: target::Options,
    #[command(flatten)]
    pub(super) selection: Selection,
    /// The mock to start, instead of the built-in ones
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    fixture: Option<PathBuf>,
    /// Let the mock serve another reading: a fact's name, a glob or a register number, and the reading
    #[arg(long, value_name = "FACT=NAME", conflicts_with = "target")]
    reading: Vec<String>,
    /// Baseline folder; with two kinds, a folder of each kind's name in it
    #[arg(long, value_name = "DIR")]
    snapshots: Option<PathBuf>,
    /// What may be written: pending (the default), no (in CI), new (missing ones), all. INSTA_UPDATE counts where this is absent
    #[arg(long, value_enum, value_name = "WHAT")]
    update: Option<UpdateWord>,
    /// How the run is told: text, json, junit; to stdout without a path
    #[arg(long, value_name = "FORMAT[=PATH]")]
    report: Vec<report::Request>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum UpdateWord {
    Pending,
    No,
    New,
    All,
}

/// Checks, reports, and returns the exit code.
pub fn run(options: &Options, talk: &Talk) -> u8 {
    let prepared = match Prepared::new(options, talk) {
        Ok(prepared) => prepared,
        Err(error) => {
            talk.error(error);
            return code::USAGE;
        }
    };
    if prepared.benches.iter().all(|bench| bench.cases.is_empty()) {
        talk.error("no case is selected, so nothing was judged\n  hint: `d4iot-double plan` lists the cases");
        return code::NOTHING;
    }
    let runtime = match serve::runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            talk.error(format!("starting: {error}"));
            return code::INTERNAL;
        }
    };
    match runtime.block_on(run_all(prepared.benches, talk)) {
        Ok(runs) => finish(options, runs, talk),
        Err(error) => {
            talk.error(error);
            code::USAGE
        }
    }
}

/// One mock to be asked.
struct Bench {
    fixture: Fixture,
    label: String,
    cases: Vec<&'static Located>,
    memory: Memory,
    full: bool,
}

struct Prepared {
    benches: Vec<Bench>,
}

impl Prepared {
    fn new(options: &Options, talk: &Talk) -> Result<Prepared, String> {
        let built_in = options.fixture.is_none();
        let mut fixtures = fixtures(options)?;
        let kinds: Vec<Kind> = fixtures.iter().map(|(fixture, _)| fixture.kind).collect();
        let unchanged = built_in && options.reading.is_empty();
        serve::choose(fixtures.iter_mut().map(|(fixture, _)| fixture), &options.reading)?;
        let update = update(options.update, talk)?;
        let mut benches = Vec::new();
        for (fixture, label) in fixtures {
            let memory = memory(options.snapshots.as_deref(), fixture.kind, kinds.len() > 1, unchanged, update)?;
            let cases = options.selection.cases(fixture.kind)?;
            benches.push(Bench { label, cases, memory, full: options.selection.is_full(), fixture });
        }
        Ok(Prepared { benches })
    }
}

fn fixtures(options: &Options) -> Result<Vec<(Fixture, String)>, String> {
    let kinds = options.selection.kind.map_or_else(|| vec![Kind::Sensor, Kind::Console], |kind| vec![kind]);
    let Some(path) = &options.fixture else {
        return Ok(kinds.into_iter().map(|kind| (crate::fixture::built_in(kind), "built-in mock".to_owned())).collect());
    };
    let loaded = fixture::load(std::slice::from_ref(path))?;
    let chosen: Vec<(Fixture, String)> = loaded
        .into_iter()
        .filter(|(_, fixture)| kinds.contains(&fixture.kind))
        .map(|(path, fixture)| (fixture, format!("mock of {}", path.display())))
        .collect();
    if chosen.is_empty() { Err(format!("{} is no fixture of a {}", path.display(), kinds[0])) } else { Ok(chosen) }
}

/// Which snapshots a target is held against: a folder that was named, or none.
pub(super) fn memory_of(options: &Options, kind: Kind, talk: &Talk) -> Result<Memory, String> {
    memory(options.snapshots.as_deref(), kind, false, false, update(options.update, talk)?)
}

/// Which snapshots a mock is held against: a folder that was named, the project's own for the unchanged built-in mock, the copy in the binary, or none.
fn memory(named: Option<&Path>, kind: Kind, several: bool, unchanged: bool, update: Update) -> Result<Memory, String> {
    let own = Path::new("snapshots").join(kind.name());
    let folder = match named {
        Some(folder) if several => folder.join(kind.name()),
        Some(folder) => folder.to_owned(),
        None if unchanged && own.is_dir() => own,
        None if unchanged => return Ok(Memory::BuiltIn(kind)),
        None => return Ok(Memory::Nothing),
    };
    let opened = if update == Update::No { Baseline::open(&folder) } else { Baseline::create(&folder) };
    opened.map(|folder| Memory::Folder(folder, update)).map_err(|error| error.to_string())
}

/// What may be written: the option, else INSTA_UPDATE, else nothing in CI and pending files elsewhere.
fn update(word: Option<UpdateWord>, talk: &Talk) -> Result<Update, String> {
    let standard = if in_ci() { Update::No } else { Update::Pending };
    match word {
        Some(UpdateWord::Pending) => Ok(Update::Pending),
        Some(UpdateWord::No) => Ok(Update::No),
        Some(UpdateWord::New) => Ok(Update::New),
        Some(UpdateWord::All) => Ok(Update::All),
        None => match env::var("INSTA_UPDATE").ok().as_deref() {
            None | Some("" | "auto") => Ok(standard),
            Some("no") => Ok(Update::No),
            Some("new") => Ok(Update::Pending),
            Some("always" | "force") => Ok(Update::All),
            Some(other) => {
                talk.detail("INSTA_UPDATE is read because --update is absent");
                Err(format!("INSTA_UPDATE is `{other}`, expected one of no, auto, new, always, force"))
            }
        },
    }
}

/// Whether this is a build server: `CI` is set to something that is not a no.
fn in_ci() -> bool {
    env::var("CI").is_ok_and(|value| !["", "0", "false", "no"].contains(&value.to_ascii_lowercase().as_str()))
}

#[expect(clippy::disallowed_methods, reason = "each kind is asked in a task of its own")]
async fn run_all(benches: Vec<Bench>, talk: &Talk) -> Result<Vec<Run>, String> {
    let identity = Identity::generate(&[]).map_err(|error| error.to_string())?;
    let progress = Arc::new(Progress::new(benches.iter().map(|bench| bench.cases.len()).sum(), talk));
    let tasks: Vec<_> = benches
        .into_iter()
        .map(|bench| {
            let (identity, progress) = (identity.clone(), Arc::clone(&progress));
            tokio::spawn(async move { run_one(bench, &identity, &progress).await })
        })
        .collect();
    let mut runs = Vec::new();
    for task in tasks {
        runs.push(task.await.map_err(|error| format!("a run ended early: {error}"))??);
    }
    progress.end();
    Ok(runs)
}

async fn run_one(bench: Bench, identity: &Identity, progress: &Progress) -> Result<Run, String> {
    let kind = bench.fixture.kind;
    let (double, lab) = Lab::mock(&bench.fixture, bench.label, identity)?;
    let run = runner::run(&lab, &bench.cases, &bench.memory, &|case| progress.tell(kind, case)).await;
    double.end().await;
    let mut run = run.map_err(|error| error.to_string())?;
    if bench.full {
        let known: Vec<&str> = bench.cases.iter().map(|located| located.case.id.as_str()).collect();
        run.summary.gone = bench.memory.ids().map_err(|error| error.to_string())?.into_iter().filter(|id| !known.contains(&id.as_str())).collect();
    }
    Ok(run)
}

/// Writes the reports of runs and returns the exit code.
pub(super) fn finish(options: &Options, runs: Vec<Run>, talk: &Talk) -> u8 {
    let unreachable: Vec<String> = runs.iter().filter_map(|run| run.unreachable.clone()).collect();
    let summary = Summary {
        version: 1,
        tool: concat!("d4iot-double ", env!("CARGO_PKG_VERSION")).to_owned(),
        targets: runs.into_iter().map(|run| run.summary).collect(),
    };
    let all = || summary.targets.iter().flat_map(|target| target.cases.iter().map(|case| (target.kind, case)));
    if let Err(error) = selection::keep_failures(all()) {
        talk.warning(error);
    }
    if let Err(error) = write_reports(options, &summary, talk) {
        talk.error(error);
        return code::USAGE;
    }
    let some = |test: fn(&CaseResult) -> bool| all().any(|(_, case)| test(case));
    if some(|case| case.failed) || summary.targets.iter().any(|target| !target.inconsistent.is_empty()) {
        code::WRONG
    } else if let Some(trouble) = unreachable.first() {
        talk.error(format!("the target could not be reached: {trouble}"));
        code::UNREACHABLE
    } else if in_ci() && some(|case| case.regression == Some(Regression::New)) {
        talk.error("in CI every case needs a snapshot\n  hint: run check elsewhere, then `d4iot-double review`, and commit the snapshots");
        code::NO_SNAPSHOT
    } else if !some(|case| case.conformance != Conformance::NotJudged) {
        talk.error("nothing was judged");
        code::NOTHING
    } else {
        code::GOOD
    }
}

/// Writes every report that was asked for, and the text unless another one goes to stdout.
#[expect(clippy::disallowed_methods, reason = "reports go where the command line says")]
fn write_reports(options: &Options, summary: &Summary, talk: &Talk) -> Result<(), String> {
    let to_stdout = |format: Format| {
        // A reader that has seen enough closes the pipe; the verdict is the exit code.
        drop(io::stdout().write_all(&format.write(summary, talk.colours_stdout())));
    };
    for request in &options.report {
        match &request.path {
            Some(path) => fs::write(path, request.format.write(summary, false))
                .map_err(|error| format!("writing the {} report to {}: {error}", request.format, path.display()))?,
            None => to_stdout(request.format),
        }
    }
    if options.report.iter().all(|request| request.path.is_some()) && !options.report.iter().any(|request| request.format == Format::Text) {
        to_stdout(Format::Text);
    }
    Ok(())
}

/// How far a run is: a bar on a terminal, a line a case elsewhere.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    lines: Option<Mutex<io::Stderr>>,
}

impl Progress {
    pub(super) fn new(cases: usize, talk: &Talk) -> Progress {
        let bar = (!talk.is_quiet() && io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(u64::try_from(cases).unwrap_or(u64::MAX)).with_style(style)
        });
        Progress { bar, lines: talk.wants_lines().then(|| Mutex::new(io::stderr())) }
    }

    pub(super) fn tell(&self, kind: Kind, case: &CaseResult) {
        if let Some(bar) = &self.bar {
            bar.set_message(case.id.clone());
            bar.inc(1);
        }
        if let Some(Ok(mut lines)) = self.lines.as_ref().map(Mutex::lock) {
            drop(writeln!(lines, "{kind:<8}{}", report::verdict_line(case)));
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
