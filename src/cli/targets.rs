//! `check --targets`: every target of a list, several at a time, each by the rules of a single one; and one report of all.

mod list;

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    path::Path,
    slice,
    sync::Mutex,
    thread,
    time::Duration,
};

use serde_json::Map;
use tokio::runtime::Handle;
use tracing::Level;

use self::list::{Listed, TargetList};
use crate::{
    cli::{
        check,
        check::CheckArgs,
        code,
        console::Console,
        error::{CliError, Result},
        expectations, live,
        progress::Progress,
        read_ahead, runtime, signals,
        signals::Journals,
        snapshots::UpdateChoice,
    },
    contract::Kind,
    journal::lock,
    report::{ListSummary, Summary, TargetEnd, TargetSummary, amount},
    runner::live::StopSignal,
};

/// Checks the targets of a list and returns the worst exit code.
pub(super) fn run(options: &CheckArgs, console: &Console) -> Result {
    refuse(options)?;
    read_ahead(true);
    let known = expectations::known(options.known.as_deref())?;
    let path = options.target.targets.as_deref().unwrap_or(Path::new("-"));
    let mut list = TargetList::read(path, options)?;
    let runtime = runtime::of_threads()?;
    let handle = runtime.handle().clone();
    let (stop, journals) = (StopSignal::default(), Journals::default());
    handle.block_on(async { signals::listen(&stop, &journals, *console) });
    list.drop_other_names(&options.target);
    let warnings = list.warnings.iter();
    warnings.for_each(|warning| console.warning(warning));

    let names = list.targets.iter().map(|listed| listed.name.as_str());
    let fleet = ListSummary::new(names.collect(), options.target.shard);
    let is_ours = |listed: &Listed| fleet.shard.is_none_or(|shard| shard.has(&listed.name));
    list.targets.retain(is_ours);
    let run = ListRun {
        options,
        handle,
        progress: Progress::new(list.targets.len(), console),
        queue: Mutex::new(list.targets.into()),
        ended: Mutex::default(),
        said: Mutex::default(),
        stop,
        journals,
        console,
    };
    thread::scope(|scope| {
        for _ in 0..options.target.jobs {
            scope.spawn(|| run.work());
        }
    });
    run.progress.end();
    run.say_counts();
    let targets = mem::take(&mut *lock(&run.ended));
    runtime.shutdown_timeout(Duration::from_millis(100));

    // Whether an entry is outdated, only all parts together tell.
    let known = fleet.shard.is_none().then_some(&known);
    let mut summary = Summary {
        label: options.label.clone(),
        options: words(),
        ..Summary::of_fleet(fleet, targets)
    };
    let (has_outdated, code) = check::publish(&options.report, &mut summary, known, console)?;
    if run.stop.is_requested() {
        console.error("interrupted");
    }
    Ok(worst(&summary, has_outdated, code))
}

/// Returns the worst exit code of all targets, and of what concerns all of them.
pub(super) fn worst(summary: &Summary, has_outdated: bool, code: u8) -> u8 {
    let outdated = has_outdated.then_some(code::DEVIATION);
    let ends = summary.targets.iter().flat_map(|target| &target.end);
    let codes = ends.map(|end| end.exit_code).chain(outdated);
    codes.fold(code, code::worst)
}

/// Refuses options that are about one target.
fn refuse(options: &CheckArgs) -> Result<()> {
    if options.target.change_passwords_on.is_some() {
        let message = "--change-passwords-on names one target, and --targets several";
        let hint = "write `change_passwords_on: HOST` into each entry of a YAML list";
        return Err(CliError::usage(message).hint(hint));
    }
    if !matches!(options.update, None | Some(UpdateChoice::No)) {
        let message = "--update: with --targets snapshots are compared, and none is written";
        return Err(CliError::usage(message).hint("check one TARGET to record its answers"));
    }
    Ok(())
}

/// Returns the command line without what differs from part to part.
fn words() -> Vec<String> {
    let mut is_value = false;
    let of_part = ["--jobs", "--report", "--shard"];
    let is_kept = |word: &String| {
        let name = word.split('=').next().unwrap_or_default();
        let is_dropped = is_value || of_part.contains(&name);
        is_value = !is_value && of_part.contains(&word.as_str());
        !is_dropped
    };
    check::command_line().filter(is_kept).collect()
}

/// The targets that are left, and the results of the others.
struct ListRun<'a> {
    options: &'a CheckArgs,
    handle: Handle,
    progress: Progress,
    queue: Mutex<VecDeque<Listed>>,
    ended: Mutex<Vec<TargetSummary>>,
    /// How often each error or warning was said.
    said: Mutex<BTreeMap<(Level, String), usize>>,
    stop: StopSignal,
    journals: Journals,
    console: &'a Console,
}

impl ListRun<'_> {
    /// Checks one target after the other, until none is left.
    fn work(&self) {
        while let Some(listed) = { lock(&self.queue).pop_front() } {
            let summary = self.check(&listed);
            let code = summary.end.as_ref().map_or(0, |end| end.exit_code);
            let line = format_args!("exit code {code:<3}  {}", summary.target);
            self.progress.add(&summary.target, line);
            lock(&self.ended).push(summary);
        }
    }

    /// Checks a target. What goes wrong is a part of its result, and no other target notices.
    fn check(&self, listed: &Listed) -> TargetSummary {
        let kind = listed.kind.unwrap_or(Kind::Sensor);
        let checked = match &listed.fault {
            _ if self.stop.is_requested() => {
                let message = "interrupted before it was asked";
                Err(CliError::new(code::INTERRUPTED, message))
            }
            Some(fault) => Err(CliError::usage(fault)),
            None => self.run(listed, kind),
        };
        checked.unwrap_or_else(|error| TargetSummary {
            kind,
            target: listed.name.clone(),
            end: Some(TargetEnd {
                exit_code: error.code,
                trouble: vec![error.to_string()],
                ..TargetEnd::default()
            }),
            ..TargetSummary::default()
        })
    }

    /// Prints what is to be said of a target, and counts it if the same was said of another.
    fn say(&self, name: &str, level: Level, message: &str) {
        // What names its target is the same of another.
        let message = message.replace(&format!("{name}/ "), "the target ");
        let mut said = lock(&self.said);
        let count = said.entry((level, message.clone())).or_default();
        *count += 1;
        if *count == 1 {
            let text = format!("{name}: {message}");
            self.console.event(level, text, Map::new());
        }
    }

    /// Prints of how many more targets the same is to be said.
    fn say_counts(&self) {
        for ((level, message), count) in &*lock(&self.said) {
            let more = amount(count - 1, "more target");
            if *count > 1 {
                let text = format!("{more}: {message}");
                self.console.event(*level, text, Map::new());
            }
        }
    }

    fn run(&self, listed: &Listed, kind: Kind) -> Result<TargetSummary> {
        let (options, target) = (self.options, listed.arguments(&self.options.target));
        let mut selection = options.selection.clone();
        selection.kind = Some(kind);
        let readings = listed.readings.as_deref().or(options.readings.as_deref());
        let prepared = live::prepare(options, &target, &selection, readings)?;
        let warnings = prepared.run.warnings.iter();
        warnings.for_each(|warning| self.say(&listed.name, Level::WARN, warning));
        let journal = prepared.run.journal_path();
        lock(&self.journals).extend(journal.clone());
        let (stop, is_full) = (self.stop.clone(), selection.is_full());
        let run = prepared.run.run(prepared.store, is_full, stop, |_| {});
        let result = self.handle.block_on(run);
        let result = live::result_of(result, self.console)?;
        lock(&self.journals).retain(|open| Some(open) != journal.as_ref());

        let (mut exit_code, messages) = live::ending(&result, target.change_passwords_on.is_some());
        for (level, message) in messages {
            self.say(&listed.name, level, &message);
        }
        let (mut trouble, mut run) = (result.problems(), result.run);
        if !run.problems.is_empty() {
            exit_code = code::worst(exit_code, code::USAGE);
            trouble.append(&mut run.problems);
        }
        let mut summary = run.summary;
        let verdict = check::exit_code(slice::from_ref(&summary), false, run.unreachable);
        let verdict = verdict.unwrap_or_else(|error| {
            let reason = summary.main_reason();
            let reason = reason.filter(|reason| {
                let is_said = trouble.iter().any(|said| said.contains(reason));
                error.code == code::NOTHING_JUDGED && !is_said
            });
            trouble.push(match reason {
                Some(reason) => format!("{error}: {reason}"),
                None => error.to_string(),
            });
            error.code
        });
        exit_code = code::worst(exit_code, verdict);
        if !selection.is_full() {
            summary.not_asked.clear();
        }
        summary.end = Some(TargetEnd {
            exit_code,
            trouble,
            actions: result.actions,
            ..TargetEnd::default()
        });
        summary.drop_not_judged();
        Ok(summary)
    }
}
