//! The write-ahead journal: its line about a request is on the disk before the request is sent. It holds no password.

mod state;

use std::{
    fs,
    fs::{File, OpenOptions},
    io,
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

pub(in crate::runner::live) use state::JournalLine;
pub use state::{JournalHeader, JournalState, JournalUser};

use super::state_file::{JournalError, create_private, failed, sync_folder};
use crate::{
    runner::{PasswordForm, Seed},
    suite::Account,
};

/// A journal that is open.
#[derive(Debug)]
pub struct UndoJournal {
    /// The file.
    pub path: PathBuf,
    file: File,
    /// Where the last whole line ends. Blanks follow it: room for the lines of an undo, also on a full disk.
    end: u64,
    /// What its lines add up to.
    pub state: JournalState,
    /// Why a line that no request waits for could not be written.
    trouble: Option<String>,
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
        let line = JournalLine::Begun(Box::new(header.clone())).text();
        let begin = || {
            // A journal that had been closed may be left.
            if path.exists() && !matches!(UndoJournal::open(&path), Ok(None)) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            // A seed without a journal belongs to a run that had closed it.
            remove(&own_seed(&path))?;
            create_private(&own_seed(&path), &seed.text())?;
            create_private(&path, &(line.clone() + &room()))
        };
        let file = begin().map_err(|error| {
            // Half a journal would forbid the next run.
            drop(remove(&own_seed(&path)).and_then(|()| remove(&path)));
            failed("beginning the journal", &path)(error)
        });
        Ok(UndoJournal {
            file: file?,
            path,
            end: line.len() as u64,
            state: JournalState::new(header),
            trouble: None,
        })
    }

    /// Opens a journal that a run left, with its seed if that can be read. None if it had been closed: what was left of it is
    /// removed.
    ///
    /// # Errors
    /// It cannot be read, or is not a journal.
    #[expect(clippy::disallowed_methods, reason = "a journal is a file")]
    pub fn open(path: &Path) -> Result<Option<(UndoJournal, Option<Seed>)>, JournalError> {
        let reading = failed("reading the journal", path);
        let Some(state) = read_state(path)? else {
            return discard(path).map(|()| None).map_err(reading);
        };
        let cut = || {
            let file = OpenOptions::new().write(true).open(path)?;
            let end = state::whole_lines(&fs::read(path)?).len() as u64;
            file.set_len(end)?;
            Ok((file, end))
        };
        let (file, end) = cut().map_err(reading)?;
        let seed = fs::read_to_string(seed_path(path)).ok();
        let journal = UndoJournal {
            path: path.to_owned(),
            file,
            end,
            state,
            trouble: None,
        };
        Ok(Some((journal, seed.and_then(|text| Seed::read(&text)))))
    }

    /// Returns the names of the users of whom a change may still take effect.
    pub fn doubtful_names(&self) -> Vec<String> {
        let users = &self.state.header.users;
        let doubtful = self.state.doubts.keys().filter_map(|one| users.get(one));
        doubtful.map(|user| user.username.clone()).collect()
    }

    /// Notes that a request is about to be sent that changes a password, and reserves the room for its undo. Both are on the disk
    /// when this returns.
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
        let line = JournalLine::Sending {
            case: case.to_owned(),
            step,
            accounts: accounts.into_iter().collect(),
            passwords: passwords.to_vec(),
        };
        self.write(line, &room())
    }

    /// Notes how generated passwords look from here on. It is on the disk when this returns.
    ///
    /// # Errors
    /// The journal cannot be written: then no such password may be sent.
    pub fn use_form(&mut self, form: PasswordForm) -> Result<(), JournalError> {
        self.write(JournalLine::Form { form }, "")
    }

    /// Adds a line that no request waits for: an undo goes on if it cannot be written.
    pub(in crate::runner::live) fn note(&mut self, line: JournalLine) {
        let copy = line.clone();
        if let Err(error) = self.write(line, "") {
            self.state.add(copy);
            self.trouble.get_or_insert(error.to_string());
        }
    }

    fn write(&mut self, line: JournalLine, room: &str) -> Result<(), JournalError> {
        let text = line.text();
        let (mut file, start) = (&self.file, SeekFrom::Start(self.end));
        let mut write = |text: &str| {
            file.seek(start)?;
            file.write_all(text.as_bytes())?;
            file.sync_data()
        };
        if let Err(error) = write(&(text.clone() + room)) {
            // Back to the last whole line: this one was not written, so its request is not sent.
            drop(write(&" ".repeat(text.len())));
            return Err(failed("writing the journal", &self.path)(error));
        }
        self.end += text.len() as u64;
        self.state.add(line);
        Ok(())
    }

    /// Closes the journal, and removes it and its seed. If a change may still take effect, both are kept for a day under another name.
    /// Returns that name, and what could not be written or removed.
    pub fn close(mut self) -> (Option<PathBuf>, Option<String>) {
        let closed = if self.state.doubts.is_empty() {
            self.note(JournalLine::Closed);
            discard(&self.path).map(|()| None)
        } else {
            keep(&self.path).map(Some)
        };
        let closed = closed.map_err(failed("closing the journal", &self.path));
        let trouble = closed.as_ref().err().map(ToString::to_string);
        (closed.ok().flatten(), self.trouble.or(trouble))
    }
}

/// Reads what the lines of a journal add up to; none if nothing is left to do.
///
/// # Errors
/// It cannot be read, or is not a journal.
#[expect(clippy::disallowed_methods, reason = "a journal is a file")]
pub(super) fn read_state(path: &Path) -> Result<Option<JournalState>, JournalError> {
    let state = fs::read(path).and_then(|bytes| JournalState::read(&bytes));
    state.map_err(failed("reading the journal", path))
}

/// Returns the command that works off a journal.
pub fn recover_command(journal: &Path) -> String {
    let path = journal.display().to_string();
    let quoted = shlex::try_quote(&path).unwrap_or("JOURNAL".into());
    format!("d4iot-double recover {quoted}")
}

/// Removes a journal. The seed goes first: without its journal it would be a secret that nobody knows of.
///
/// # Errors
/// A file cannot be removed.
pub fn discard(path: &Path) -> io::Result<()> {
    remove(&seed_path(path))?;
    remove(path)?;
    sync_folder(path)
}

/// Keeps a journal that is closed, with its seed, under another name. If that is interrupted, the journal is still open, and its seed
/// is found.
fn keep(path: &Path) -> io::Result<PathBuf> {
    let kept = kept_path(path);
    if kept != path {
        unless_missing(fs::rename(seed_path(path), own_seed(&kept)))?;
        fs::rename(path, &kept)?;
        sync_folder(path)?;
    }
    Ok(kept)
}

/// Returns the name under which a journal is kept for a day: one that no journal of an earlier run has.
fn kept_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if is_closed(path) {
        return path.to_owned();
    }
    let kept = |number| path.with_file_name(format!("{CLOSED}{number}-{name}"));
    let mut free = (1_u64..).map(kept).filter(|kept| !kept.exists());
    free.next().unwrap_or_else(|| kept(0))
}

fn remove(path: &Path) -> io::Result<()> {
    unless_missing(fs::remove_file(path))
}

/// Takes a file that is missing for one that is done with.
fn unless_missing(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })
}

/// Returns the seed of a journal. An interrupted `keep` may have renamed it already.
fn seed_path(journal: &Path) -> PathBuf {
    let own = own_seed(journal);
    match own.exists() {
        true => own,
        false => own_seed(&kept_path(journal)),
    }
}

fn own_seed(journal: &Path) -> PathBuf {
    journal.with_extension("seed")
}

/// Room for the lines of an undo.
fn room() -> String {
    " ".repeat(4096)
}

/// Returns whether a journal was closed, and is kept for a day.
pub(super) fn is_closed(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().starts_with(CLOSED)
}

/// What the name of a journal begins with that is kept for a day.
const CLOSED: &str = "closed-";

#[cfg(test)]
mod tests;
