//! `diff`: two snapshot folders or two JSON reports, case by case.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::de::DeserializeOwned;

use crate::{
    cli::{
        code,
        console::Console,
        error::{CliError, Result, read},
        reports, review,
    },
    contract::Kind,
    report::{
        Format, ReportRequest, ReportStyle, Summary, difference,
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
    /// Write the difference as text, html, json or markdown; to stdout without a path; repeatable
    #[arg(long, value_name = "FORMAT[=PATH]")]
    report: Vec<ReportRequest>,
}

/// Prints the differences and returns the exit code.
pub(super) fn run(DiffArgs { a, b, report }: &DiffArgs, console: &Console) -> Result {
    let of_runs = [Format::Github, Format::Junit, Format::Profile];
    if let Some(request) = report.iter().find(|one| of_runs.contains(&one.format)) {
        let format = request.format;
        let message = format!("--report {format}: expected text, html, json or markdown");
        return Err(CliError::usage(message));
    }
    reports::prepare(report)?;
    let difference = match (a.is_dir(), b.is_dir()) {
        (true, true) => {
            let (mut a, mut b) = (snapshots(a)?, snapshots(b)?);
            match_kinds(&mut a, &mut b);
            difference::compare_cases("snapshots", &a, &b)
        }
        (false, false) => difference::compare_reports(&read_report(a)?, &read_report(b)?),
        (a_is_folder, _) => {
            let (folder, file) = if a_is_folder { (a, b) } else { (b, a) };
            let (folder, file) = (folder.display(), file.display());
            let message = format!("cannot compare {folder}, a folder, with {file}, a file");
            let hint = "name two snapshot folders, or two JSON reports";
            return Err(CliError::usage(message).hint(hint));
        }
    };
    let render = |format, style: ReportStyle| {
        let written = difference.write(format, style.every_case);
        written.unwrap_or_default()
    };
    reports::write_all(report, &render, console)?;
    Ok(match difference.count {
        0 => code::SUCCESS,
        _ => code::DEVIATION,
    })
}

/// Where one folder holds one kind and the other both, keeps the kind that has most of its cases.
fn match_kinds(a: &mut ComparedCases, b: &mut ComparedCases) {
    let is_of_kinds = |cases: &ComparedCases| cases.keys().any(|name| name.contains('/'));
    let (flat, both) = match (is_of_kinds(a), is_of_kinds(b)) {
        (false, true) => (a, b),
        (true, false) => (b, a),
        _ => return,
    };
    let of_kind = |kind: &Kind| -> ComparedCases {
        let cases = both.iter().filter_map(|(name, case)| {
            let id = name.strip_prefix(kind.name())?.strip_prefix('/')?;
            Some((id.to_owned(), case.clone()))
        });
        cases.collect()
    };
    let common = |cases: &ComparedCases| {
        let common = cases.iter();
        let common = common.filter_map(|(id, case)| Some((flat.get(id)?, case)));
        // Both kinds have most ids: the same content decides.
        let same = common.clone().filter(|(one, other)| one.text == other.text);
        (same.count(), common.count())
    };
    if let Some(kind) = Kind::ALL.iter().map(of_kind).max_by_key(common) {
        *both = kind;
    }
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
        let message = format!("no snapshot in {}", folder.display());
        return Err(CliError::usage(message));
    }
    Ok(snapshots)
}

pub(super) fn read_report(path: &Path) -> Result<Summary> {
    /// The version tells whether the rest can be read.
    #[derive(serde::Deserialize)]
    struct Version {
        version: u32,
    }

    let (bytes, shown) = (read(path)?, path.display());
    match parse(path, &bytes)? {
        Version { version: 1 } => parse(path, &bytes),
        Version { version } => {
            let message = format!("{shown} is a report of version {version}, expected 1");
            Err(wrong(message))
        }
    }
}

fn parse<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (path, line, column) = (path.display(), error.line(), error.column());
        // The error's own text may quote the file, which comes from a target.
        let place = format!("{path}:{line}:{column}");
        wrong(format!("{place}: not a JSON report of check"))
    })
}

fn wrong(message: String) -> CliError {
    CliError::usage(message).hint("`d4iot-double check --report json=FILE` writes one")
}
