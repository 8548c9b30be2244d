//! The baseline shelf: a folder of accepted snapshots, `<case id>.snap`, and of pending ones beside them, `<case id>.snap.new`.
//!
//! A file is always replaced whole (temporary file, then rename), so that a reader never meets half a snapshot.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{Snapshot, SnapshotError};
use crate::{contract::Glob, snapshot, snapshot::write_file::write_file};

/// A folder of snapshots, such as `snapshots/sensor`.
#[derive(Clone, Debug)]
pub struct SnapshotFolder {
    folder: PathBuf,
}

/// A snapshot that waits to be accepted or rejected.
#[derive(Clone, Debug)]
pub struct PendingSnapshot {
    /// The case it is of.
    pub id: String,
    /// The accepted snapshot; none for a case that is new.
    pub old: Option<Snapshot>,
    /// The pending one.
    pub new: Snapshot,
    /// The lines of the bodies that differ; empty where only the headers do.
    pub diff: String,
}

impl SnapshotFolder {
    /// Opens a folder that exists.
    ///
    /// # Errors
    /// Where it is missing, a symbolic link, or no folder.
    pub fn open(folder: impl Into<PathBuf>) -> Result<SnapshotFolder, SnapshotError> {
        // Without a slash at the end, which would follow a link.
        let folder: PathBuf = folder.into().components().collect();
        let kind = fs::symlink_metadata(&folder)
            .map_err(|error| io_error("open the snapshot folder", &folder, error))?
            .file_type();
        match kind {
            _ if kind.is_symlink() => Err(SnapshotError::Symlink(folder)),
            _ if !kind.is_dir() => Err(SnapshotError::NotAFolder(folder)),
            _ => Ok(SnapshotFolder { folder }),
        }
    }

    /// Opens a folder, after making it and those above it where they are missing.
    ///
    /// # Errors
    /// As [`SnapshotFolder::open`], and where it cannot be made.
    pub fn create(folder: impl Into<PathBuf>) -> Result<SnapshotFolder, SnapshotError> {
        let folder: PathBuf = folder.into().components().collect();
        // A link is left for `open` to refuse: making the folder would follow it.
        if fs::symlink_metadata(&folder).is_err() {
            fs::create_dir_all(&folder)
                .map_err(|error| io_error("create the snapshot folder", &folder, error))?;
        }
        SnapshotFolder::open(folder)
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the accepted snapshot of a case, or none where it has none.
    ///
    /// # Errors
    /// Where the id is none, or the file cannot be read or is no snapshot.
    pub fn read(&self, id: &str) -> Result<Option<Snapshot>, SnapshotError> {
        read(&self.accepted(id)?)
    }

    /// Writes the accepted snapshot of a case: the whole file, as [`snapshot::file`] gives it.
    ///
    /// # Errors
    /// Where the id is none, or the file cannot be written.
    pub fn write(&self, id: &str, text: &str) -> Result<(), SnapshotError> {
        self.replace(&self.accepted(id)?, text)
    }

    /// Writes the pending snapshot of a case, replacing an earlier one.
    ///
    /// # Errors
    /// Where the id is none, or the file cannot be written.
    pub fn write_pending(&self, id: &str, text: &str) -> Result<(), SnapshotError> {
        self.replace(&self.waiting(id)?, text)
    }

    /// Removes the pending snapshot of a case, if there is one. Tells whether there was.
    ///
    /// # Errors
    /// Where the id is none, or the file cannot be removed.
    pub fn drop_pending(&self, id: &str) -> Result<bool, SnapshotError> {
        let path = self.waiting(id)?;
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(io_error("remove", &path, error)),
        }
    }

    /// Returns the pending snapshots whose ids a glob means, in the order of the ids.
    ///
    /// # Errors
    /// Where the glob or a file cannot be read, or a file is no snapshot.
    pub fn pending(&self, glob: &str) -> Result<Vec<PendingSnapshot>, SnapshotError> {
        let matcher = Glob::new(glob).map_err(|reason| SnapshotError::Glob {
            glob: glob.to_owned(),
            reason: reason.to_owned(),
        })?;
        let ids = self.list(PENDING)?;
        // One that vanishes between the listing and the reading was accepted or rejected by somebody else.
        ids.into_iter()
            .filter(|id| matcher.is_match(id))
            .filter_map(|id| self.one_pending(id).transpose())
            .collect()
    }

    /// Accepts the pending snapshot of a case, in insta's sense: its bytes become the accepted file's, less the `assertion_line` that insta's macro adds.
    /// The check has the last word before anything is changed.
    ///
    /// # Errors
    /// Where nothing is pending, the pending file is no snapshot, the check refuses, or a file cannot be written.
    pub fn accept(
        &self,
        id: &str,
        check: impl Fn(&Snapshot) -> Result<(), String>,
    ) -> Result<(), SnapshotError> {
        let (from, to) = (self.waiting(id)?, self.accepted(id)?);
        let Some(new) = read(&from)? else {
            return Err(SnapshotError::NothingPending(from));
        };
        check(&new).map_err(|reason| SnapshotError::Refused { path: from, reason })?;
        self.replace(&to, &new.text())?;
        self.drop_pending(id).map(|_| ())
    }

    /// Rejects the pending snapshot of a case: it is removed, the accepted one stays.
    ///
    /// # Errors
    /// Where nothing is pending, or the file cannot be removed.
    pub fn reject(&self, id: &str) -> Result<(), SnapshotError> {
        if self.drop_pending(id)? {
            Ok(())
        } else {
            Err(SnapshotError::NothingPending(self.waiting(id)?))
        }
    }

    /// Returns the ids of all accepted snapshots, in order.
    ///
    /// # Errors
    /// Where the folder cannot be listed, or a snapshot's name is no case id.
    pub fn ids(&self) -> Result<Vec<String>, SnapshotError> {
        self.list(ACCEPTED)
    }

    fn one_pending(&self, id: String) -> Result<Option<PendingSnapshot>, SnapshotError> {
        let Some(new) = read(&self.waiting(&id)?)? else {
            return Ok(None);
        };
        let old = self.read(&id)?;
        let diff = snapshot::diff(old.as_ref().map_or("", |old| &old.body), &new.body);
        Ok(Some(PendingSnapshot { id, old, new, diff }))
    }

    fn accepted(&self, id: &str) -> Result<PathBuf, SnapshotError> {
        self.path(id, ACCEPTED)
    }

    fn waiting(&self, id: &str) -> Result<PathBuf, SnapshotError> {
        self.path(id, PENDING)
    }

    fn path(&self, id: &str, ending: &str) -> Result<PathBuf, SnapshotError> {
        if is_id(id) {
            Ok(self.folder.join(format!("{id}{ending}")))
        } else {
            Err(SnapshotError::Id { id: id.to_owned() })
        }
    }

    fn list(&self, ending: &str) -> Result<Vec<String>, SnapshotError> {
        let fail = |error| io_error("list the snapshot folder", &self.folder, error);
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // Hidden files are the system's, or our own temporary ones.
            let Some(id) = name.strip_suffix(ending).filter(|_| !name.starts_with('.')) else {
                continue;
            };
            if !is_id(id) {
                return Err(SnapshotError::FileName(path));
            }
            ids.push(id.to_owned());
        }
        ids.sort();
        Ok(ids)
    }

    fn replace(&self, path: &Path, text: &str) -> Result<(), SnapshotError> {
        refuse_link(path)?;
        write_file(path, text.as_bytes())
            .map(|_| ())
            .map_err(|error| io_error("write", path, error))
    }
}

/// Tells whether a name can be a case's: `[a-z0-9_.]+` without `__`, which insta reads as a module separator, and no dot at an end, which would hide the file.
pub fn is_id(id: &str) -> bool {
    let of_its_letters = id
        .bytes()
        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.'));
    of_its_letters
        && !id.is_empty()
        && !id.contains("__")
        && !id.starts_with('.')
        && !id.ends_with('.')
}

#[expect(
    clippy::disallowed_methods,
    reason = "the shelf is where snapshots meet files"
)]
fn read(path: &Path) -> Result<Option<Snapshot>, SnapshotError> {
    refuse_link(path)?;
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("read", path, error)),
    };
    snapshot::parse(&text)
        .map(Some)
        .map_err(|error| SnapshotError::Format {
            path: path.to_owned(),
            error,
        })
}

fn refuse_link(path: &Path) -> Result<(), SnapshotError> {
    if path.is_symlink() {
        Err(SnapshotError::Symlink(path.to_owned()))
    } else {
        Ok(())
    }
}

fn io_error(action: &'static str, path: &Path, error: io::Error) -> SnapshotError {
    SnapshotError::Io {
        action,
        path: path.to_owned(),
        error,
    }
}

/// The ending of an accepted snapshot's file.
const ACCEPTED: &str = ".snap";

/// The ending of a pending snapshot's file.
const PENDING: &str = ".snap.new";
