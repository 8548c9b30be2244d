//! `judge`: judges traffic that others recorded.

use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    cli::{
        check, code,
        console::Console,
        error::{CliError, Result},
        reports,
    },
    contract::Kind,
    report::{Format, ReportRequest, Summary},
    runner::{
        capture,
        capture::{Capture, CaptureError, JudgedCapture},
    },
    snapshot::{check_writable, protect, real_path, write_file},
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
pub(super) fn run(options: &JudgeArgs, console: &Console) -> Result {
    check_outputs(options)?;
    let capture = read(&options.file)?;
    let hosts = capture.hosts();
    // Who exports a capture names its file after the host.
    let name = options.label.as_deref().unwrap_or("capture");
    let judged = capture::judge(&capture, options.kind, options.host.as_deref(), name);
    if let (Some(host), true) = (&options.host, judged.targets.is_empty()) {
        let hint = match hosts.is_empty() {
            true => NONE.to_owned(),
            false => format!("the capture has {}", hosts.join(", ")),
        };
        let message = format!("--host {host}: no exchange with it");
        return Err(CliError::usage(message).hint(hint));
    }
    check_profile(options, &judged, &hosts)?;
    if let (None, Some(target)) = (options.kind, judged.targets.first()) {
        let kind = target.kind;
        console.note(format!("taken for a {kind}: --kind says otherwise"));
    }
    let mut summary = Summary {
        label: options.label.clone(),
        options: shown_options(options, name),
        notes: judged.notes.clone(),
        ..Summary::new(Vec::new(), judged.targets.clone())
    };
    let copy = options.redact.iter().filter(|_| !judged.targets.is_empty());
    let unwritten = copy.filter_map(|path| {
        let written = write_file(path, &capture::redacted_har(&judged));
        Some(unwritable(path)(written.err()?))
    });
    let mut worst = code::SUCCESS;
    for failure in unwritten {
        console.error(&failure);
        summary.trouble.push(failure.to_string());
        worst = code::USAGE;
    }
    let (_, of_reports) = check::publish(&options.report, &mut summary, None, console)?;
    if summary.targets.is_empty() {
        console.error(CliError::usage(NONE));
    }
    let code = console.code(check::exit_code(&summary.targets, false, None));
    Ok(code::worst(code, code::worst(of_reports, worst)))
}

/// Refuses outputs that would overwrite the capture or a file that is not ours.
fn check_outputs(options: &JudgeArgs) -> Result<()> {
    protect(&options.file);
    let Some(path) = &options.redact else {
        return reports::prepare(&options.report);
    };
    if path == Path::new("-") {
        let message = "--redact - is not a file";
        return Err(CliError::usage(message).hint("name one, as in --redact shared.har"));
    }
    check_writable(path).map_err(unwritable(path))?;
    if path.is_file() && !is_ours(path) {
        let message = format!("{} exists, and --redact did not write it", path.display());
        return Err(CliError::usage(message).hint("name a file that does not exist"));
    }
    reports::prepare(&options.report)?;
    let mut reported = options.report.iter().flat_map(|report| &report.path);
    if reported.any(|report| real_path(report) == real_path(path)) {
        let message = format!("--redact and --report both go to {}", path.display());
        return Err(CliError::usage(message).hint("name a file for each"));
    }
    Ok(())
}

fn unwritable(path: &Path) -> impl Fn(io::Error) -> CliError {
    move |error| CliError::usage(format!("cannot write {}: {error}", path.display()))
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
    let shown = path.display();
    capture.map_err(|error| match error {
        CaptureError::Read(error) => CliError::usage(format!("cannot read {shown}: {error}")),
        error => CliError::usage(format!("{shown}: {error}")),
    })
}

/// Refuses to write profiles of several appliances of one kind to one file, which no mock could serve.
fn check_profile(options: &JudgeArgs, judged: &JudgedCapture, hosts: &[&str]) -> Result<()> {
    let mut reports = options.report.iter();
    let wants_profile = reports.any(|report| report.format == Format::Profile);
    let kinds = judged.targets.iter().map(|target| target.kind);
    let is_repeated = |kind: &Kind| kinds.clone().filter(|other| other == kind).count() > 1;
    if wants_profile && Kind::ALL.iter().any(is_repeated) {
        let message = "--report profile: the capture has several appliances of one kind";
        let hint = format!("--host chooses one of {}", hosts.join(", "));
        return Err(CliError::usage(message).hint(hint));
    }
    Ok(())
}

const NONE: &str = "no exchange of the authentication API is in the capture";
