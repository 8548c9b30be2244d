//! `check`: fire every documented request at mocks of its own and judge the answers. At a target: see `visit`.

use std::{mem, mem::ManuallyDrop, path::PathBuf, thread};

use clap::Args;
use tokio::runtime::Runtime;

use crate::{
    cli::{
        agreed, code, fixture, progress::Progress, reports, selection, selection::Selection, serve,
        snapshots, snapshots::UpdateWord, talk::Talk, target,
    },
    client::ConnectFailure,
    conformance::{Agreed, Known, suite::Located},
    contract::Kind,
    fixture::Fixture,
    report,
    report::{CaseResult, Conformance, Regression, Summary, TargetSummary},
    runner,
    runner::{Lab, Memory, Run},
    server::tls::Identity,
};

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
    /// Arm failure modes of the mock's fixture, or ready-made ones
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        conflicts_with = "target"
    )]
    fail: Vec<String>,
    /// Baseline folder; with two kinds, or where it has them, a folder of each kind's name in it
    #[arg(long, value_name = "DIR")]
    snapshots: Option<PathBuf>,
    /// What may be written: pending (the default), no (in CI), new (missing ones), all. INSTA_UPDATE counts where this is absent
    #[arg(long, value_enum, value_name = "WHAT")]
    update: Option<UpdateWord>,
    /// The readings to expect: a profile, as `--report profile=FILE` writes it. A mock serves them; any other reading is a deviation
    #[arg(long, value_name = "FILE")]
    readings: Option<PathBuf>,
    /// Known differences, a YAML list of `case` (id or glob) and `reason`, and optionally `until: YYYY-MM-DD` and `kind`: they fail no run; entries that are stale do
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Ask each case N times; one that is not answered alike each time is unstable, and fails
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) repeat: u32,
    /// How the run is told: text, json, junit, markdown, github, html, profile; to stdout without a path (markdown to $GITHUB_STEP_SUMMARY where that is set)
    #[arg(long, value_name = "FORMAT[=PATH]")]
    report: Vec<report::Request>,
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
        talk.error(format!(
            "no case is selected, so nothing was judged\n  hint: {}",
            options.selection.way_out()
        ));
        return code::NOTHING;
    }
    let runtimes = prepared
        .benches
        .iter()
        .map(|_| serve::runtime_of_one_thread())
        .collect::<Result<Vec<_>, _>>();
    let runtimes = match runtimes {
        Ok(runtimes) => runtimes,
        Err(error) => {
            talk.error(format!("starting: {error}"));
            return code::INTERNAL;
        }
    };
    match run_all(
        prepared.benches.into_iter().zip(runtimes).collect(),
        options.repeat,
        talk,
    ) {
        Ok(runs) => finish(options, runs, &prepared.known, Vec::new(), talk),
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
    agreed: Agreed,
}

struct Prepared {
    benches: Vec<Bench>,
    known: Known,
}

impl Prepared {
    fn new(options: &Options, talk: &Talk) -> Result<Prepared, String> {
        let built_in = options.fixture.is_none();
        let mut fixtures = fixtures(options)?;
        let kinds: Vec<Kind> = fixtures.iter().map(|(fixture, _)| fixture.kind).collect();
        let unchanged = built_in
            && options.reading.is_empty()
            && options.readings.is_none()
            && options.fail.is_empty();
        let profiles = agreed::impersonate(
            fixtures.iter_mut().map(|(fixture, _)| fixture),
            options.readings.as_deref(),
        )?;
        serve::choose(
            fixtures.iter_mut().map(|(fixture, _)| fixture),
            &options.reading,
        )?;
        serve::arm(
            fixtures.iter_mut().map(|(fixture, _)| fixture),
            &options.fail,
        )?;
        let known = options
            .known
            .as_deref()
            .map(agreed::known)
            .transpose()?
            .unwrap_or_default();
        let update = snapshots::update(options.update, talk)?;
        let mut benches = Vec::new();
        for (fixture, label) in fixtures {
            let memory = snapshots::memory(
                options.snapshots.as_deref(),
                fixture.kind,
                kinds.len() > 1,
                unchanged,
                update,
            )?;
            let cases = options.selection.cases(fixture.kind)?;
            let agreed = Agreed::new(fixture.kind, &profiles, known.clone());
            benches.push(Bench {
                label,
                cases,
                memory,
                full: options.selection.is_full(),
                fixture,
                agreed,
            });
        }
        Ok(Prepared { benches, known })
    }
}

fn fixtures(options: &Options) -> Result<Vec<(Fixture, String)>, String> {
    let kinds = options
        .selection
        .kind
        .map_or_else(|| vec![Kind::Sensor, Kind::Console], |kind| vec![kind]);
    let Some(path) = &options.fixture else {
        return Ok(kinds
            .into_iter()
            .map(|kind| (crate::fixture::built_in(kind), "built-in mock".to_owned()))
            .collect());
    };
    let loaded = fixture::load(std::slice::from_ref(path))?;
    let chosen: Vec<(Fixture, String)> = loaded
        .into_iter()
        .filter(|(_, fixture)| kinds.contains(&fixture.kind))
        .map(|(path, fixture)| (fixture, format!("mock of {}", path.display())))
        .collect();
    if chosen.is_empty() {
        Err(format!(
            "{} is no fixture of a {}",
            path.display(),
            kinds[0]
        ))
    } else {
        Ok(chosen)
    }
}

/// Which snapshots a target is held against: a folder that was named, or none.
pub(super) fn memory_of(options: &Options, kind: Kind, talk: &Talk) -> Result<Memory, String> {
    snapshots::memory(
        options.snapshots.as_deref(),
        kind,
        false,
        false,
        snapshots::update(options.update, talk)?,
    )
}

/// What is agreed on with the keeper of a target, and the known differences among it.
pub(super) fn agreed_of(options: &Options, kind: Kind) -> Result<(Agreed, Known), String> {
    let profiles = options
        .readings
        .as_deref()
        .map(agreed::profiles)
        .transpose()?
        .unwrap_or_default();
    if let Some(path) = options
        .readings
        .as_deref()
        .filter(|_| !profiles.iter().any(|profile| profile.kind == kind))
    {
        return Err(format!("{} has no profile of a {kind}", path.display()));
    }
    let known = options
        .known
        .as_deref()
        .map(agreed::known)
        .transpose()?
        .unwrap_or_default();
    Ok((Agreed::new(kind, &profiles, known.clone()), known))
}

/// Each kind is asked by a thread of its own, the mock and its client together: what one says to the other then wakes no other thread,
/// which took a third of all the time.
fn run_all(benches: Vec<(Bench, Runtime)>, repeat: u32, talk: &Talk) -> Result<Vec<Run>, String> {
    let identity = Identity::generate(&[]).map_err(|error| error.to_string())?;
    let progress = Progress::new(
        benches.iter().map(|(bench, _)| bench.cases.len()).sum(),
        talk,
    );
    let ask = |bench: Bench, runtime: Runtime| {
        runtime.block_on(run_one(bench, repeat, &identity, &progress))
    };
    // All are let end, so that none is cut off by the error of another.
    let runs: Vec<Result<Run, String>> = thread::scope(|scope| {
        let threads: Vec<_> = benches
            .into_iter()
            .map(|(bench, runtime)| scope.spawn(move || ask(bench, runtime)))
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err("a run ended early: it panicked, as said above".into()))
            })
            .collect()
    });
    progress.end();
    runs.into_iter().collect()
}

async fn run_one(
    bench: Bench,
    repeat: u32,
    identity: &Identity,
    progress: &Progress,
) -> Result<Run, String> {
    let kind = bench.fixture.kind;
    let (double, lab) = Lab::mock(&bench.fixture, bench.label, identity)?;
    let lab = Lab {
        agreed: bench.agreed,
        repeat,
        ..lab
    };
    let run = runner::run(&lab, &bench.cases, &bench.memory, &|case| {
        progress.tell(kind, case)
    })
    .await;
    double.stop().await;
    let mut run = run.map_err(|error| error.to_string())?;
    if bench.full {
        let cases: Vec<&str> = bench
            .cases
            .iter()
            .map(|located| located.case.id.as_str())
            .collect();
        run.summary.gone = bench
            .memory
            .gone(&cases)
            .map_err(|error| error.to_string())?;
    }
    Ok(run)
}

/// Writes the reports of runs and returns the exit code. `trouble` is what went wrong with a run itself and has a code of its own.
pub(super) fn finish(
    options: &Options,
    runs: Vec<Run>,
    known: &Known,
    trouble: Vec<String>,
    talk: &Talk,
) -> u8 {
    let unreachable: Vec<ConnectFailure> = runs
        .iter()
        .filter_map(|run| run.unreachable.clone())
        .collect();
    let mut summary = Summary {
        version: 1,
        tool: concat!("d4iot-double ", env!("CARGO_PKG_VERSION")).to_owned(),
        trouble,
        targets: runs.into_iter().map(kept).collect(),
    };
    let stale = known.troubles(&summary);
    let is_stale = !stale.is_empty();
    summary.trouble.extend(stale);
    // The process ends: to give so many texts back one by one would be a fortieth of the run.
    let summary = ManuallyDrop::new(summary);
    let all = || {
        summary
            .targets
            .iter()
            .flat_map(|target| target.cases.iter().map(|case| (target.kind, case)))
    };
    if let Err(error) = selection::keep_failures(all()) {
        talk.warning(error);
    }
    if let Err(error) = reports::write(&options.report, &summary, talk) {
        talk.error(error);
        return code::USAGE;
    }
    let waiting = |target: &TargetSummary| {
        target
            .cases
            .iter()
            .filter(|case| target.review.is_some() && waits(case))
            .count()
    };
    let pending: usize = summary.targets.iter().map(waiting).sum();
    if pending > 0 {
        let folder = options
            .snapshots
            .as_ref()
            .map(|folder| format!(" --snapshots {}", folder.display()))
            .unwrap_or_default();
        let waits = if pending == 1 {
            "1 snapshot waits"
        } else {
            &format!("{pending} snapshots wait")
        };
        talk.note(format!("{waits} for a decision\n  hint: d4iot-double pending{folder} shows them; review, accept or reject decides"));
    }
    let some = |test: fn(&CaseResult) -> bool| all().any(|(_, case)| test(case));
    let mixed = summary
        .targets
        .iter()
        .flat_map(|target| &target.inconsistent)
        .any(|inconsistency| inconsistency.known.is_none());
    if some(|case| case.failed) || mixed || is_stale {
        code::WRONG
    } else if let Some(trouble) = unreachable.first() {
        talk.error(format!(
            "the target could not be reached: {}\n  hint: {}",
            trouble.told, trouble.hint
        ));
        code::UNREACHABLE
    } else if snapshots::in_ci() && some(|case| case.regression == Some(Regression::New)) {
        talk.error("in CI every case needs a snapshot\n  hint: run check elsewhere, then `d4iot-double review`, and commit the snapshots");
        code::NO_SNAPSHOT
    } else if !some(|case| case.conformance != Conformance::NotJudged) {
        talk.error("nothing was judged");
        code::NOTHING
    } else {
        code::GOOD
    }
}

/// What is reported of a run. The process ends soon: what else it left behind is not given back text by text.
fn kept(run: Run) -> TargetSummary {
    mem::forget(run.cases);
    run.summary
}

/// Whether a case's answers were written down for review: new or changed, and no deviation but a known one.
fn waits(case: &CaseResult) -> bool {
    let differs = matches!(case.regression, Some(Regression::Changed | Regression::New));
    differs && (case.conformance != Conformance::Deviation || case.known.is_some())
}
