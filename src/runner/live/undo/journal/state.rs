//! The lines of a journal, and what they add up to. A crash may have cut the file anywhere.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{client::TargetOptions, contract::Kind, suite::Account};

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
pub(super) enum JournalLine {
    /// The first line.
    Begun(Box<JournalHeader>),
    /// The reading of a path that the target serves.
    Served { fact: String, reading: String },
    /// A request is about to be sent that may change the passwords of these accounts to one of these.
    Sending {
        case: String,
        step: usize,
        accounts: Vec<String>,
        passwords: Vec<String>,
    },
    /// A validation accepted this password of an account; it could not be restored.
    Holds { account: String, password: String },
    /// A validation accepted an account's own password.
    Restored { account: String },
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
        let text = serde_json::to_string(self).expect("a line has only strings and numbers");
        format!("{text}\n")
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
    /// The text is not a journal: which line, and what is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Option<JournalState>, String> {
        let mut lines = whole_lines(bytes)
            .split_inclusive(|byte| *byte == b'\n')
            .enumerate();
        let first = lines.next().map(|(_, line)| serde_json::from_slice(line));
        let header: JournalHeader = match first {
            Some(Ok(JournalLine::Begun(header))) if header.version == JournalHeader::VERSION => {
                *header
            }
            // The first request is sent only after the whole first line is on the disk.
            // Another file that has no line is not taken for a journal.
            None if BEGINNING.starts_with(bytes) || bytes.starts_with(BEGINNING) => {
                return Ok(None);
            }
            _ => return Err("it is not a journal of this version".to_owned()),
        };
        let (mut state, mut closed) = (JournalState::new(header), false);
        for (index, line) in lines {
            let at = |reason: String| format!("line {}: {reason}", index + 1);
            match serde_json::from_slice(line).map_err(|error| at(error.to_string()))? {
                _ if closed => return Err(at("it follows the end".to_owned())),
                JournalLine::Closed => closed = true,
                line => state.add(line).map_err(at)?,
            }
        }
        Ok((!closed).then_some(state))
    }

    /// Adds a line.
    ///
    /// # Errors
    /// It names an unknown account, whose password at risk would be forgotten.
    pub(super) fn add(&mut self, line: JournalLine) -> Result<(), String> {
        match line {
            JournalLine::Begun(_) | JournalLine::Closed => {}
            JournalLine::Served { fact, reading } => self.served.push((fact, reading)),
            JournalLine::Holds { account, password } => self.may_be(&account, &[password])?,
            JournalLine::Restored { account } => {
                self.at_risk.remove(&account_named(&account)?);
            }
            JournalLine::Sending {
                accounts,
                passwords,
                ..
            } => {
                for account in accounts {
                    self.may_be(&account, &passwords)?;
                }
            }
        }
        Ok(())
    }

    fn may_be(&mut self, account: &str, passwords: &[String]) -> Result<(), String> {
        let templates = self.at_risk.entry(account_named(account)?).or_default();
        templates.retain(|template| !passwords.contains(template));
        templates.extend(passwords.iter().cloned());
        Ok(())
    }
}

/// Returns the whole lines. A crash may have cut the last one, perhaps within a character; its request was never sent.
pub(super) fn whole_lines(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte == b'\n');
    &bytes[..end.map_or(0, |end| end + 1)]
}

fn account_named(name: &str) -> Result<Account, String> {
    let unknown = |_| format!("there is no account `{}`", name.escape_debug());
    name.parse().map_err(unknown)
}

/// Every journal begins with this.
const BEGINNING: &[u8] = br#"{"begun":{"#;
