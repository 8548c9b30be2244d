//! The write-ahead journal: its line about a request is on the disk before the request is sent. It holds no password.

mod state;

use std::{
    collections::BTreeMap,
    fs,
    fs::{File, OpenOptions},
    io,
    io::Write,
    path::{Path, PathBuf},
};

pub(in crate::runner::live) use state::JournalLine;
pub use state::{JournalHeader, JournalState};

use super::journal_dir::{InvalidJournal, JournalError, create_private, failed, sync_folder};
use crate::{runner::Seed, suite::Account};

/// A journal that is open.
#[derive(Debug)]
pub struct UndoJournal {
    path: PathBuf,
    file: File,
    state: JournalState,
}

impl UndoJournal {
    /// Begins a journal, and keeps the seed beside it. Both are on the disk when this returns.
    ///
    /// # Errors
    /// The journal exists already, or cannot be written.
    pub fn begin(
        path: PathBuf,
        header: JournalHeader,
        seed: &Seed,
    ) -> Result<UndoJournal, JournalError> {
        let begin = || {
            if path.exists() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            // A seed without a journal belongs to a run that had closed it.
            remove_seed(&path)?;
            create_private(&seed_path(&path), &seed.text())?;
            create_private(&path, &JournalLine::Begun(Box::new(header.clone())).text())
        };
        let file = begin().map_err(|error| failed("beginning the journal", &path, error))?;
        let state = JournalState::new(header);
        Ok(UndoJournal { path, file, state })
    }

    /// Opens a journal that a run left, with its seed. None if it had been closed: what was left of it is removed.
    ///
    /// # Errors
    /// It cannot be read, or is not a journal.
    #[expect(clippy::disallowed_methods, reason = "a journal is a file")]
    pub fn open(path: &Path) -> Result<Option<(UndoJournal, Seed)>, JournalError> {
        let reading = |error| failed("reading the journal", path, error);
        let wrong = |reason| JournalError::Content {
            path: path.to_owned(),
            reason,
        };
        let bytes = fs::read(path).map_err(reading)?;
        let state = JournalState::read(&bytes).map_err(wrong)?;
        let Some(state) = state else {
            return discard(path).map(|()| None).map_err(reading);
        };
        let file = OpenOptions::new()
            .append(true)
            .open(path)
            .map_err(reading)?;
        let length = state::whole_lines(&bytes).len() as u64;
        file.set_len(length).map_err(reading)?;
        let seed = fs::read_to_string(seed_path(path)).ok();
        let seed = seed.and_then(|text| Seed::read(&text));
        let seed = seed.ok_or_else(|| wrong(InvalidJournal(SEED_MISSING.to_owned())))?;
        let path = path.to_owned();
        Ok(Some((UndoJournal { path, file, state }, seed)))
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the first line.
    pub fn header(&self) -> &JournalHeader {
        &self.state.header
    }

    /// Returns which reading of which path the target serves.
    pub fn served(&self) -> &[(String, String)] {
        &self.state.served
    }

    /// Returns the accounts whose password may be changed now, each with the possible passwords as templates, the latest last.
    pub fn at_risk(&self) -> &BTreeMap<Account, Vec<String>> {
        &self.state.at_risk
    }

    /// Notes that a request is about to be sent. The line is on the disk when this returns.
    ///
    /// # Errors
    /// The journal cannot be written: then the request must not be sent.
    pub fn sending(
        &mut self,
        case: &str,
        step: usize,
        accounts: impl IntoIterator<Item = Account>,
        passwords: &[String],
    ) -> Result<(), JournalError> {
        let (case, passwords) = (case.to_owned(), passwords.to_vec());
        let accounts = accounts.into_iter().collect();
        self.write(JournalLine::Sending {
            case,
            step,
            accounts,
            passwords,
        })
    }

    /// Writes a line. It is on the disk when this returns.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub(in crate::runner::live) fn write(&mut self, line: JournalLine) -> Result<(), JournalError> {
        let written = self.file.write_all(line.text().as_bytes());
        let synced = written.and_then(|()| self.file.sync_all());
        synced.map_err(|error| failed("writing the journal", &self.path, error))?;
        self.state.add(line);
        Ok(())
    }

    /// Closes the journal, and removes it and its seed.
    ///
    /// # Errors
    /// The journal cannot be written or removed.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.write(JournalLine::Closed)?;
        discard(&self.path).map_err(|error| failed("closing the journal", &self.path, error))
    }
}

/// Removes a journal. The seed goes first: without its journal it would be a secret that nobody knows of.
fn discard(path: &Path) -> io::Result<()> {
    remove_seed(path)?;
    fs::remove_file(path)?;
    sync_folder(path)
}

fn remove_seed(journal: &Path) -> io::Result<()> {
    match fs::remove_file(seed_path(journal)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn seed_path(journal: &Path) -> PathBuf {
    journal.with_extension("seed")
}

const SEED_MISSING: &str =
    "the seed beside it is missing, so the generated passwords are not known";

#[cfg(test)]
mod tests;
