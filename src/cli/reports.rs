//! Where reports go: a file, the summary page of a GitHub step, or stdout.

use std::{env, ffi::OsString, fs, io, io::Write};

use crate::{
    cli::{
        Stdout,
        console::Console,
        error::{CliError, Result},
        write_out,
    },
    report::{Format, ReportRequest, Summary},
    snapshot::write_file,
};

/// Writes every requested report, and the text report to stdout unless another one goes there.
///
/// # Errors
/// A file that cannot be written.
pub(super) fn write(
    requests: &[ReportRequest],
    summary: &Summary,
    console: &Console,
) -> Result<()> {
    let print =
        |format: Format| write_out(&mut Stdout, format.write(summary, console.has_colors()));
    let mut is_text_wanted = true;
    for ReportRequest { format, path } in requests {
        is_text_wanted &= *format != Format::Text;
        if let Some(path) = path {
            let written = write_file(path, &format.write(summary, false));
            written.map_err(|error| failed(*format, path.display(), &error))?;
        } else if let (Format::Markdown, Some(page)) = (format, step_summary()) {
            let appended = append(&page, &format.write(summary, false));
            appended.map_err(|error| failed(*format, format!("${STEP_SUMMARY}"), &error))?;
        } else {
            print(*format)?;
            // Annotations are for GitHub; a person wants the text beside them.
            is_text_wanted &= *format == Format::Github;
        }
    }
    if is_text_wanted {
        print(Format::Text)?;
    }
    Ok(())
}

fn failed(format: Format, path: impl std::fmt::Display, error: &io::Error) -> CliError {
    CliError::usage(format!(
        "cannot write the {format} report to {path}: {error}"
    ))
}

/// The page that GitHub shows for a step.
fn step_summary() -> Option<OsString> {
    env::var_os(STEP_SUMMARY).filter(|path| !path.is_empty())
}

/// Other steps may have written there already.
fn append(page: &OsString, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options
        .create(true)
        .append(true)
        .open(page)?
        .write_all(bytes)
}

const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";
