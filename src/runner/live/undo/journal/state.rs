//! The lines of a journal, and what they add up to. A crash may have cut the file anywhere.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    client::TargetOptions, contract::Kind, runner::live::undo::journal_dir::InvalidJournal,
    suite::Account,
};

/// The first line of a journal: what is needed to restore passwords, except the passwords.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JournalHeader {
    /// The version of the format.
    pub version: u32,
    /// The target's address.
    pub target: String,
    /// The target's kind.
    pub kind: Kind,
    /// How the target is reached.
    pub client: TargetOptions,
    /// The accounts file.
    pub accounts: PathBuf,
    /// The environment variables that the accounts file names.
    pub environment: Vec<String>,
}

/// A line of a journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::runner::live) enum JournalLine {
    /// The first line.
    Begun(Box<JournalHeader>),
    /// The reading of a path that the target serves.
    Served { fact: String, reading: String },
    /// A request is about to be sent that may change the passwords of these accounts to one of these.
    Sending {
        case: String,
        step: usize,
        accounts: Vec<Account>,
        passwords: Vec<String>,
    },
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
}

impl JournalHeader {
    /// The version of the format.
    pub const VERSION: u32 = 1;
}

impl JournalLine {
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).expect("a line has only strings and numbers") + "\n"
    }
}

impl JournalState {
    pub(super) fn new(header: JournalHeader) -> JournalState {
        let (served, at_risk) = Default::default();
        JournalState {
            header,
            served,
            at_risk,
        }
    }

    /// Reads a journal. None if no request was sent, or if nothing is left to do.
    ///
    /// # Errors
    /// The text is not a journal.
    pub fn read(bytes: &[u8]) -> Result<Option<JournalState>, InvalidJournal> {
        let lines = whole_lines(bytes).split_inclusive(|byte| *byte == b'\n');
        let mut lines = (1..).zip(lines);
        let first = lines.next().map(|(_, line)| serde_json::from_slice(line));
        let header = match first {
            Some(Ok(JournalLine::Begun(header))) => Some(*header),
            // The first request is sent only after the whole first line is on the disk.
            // Another file that has no line is not taken for a journal.
            None if BEGINNING.starts_with(bytes) || bytes.starts_with(BEGINNING) => {
                return Ok(None);
            }
            _ => None,
        };
        let header = header.filter(|header| header.version == JournalHeader::VERSION);
        let Some(header) = header else {
            return Err(InvalidJournal(
                "it is not a journal of this version".to_owned(),
            ));
        };
        let (mut state, mut closed) = (JournalState::new(header), false);
        for (number, line) in lines {
            let wrong = |reason: &str| InvalidJournal(format!("line {number}: {reason}"));
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
            JournalLine::Served { fact, reading } => return self.served.push((fact, reading)),
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
