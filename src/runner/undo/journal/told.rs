//! What the lines of a journal say, read from bytes that a crash may have cut anywhere.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::conformance::Account;

/// What a journal says first: all that is needed to give passwords back, except the passwords.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of this form, 1.
    pub version: u32,
    /// The target's address.
    pub target: String,
    /// What it should be.
    pub kind: String,
    /// How it is reached, in the command line's terms.
    pub client: serde_json::Value,
    /// The accounts file.
    pub accounts: PathBuf,
    /// The environment variables the accounts file names.
    pub environment: Vec<String>,
}

/// A line of a journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first line.
    Begun(Header),
    /// The reading of a path that the target serves.
    Served { fact: String, reading: String },
    /// A request is about to leave that may change the passwords of these accounts to one of these.
    Sending {
        case: String,
        step: usize,
        accounts: Vec<String>,
        passwords: Vec<String>,
    },
    /// A validation has shown that this is an account's password; it could not be given back.
    Holds { account: String, password: String },
    /// A validation has proven that an account's own password holds.
    Restored { account: String },
    /// Nothing is left to be done.
    Closed,
}

/// What the lines of a journal come to.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// What it says first.
    pub header: Header,
    /// Which reading of which path the target serves.
    pub served: Vec<(String, String)>,
    /// Whose passwords may be another one now, and which, as templates, the latest last.
    pub at_risk: BTreeMap<Account, Vec<String>>,
}

impl Told {
    /// Reads a journal. None where no request has left, or where nothing is left to be done.
    ///
    /// # Errors
    /// What is no journal, in words: the line, and what is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Option<Told>, String> {
        let mut lines = whole(bytes)
            .split_inclusive(|byte| *byte == b'\n')
            .enumerate();
        let header = match lines
            .next()
            .map(|(_, line)| serde_json::from_slice::<Line>(line))
        {
            Some(Ok(Line::Begun(header))) if header.version == VERSION => header,
            // The first request leaves only after the whole first line is on the disk. Another file that has no line is not taken for it.
            None if BEGINNING.starts_with(bytes) || bytes.starts_with(BEGINNING) => {
                return Ok(None);
            }
            _ => return Err("it is no journal of this version".to_owned()),
        };
        let (mut told, mut closed) = (
            Told {
                header,
                served: Vec::new(),
                at_risk: BTreeMap::new(),
            },
            false,
        );
        for (index, line) in lines {
            let at = |what: String| format!("line {}: {what}", index + 1);
            match serde_json::from_slice(line).map_err(|error| at(error.to_string()))? {
                _ if closed => return Err(at("it stands behind the end".to_owned())),
                Line::Closed => closed = true,
                line => told.take(line).map_err(at)?,
            }
        }
        Ok((!closed).then_some(told))
    }

    /// Takes a line in.
    ///
    /// # Errors
    /// It speaks of an account that there is not: whose password is at risk would be forgotten.
    pub(super) fn take(&mut self, line: Line) -> Result<(), String> {
        match line {
            Line::Begun(_) | Line::Closed => {}
            Line::Served { fact, reading } => self.served.push((fact, reading)),
            Line::Holds { account, password } => self.may_be(&account, &[password])?,
            Line::Restored { account } => drop(self.at_risk.remove(&named(&account)?)),
            Line::Sending {
                accounts,
                passwords,
                ..
            } => accounts
                .iter()
                .try_for_each(|account| self.may_be(account, &passwords))?,
        }
        Ok(())
    }

    fn may_be(&mut self, account: &str, passwords: &[String]) -> Result<(), String> {
        let may_be = self.at_risk.entry(named(account)?).or_default();
        may_be.retain(|template| !passwords.contains(template));
        may_be.extend(passwords.iter().cloned());
        Ok(())
    }
}

/// Returns the whole lines. A last one without an end was torn by a crash, perhaps within a character; the request it speaks of never left.
pub(super) fn whole(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1)]
}

fn named(name: &str) -> Result<Account, String> {
    let known = Account::NAMES.iter().find(|(known, _)| *known == name);
    known
        .map(|(_, account)| *account)
        .ok_or_else(|| format!("there is no account `{}`", name.escape_debug()))
}

/// The version of this form.
pub(super) const VERSION: u32 = 1;
/// What every journal begins with.
const BEGINNING: &[u8] = br#"{"begun":{"#;
