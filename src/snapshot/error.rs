//! What can go wrong at the shelf: every message names the file.

use std::{fmt, io, path::PathBuf};

/// Why the shelf could not do something, and with which file.
#[derive(Debug)]
pub enum SnapshotError {
    /// The glob cannot be read.
    Glob {
        /// What was asked for.
        glob: String,
        /// What is wrong with it.
        wrong: String,
    },
    /// A name that no case has.
    Id {
        /// The name.
        id: String,
        /// The file that bears it, where one does.
        path: Option<PathBuf>,
    },
    /// The system refused.
    Io {
        /// What was being done: read, write, remove, list, create.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The folder is none.
    NotAFolder(PathBuf),
    /// No pending snapshot stands there.
    NothingPending(PathBuf),
    /// The caller's check said no.
    Refused {
        /// The pending file.
        path: PathBuf,
        /// Why, in words.
        because: String,
    },
    /// The file is no snapshot of ours.
    Snapshot {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: super::FormatError,
    },
    /// A symbolic link where the file or folder itself is expected: what is written would replace the link, or land elsewhere.
    Symlink(PathBuf),
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotError::Glob { glob, wrong } => write!(out, "read the glob `{glob}`: {wrong}"),
            SnapshotError::Id { id, path: None } => {
                write!(out, "use `{}` as a case id: {ID_RULE}", id.escape_debug())
            }
            SnapshotError::Id {
                path: Some(path), ..
            } => write!(
                out,
                "take {} for a snapshot: its name is no case id: {ID_RULE}",
                path.display()
            ),
            SnapshotError::Io { doing, path, error } => {
                write!(out, "{doing} {}: {error}", path.display())
            }
            SnapshotError::NotAFolder(path) => write!(
                out,
                "open the snapshot folder {}: it is not a folder",
                path.display()
            ),
            SnapshotError::NothingPending(path) => write!(
                out,
                "find {}: nothing is pending for this case",
                path.display()
            ),
            SnapshotError::Refused { path, because } => {
                write!(out, "accept {}: {because}", path.display())
            }
            SnapshotError::Snapshot { path, error } => {
                write!(out, "read {}: {error}", path.display())
            }
            SnapshotError::Symlink(path) => write!(
                out,
                "use {}: it is a symbolic link, expected the file or folder itself",
                path.display()
            ),
        }
    }
}

impl std::error::Error for SnapshotError {}

/// What a case id is, in words.
const ID_RULE: &str =
    "expected lower-case letters, digits, `_` and `.`, without `__` and with no dot at either end";
