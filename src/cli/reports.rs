//! Where reports go: a file that was named, a build server's summary, or standard output.

use std::{env, fs, io, io::Write, path::PathBuf};

use crate::{
    cli::{Stdout, talk::Talk},
    report::{Format, Request, Summary},
    snapshot::write_file,
};

/// Writes every report that was asked for, and the text unless another one goes to stdout.
///
/// # Errors
/// A file that cannot be written, in words.
pub(super) fn write(requests: &[Request], summary: &Summary, talk: &Talk) -> Result<(), String> {
    let to_stdout = |format: Format| {
        // A reader that has seen enough closes the pipe; the verdict is the exit code.
        drop(Stdout.write_all(&format.write(summary, talk.colours_stdout())));
    };
    let mut spoken = false;
    for Request { format, path } in requests {
        match (path, step_summary().filter(|_| *format == Format::Markdown)) {
            (Some(path), _) => {
                write_file(path, &format.write(summary, false)).map_err(|error| {
                    format!("writing the {format} report to {}: {error}", path.display())
                })?;
            }
            (None, Some(page)) => {
                append(&page, &format.write(summary, false)).map_err(|error| {
                    format!(
                        "appending the {format} report to {}, which {STEP_SUMMARY} names: {error}",
                        page.display()
                    )
                })?
            }
            (None, None) => {
                to_stdout(*format);
                // Annotations are for a machine that reads along; a person wants the text beside them.
                spoken |= *format != Format::Github;
            }
        }
    }
    if !spoken
        && !requests
            .iter()
            .any(|request| request.format == Format::Text)
    {
        to_stdout(Format::Text);
    }
    Ok(())
}

/// The page that GitHub shows for a step.
fn step_summary() -> Option<PathBuf> {
    env::var_os(STEP_SUMMARY)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

/// Other steps may have written there already.
fn append(path: &PathBuf, bytes: &[u8]) -> io::Result<()> {
    fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)?
        .write_all(bytes)
}

const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";
