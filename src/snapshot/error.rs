//! Why a snapshot folder cannot be used. Every message names the file.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::FormatError;

/// Why a snapshot folder cannot be used.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// The folder is not a folder.
    #[error("open the snapshot folder {}: it is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// The glob cannot be read.
    #[error("read the glob `{glob}`: {reason}")]
    Glob {
        /// The glob.
        glob: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A name is not a case id.
    #[error("use `{}` as a case id: {ID_RULE}", .id.escape_debug())]
    Id {
        /// The name.
        id: String,
    },
    /// A file's name is not a case id.
    #[error("take {} for a snapshot: its name is not a case id: {ID_RULE}", .0.display())]
    FileName(PathBuf),
    /// The system refused.
    #[error("{action} {}: {error}", .path.display())]
    Io {
        /// What was being done: read, write, remove, list, create.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// There is no pending snapshot.
    #[error("find {}: nothing is pending for this case", .0.display())]
    NothingPending(PathBuf),
    /// The caller's check refused the pending snapshot.
    #[error("accept {}: {reason}", .path.display())]
    Refused {
        /// The pending file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file is not a snapshot.
    #[error("read {}: {error}", .path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: FormatError,
    },
    /// The path is a symbolic link: writing would replace the link, or write elsewhere.
    #[error("use {}: it is a symbolic link, expected the file or folder itself", .0.display())]
    Symlink(PathBuf),
}

const ID_RULE: &str =
    "expected lower-case letters, digits, `_` and `.`, without `__` and with no dot at either end";
