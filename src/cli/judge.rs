//! `judge`: judges traffic that others recorded.

use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
    time::SystemTime,
};

use clap::Args;

use crate::{
    cli::{
        check, code,
        console::Console,
        error::{CliError, Result},
        reports,
    },
    contract::{Kind, encoding},
    report::{Format, ReportRequest, Summary},
    runner::{
        capture,
        capture::{Capture, CaptureError, JudgedCapture},
    },
    snapshot::{check_writable, write_file},
};

/// The arguments of `judge`.
#[derive(Args, Debug)]
pub(super) struct JudgeArgs {
    /// HTTP Archive of a browser or a proxy, what `curl -v`, --trace or --trace-ascii printed, or the journal of a mock; `-` for stdin
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What the appliance is: sensor or console [default: what it deviates from least]
    #[arg(long, value_parser = super::kind)]
    kind: Option<Kind>,
    /// Only the exchanges with this host, as the capture names it
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Write a copy that anybody may read: an HTTP Archive with labels for users, passwords, tokens and hosts
    #[arg(long, value_name = "FILE")]
    redact: Option<PathBuf>,
    /// A name for this run, shown in the reports
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// Write a report: text, json, junit, markdown, github, html or profile; to stdout without a path; repeatable
    #[arg(long, value_name = "FORMAT[=PATH]")]
    report: Vec<ReportRequest>,
}

/// Judges, reports, and returns the exit code.
#[expect(
    clippy::disallowed_methods,
    reason = "an edge: a report has the date of its run"
)]
pub(super) fn run(options: &JudgeArgs, console: &Console) -> Result {
    check_outputs(options)?;
    let capture = read(&options.file)?;
    let hosts = capture.hosts();
    // Who exports a capture names its file after the host.
    let name = options.label.as_deref().unwrap_or("capture");
    let judged = capture::judge(&capture, options.kind, options.host.as_deref(), name);
    if let (Some(host), true) = (&options.host, judged.targets.is_empty()) {
        let message = format!("--host {host}: no exchange with it");
        let hint = format!("the capture has {}", hosts.join(", "));
        return Err(CliError::usage(message).hint(if hosts.is_empty() {
            NONE.to_owned()
        } else {
            hint
        }));
    }
    check_profile(options, &judged, &hosts)?;
    if let (true, Some(target)) = (options.kind.is_none(), judged.targets.first()) {
        console.note(format!(
            "taken for a {}: --kind says otherwise",
            target.kind
        ));
    }
    let mut summary = Summary {
        date: Some(encoding::timestamp(SystemTime::now())),
        label: options.label.clone(),
        options: shown_options(options, name),
        notes: judged.notes.clone(),
        ..Summary::new(Vec::new(), judged.targets.clone())
    };
    let mut failures = Vec::new();
    if let Some(path) = options
        .redact
        .as_ref()
        .filter(|_| !judged.targets.is_empty())
        && let Err(error) = write_file(path, &capture::redacted_har(&judged))
    {
        failures.push(format!("cannot write {}: {error}", path.display()));
    }
    failures.extend(reports::write_files(&options.report, &|format, style| {
        format.write(&summary, style)
    }));
    failures.iter().for_each(|failure| console.error(failure));
    let worst = if failures.is_empty() {
        code::SUCCESS
    } else {
        code::USAGE
    };
    summary.trouble.extend(failures);
    reports::print_others(
        &options.report,
        &|format, style| format.write(&summary, style),
        console,
    )?;
    if summary.targets.is_empty() {
        console.error(CliError::usage(NONE));
    }
    let code = console.code(check::exit_code(&summary.targets, false, None));
    Ok(code::worst(code, worst))
}

/// Refuses outputs that would overwrite the capture or a file that is not ours.
fn check_outputs(options: &JudgeArgs) -> Result<()> {
    let paths = options
        .report
        .iter()
        .filter_map(|report| report.path.as_deref());
    for path in paths.chain(options.redact.as_deref()) {
        if is_same(path, &options.file) {
            let message = format!("{} is the capture itself", path.display());
            return Err(CliError::usage(message).hint("name another file for the output"));
        }
    }
    let Some(path) = &options.redact else {
        return reports::prepare(&options.report);
    };
    if path == Path::new("-") {
        let message = "--redact - is not a file";
        return Err(CliError::usage(message).hint("name one, as in --redact shared.har"));
    }
    if path.is_file() && !is_ours(path) {
        let message = format!("{} exists, and --redact did not write it", path.display());
        return Err(CliError::usage(message).hint("name a file that does not exist"));
    }
    let unwritable = |error| CliError::usage(format!("cannot write {}: {error}", path.display()));
    check_writable(path).map_err(unwritable)?;
    reports::prepare(&options.report)?;
    // All folders exist now.
    let reported = options.report.iter();
    let mut reported = reported.filter_map(|report| report.path.as_deref());
    if reported.any(|report| is_same(report, path)) {
        let message = format!("--redact and --report both go to {}", path.display());
        return Err(CliError::usage(message).hint("name a file for each"));
    }
    Ok(())
}

/// Returns what a report says of the options: no file and no host.
fn shown_options(options: &JudgeArgs, name: &str) -> Vec<String> {
    let mut shown = vec!["judge".to_owned(), name.to_owned()];
    let kind = options.kind.iter();
    shown.extend(kind.map(|kind| format!("--kind={kind}")));
    shown.extend(options.redact.iter().map(|_| "--redact".to_owned()));
    let reports = options.report.iter();
    shown.extend(reports.map(|report| format!("--report={}", report.format)));
    shown
}

/// Tells whether two paths are of one file, which need not exist.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| {
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let folder = || fs::canonicalize(folder.unwrap_or(Path::new("."))).ok();
        let whole = fs::canonicalize(path).ok();
        whole.or_else(|| Some(folder()?.join(path.file_name()?)))
    };
    one == other || real(one).is_some_and(|one| real(other) == Some(one))
}

fn is_ours(path: &Path) -> bool {
    let mut start = Vec::new();
    let file = fs::File::open(path);
    let read = file.and_then(|file| file.take(512).read_to_end(&mut start));
    read.is_ok() && String::from_utf8_lossy(&start).contains("d4iot-double judge --redact")
}

fn read(path: &Path) -> Result<Capture> {
    let capture = match path == Path::new("-") {
        true => Capture::read(io::stdin().lock()),
        false => fs::File::open(path)
            .map_err(CaptureError::Read)
            .and_then(Capture::read),
    };
    capture.map_err(|error| {
        let shown = path.display();
        match error {
            CaptureError::Read(error) => CliError::usage(format!("cannot read {shown}: {error}")),
            error => CliError::usage(format!("{shown}: {error}")),
        }
    })
}

/// Refuses to write profiles of several appliances of one kind to one file, which no mock could serve.
fn check_profile(options: &JudgeArgs, judged: &JudgedCapture, hosts: &[&str]) -> Result<()> {
    let wants_profile = options
        .report
        .iter()
        .any(|report| report.format == Format::Profile);
    let of_kind = |kind| {
        judged
            .targets
            .iter()
            .filter(|target| target.kind == kind)
            .count()
    };
    if wants_profile && Kind::ALL.iter().any(|kind| of_kind(*kind) > 1) {
        let message = "--report profile: the capture has several appliances of one kind";
        return Err(
            CliError::usage(message).hint(format!("--host chooses one of {}", hosts.join(", ")))
        );
    }
    Ok(())
}

const NONE: &str = "no exchange of the authentication API is in the capture";
