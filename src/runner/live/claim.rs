//! One run at a time at an appliance, and none while a journal speaks of it.

use std::path::{Path, PathBuf};

use super::{
    error::LiveError,
    undo::{JournalDir, TargetLock, TargetPlace},
};
use crate::client::Pin;

/// A target that this run has for itself.
#[derive(Debug)]
pub(super) struct ClaimedTarget {
    dir: JournalDir,
    place: TargetPlace,
    /// The target's address, for messages.
    address: String,
    lock: TargetLock,
}

impl ClaimedTarget {
    /// Takes the lock of a target, unless an open journal speaks of it.
    pub(super) fn take(
        dir: JournalDir,
        place: TargetPlace,
        address: String,
    ) -> Result<ClaimedTarget, LiveError> {
        let Some(lock) = TargetLock::of_target(&dir, &place)? else {
            return Err(LiveError::RunInProgress(address));
        };
        let claim = ClaimedTarget {
            dir,
            place,
            address,
            lock,
        };
        claim.refuse_open_journal(None, None)?;
        Ok(claim)
    }

    /// Takes the lock of the public key as well, by which an appliance with another address is known.
    pub(super) fn add_key(&mut self, key: &Pin, own: Option<&Path>) -> Result<(), LiveError> {
        if !self.lock.add(&self.dir, &self.place.key_name(key))? {
            return Err(LiveError::RunInProgress(self.address.clone()));
        }
        self.refuse_open_journal(Some(key), own)
    }

    /// Returns the file that remembers the failed sign-ins at this target.
    pub(super) fn failures(&self) -> PathBuf {
        self.dir.failures(&self.place)
    }

    fn refuse_open_journal(&self, key: Option<&Pin>, own: Option<&Path>) -> Result<(), LiveError> {
        let address = self.address.clone();
        match self.dir.open_journal(&self.place, key, own)? {
            Some(journal) => Err(LiveError::OpenJournal { address, journal }),
            None => Ok(()),
        }
    }
}
