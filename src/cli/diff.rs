//! `diff`: two snapshot folders or two JSON reports, case by case.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::de::DeserializeOwned;

use crate::{
    cli::{
        code,
        error::{CliError, Result, read},
        print, review,
    },
    report::{
        Summary, difference,
        difference::{ComparedCase, ComparedCases},
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
pub(super) fn run(DiffArgs { a, b }: &DiffArgs) -> Result {
    let difference = match (a.is_dir(), b.is_dir()) {
        (true, true) => difference::compare_cases(&snapshots(a)?, &snapshots(b)?),
        (false, false) => difference::compare_reports(&report(a)?, &report(b)?),
        _ => {
            let (a, b) = (a.display(), b.display());
            let message = format!("cannot compare {a} and {b}: only one of them is a folder");
            let hint = "name two snapshot folders, or two JSON reports";
            return Err(CliError::usage(message).hint(hint));
        }
    };
    print(&difference.text)?;
    Ok(if difference.count == 0 {
        code::SUCCESS
    } else {
        code::DEVIATION
    })
}

/// The snapshots of a folder, or of its folders of kinds, by name: `sensor/validation.authenticated`.
fn snapshots(folder: &Path) -> Result<ComparedCases> {
    let mut snapshots = ComparedCases::new();
    for (prefix, folder) in review::folders(folder)? {
        let folder = SnapshotFolder::open(&folder)?;
        for id in folder.ids()? {
            if let Some(snapshot) = folder.read(&id)? {
                let (verdict, text) = (String::new(), snapshot.body);
                snapshots.insert(format!("{prefix}{id}"), ComparedCase { verdict, text });
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
    /// The version tells whether the rest can be read.
    #[derive(serde::Deserialize)]
    struct Version {
        version: u32,
    }

    let bytes = read(path)?;
    match parse(path, &bytes)? {
        Version { version: 1 } => parse(path, &bytes),
        Version { version } => Err(wrong(format!(
            "{} is a report of version {version}, expected 1",
            path.display()
        ))),
    }
}

fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (path, line, column) = (path.display(), error.line(), error.column());
        // The error's own text may quote the file, which comes from a target.
        wrong(format!(
            "{path}:{line}:{column}: not a JSON report of check"
        ))
    })
}

fn wrong(message: String) -> CliError {
    CliError::usage(message).hint("`d4iot-double check --report json=FILE` writes one")
}
