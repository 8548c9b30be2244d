//! Which snapshots a run is held against, and what it may write.

use std::{env, path::Path};

use clap::ValueEnum;

use crate::{
    cli::talk::Talk,
    contract::Kind,
    runner::{
        Memory,
        memory::{Owner, Update},
    },
    snapshot::SnapshotFolder,
};

/// What `--update` says may be written.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum UpdateWord {
    Pending,
    No,
    New,
    All,
}

/// Which snapshots a mock is held against: a folder that was named, the project's own for the unchanged built-in mock, the copy in the binary, or none.
pub(super) fn memory(
    named: Option<&Path>,
    kind: Kind,
    several: bool,
    unchanged: bool,
    update: Update,
) -> Result<Memory, String> {
    let own = Path::new("snapshots").join(kind.name());
    let folder = match named {
        Some(folder) if several || folder.join(kind.name()).is_dir() => folder.join(kind.name()),
        Some(folder) => folder.to_owned(),
        None if unchanged && own.is_dir() => own,
        None if unchanged => return Ok(Memory::BuiltIn(kind)),
        None => return Ok(Memory::Nothing),
    };
    let opened = if update == Update::No {
        SnapshotFolder::open(&folder)
    } else {
        SnapshotFolder::create(&folder)
    };
    let owner = if unchanged {
        Owner::Tests
    } else {
        Owner::Target
    };
    opened
        .map(|folder| Memory::Folder(folder, update, owner))
        .map_err(|error| error.to_string())
}

/// What may be written: the option, else INSTA_UPDATE, else nothing in CI and pending files elsewhere.
pub(super) fn update(word: Option<UpdateWord>, talk: &Talk) -> Result<Update, String> {
    let standard = if in_ci() { Update::No } else { Update::Pending };
    match word {
        Some(UpdateWord::Pending) => Ok(Update::Pending),
        Some(UpdateWord::No) => Ok(Update::No),
        Some(UpdateWord::New) => Ok(Update::New),
        Some(UpdateWord::All) => Ok(Update::All),
        None => match env::var("INSTA_UPDATE").ok().as_deref() {
            None | Some("" | "auto") => Ok(standard),
            Some("no") => Ok(Update::No),
            Some("new") => Ok(Update::Pending),
            Some("always" | "force") => Ok(Update::All),
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
