//! A folder of accepted snapshots, `<case id>.snap`, and of pending ones next to them, `<case id>.snap.new`.
//!
//! A file is always replaced whole (temporary file, then rename), so that a reader never meets half a snapshot.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::Snapshot;
use crate::{snapshot, snapshot::write_file::write_file};

/// A folder of snapshots, such as `snapshots/sensor`.
#[derive(Clone, Debug)]
pub struct SnapshotFolder(PathBuf);

/// A snapshot that waits to be accepted or rejected.
#[derive(Clone, Debug)]
pub struct PendingSnapshot {
    /// The id of its case.
    pub id: String,
    /// The accepted snapshot; none for a case that is new.
    pub old: Option<Snapshot>,
    /// The pending one.
    pub new: Snapshot,
    /// The lines of the bodies that differ; empty where only the headers do.
    pub diff: String,
}

/// Why a snapshot or its folder cannot be used: what was being done, the file, and the reason.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{action} {subject}: {reason}")]
pub struct SnapshotError {
    action: &'static str,
    subject: String,
    reason: String,
}

impl SnapshotError {
    fn new(action: &'static str, path: &Path, reason: impl fmt::Display) -> SnapshotError {
        let (subject, reason) = (path.display().to_string(), reason.to_string());
        SnapshotError {
            action,
            subject,
            reason,
        }
    }
}

impl SnapshotFolder {
    /// Opens a folder that exists.
    ///
    /// # Errors
    /// It is missing, a symbolic link, or not a folder.
    pub fn open(folder: impl Into<PathBuf>) -> Result<SnapshotFolder, SnapshotError> {
        // Without a slash at the end, which would follow a link.
        let folder: PathBuf = folder.into().components().collect();
        let wrong = |reason: &dyn fmt::Display| {
            SnapshotError::new("open the snapshot folder", &folder, reason)
        };
        let metadata = fs::symlink_metadata(&folder).map_err(|error| wrong(&error))?;
        refuse_link(&folder)?;
        if !metadata.is_dir() {
            return Err(wrong(&"it is not a folder"));
        }
        Ok(SnapshotFolder(folder))
    }

    /// Opens a folder, after making it and those above it where they are missing.
    ///
    /// # Errors
    /// As [`SnapshotFolder::open`], and where it cannot be made.
    pub fn create(folder: impl Into<PathBuf>) -> Result<SnapshotFolder, SnapshotError> {
        let folder: PathBuf = folder.into().components().collect();
        // `open` refuses a link: making the folder would follow it.
        if fs::symlink_metadata(&folder).is_err() {
            fs::create_dir_all(&folder).map_err(|error| {
                SnapshotError::new("create the snapshot folder", &folder, error)
            })?;
        }
        SnapshotFolder::open(folder)
    }

    /// Returns the folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Returns the accepted snapshot of a case, or none where it has none.
    ///
    /// # Errors
    /// The id is not one, or the file cannot be read or is not a snapshot.
    pub fn read(&self, id: &str) -> Result<Option<Snapshot>, SnapshotError> {
        read(&self.path(id, ACCEPTED)?)
    }

    /// Writes the accepted snapshot of a case: the whole file, as [`snapshot::file`] gives it.
    ///
    /// # Errors
    /// The id is not one, or the file cannot be written.
    pub fn write(&self, id: &str, text: &str) -> Result<(), SnapshotError> {
        replace(&self.path(id, ACCEPTED)?, text)
    }

    /// Writes the pending snapshot of a case, replacing an earlier one.
    ///
    /// # Errors
    /// The id is not one, or the file cannot be written.
    pub fn write_pending(&self, id: &str, text: &str) -> Result<(), SnapshotError> {
        replace(&self.path(id, PENDING)?, text)
    }

    /// Removes the pending snapshot of a case, if there is one. Returns whether there was.
    ///
    /// # Errors
    /// The id is not one, or the file cannot be removed.
    pub fn drop_pending(&self, id: &str) -> Result<bool, SnapshotError> {
        let path = self.path(id, PENDING)?;
        // On a read-only file system removing fails even where there is nothing to remove.
        if fs::symlink_metadata(&path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Ok(false);
        }
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(SnapshotError::new("remove", &path, error)),
        }
    }

    /// Returns the pending snapshots, in the order of the ids.
    ///
    /// # Errors
    /// A file cannot be read, or is not a snapshot.
    pub fn pending(&self) -> Result<Vec<PendingSnapshot>, SnapshotError> {
        let mut pending = Vec::new();
        for id in self.list(PENDING)? {
            // One that vanishes after the listing was accepted or rejected by somebody else.
            let Some(new) = read(&self.path(&id, PENDING)?)? else {
                continue;
            };
            let old = self.read(&id)?;
            let diff = snapshot::diff(old.as_ref().map_or("", |old| &old.body), &new.body);
            pending.push(PendingSnapshot { id, old, new, diff });
        }
        Ok(pending)
    }

    /// Accepts the pending snapshot of a case, in insta's sense: its bytes become the accepted file's, less the `assertion_line` that
    /// insta's macro adds.
    ///
    /// # Errors
    /// Nothing is pending, the pending file is not a snapshot, or a file cannot be written.
    pub fn accept(&self, id: &str) -> Result<(), SnapshotError> {
        let pending = self.path(id, PENDING)?;
        let mut new = read(&pending)?.ok_or_else(|| nothing_pending(&pending))?;
        // Only what changed is to differ: the line that names a test stays.
        let source = self.read(id)?.and_then(|old| old.header.source);
        new.header.source = new.header.source.or(source);
        self.write(id, &new.text())?;
        self.drop_pending(id).map(drop)
    }

    /// Rejects the pending snapshot of a case: it is removed, the accepted one stays.
    ///
    /// # Errors
    /// Nothing is pending, or the file cannot be removed.
    pub fn reject(&self, id: &str) -> Result<(), SnapshotError> {
        if self.drop_pending(id)? {
            return Ok(());
        }
        Err(nothing_pending(&self.path(id, PENDING)?))
    }

    /// Returns the ids of all accepted snapshots, in order.
    ///
    /// # Errors
    /// The folder cannot be listed, or a snapshot's name is not a case id.
    pub fn ids(&self) -> Result<Vec<String>, SnapshotError> {
        self.list(ACCEPTED)
    }

    fn path(&self, id: &str, ending: &str) -> Result<PathBuf, SnapshotError> {
        if is_id(id) {
            return Ok(self.0.join(format!("{id}{ending}")));
        }
        let subject = format!("`{}` as a case id", id.escape_debug());
        Err(SnapshotError::new("use", Path::new(&subject), ID_RULE))
    }

    fn list(&self, ending: &str) -> Result<Vec<String>, SnapshotError> {
        let fail = |error| SnapshotError::new("list the snapshot folder", &self.0, error);
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // Hidden files are the system's, or our own temporary ones.
            let Some(id) = name.strip_suffix(ending).filter(|_| !name.starts_with('.')) else {
                continue;
            };
            if !is_id(id) {
                let reason = format!("its name is not a case id: {ID_RULE}");
                return Err(SnapshotError::new("use the snapshot", &path, reason));
            }
            ids.push(id.to_owned());
        }
        ids.sort();
        Ok(ids)
    }
}

/// Returns whether a name can be a case's: `[a-z0-9_.]+` without `__`, which insta reads as a module separator, and no dot at an end,
/// which would hide the file.
pub fn is_id(id: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.');
    let is_wrong = id.is_empty() || id.contains("__") || id.starts_with('.') || id.ends_with('.');
    !is_wrong && id.bytes().all(is_allowed)
}

#[expect(clippy::disallowed_methods, reason = "a snapshot is a file")]
fn read(path: &Path) -> Result<Option<Snapshot>, SnapshotError> {
    refuse_link(path)?;
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|error| SnapshotError::new("read", path, error))?,
    };
    let read = snapshot::parse(&text);
    read.map(Some)
        .map_err(|error| SnapshotError::new("read", path, error))
}

fn replace(path: &Path, text: &str) -> Result<(), SnapshotError> {
    refuse_link(path)?;
    let written = write_file(path, text.as_bytes());
    written
        .map(drop)
        .map_err(|error| SnapshotError::new("write", path, error))
}

/// Writing would replace a link, or write elsewhere.
fn refuse_link(path: &Path) -> Result<(), SnapshotError> {
    if !path.is_symlink() {
        return Ok(());
    }
    let reason = "it is a symbolic link, expected the file or folder itself";
    Err(SnapshotError::new("use", path, reason))
}

fn nothing_pending(path: &Path) -> SnapshotError {
    SnapshotError::new("find", path, "nothing is pending for this case")
}

/// The ending of an accepted snapshot's file.
const ACCEPTED: &str = ".snap";
/// The ending of a pending snapshot's file.
const PENDING: &str = ".snap.new";
const ID_RULE: &str =
    "expected lower-case letters, digits, `_` and `.`, without `__` and with no dot at either end";
