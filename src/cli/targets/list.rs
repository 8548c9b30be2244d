//! A list of targets: a URL in each line, or YAML. What is wrong with one line leaves the others alone.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
};

use reqwest::Url;
use serde::Deserialize;

use crate::{
    cli::{
        check::CheckArgs,
        error::{CliError, Result, read},
        target,
        target::TargetArgs,
    },
    client::{Pin, TargetOptions},
    contract::Kind,
    fixture,
    fixture::Spanned,
    journal::lock,
    runner::live::{parse_url, undo::TargetPlace},
};

/// The targets of a list, each once.
#[derive(Debug, Default)]
pub(super) struct TargetList {
    pub(super) targets: Vec<Listed>,
    /// What is not as the user may expect.
    pub(super) warnings: Vec<String>,
}

/// A target, and what is said of it alone.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    /// As it is written.
    target: Spanned<String>,
    pub(super) kind: Option<Kind>,
    pub(super) readings: Option<PathBuf>,
    accounts: Option<PathBuf>,
    cacert: Option<PathBuf>,
    pin_spki: Option<Pin>,
    change_passwords_on: Option<String>,
    /// Its address; its place in the list, if that is no address.
    #[serde(skip)]
    pub(super) name: String,
    /// Why it cannot be asked.
    #[serde(skip)]
    pub(super) fault: Option<String>,
    #[serde(skip)]
    url: Option<Url>,
}

impl Listed {
    /// Returns the options of a check of this target alone.
    pub(super) fn arguments(&self, common: &TargetArgs) -> TargetArgs {
        let mut own = common.clone();
        own.target = Some(self.name.clone());
        own.change_passwords_on = self.change_passwords_on.clone();
        own.accounts = self.accounts.clone().or(own.accounts);
        if self.cacert.is_some() || self.pin_spki.is_some() {
            own.client.insecure = false;
            own.client.cacert = self.cacert.clone();
            own.client.pin_spki = self.pin_spki.clone();
        }
        own
    }
}

impl TargetList {
    /// Reads a list.
    ///
    /// # Errors
    /// It cannot be read, names no target or too many, or is not YAML although it is named so; a target without a kind.
    pub(super) fn read(path: &Path, options: &CheckArgs) -> Result<TargetList> {
        let (file, bytes) = (path.display().to_string(), read(path)?);
        let mut ends = ["json", "yaml", "yml"].iter();
        let is_yaml = ends.any(|end| path.extension() == Some(end.as_ref()));
        let mut list = TargetList::default();
        let mut places = HashMap::new();
        if is_yaml {
            let entries: Vec<Listed> = fixture::read_as(&file, fixture::text(&file, &bytes)?)?;
            for mut entry in entries {
                let paths = [&mut entry.accounts, &mut entry.readings, &mut entry.cacert];
                let paths = paths.into_iter().flatten();
                paths.for_each(|name| *name = path.with_file_name(&name));
                list.add(entry, &file, &mut places);
            }
        } else {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
            for (line, text) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
                let text = String::from_utf8_lossy(text);
                let text = text.split(" #").next().unwrap_or_default().trim();
                if !text.is_empty() && !text.starts_with('#') {
                    let mut entry = Listed::default();
                    entry.target.value = text.to_owned();
                    entry.target.place.line = line;
                    list.add(entry, &file, &mut places);
                }
            }
        }
        if list.targets.is_empty() {
            let error = CliError::usage(format!("{file} names no target"));
            return Err(error.hint("a line for each, as in https://10.0.0.5"));
        }
        if list.targets.len() > MAX_TARGETS {
            let count = list.targets.len();
            let message = format!("{file} names {count} targets, expected at most {MAX_TARGETS}");
            return Err(CliError::usage(message).hint("make several lists of it"));
        }
        for listed in &mut list.targets {
            listed.kind = listed.kind.or(options.selection.kind);
            if listed.kind.is_none() && listed.fault.is_none() {
                let message = format!("{} needs --kind sensor or --kind console", listed.name);
                let hint = "or a `kind` in its entry, if the list is YAML";
                return Err(CliError::usage(message).hint(hint));
            }
        }
        Ok(list)
    }

    /// Adds a target, unless it is there already.
    fn add(&mut self, entry: Listed, file: &str, places: &mut HashMap<String, u64>) {
        let (text, line) = (&entry.target.value, entry.target.place.line);
        let place = format!("{file}:{line}");
        let url = match text.contains(['@', '\u{fffd}']) || text.len() > MAX_LINE {
            // What is shown of it might be a password.
            true => Err(NO_ADDRESS.to_owned()),
            false => parse_url(text).map_err(|error| target::error_of(&error).to_string()),
        };
        let name = url.as_ref().map_or(&*place, |url| url.as_str());
        let name = name.trim_end_matches('/').to_owned();
        if let Some(first) = places.get(&name) {
            let text = format!("{place}: {name} is on line {first} already: it is checked once");
            return self.warnings.push(text);
        }
        places.insert(name.clone(), line);
        self.targets.push(Listed {
            name,
            fault: url.as_ref().err().cloned(),
            url: url.ok(),
            ..entry
        });
    }

    /// Drops targets that are another name of one before, as the addresses of both show. All of a list are looked up, so that each
    /// part of it drops the same ones. A proxy resolves names itself.
    pub(super) fn drop_other_names(&mut self, common: &TargetArgs) {
        if common.client.proxy.is_some() {
            return;
        }
        let names: Vec<Mutex<Vec<String>>> =
            self.targets.iter().map(|_| Mutex::default()).collect();
        let waiting = Mutex::new(self.targets.iter().zip(&names));
        let look_up = || {
            while let Some((listed, names)) = { lock(&waiting).next() } {
                if let Some(url) = &listed.url {
                    *lock(names) = TargetPlace::of(url, &TargetOptions::default()).names();
                }
            }
        };
        thread::scope(|scope| {
            for _ in 0..MAX_LOOKUPS.min(self.targets.len()) {
                scope.spawn(look_up);
            }
        });
        let mut owners: HashMap<String, String> = HashMap::new();
        let mut names = names.into_iter();
        self.targets.retain(|listed| {
            let names = names
                .next()
                .map(|names| lock(&names).clone())
                .unwrap_or_default();
            if let Some(owner) = names.iter().find_map(|name| owners.get(name)) {
                let name = &listed.name;
                let message = format!("{name} is the appliance of {owner}: it is checked once");
                self.warnings.push(message);
                return false;
            }
            owners.extend(names.into_iter().map(|name| (name, listed.name.clone())));
            true
        });
    }
}

const NO_ADDRESS: &str =
    "expected https:// or http:// and a host, in UTF-8 and without credentials";
/// More targets belong into several lists: the report of all is held in memory.
const MAX_TARGETS: usize = 10_000;
/// The longest line that is read, in bytes.
const MAX_LINE: usize = 2_000;
/// How many names are looked up at a time.
const MAX_LOOKUPS: usize = 64;
