//! The run itself, from the server's lock to what was found.

use std::path::PathBuf;

use reqwest::Url;
use serde_json::json;

use super::Checked;
use crate::runner::{
    Lab, Memory, Seed, Stop, careful,
    careful::Care,
    order::Plan,
    undo::{Header, Journal, Key, Lock, Shelf},
};

/// A run that is prepared: nothing is sent yet.
pub(super) struct Visit {
    lab: Lab,
    plan: Plan,
    journal: Option<Journal>,
    _lock: Option<Lock>,
    failures: u32,
}

impl Visit {
    /// Takes the server's lock and begins a journal, where passwords may be changed.
    ///
    /// # Errors
    /// Neither can be had, in words.
    pub(super) fn new(
        lab: Lab,
        plan: Plan,
        failures: u32,
        (url, folder): (&Url, Option<PathBuf>),
        seed: &Seed,
    ) -> Result<Visit, String> {
        let (journal, lock) = if plan.changes() {
            begin(&lab, url, folder, seed)?
        } else {
            (None, None)
        };
        Ok(Visit {
            lab,
            plan,
            journal,
            _lock: lock,
            failures,
        })
    }

    /// Goes, and returns what was found.
    ///
    /// # Errors
    /// The journal cannot be written, in words; what was changed is given back before.
    pub(super) async fn go(self) -> Result<Checked, String> {
        let care = Care {
            failures: self.failures,
            journal: self.journal,
            stop: Stop::new(),
        };
        careful::run(&self.lab, &self.plan, &Memory::Nothing, care, &|_| {})
            .await
            .map(Checked::new)
    }
}

/// Takes the server's lock and begins the journal.
fn begin(
    lab: &Lab,
    url: &Url,
    folder: Option<PathBuf>,
    seed: &Seed,
) -> Result<(Option<Journal>, Option<Lock>), String> {
    let shelf = folder.map_or_else(Shelf::find, |folder| Ok(Shelf::in_folder(folder)))?;
    let key = Key::of(url);
    let address = lab.target.address();
    let lock = shelf
        .lock(&key)?
        .ok_or_else(|| format!("another run is at {address} now"))?;
    let path = shelf.journal(&key);
    if path.exists() && !matches!(Journal::open(&path), Ok(None)) {
        return Err(format!(
            "an interrupted run at {address} may have left passwords changed: d4iot-double recover {} gives them back",
            path.display()
        ));
    }
    let header = Header {
        version: 1,
        target: address.to_owned(),
        kind: lab.kind.name().to_owned(),
        client: json!({}),
        accounts: PathBuf::new(),
        environment: Vec::new(),
    };
    let journal = Journal::begin(&shelf, &key, header, seed)
        .map_err(|error| format!("beginning the journal {}: {error}", path.display()))?;
    Ok((Some(journal), Some(lock)))
}
