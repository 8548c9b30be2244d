//! `report merge`: the parts of a list of targets as one report.

use std::path::PathBuf;

use clap::Subcommand;

use crate::{
    cli::{
        check, code,
        console::Console,
        diff,
        error::{CliError, Result},
        expectations, reports, targets,
    },
    report::{MergeError, ReportRequest, Summary},
};

/// The commands under `report`.
#[derive(Debug, Subcommand)]
pub(super) enum ReportCommand {
    /// Write the report of all targets of a list from the JSON reports of its parts. The exit code is the worst of all targets
    #[command(after_help = code::HELP)]
    Merge {
        /// JSON reports of `check --targets LIST --shard I/N`, one for each part
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The known differences that the parts were checked with; outdated entries fail
        #[arg(long, value_name = "FILE")]
        known: Option<PathBuf>,
        /// Write a report: text, json, junit, markdown, github, html or profile; to stdout without a path; repeatable
        #[arg(long, value_name = "FORMAT[=PATH]")]
        report: Vec<ReportRequest>,
    },
}

/// Runs one of the commands.
pub(super) fn run(command: &ReportCommand, console: &Console) -> Result {
    let ReportCommand::Merge {
        files,
        known,
        report,
    } = command;
    reports::prepare(report)?;
    let known = expectations::known(known.as_deref())?;
    let read = |path: &PathBuf| Ok((path.display().to_string(), diff::read_report(path)?));
    let parts: Vec<(String, Summary)> = files.iter().map(read).collect::<Result<_>>()?;
    let mut summary = Summary::merged(parts).map_err(|error| {
        let hint = match error {
            MergeError::Whole(_) => {
                "`check --targets LIST --shard I/N` writes the report of a part"
            }
            _ => "name the report of each part once, all of one run",
        };
        CliError::usage(error).hint(hint)
    })?;
    let (has_outdated, code) = check::publish(report, &mut summary, Some(&known), console)?;
    Ok(targets::worst(&summary, has_outdated, code))
}
