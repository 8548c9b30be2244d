//! `check`: sends every documented request to mocks, and judges the answers. For a live target see `live`.

use std::{path::PathBuf, thread};

use clap::Args;

use crate::{
    cli::{
        agreed, code, fixture, progress::Progress, reports, selection, selection::Selection, serve,
        snapshots, snapshots::UpdateWord, talk::Talk, target::TargetArgs,
    },
    conformance::{Agreed, Known, suite::Located},
    contract::Kind,
    fixture::Fixture,
    report,
    report::{CaseResult, Conformance, Regression, Summary},
    runner,
    runner::{RunContext, RunResult},
    server::tls::Identity,
    snapshot::SnapshotStore,
};

/// The options of `check` and `plan`.
#[derive(Args, Debug)]
pub struct Options {
    #[command(flatten)]
    pub(super) target: TargetArgs,
    #[command(flatten)]
    pub(super) selection: Selection,
    /// The fixture of the mock, instead of the built-in ones
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    fixture: Option<PathBuf>,
    /// Let the mock follow another reading: a fact's name, a glob or a contradiction's number, and the reading
    #[arg(long, value_name = "FACT=NAME", conflicts_with = "target")]
    reading: Vec<String>,
    /// Arm failure modes of the mock's fixture, or built-in ones
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        conflicts_with = "target"
    )]
    fail: Vec<String>,
    /// Snapshot folder; with both kinds: one subfolder per kind (sensor/, console/)
    #[arg(long, value_name = "DIR")]
    snapshots: Option<PathBuf>,
    /// What may be written: pending (the default), no (in CI), new (missing ones), all. Without it INSTA_UPDATE decides
    #[arg(long, value_enum, value_name = "WHAT")]
    update: Option<UpdateWord>,
    /// The readings to expect: a profile, as `--report profile=FILE` writes it. A mock follows them; any other reading is a deviation
    #[arg(long, value_name = "FILE")]
    readings: Option<PathBuf>,
    /// Known differences, a YAML list of `case` (id or glob) and `reason`, and optionally `until: YYYY-MM-DD` and `kind`: they do not fail the run, but outdated entries do
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Run each case N times; a case whose answers differ is unstable, and fails
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) repeat: u32,
    /// Report format: text, json, junit, markdown, github, html, profile; to stdout without a path (markdown to $GITHUB_STEP_SUMMARY if that is set)
    #[arg(long, value_name = "FORMAT[=PATH]")]
    report: Vec<report::Request>,
}

/// Checks, reports, and returns the exit code.
pub fn run(options: &Options, talk: &Talk) -> u8 {
    let (mocks, known) = match prepare(options, talk) {
        Ok(prepared) => prepared,
        Err(error) => return talk.code(Err(error)),
    };
    if mocks.iter().all(|mock| mock.cases.is_empty()) {
        talk.error(format!(
            "no case is selected, so nothing was judged\n  hint: {}",
            options.selection.way_out()
        ));
        return code::NOTHING;
    }
    match run_all(mocks, options.repeat, talk) {
        Ok(runs) => finish(options, runs, &known, Vec::new(), talk),
        Err(error) => talk.code(Err(error)),
    }
}

/// A mock to check.
struct MockCheck {
    fixture: Fixture,
    label: String,
    cases: Vec<&'static Located>,
    store: SnapshotStore,
    is_full: bool,
    agreed: Agreed,
}

fn prepare(options: &Options, talk: &Talk) -> Result<(Vec<MockCheck>, Known), String> {
    let mut fixtures = fixtures(options)?;
    let is_single = fixtures.len() == 1;
    let is_unchanged = options.fixture.is_none()
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
    let known = known(options)?;
    let update = snapshots::update(options.update, talk)?;
    let mut mocks = Vec::new();
    for (fixture, label) in fixtures {
        let folder = options.snapshots.as_deref();
        mocks.push(MockCheck {
            label,
            cases: options.selection.cases(fixture.kind)?,
            store: snapshots::store(folder, fixture.kind, !is_single, is_unchanged, update)?,
            is_full: options.selection.is_full(),
            agreed: Agreed::new(fixture.kind, &profiles, known.clone()),
            fixture,
        });
    }
    Ok((mocks, known))
}

fn fixtures(options: &Options) -> Result<Vec<(Fixture, String)>, String> {
    let kinds = options.selection.kinds();
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
            "{} is not a fixture of a {}",
            path.display(),
            kinds[0]
        ))
    } else {
        Ok(chosen)
    }
}

fn known(options: &Options) -> Result<Known, String> {
    let known = options.known.as_deref().map(agreed::known);
    Ok(known.transpose()?.unwrap_or_default())
}

/// Returns the snapshots that a live target is compared with: those of a folder that is named, or none.
pub(super) fn store_of(
    options: &Options,
    kind: Kind,
    talk: &Talk,
) -> Result<SnapshotStore, String> {
    let update = snapshots::update(options.update, talk)?;
    snapshots::store(options.snapshots.as_deref(), kind, false, false, update)
}

/// Returns what is expected of a live target beyond the documentation, and the known differences.
pub(super) fn agreed_of(options: &Options, kind: Kind) -> Result<(Agreed, Known), String> {
    let readings = options.readings.as_deref();
    let profiles = readings
        .map(agreed::profiles)
        .transpose()?
        .unwrap_or_default();
    let has_profile = profiles.iter().any(|profile| profile.kind == kind);
    if let Some(path) = readings.filter(|_| !has_profile) {
        return Err(format!("{} has no profile of a {kind}", path.display()));
    }
    let known = known(options)?;
    Ok((Agreed::new(kind, &profiles, known.clone()), known))
}

/// Runs each mock and its client on a thread of their own.
fn run_all(mocks: Vec<MockCheck>, repeat: u32, talk: &Talk) -> Result<Vec<RunResult>, String> {
    let identity = Identity::generate(&[]).map_err(|error| error.to_string())?;
    let progress = Progress::new(mocks.iter().map(|mock| mock.cases.len()).sum(), talk);
    let run = |mock: MockCheck| {
        let runtime =
            serve::runtime_of_one_thread().map_err(|error| format!("starting: {error}"))?;
        runtime.block_on(run_mock(mock, repeat, &identity, &progress))
    };
    // All threads are joined, so that the error of one does not cut off another.
    let runs: Vec<Result<RunResult, String>> = thread::scope(|scope| {
        let threads: Vec<_> = mocks
            .into_iter()
            .map(|mock| scope.spawn(|| run(mock)))
            .collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            let panicked = |_| Err("a run ended early: it panicked".into());
            thread.join().unwrap_or_else(panicked)
        };
        threads.into_iter().map(join).collect()
    });
    progress.end();
    runs.into_iter().collect()
}

async fn run_mock(
    mock: MockCheck,
    repeat: u32,
    identity: &Identity,
    progress: &Progress,
) -> Result<RunResult, String> {
    let kind = mock.fixture.kind;
    let (double, context) = RunContext::mock(&mock.fixture, mock.label, identity)?;
    let context = RunContext {
        agreed: mock.agreed,
        repeat,
        ..context
    };
    let run = runner::run(&context, &mock.cases, &mock.store, &|case| {
        progress.tell(kind, case)
    })
    .await;
    double.stop().await;
    let mut run = run.map_err(|error| error.to_string())?;
    if mock.is_full {
        let ids = mock.cases.iter().map(|located| located.case.id.as_str());
        let gone = mock.store.gone(&ids.collect::<Vec<_>>());
        run.summary.gone = gone.map_err(|error| error.to_string())?;
    }
    Ok(run)
}

/// Writes the reports of runs and returns the exit code. `trouble` is what went wrong with the run itself; it has an exit code of its
/// own.
pub(super) fn finish(
    options: &Options,
    mut runs: Vec<RunResult>,
    known: &Known,
    trouble: Vec<String>,
    talk: &Talk,
) -> u8 {
    let unreachable = runs.iter_mut().find_map(|run| run.unreachable.take());
    let mut summary = Summary {
        version: 1,
        tool: concat!("d4iot-double ", env!("CARGO_PKG_VERSION")).to_owned(),
        trouble,
        targets: runs.into_iter().map(|run| run.summary).collect(),
    };
    let outdated = known.troubles(&summary);
    let is_outdated = !outdated.is_empty();
    summary.trouble.extend(outdated);
    let cases = || {
        summary
            .targets
            .iter()
            .flat_map(|target| target.cases.iter().map(|case| (target.kind, case)))
    };
    if let Err(error) = selection::keep_failures(cases()) {
        talk.warning(error);
    }
    if let Err(error) = reports::write(&options.report, &summary, talk) {
        return talk.code(Err(error));
    }
    note_pending(options, &summary, talk);
    let any = |test: fn(&CaseResult) -> bool| cases().any(|(_, case)| test(case));
    let is_inconsistent = summary
        .targets
        .iter()
        .flat_map(|target| &target.inconsistent)
        .any(|inconsistency| inconsistency.known.is_none());
    if any(|case| case.failed) || is_inconsistent || is_outdated {
        code::WRONG
    } else if let Some(failure) = unreachable {
        talk.error(format!(
            "the target could not be reached: {}\n  hint: {}",
            failure.message, failure.hint
        ));
        code::UNREACHABLE
    } else if snapshots::in_ci() && any(|case| case.regression == Some(Regression::New)) {
        talk.error("in CI every case needs a snapshot\n  hint: run check elsewhere, then `d4iot-double review`, and commit the snapshots");
        code::NO_SNAPSHOT
    } else if !any(|case| case.conformance != Conformance::NotJudged) {
        talk.error("nothing was judged");
        code::NOTHING
    } else {
        code::GOOD
    }
}

/// Prints how many snapshots wait for review.
fn note_pending(options: &Options, summary: &Summary, talk: &Talk) {
    let targets = summary
        .targets
        .iter()
        .filter(|target| target.review.is_some());
    let cases = targets.flat_map(|target| &target.cases);
    let waits = match cases.filter(|case| is_pending(case)).count() {
        0 => return,
        1 => "1 snapshot waits".to_owned(),
        count => format!("{count} snapshots wait"),
    };
    let folder = options.snapshots.as_ref();
    let folder = folder.map_or(String::new(), |folder| {
        format!(" --snapshots {}", folder.display())
    });
    talk.note(format!("{waits} for a decision\n  hint: d4iot-double pending{folder} shows them; review, accept or reject decides"));
}

/// Tells whether the answers of a case wait for review: new or changed, and not an unknown deviation.
fn is_pending(case: &CaseResult) -> bool {
    let differs = matches!(case.regression, Some(Regression::Changed | Regression::New));
    differs && (case.conformance != Conformance::Deviation || case.known.is_some())
}
