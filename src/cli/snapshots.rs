//! The snapshots that a run is compared with, and what it may write.

use std::{env, path::Path};

use clap::ValueEnum;

use crate::{
    cli::talk::Talk,
    contract::Kind,
    snapshot::{SnapshotFolder, SnapshotOwner, SnapshotStore, UpdateMode},
};

/// What `--update` says may be written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum UpdateWord {
    Pending,
    No,
    New,
    All,
}

/// Returns the snapshots that a run is compared with: a folder that is named; for the unchanged built-in mock the project's own or the built-in ones; or none.
pub(super) fn store(
    named: Option<&Path>,
    kind: Kind,
    several: bool,
    unchanged: bool,
    update: UpdateMode,
) -> Result<SnapshotStore, String> {
    let own = Path::new("snapshots").join(kind.name());
    let folder = match named {
        Some(folder) if several || folder.join(kind.name()).is_dir() => folder.join(kind.name()),
        Some(folder) => folder.to_owned(),
        None if unchanged && own.is_dir() => own,
        None if unchanged => return Ok(SnapshotStore::BuiltIn(kind)),
        None => return Ok(SnapshotStore::None),
    };
    let opened = if update == UpdateMode::No {
        SnapshotFolder::open(&folder)
    } else {
        SnapshotFolder::create(&folder)
    };
    let owner = if unchanged {
        SnapshotOwner::Tests
    } else {
        SnapshotOwner::Target
    };
    opened
        .map(|folder| SnapshotStore::Folder(folder, update, owner))
        .map_err(|error| error.to_string())
}

/// What may be written: the option, else INSTA_UPDATE, else nothing in CI and pending files elsewhere.
pub(super) fn update(word: Option<UpdateWord>, talk: &Talk) -> Result<UpdateMode, String> {
    let standard = if in_ci() {
        UpdateMode::No
    } else {
        UpdateMode::Pending
    };
    match word {
        Some(UpdateWord::Pending) => Ok(UpdateMode::Pending),
        Some(UpdateWord::No) => Ok(UpdateMode::No),
        Some(UpdateWord::New) => Ok(UpdateMode::New),
        Some(UpdateWord::All) => Ok(UpdateMode::All),
        None => match env::var("INSTA_UPDATE").ok().as_deref() {
            None | Some("" | "auto") => Ok(standard),
            Some("no") => Ok(UpdateMode::No),
            Some("new") => Ok(UpdateMode::Pending),
            Some("always" | "force") => Ok(UpdateMode::All),
            Some(other) => {
                talk.detail("INSTA_UPDATE is read because --update is absent");
                Err(format!(
                    "INSTA_UPDATE is `{other}`, expected one of no, auto, new, always, force"
                ))
            }
        },
    }
}

/// Whether this is a build server: `CI` is set to something that is not a no.
pub(super) fn in_ci() -> bool {
    env::var("CI")
        .is_ok_and(|value| !["", "0", "false", "no"].contains(&value.to_ascii_lowercase().as_str()))
}
