//! Files in the user's state folder, and why one cannot be used.

use std::{
    env,
    fs::{File, OpenOptions},
    io,
    io::Write,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::system::{self, STATE_FOLDERS, open_private};

/// Why a journal cannot be used.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The system refused, or the file is not a journal.
    #[error("{action} {}: {error}", .path.display())]
    Io {
        /// What was being done: reading, writing, closing.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// No variable names the user's folder.
    #[error("no folder for the undo journal: set {} or {}", STATE_FOLDERS[0].0, STATE_FOLDERS[1].0)]
    NoStateFolder,
}

/// Returns the folder of what the program keeps of its runs, which may not exist yet; none if the environment names no absolute path.
pub(super) fn state_folder() -> Option<PathBuf> {
    let mut states = STATE_FOLDERS.iter().filter_map(|(name, below)| {
        let path = env::var_os(name).map(PathBuf::from);
        Some(path.filter(|path| path.is_absolute())?.join(below))
    });
    Some(states.next()?.join("d4iot-double"))
}

/// Creates a file that only its owner may read, writes it, and waits until it and its name are on the disk.
pub(super) fn create_private(path: &Path, text: &str) -> io::Result<File> {
    let mut file = open_private(OpenOptions::new().create_new(true).write(true), path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    sync_folder(path)?;
    Ok(file)
}

/// Waits until the names in a file's folder are on the disk.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), system::sync_folder)
}

/// Returns what makes a journal's error of a system's.
pub(super) fn failed(
    action: &'static str,
    path: &Path,
) -> impl Fn(io::Error) -> JournalError + use<> {
    let path = path.to_owned();
    move |error| JournalError::Io {
        action,
        path: path.clone(),
        error,
    }
}
