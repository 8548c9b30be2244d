//! The write-ahead journal: a line stands on the disk before the request leaves that it speaks of. It has no password.

mod told;

use std::{
    collections::BTreeMap,
    fs,
    fs::{File, OpenOptions},
    io,
    io::Write,
    path::{Path, PathBuf},
};

use told::Line;
pub use told::{Header, Told};

use super::{
    shelf,
    shelf::{Key, Shelf},
};
use crate::{
    conformance::Account,
    contract::{Kind, UnknownName},
    runner::seed::Seed,
};

/// A journal that is open.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    told: Told,
}

impl Journal {
    /// Begins a journal, and keeps the seed beside it. Both are on the disk when this returns.
    ///
    /// # Errors
    /// The system's; that there is a journal already is one.
    pub fn begin(shelf: &Shelf, key: &Key, header: Header, seed: &Seed) -> io::Result<Journal> {
        let path = shelf.journal(key);
        let seed_path = seed_of(&path);
        if path.exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        // A seed whose journal is gone belongs to a run that had closed it.
        match fs::remove_file(&seed_path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        shelf::make(&seed_path, &seed.text())?;
        let file = shelf::make(&path, &line(&Line::Begun(header.clone())))?;
        Ok(Journal {
            path,
            file,
            told: Told {
                header,
                served: Vec::new(),
                at_risk: BTreeMap::new(),
            },
        })
    }

    /// Opens a journal that a run left, with its seed. None where it had been closed: what was left of it is removed.
    ///
    /// # Errors
    /// It cannot be read, or is none; in words.
    #[expect(clippy::disallowed_methods, reason = "a journal is a file")]
    pub fn open(path: &Path) -> Result<Option<(Journal, Seed)>, String> {
        let shown = path.display();
        let reading = |error: io::Error| format!("reading the journal {shown}: {error}");
        let bytes = fs::read(path).map_err(reading)?;
        let Some(told) = Told::read(&bytes).map_err(|error| format!("{shown}: {error}"))? else {
            return discard(path).map(|()| None).map_err(reading);
        };
        let file = OpenOptions::new()
            .append(true)
            .open(path)
            .map_err(reading)?;
        let whole = told::whole(&bytes).len();
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(reading)?;
        }
        let journal = Journal {
            path: path.to_owned(),
            file,
            told,
        };
        let seed = fs::read_to_string(seed_of(path))
            .ok()
            .and_then(|text| Seed::read(&text));
        let seed = seed.ok_or_else(|| {
            format!(
                "the seed beside {shown} is gone, so the passwords the run made up are not known"
            )
        })?;
        Ok(Some((journal, seed)))
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what the journal says first.
    pub fn header(&self) -> &Header {
        &self.told.header
    }

    /// Returns the kind of appliance.
    ///
    /// # Errors
    /// A kind there is not, in words.
    pub fn kind(&self) -> Result<Kind, UnknownName> {
        self.told.header.kind.parse()
    }

    /// Returns which reading of which path the target serves.
    pub fn served(&self) -> &[(String, String)] {
        &self.told.served
    }

    /// Returns whose passwords may be another one now, and which, as templates, the latest last.
    pub fn at_risk(&self) -> &BTreeMap<Account, Vec<String>> {
        &self.told.at_risk
    }

    /// Notes which reading of a path the target serves.
    ///
    /// # Errors
    /// The system's.
    pub fn serves(&mut self, fact: &str, reading: &str) -> io::Result<()> {
        self.write(Line::Served {
            fact: fact.to_owned(),
            reading: reading.to_owned(),
        })
    }

    /// Notes that a request is about to leave. It is on the disk when this returns.
    ///
    /// # Errors
    /// The system's: then the request must not leave.
    pub fn sending(
        &mut self,
        case: &str,
        step: usize,
        accounts: impl IntoIterator<Item = Account>,
        passwords: &[String],
    ) -> io::Result<()> {
        let accounts = accounts
            .into_iter()
            .map(|account| account.name().to_owned())
            .collect();
        self.write(Line::Sending {
            case: case.to_owned(),
            step,
            accounts,
            passwords: passwords.to_vec(),
        })
    }

    /// Notes which password an account was seen to have that could not be given back: it is tried first the next time.
    ///
    /// # Errors
    /// The system's.
    pub fn holds(&mut self, account: Account, password: &str) -> io::Result<()> {
        self.write(Line::Holds {
            account: account.name().to_owned(),
            password: password.to_owned(),
        })
    }

    /// Notes that an account's own password was proven to hold.
    ///
    /// # Errors
    /// The system's.
    pub fn restored(&mut self, account: Account) -> io::Result<()> {
        self.write(Line::Restored {
            account: account.name().to_owned(),
        })
    }

    /// Closes the journal and removes it and its seed.
    ///
    /// # Errors
    /// The system's.
    pub fn close(mut self) -> io::Result<()> {
        self.write(Line::Closed)?;
        discard(&self.path)
    }

    fn write(&mut self, entry: Line) -> io::Result<()> {
        self.file.write_all(line(&entry).as_bytes())?;
        self.file.sync_all()?;
        // An account of ours has a name.
        self.told.take(entry).map_err(io::Error::other)
    }
}

/// The seed goes first: a seed without a journal would be a secret without an owner.
fn discard(path: &Path) -> io::Result<()> {
    match fs::remove_file(seed_of(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::remove_file(path)?;
    shelf::settle(path)
}

fn seed_of(journal: &Path) -> PathBuf {
    journal.with_extension("seed")
}

fn line(line: &Line) -> String {
    let text = serde_json::to_string(line).expect("a line has only strings and numbers");
    format!("{text}\n")
}

#[cfg(test)]
mod tests;
