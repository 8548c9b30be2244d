//! The lines of a journal, and what they add up to. A crash may have cut the file anywhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use crate::{
    client::{Pin, TargetOptions},
    contract::Kind,
    runner::{Credentials, PasswordForm, Seed, live::undo::target_place::TargetPlace},
    suite::Account,
};

/// The first line of a journal: what is needed to restore passwords, except the passwords.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JournalHeader {
    /// The version of the format.
    pub version: u32,
    /// The target's address, as the user gave it.
    pub target: String,
    /// The same as resolved.
    pub place: TargetPlace,
    /// The target's kind.
    pub kind: Kind,
    /// How the target is reached.
    pub client: TargetOptions,
    /// The accounts file.
    pub accounts: PathBuf,
    /// Whose passwords the run may change, and the administrator's name.
    pub users: BTreeMap<Account, JournalUser>,
    /// How the generated passwords look at first.
    pub form: PasswordForm,
}

/// An account of the run: `recover` touches no other user, and sets no other password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalUser {
    /// The user name.
    pub username: String,
    /// A keyed hash of the account's own password, by the run's seed.
    pub password: String,
}

/// A line of a journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::runner::live) enum JournalLine {
    /// The first line.
    Begun(Box<JournalHeader>),
    /// The public key that the target showed.
    Key { key: Pin },
    /// The reading of a path that the target serves.
    Served { fact: String, reading: String },
    /// Generated passwords look so from here on.
    Form { form: PasswordForm },
    /// A request is about to be sent that may change the passwords of these accounts to one of these.
    Sending {
        case: String,
        step: usize,
        accounts: Vec<Account>,
        passwords: Vec<String>,
    },
    /// An answer was lost, or contradicts a validation: the change may still take effect.
    Doubt { account: Account },
    /// A validation accepted this password of an account; it could not be restored.
    Holds { account: Account, password: String },
    /// A validation accepted an account's own password.
    Restored { account: Account },
    /// Nothing is left to do.
    Closed,
}

/// What the lines of a journal add up to.
#[derive(Clone, Debug)]
pub struct JournalState {
    /// The first line.
    pub header: JournalHeader,
    /// Which reading of which path the target serves.
    pub served: Vec<(String, String)>,
    /// The accounts whose password may be changed now, each with the possible passwords as templates, the latest last.
    pub at_risk: BTreeMap<Account, Vec<String>>,
    /// The accounts of which a change may still take effect, with its passwords: a closed journal is kept for them.
    pub doubts: BTreeMap<Account, Vec<String>>,
    /// The public key that the target showed.
    pub key: Option<Pin>,
    /// How the generated passwords look.
    pub form: PasswordForm,
}

impl JournalHeader {
    /// The version of the format.
    pub const VERSION: u32 = 3;
}

impl JournalUser {
    /// Keeps an account.
    pub fn of(credentials: &Credentials, seed: &Seed) -> JournalUser {
        JournalUser {
            username: credentials.username.clone(),
            password: seed.keyed_hash(credentials.password.expose()),
        }
    }
}

impl JournalLine {
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).expect("a line has only strings and numbers") + "\n"
    }
}

impl JournalState {
    pub(super) fn new(header: JournalHeader) -> JournalState {
        JournalState {
            form: header.form.clone(),
            header,
            served: Vec::new(),
            at_risk: BTreeMap::new(),
            doubts: BTreeMap::new(),
            key: None,
        }
    }

    /// Returns the accounts that `recover` looks at.
    pub fn open_accounts(&self) -> BTreeSet<Account> {
        let accounts = self.at_risk.keys().chain(self.doubts.keys());
        accounts.copied().collect()
    }

    /// Reads a journal. None if no request was sent, or if nothing is left to do.
    ///
    /// # Errors
    /// The text is not a journal.
    pub fn read(bytes: &[u8]) -> io::Result<Option<JournalState>> {
        let wrong = |text: String| io::Error::new(io::ErrorKind::InvalidData, text);
        let lines = whole_lines(bytes).split_inclusive(|byte| *byte == b'\n');
        let mut lines = (1..).zip(lines);
        let first = lines.next().map(|(_, line)| serde_json::from_slice(line));
        let header = match first {
            Some(Ok(JournalLine::Begun(header))) if header.version == JournalHeader::VERSION => {
                header
            }
            // The first request is sent only after the whole first line is on the disk.
            // Another file that has no line is not taken for a journal.
            None if BEGINNING.starts_with(bytes) || bytes.starts_with(BEGINNING) => {
                return Ok(None);
            }
            _ => return Err(wrong("it is not a journal of this version".to_owned())),
        };
        let (mut state, mut closed) = (JournalState::new(*header), false);
        for (number, line) in lines {
            let wrong = |reason: &str| wrong(format!("line {number}: {reason}"));
            if closed {
                return Err(wrong("it follows the end"));
            }
            let line = serde_json::from_slice(line).map_err(|error| wrong(&error.to_string()))?;
            closed = matches!(line, JournalLine::Closed);
            state.add(line);
        }
        Ok((!closed).then_some(state))
    }

    /// Adds a line.
    pub(super) fn add(&mut self, line: JournalLine) {
        let (accounts, passwords) = match line {
            JournalLine::Begun(_) | JournalLine::Closed => return,
            JournalLine::Key { key } => return self.key = Some(key),
            JournalLine::Form { form } => return self.form = form,
            JournalLine::Served { fact, reading } => return self.served.push((fact, reading)),
            JournalLine::Doubt { account } => {
                let passwords = self.at_risk.get(&account).cloned();
                let doubts = self.doubts.entry(account).or_default();
                return doubts.extend(passwords.unwrap_or_default());
            }
            JournalLine::Restored { account } => return drop(self.at_risk.remove(&account)),
            JournalLine::Holds { account, password } => (vec![account], vec![password]),
            JournalLine::Sending {
                accounts,
                passwords,
                ..
            } => (accounts, passwords),
        };
        for account in accounts {
            let templates = self.at_risk.entry(account).or_default();
            templates.retain(|template| !passwords.contains(template));
            templates.extend_from_slice(&passwords);
        }
    }
}

/// Returns the whole lines. A crash may have cut the last one, perhaps within a character; its request was never sent.
pub(super) fn whole_lines(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte == b'\n');
    &bytes[..end.map_or(0, |end| end + 1)]
}

/// Every journal begins with this.
const BEGINNING: &[u8] = br#"{"begun":{"#;
