//! One run at a time at an appliance, and none while a journal speaks of it.

use std::{
    fs,
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
};

use same_file::Handle;

use super::{
    journal::read_state,
    journal_dir::JournalDir,
    state_file::{JournalError, failed},
    target_place::TargetPlace,
};
use crate::{client::Pin, system::open_private};

/// A target that a process has for itself: it holds a lock file for each address, and for the key. The system releases them when the
/// process ends, however it ends.
#[derive(Debug)]
pub struct TargetLock {
    /// The folder of the lock files, and of the journals.
    pub dir: JournalDir,
    /// Where the target is.
    pub place: TargetPlace,
    files: Vec<(File, PathBuf)>,
}

impl TargetLock {
    /// Takes the lock of a target; none if another process has it.
    ///
    /// # Errors
    /// A lock file cannot be opened.
    pub fn take(dir: JournalDir, place: TargetPlace) -> Result<Option<TargetLock>, JournalError> {
        let (names, files) = (place.names(), Vec::new());
        let mut lock = TargetLock { dir, place, files };
        for name in names {
            if !lock.add(&name)? {
                return Ok(None);
            }
        }
        Ok(Some(lock))
    }

    /// Takes the lock of the target that a journal names, and of its public key; none if another process has one of them.
    ///
    /// # Errors
    /// A lock file cannot be opened.
    pub fn of_journal(journal: &Path) -> Result<Option<TargetLock>, JournalError> {
        let state = read_state(journal).ok().flatten();
        let (place, key) = state.map(|state| (state.header.place, state.key)).unzip();
        let dir = JournalDir::of_journal(journal);
        let Some(mut lock) = TargetLock::take(dir, place.unwrap_or_default())? else {
            return Ok(None);
        };
        let is_free = key.flatten().map_or(Ok(true), |key| lock.add_key(&key))?;
        Ok(is_free.then_some(lock))
    }

    /// Takes the lock of the public key as well, by which an appliance with another address is known; tells whether no other process
    /// has it.
    ///
    /// # Errors
    /// The lock file cannot be opened.
    pub fn add_key(&mut self, key: &Pin) -> Result<bool, JournalError> {
        let name = self.place.key_name(key);
        self.add(&name)
    }

    fn add(&mut self, name: &str) -> Result<bool, JournalError> {
        let path = self.dir.0.join(format!("{name}.lock"));
        let locking = failed("locking", &path);
        loop {
            let mut options = OpenOptions::new();
            options.create(true).truncate(false).write(true);
            let file = open_private(&mut options, &path).map_err(&locking)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(false),
                Err(TryLockError::Error(error)) => return Err(locking(error)),
            }
            // Who had it before may have removed the file meanwhile: then others lock another one.
            if is_at(&file, &path) {
                self.files.push((file, path));
                return Ok(true);
            }
        }
    }
}

impl Drop for TargetLock {
    fn drop(&mut self) {
        for (_file, path) in &self.files {
            drop(fs::remove_file(path));
        }
    }
}

/// Returns whether a path still leads to a file.
fn is_at(file: &File, path: &Path) -> bool {
    let own = file.try_clone().and_then(Handle::from_file);
    own.is_ok_and(|own| Handle::from_path(path).is_ok_and(|other| other == own))
}
