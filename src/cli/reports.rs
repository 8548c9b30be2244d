//! Where reports go: a file, the summary page of a GitHub step, or stdout.

use std::{env, fs, io::Write};

use crate::{
    cli::{
        console::Console,
        error::{CliError, Result},
        print,
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
    let print = |format: Format| print(format.write(summary, console.has_colors()));
    let mut is_text_wanted = true;
    for ReportRequest { format, path } in requests {
        is_text_wanted &= *format != Format::Text;
        let page = env::var_os(STEP_SUMMARY).filter(|page| !page.is_empty());
        let (place, written) = match (path, page) {
            (Some(path), _) => {
                let written = write_file(path, &format.write(summary, false));
                (path.display().to_string(), written.map(drop))
            }
            (None, Some(page)) if *format == Format::Markdown => {
                let mut options = fs::OpenOptions::new();
                let file = options.create(true).append(true).open(page);
                let text = format.write(summary, false);
                let written = file.and_then(|mut file| file.write_all(&text));
                (format!("${STEP_SUMMARY}"), written)
            }
            _ => {
                print(*format)?;
                is_text_wanted &= *format == Format::Github;
                continue;
            }
        };
        written.map_err(|error| {
            CliError::usage(format!(
                "cannot write the {format} report to {place}: {error}"
            ))
        })?;
    }
    if is_text_wanted {
        print(Format::Text)?;
    }
    Ok(())
}

/// Names the page that GitHub shows for a step.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";
