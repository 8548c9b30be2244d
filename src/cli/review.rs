//! `pending`, `review`, `accept`, `reject`: only a person's decision makes a snapshot the accepted one.

use std::{
    io,
    io::IsTerminal,
    path::{Path, PathBuf},
};

use clap::Args;

use crate::{
    cli::{
        code,
        console::Console,
        error::{CliError, Result},
        print,
        selection::matcher,
    },
    contract::Kind,
    snapshot::{PendingSnapshot, SnapshotError, SnapshotFolder},
};

/// The arguments of `pending`, `review`, `accept` and `reject`.
#[derive(Args, Debug)]
pub(super) struct ReviewArgs {
    /// Snapshots whose id matches, as `sensor/validation.*` or `validation.*`
    #[arg(value_name = "GLOB", default_value = "*")]
    glob: String,
    /// The folder of the snapshots, or a folder with one for each kind
    #[arg(long, value_name = "DIR", default_value = "snapshots")]
    snapshots: PathBuf,
}

/// Lists new and changed snapshots with their differences.
pub(super) fn pending(options: &ReviewArgs) -> Result {
    let candidates = options.candidates()?;
    let texts = candidates.iter().map(|candidate| candidate.text() + "\n");
    let texts: String = texts.collect();
    print(format!("{texts}{} pending\n", candidates.len()))
}

/// Accepts the selected snapshots.
pub(super) fn accept(options: &ReviewArgs, console: &Console) -> Result {
    decide(options, console, "accepted", SnapshotFolder::accept)
}

/// Rejects the selected snapshots.
pub(super) fn reject(options: &ReviewArgs, console: &Console) -> Result {
    decide(options, console, "rejected", SnapshotFolder::reject)
}

/// Does the same to all selected snapshots; one that fails does not keep the others from it.
fn decide(
    options: &ReviewArgs,
    console: &Console,
    done: &str,
    act: fn(&SnapshotFolder, &str) -> Result<(), SnapshotError>,
) -> Result {
    let candidates = options.candidates()?;
    if candidates.is_empty() {
        let message = format!("no pending snapshot matches `{}`", options.glob);
        return Err(CliError::usage(message).hint("`d4iot-double pending` lists them"));
    }
    let mut worst = code::SUCCESS;
    for candidate in &candidates {
        if let Err(error) = act(&candidate.folder, &candidate.pending.id) {
            console.error(format!("cannot {error}"));
            worst = code::USAGE;
        } else {
            print(format!("{done} {}\n", candidate.name))?;
        }
    }
    Ok(worst)
}

/// Asks about each snapshot in turn.
pub(super) fn review(options: &ReviewArgs) -> Result {
    if !io::stdin().is_terminal() {
        let message = "review asks questions, but stdin is not a terminal";
        return Err(CliError::usage(message).hint("use pending, accept and reject"));
    }
    let candidates = options.candidates()?;
    let count = candidates.len();
    for (index, candidate) in candidates.iter().enumerate() {
        let (text, name, number) = (candidate.text(), &candidate.name, index + 1);
        loop {
            print(format!(
                "{text}\n[{number}/{count}] {name}: (a)ccept, (r)eject, (s)kip, (q)uit? "
            ))?;
            let mut answer = String::new();
            let read = io::stdin().read_line(&mut answer);
            let unread = |error| CliError::usage(format!("cannot read the answer: {error}"));
            let read = read.map_err(unread)?;
            match answer.trim() {
                "a" | "accept" => match candidate.folder.accept(&candidate.pending.id) {
                    Ok(()) => break,
                    // The question is asked again: the snapshot can still be rejected or skipped.
                    Err(error) => print(format!("cannot {error}\n"))?,
                },
                "r" | "reject" => break candidate.folder.reject(&candidate.pending.id)?,
                "s" | "skip" => break,
                "q" | "quit" => return Ok(code::SUCCESS),
                _ if read == 0 => return Ok(code::SUCCESS),
                _ => continue,
            };
        }
    }
    print(format!("{count} reviewed\n"))
}

/// A pending snapshot with the folder it belongs to.
struct Candidate {
    folder: SnapshotFolder,
    name: String,
    pending: PendingSnapshot,
}

impl Candidate {
    fn text(&self) -> String {
        let PendingSnapshot { old, new, diff, .. } = &self.pending;
        let state = if old.is_some() { "changed" } else { "new" };
        format!("{state} {}: {}\n{diff}", self.name, new.header.description)
    }
}

impl ReviewArgs {
    fn candidates(&self) -> Result<Vec<Candidate>> {
        let glob = matcher(&self.glob)?;
        let mut candidates = Vec::new();
        for (prefix, path) in folders(&self.snapshots)? {
            let folder = SnapshotFolder::open(&path)?;
            for pending in folder.pending()? {
                let name = format!("{prefix}{}", pending.id);
                if glob.is_match(&name) || glob.is_match(&pending.id) {
                    candidates.push(Candidate {
                        folder: folder.clone(),
                        name,
                        pending,
                    });
                }
            }
        }
        Ok(candidates)
    }
}

/// The folders of both kinds, or the folder itself.
pub(super) fn folders(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let of_kind = |kind: Kind| (format!("{kind}/"), folder.join(kind.name()));
    let mut folders = [Kind::Sensor, Kind::Console].map(of_kind).to_vec();
    folders.retain(|(_, folder)| folder.is_dir());
    if folders.is_empty() && folder.is_dir() {
        folders.push((String::new(), folder.to_owned()));
    }
    if folders.is_empty() {
        let message = format!("no such folder: {}", folder.display());
        return Err(CliError::usage(message).hint("name the folder with --snapshots"));
    }
    Ok(folders)
}
