//! `diff`: two snapshot folders or two JSON reports, case by case.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    cli::{
        code,
        error::{CliError, Result, read},
        review, write_out,
    },
    report::{
        Summary, difference,
        difference::{ComparedCase, Difference},
    },
    snapshot::SnapshotFolder,
};

/// The arguments of `diff`.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 no difference · 1 a difference · 2 one of them cannot be read"
)]
pub(super) struct DiffArgs {
    /// A snapshot folder, or a folder with one for each kind, or a JSON report
    a: PathBuf,
    /// Another of the same sort
    b: PathBuf,
}

/// Prints the differences and returns the exit code.
pub(super) fn run(options: &DiffArgs, out: &mut dyn Write) -> Result {
    let difference = compare(&options.a, &options.b)?;
    write_out(out, &difference.text)?;
    Ok(if difference.count == 0 {
        code::SUCCESS
    } else {
        code::DEVIATION
    })
}

fn compare(a: &Path, b: &Path) -> Result<Difference> {
    match (a.is_dir(), b.is_dir()) {
        (true, true) => Ok(difference::compare_cases(&snapshots(a)?, &snapshots(b)?)),
        (false, false) => Ok(difference::compare_reports(&report(a)?, &report(b)?)),
        _ => {
            let (a, b) = (a.display(), b.display());
            let message = format!("cannot compare {a} and {b}: only one of them is a folder");
            Err(CliError::usage(message).hint("name two snapshot folders, or two JSON reports"))
        }
    }
}

/// The snapshots of a folder, or of its folders of kinds, by name: `sensor/validation.authenticated`.
fn snapshots(folder: &Path) -> Result<BTreeMap<String, ComparedCase>> {
    let mut snapshots = BTreeMap::new();
    for (prefix, folder) in review::folders(folder)? {
        let folder = SnapshotFolder::open(&folder)?;
        for id in folder.ids()? {
            if let Some(snapshot) = folder.read(&id)? {
                let case = ComparedCase {
                    text: snapshot.body,
                    ..ComparedCase::default()
                };
                snapshots.insert(format!("{prefix}{id}"), case);
            }
        }
    }
    if snapshots.is_empty() {
        return Err(CliError::usage(format!(
            "no snapshot in {}",
            folder.display()
        )));
    }
    Ok(snapshots)
}

fn report(path: &Path) -> Result<Summary> {
    let (bytes, shown) = (read(path)?, path.display());
    let wrong = |message| {
        CliError::usage(message).hint("`d4iot-double check --report json=FILE` writes one")
    };
    // The error's own text may quote the file, which comes from a target.
    let invalid = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        wrong(format!(
            "{shown}:{line}:{column}: not a JSON report of check"
        ))
    };
    let Version { version } = serde_json::from_slice(&bytes).map_err(invalid)?;
    if version != 1 {
        return Err(wrong(format!(
            "{shown} is a report of version {version}, expected 1"
        )));
    }
    serde_json::from_slice(&bytes).map_err(invalid)
}

/// The version tells whether the rest can be read.
#[derive(serde::Deserialize)]
struct Version {
    version: u32,
}
