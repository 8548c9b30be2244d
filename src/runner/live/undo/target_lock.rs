//! One run at a time at a target.

use std::{
    fs,
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
};

use super::{
    journal::read_state,
    journal_dir::JournalDir,
    state_file::{JournalError, failed, open_private},
    target_place::TargetPlace,
};

/// Held while a run is in progress at a target: a file for each of its addresses, and for its key. The system releases it when the
/// process ends, however it ends.
#[derive(Debug, Default)]
pub struct TargetLock(Vec<(File, PathBuf)>);

impl TargetLock {
    /// Takes the lock of a target; none if another process has it.
    ///
    /// # Errors
    /// A lock file cannot be opened.
    pub fn of_target(
        dir: &JournalDir,
        place: &TargetPlace,
    ) -> Result<Option<TargetLock>, JournalError> {
        let mut lock = TargetLock::default();
        for name in place.names() {
            if !lock.add(dir, &name)? {
                return Ok(None);
            }
        }
        Ok(Some(lock))
    }

    /// Takes the lock of the target that a journal names; none if another process has it.
    ///
    /// # Errors
    /// A lock file cannot be opened.
    pub fn of_journal(journal: &Path) -> Result<Option<TargetLock>, JournalError> {
        let dir = JournalDir::at(journal.parent().unwrap_or(Path::new(".")));
        match read_state(journal) {
            Ok(Some(state)) => TargetLock::of_target(&dir, &state.header.place),
            _ => Ok(Some(TargetLock::default())),
        }
    }

    /// Adds a name to the lock, such as that of the target's key; tells whether no other process has it.
    ///
    /// # Errors
    /// The lock file cannot be opened.
    pub fn add(&mut self, dir: &JournalDir, name: &str) -> Result<bool, JournalError> {
        let path = dir.path().join(format!("{name}.lock"));
        let locking = |error| failed("locking", &path, error);
        loop {
            let mut options = OpenOptions::new();
            options.create(true).truncate(false).write(true);
            let file = open_private(&mut options, &path).map_err(locking)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(false),
                Err(TryLockError::Error(error)) => return Err(locking(error)),
            }
            // Who had it before may have removed the file meanwhile: then others lock another one.
            if is_at(&file, &path) {
                self.0.push((file, path));
                return Ok(true);
            }
        }
    }
}

impl Drop for TargetLock {
    fn drop(&mut self) {
        for (_file, path) in &self.0 {
            drop(fs::remove_file(path));
        }
    }
}

/// Tells whether a path still leads to a file.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let inode = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let (own, other) = (file.metadata().map(inode), fs::metadata(path).map(inode));
        matches!((own, other), (Ok(own), Ok(other)) if own == other)
    }
    #[cfg(not(unix))]
    {
        file.metadata().is_ok() && path.exists()
    }
}
