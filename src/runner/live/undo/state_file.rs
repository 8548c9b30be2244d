//! Files in the user's state folder, and why one cannot be used.

use std::{
    env,
    fs::{File, OpenOptions},
    io,
    io::Write,
    path::{Path, PathBuf},
};

use thiserror::Error;

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
    /// Neither XDG_STATE_HOME nor HOME is set.
    #[error("no folder for the undo journal: set XDG_STATE_HOME or HOME")]
    NoStateFolder,
}

/// Returns the folder of what the program keeps of its runs, which may not exist yet; none if the environment names no absolute path.
pub(super) fn state_folder() -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from);
    let absolute = |name: &str| folder(name).filter(|path| path.is_absolute());
    let home = || absolute("HOME").map(|home| home.join(".local/state"));
    let state = absolute("XDG_STATE_HOME").or_else(home)?;
    Some(state.join("d4iot-double"))
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
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
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

/// Opens a file that only its owner may read if it is created.
pub(in crate::runner::live) fn open_private(
    options: &mut OpenOptions,
    path: &Path,
) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}
