//! Where reports go: a file, the summary page of a GitHub step, or stdout.

use std::{
    collections::BTreeSet,
    env, fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use crate::{
    cli::{
        console::Console,
        error::{CliError, Result},
        print,
    },
    report::{Format, ReportRequest, ReportStyle},
    snapshot::{check_writable, write_file},
};

/// Where a report goes.
enum Destination<'a> {
    File(&'a Path),
    /// The page that GitHub shows for a step.
    StepSummary(PathBuf),
    Stdout,
}

impl Destination<'_> {
    fn of(request: &ReportRequest) -> Destination<'_> {
        let page = env::var_os(STEP_SUMMARY).filter(|page| !page.is_empty());
        match (&request.path, page) {
            (Some(path), _) => Destination::File(path),
            (None, Some(page)) if request.format == Format::Markdown => {
                Destination::StepSummary(page.into())
            }
            _ => Destination::Stdout,
        }
    }

    fn check(&self) -> io::Result<()> {
        match self {
            Destination::File(path) => check_writable(path),
            Destination::StepSummary(page) => append(page).map(drop),
            Destination::Stdout => Ok(()),
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Destination::File(path) => write_file(path, bytes).map(drop),
            Destination::StepSummary(page) => append(page)?.write_all(bytes),
            Destination::Stdout => Ok(()),
        }
    }

    fn failure(&self, format: Format, error: &io::Error) -> String {
        let place = match self {
            Destination::File(path) => path.display().to_string(),
            _ => format!("${STEP_SUMMARY}"),
        };
        format!("cannot write the {format} report to {place}: {error}")
    }
}

/// Makes sure that every report can be written, before a run that may be long. Folders that are missing are created.
///
/// # Errors
/// A place that cannot be written, or is named twice; several reports for programs on stdout.
pub(super) fn prepare(requests: &[ReportRequest]) -> Result<()> {
    let (mut paths, mut on_stdout) = (BTreeSet::new(), BTreeSet::new());
    for request in requests {
        let (format, destination) = (request.format, Destination::of(request));
        if let Destination::File(path) = destination
            && !paths.insert(path)
        {
            let message = format!("--report: two reports go to {}", path.display());
            return Err(CliError::usage(message).hint("name a file for each"));
        }
        // Annotations are lines that a build server picks out of other text.
        let is_alone = !matches!(format, Format::Text | Format::Github);
        if matches!(destination, Destination::Stdout) && is_alone && !on_stdout.insert(format) {
            let message = format!("--report {format} is given twice for stdout");
            return Err(CliError::usage(message).hint("leave one out"));
        }
        if let Err(error) = destination.check() {
            return Err(CliError::usage(destination.failure(format, &error)));
        }
    }
    if on_stdout.len() > 1 {
        let formats: Vec<&str> = on_stdout.iter().map(|format| format.name()).collect();
        let message = format!("--report: {} all go to stdout", formats.join(", "));
        return Err(CliError::usage(message).hint("name files, as in json=report.json"));
    }
    Ok(())
}

/// Writes the reports that go to files, and returns which of them failed.
pub(super) fn write_files(
    requests: &[ReportRequest],
    render: &dyn Fn(Format, ReportStyle) -> Vec<u8>,
) -> Vec<String> {
    let failures = requests.iter().filter_map(|request| {
        let (format, destination) = (request.format, Destination::of(request));
        if matches!(destination, Destination::Stdout) {
            return None;
        }
        let written = destination.write(&render(format, ReportStyle::default()));
        Some(destination.failure(format, &written.err()?))
    });
    failures.collect()
}

/// Prints the other reports, and the text report unless it goes elsewhere or another one goes to stdout.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn print_others(
    requests: &[ReportRequest],
    render: &dyn Fn(Format, ReportStyle) -> Vec<u8>,
    console: &Console,
) -> Result<()> {
    let style = ReportStyle {
        color: console.has_colors(),
        every_case: console.is_verbose(),
    };
    let mut is_text_wanted = !requests
        .iter()
        .any(|request| request.format == Format::Text);
    for request in requests {
        if matches!(Destination::of(request), Destination::Stdout) {
            print(render(request.format, style))?;
            is_text_wanted &= request.format == Format::Github;
        }
    }
    if is_text_wanted {
        print(render(Format::Text, style))?;
    }
    Ok(())
}

fn append(page: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new().create(true).append(true).open(page)
}

/// Names the page that GitHub shows for a step.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";
