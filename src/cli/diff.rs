//! `diff`: two snapshot folders or two JSON reports, case by case.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    cli::{code, review, talk::Talk},
    report::{
        Summary, difference,
        difference::{Difference, Told},
    },
    snapshot::SnapshotFolder,
};

/// What is to be compared.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit codes: 0 nothing differs · 1 something differs · 2 one of them cannot be read"
)]
pub struct Options {
    /// A folder of snapshots, one with a folder of each kind, or a JSON report
    a: PathBuf,
    /// Another of the same sort
    b: PathBuf,
}

/// Prints what differs and returns the exit code.
pub fn run(options: &Options, out: &mut dyn Write, talk: &Talk) -> u8 {
    talk.code(compare(&options.a, &options.b).map(|difference| {
        // A reader that has seen enough closes the pipe; the verdict is the exit code.
        drop(out.write_all(difference.text().as_bytes()));
        if difference.is_empty() {
            code::GOOD
        } else {
            code::WRONG
        }
    }))
}

fn compare(a: &Path, b: &Path) -> Result<Difference, String> {
    match (a.is_dir(), b.is_dir()) {
        (true, true) => Ok(difference::of_cases(&snapshots(a)?, &snapshots(b)?)),
        (false, false) => Ok(difference::of_reports(&report(a)?, &report(b)?)),
        _ => Err(format!(
            "{} and {} cannot be compared: one is a folder\n  hint: two snapshot folders, or two JSON reports",
            a.display(),
            b.display()
        )),
    }
}

/// The snapshots of a folder, or of the folders of kinds in it, by name: `sensor/validation.authenticated`.
fn snapshots(folder: &Path) -> Result<BTreeMap<String, Told>, String> {
    let mut told = BTreeMap::new();
    for (prefix, folder) in review::folders(folder)? {
        let shelf = SnapshotFolder::open(&folder).map_err(|error| error.to_string())?;
        for id in shelf.ids().map_err(|error| error.to_string())? {
            let snapshot = shelf.read(&id).map_err(|error| error.to_string())?;
            told.extend(snapshot.map(|snapshot| {
                (
                    format!("{prefix}{id}"),
                    Told {
                        verdict: String::new(),
                        text: snapshot.body,
                    },
                )
            }));
        }
    }
    if told.is_empty() {
        Err(format!("there is no snapshot in {}", folder.display()))
    } else {
        Ok(told)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an edge: this is where reports are read again"
)]
fn report(path: &Path) -> Result<Summary, String> {
    let bytes = fs::read(path).map_err(|error| format!("reading {}: {error}", path.display()))?;
    let hint = "\n  hint: `d4iot-double check --report json=FILE` writes one";
    // What is quoted of the file comes from a target.
    let wrong = |error: serde_json::Error| {
        format!(
            "{}:{}:{}: this is no JSON report of ours{hint}",
            path.display(),
            error.line(),
            error.column()
        )
    };
    let version: Version = serde_json::from_slice(&bytes).map_err(wrong)?;
    if version.version != 1 {
        return Err(format!(
            "{} is a report of version {}, expected 1{hint}",
            path.display(),
            version.version
        ));
    }
    serde_json::from_slice(&bytes).map_err(wrong)
}

/// What says whether the rest can be read.
#[derive(serde::Deserialize)]
struct Version {
    version: u32,
}
