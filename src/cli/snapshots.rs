//! Which snapshots a run is compared with, and what it may write.

use std::{env, path::Path};

use clap::ValueEnum;

use crate::{
    cli::error::{CliError, Result},
    contract::Kind,
    snapshot::{SnapshotFolder, SnapshotOwner, SnapshotStore, UpdateMode},
};

/// The values of `--update`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum UpdateChoice {
    Pending,
    No,
    New,
    All,
}

/// The snapshots of a mock: a named folder, the project's own for the unchanged built-in mock, the copy in the binary, or none.
pub(super) fn store(
    named: Option<&Path>,
    kind: Kind,
    has_both_kinds: bool,
    is_unchanged: bool,
    choice: Option<UpdateChoice>,
) -> Result<SnapshotStore> {
    let update = update(choice)?;
    let own = Path::new("snapshots").join(kind.name());
    let folder = match named {
        Some(folder) => {
            let of_kind = folder.join(kind.name());
            let is_of_kind = has_both_kinds || of_kind.is_dir();
            if is_of_kind {
                of_kind
            } else {
                folder.to_owned()
            }
        }
        None if is_unchanged && own.is_dir() => own,
        None if is_unchanged => return Ok(SnapshotStore::BuiltIn(kind)),
        None => return Ok(SnapshotStore::None),
    };
    let folder = match update {
        UpdateMode::No => SnapshotFolder::open(&folder)?,
        _ => SnapshotFolder::create(&folder)?,
    };
    // A file that is none of ours is noticed before anything is sent.
    for id in folder.ids()? {
        folder.read(&id)?;
    }
    let owner = if is_unchanged {
        SnapshotOwner::Tests
    } else {
        SnapshotOwner::Target
    };
    Ok(SnapshotStore::Folder(folder, update, owner))
}

/// What may be written: the option, else INSTA_UPDATE, else nothing in CI and pending files elsewhere.
fn update(choice: Option<UpdateChoice>) -> Result<UpdateMode> {
    let variable = env::var("INSTA_UPDATE").unwrap_or_default();
    Ok(match (choice, variable.as_str()) {
        (Some(UpdateChoice::Pending), _) | (None, "new" | "unseen") => UpdateMode::Pending,
        (Some(UpdateChoice::No), _) | (None, "no") => UpdateMode::No,
        (Some(UpdateChoice::New), _) => UpdateMode::New,
        (Some(UpdateChoice::All), _) | (None, "always" | "force") => UpdateMode::All,
        (None, "" | "auto") if is_ci() => UpdateMode::No,
        (None, "" | "auto") => UpdateMode::Pending,
        (None, other) => {
            return Err(CliError::usage(format!(
                "INSTA_UPDATE is `{other}`, expected one of no, auto, new, unseen, always, force"
            )));
        }
    })
}

/// Whether this is a build server: `CI`, or `TF_BUILD` of Azure Pipelines, is set to something other than no.
pub(super) fn is_ci() -> bool {
    ["CI", "TF_BUILD"].iter().any(|name| {
        let value = env::var(name).unwrap_or_default().to_ascii_lowercase();
        !["", "0", "false", "no"].contains(&value.as_str())
    })
}
