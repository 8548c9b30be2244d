//! Where reports go: a file, the summary page of a GitHub step, or stdout.

use std::{env, fs, io::Write, path::Path};

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
        let failed = |path: &str, error| {
            CliError::usage(format!(
                "cannot write the {format} report to {path}: {error}"
            ))
        };
        let page = env::var_os(STEP_SUMMARY).filter(|page| !page.is_empty());
        if let Some(path) = path {
            let written = write_file(path, &format.write(summary, false));
            written.map_err(|error| failed(&path.display().to_string(), error))?;
        } else if let (Format::Markdown, Some(page)) = (format, page) {
            // Other steps may have written to the page already.
            let file = fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(Path::new(&page));
            let appended = file.and_then(|mut file| file.write_all(&format.write(summary, false)));
            appended.map_err(|error| failed(&format!("${STEP_SUMMARY}"), error))?;
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

/// Names the page that GitHub shows for a step.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";
