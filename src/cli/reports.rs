//! Where reports go: a file, the summary page of a GitHub step, or stdout.

use std::{
    borrow::Cow,
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
    snapshot::{check_writable, real_path, write_file},
};

/// Writes a report in a format.
type Render<'a> = &'a dyn Fn(Format, ReportStyle) -> Vec<u8>;

/// A file that a report goes to.
struct Destination<'a> {
    path: Cow<'a, Path>,
    /// Whether it is the page that GitHub shows for a step, which the report is appended to.
    is_page: bool,
}

impl Destination<'_> {
    /// Returns where a report goes, unless that is stdout.
    fn of(request: &ReportRequest) -> Option<Destination<'_>> {
        if let Some(path) = &request.path {
            let (path, is_page) = (path.into(), false);
            return Some(Destination { path, is_page });
        }
        let page = env::var_os(STEP_SUMMARY).filter(|page| !page.is_empty())?;
        let (path, is_page) = (PathBuf::from(page).into(), true);
        (request.format == Format::Markdown).then_some(Destination { path, is_page })
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        let mut page = options.create(true).append(true).open(&self.path)?;
        page.write_all(bytes)
    }

    fn failure(&self, format: Format, error: &io::Error) -> String {
        let place = match self.is_page {
            true => format!("${STEP_SUMMARY}"),
            false => self.path.display().to_string(),
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
        let format = request.format;
        // Annotations are lines that a build server picks out of other text.
        let is_alone = !matches!(format, Format::Text | Format::Github);
        let Some(destination) = Destination::of(request) else {
            if is_alone && !on_stdout.insert(format) {
                let message = format!("--report {format} is given twice for stdout");
                return Err(CliError::usage(message).hint("leave one out"));
            }
            continue;
        };
        let checked = match destination.is_page {
            true => destination.append(b""),
            false => check_writable(&destination.path),
        };
        checked.map_err(|error| CliError::usage(destination.failure(format, &error)))?;
        if !destination.is_page && !paths.insert(real_path(&destination.path)) {
            let path = destination.path.display();
            let message = format!("--report: two reports go to {path}");
            return Err(CliError::usage(message).hint("name a file for each"));
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
pub(super) fn write_files(requests: &[ReportRequest], render: Render<'_>) -> Vec<String> {
    let failures = requests.iter().filter_map(|request| {
        let (format, destination) = (request.format, Destination::of(request)?);
        let bytes = render(format, ReportStyle::default());
        let written = match destination.is_page {
            true => destination.append(&bytes),
            false => write_file(&destination.path, &bytes).map(drop),
        };
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
    render: Render<'_>,
    console: &Console,
) -> Result<()> {
    let style = ReportStyle {
        color: console.has_colors(),
        every_case: console.is_verbose(),
    };
    let mut formats: Vec<Format> = requests
        .iter()
        .filter(|request| Destination::of(request).is_none())
        .map(|request| request.format)
        .collect();
    let has_text = requests
        .iter()
        .any(|request| request.format == Format::Text);
    if !has_text && formats.iter().all(|format| *format == Format::Github) {
        formats.push(Format::Text);
    }
    for format in formats {
        print(render(format, style))?;
    }
    Ok(())
}

/// Writes and prints all reports.
///
/// # Errors
/// The first that cannot be written.
pub(super) fn write_all(
    requests: &[ReportRequest],
    render: Render<'_>,
    console: &Console,
) -> Result<()> {
    let failures = write_files(requests, render);
    print_others(requests, render, console)?;
    failures
        .first()
        .map_or(Ok(()), |failure| Err(CliError::usage(failure)))
}

/// Names the page that GitHub shows for a step.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";
