//! The folder of the undo journals: in the user's state folder, outside every project, readable by its owner alone.

use std::{
    env, fs,
    fs::{File, OpenOptions, TryLockError},
    io,
    io::Write,
    path::{Path, PathBuf},
};

use reqwest::Url;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::contract::encoding::hex;

/// The folder of the journals.
#[derive(Clone, Debug)]
pub struct JournalDir(PathBuf);

/// Held while a run is in progress at a target. The system releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct TargetLock {
    _file: File,
}

/// Why a journal cannot be used.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The file is not a journal, a line of it cannot be read, or its seed is missing.
    #[error("{}: {reason}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: InvalidJournal,
    },
    /// The system refused.
    #[error("{action} {}: {error}", .path.display())]
    Io {
        /// What was being done: reading, writing, closing.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// Neither XDG_STATE_HOME nor HOME is set.
    #[error("no folder for the undo journal: set XDG_STATE_HOME or HOME")]
    NoStateFolder,
}

/// A file is not a journal: which line, and what is wrong with it.
#[derive(Clone, Debug, Error)]
#[error("{0}")]
pub struct InvalidJournal(pub(super) String);

impl JournalDir {
    /// Finds the user's folder: `$XDG_STATE_HOME/d4iot-double/journals`, or the same under `~/.local/state`. Creates it if it is missing.
    ///
    /// # Errors
    /// No folder is known, or it cannot be created.
    pub fn find() -> Result<JournalDir, JournalError> {
        let state = state_folder().ok_or(JournalError::NoStateFolder)?;
        let folder = state.join("journals");
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        let created = builder.create(&folder);
        created.map_err(|error| failed("creating", &folder, error))?;
        Ok(JournalDir(folder))
    }

    /// Takes a folder that exists.
    pub fn at(folder: impl Into<PathBuf>) -> JournalDir {
        JournalDir(folder.into())
    }

    /// Returns the folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Returns the path of a target's journal. It is named by host and port, with a digest of the whole address; the scheme does
    /// not matter, as the same appliance is behind both.
    pub fn journal(&self, target: &Url) -> PathBuf {
        let host = target.host_str().unwrap_or_default().to_ascii_lowercase();
        let port = target.port_or_known_default().unwrap_or_default();
        let path = target.path().trim_end_matches('/');
        let digest = hex(&Sha256::digest(format!("{host}:{port}{path}"))[..4]);
        let readable = host.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
        self.0.join(format!("{readable}_{port}-{digest}.journal"))
    }

    /// Returns every journal, in the order of their names.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn journals(&self) -> Result<Vec<PathBuf>, JournalError> {
        let listing = |error| failed("listing", &self.0, error);
        let mut journals = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(listing)? {
            journals.push(entry.map_err(listing)?.path());
        }
        journals.retain(|path| path.extension().is_some_and(|end| end == "journal"));
        journals.sort();
        Ok(journals)
    }
}

impl TargetLock {
    /// Takes the lock that belongs to a journal; none if another process has it.
    ///
    /// # Errors
    /// The lock file cannot be opened.
    pub fn of_journal(journal: &Path) -> Result<Option<TargetLock>, JournalError> {
        let path = journal.with_extension("lock");
        let locking = |error| failed("locking", &path, error);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        let file = open_private(&mut options, &path).map_err(locking)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(TargetLock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(locking(error)),
        }
    }
}

/// Returns the folder of what the program keeps of its runs, which may not exist yet; none if the environment names no absolute path.
pub fn state_folder() -> Option<PathBuf> {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from);
    let absolute = |name: &str| folder(name).filter(|path| path.is_absolute());
    let home = || absolute("HOME").map(|home| home.join(".local/state"));
    let state = absolute("XDG_STATE_HOME").or_else(home)?;
    Some(state.join("d4iot-double"))
}

/// Creates a file that only its owner may read, writes it, and waits until it and its name are on the disk.
pub(super) fn create_private(path: &Path, text: &str) -> io::Result<File> {
    let mut file = open_private(OpenOptions::new().create_new(true).append(true), path)?;
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

/// Makes the error of a system call.
pub(super) fn failed(action: &'static str, path: &Path, error: io::Error) -> JournalError {
    let path = path.to_owned();
    JournalError::Io {
        action,
        path,
        error,
    }
}

fn open_private(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::scheme("https://10.0.0.5:80", "http://10.0.0.5", true)]
    #[case::case("https://Sensor.lab/", "https://sensor.lab", true)]
    #[case::port("https://10.0.0.5", "https://10.0.0.5:8443", false)]
    #[case::tunnel("https://10.0.0.5/10.1.0.7", "https://10.0.0.5", false)]
    fn one_target_has_one_journal(#[case] one: &str, #[case] other: &str, #[case] same: bool) {
        let journal = |url: &str| JournalDir::at("journals").journal(&url.parse().unwrap());
        assert_eq!(journal(one) == journal(other), same);
    }
}
