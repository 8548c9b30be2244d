//! The appliances that the command line names: started together, and changed as their files change.

use std::{fmt::Write, path::PathBuf, sync::Arc};

use crate::{
    cli::{
        console::Console,
        error::{CliError, Result},
        mocks::Mock,
        serve::{ServeArgs, bind::Addresses, prepare, watch::Files},
    },
    fixture,
    fixture::Fixture,
    server::{BoundPort, Registry, RunningAppliance},
};

/// The appliances of the command line, among those of the process.
pub(super) struct FixtureSet<'a> {
    options: &'a ServeArgs,
    console: &'a Console,
    pub(super) registry: Registry,
    addresses: Addresses,
    pub(super) entries: Vec<Entry>,
}

/// One appliance and where it comes from.
pub(super) struct Entry {
    path: Option<PathBuf>,
    pub(super) fixture: Fixture,
    pub(super) member: Arc<RunningAppliance>,
}

impl<'a> FixtureSet<'a> {
    /// Binds every port, then serves; one that cannot be bound starts nothing.
    pub(super) fn start(
        options: &'a ServeArgs,
        console: &'a Console,
        registry: Registry,
        mocks: Vec<Mock>,
    ) -> Result<FixtureSet<'a>> {
        let mut addresses = Addresses::from(options.listen);
        let ports: Vec<_> = mocks
            .iter()
            .map(|(_, fixture)| addresses.bind(&registry, fixture))
            .collect::<Result<_>>()?;
        let mut served = FixtureSet {
            options,
            console,
            registry,
            addresses,
            entries: Vec::new(),
        };
        for ((path, fixture), port) in mocks.into_iter().zip(ports) {
            let member = served.registry.serve(&fixture, port)?;
            served.entries.push(Entry {
                path,
                fixture,
                member,
            });
        }
        Ok(served)
    }

    /// Serves the new content of the files: validated and bound first, then changed. Returns the names of appliances on a new port.
    ///
    /// An appliance whose fixture is the same keeps its state; one whose fixture changed restarts, and keeps its port and its
    /// connections unless it asks for another address. One that the control API has deleted comes back.
    pub(super) fn reload(&mut self, files: &Files) -> Result<Vec<String>> {
        let fixtures = prepare(parse(files)?, self.options, &self.registry)?;
        let addresses = self.addresses.clone();
        let mut bound = Vec::new();
        for (path, fixture) in &fixtures {
            match self.port(path.as_ref(), fixture) {
                Ok(port) => bound.push(port),
                Err(error) => {
                    self.addresses = addresses;
                    return Err(error);
                }
            }
        }
        let mut old = std::mem::take(&mut self.entries);
        let kept: Vec<Option<Entry>> = fixtures
            .iter()
            .map(|(path, _)| Some(old.remove(old.iter().position(|entry| entry.path == *path)?)))
            .collect();
        for entry in old {
            self.console.note(format!("removed {}", entry.fixture.name));
            self.leave(&entry);
        }
        let mut started = Vec::new();
        for (((path, fixture), port), before) in fixtures.into_iter().zip(bound).zip(kept) {
            let entry = match (before, port) {
                (Some(entry), None) => self.change(entry, fixture),
                (before, Some(port)) => {
                    match &before {
                        Some(before) => self
                            .console
                            .note(format!("{} moves to another address", before.fixture.name)),
                        None => self.console.note(format!("added {fixture}")),
                    }
                    before.iter().for_each(|before| self.leave(before));
                    self.join(path, fixture, port)
                        .inspect(|entry| started.push(entry.fixture.name.clone()))
                }
                (None, None) => None,
            };
            self.entries.extend(entry);
        }
        Ok(started)
    }

    /// Binds a port for a fixture that has none yet.
    fn port(&mut self, path: Option<&PathBuf>, fixture: &Fixture) -> Result<Option<BoundPort>> {
        let ours = |name: &str| {
            self.entries
                .iter()
                .any(|entry| *entry.member.appliance().name() == *name)
        };
        if self.registry.find(&fixture.name).is_some() && !ours(&fixture.name) {
            let message = format!(
                "the control API created an appliance named `{}`",
                fixture.name
            );
            return Err(CliError::usage(message).hint("delete it, or give this one another `name`"));
        }
        let stays = |entry: &Entry| {
            entry.path.as_ref() == path
                && entry.fixture.listen == fixture.listen
                && self.serves(entry)
        };
        if self.entries.iter().any(stays) {
            Ok(None)
        } else {
            self.addresses.bind(&self.registry, fixture).map(Some)
        }
    }

    fn serves(&self, entry: &Entry) -> bool {
        self.registry
            .find(&entry.member.appliance().name())
            .is_some_and(|member| Arc::ptr_eq(&member, &entry.member))
    }

    fn join(&self, path: Option<PathBuf>, fixture: Fixture, port: BoundPort) -> Option<Entry> {
        match self.registry.serve(&fixture, port) {
            Ok(member) => Some(Entry {
                path,
                fixture,
                member,
            }),
            Err(error) => {
                self.console.error(error);
                None
            }
        }
    }

    /// The name is free from then on. What is being answered may still be, for a second at most.
    fn leave(&self, entry: &Entry) {
        if self.serves(entry) {
            drop(self.registry.delete(&entry.member.appliance().name()));
        }
    }

    fn change(&self, entry: Entry, fixture: Fixture) -> Option<Entry> {
        let changes = changes(&entry.fixture, &fixture);
        if changes.is_empty() {
            return Some(entry);
        }
        if let Err(error) = self.registry.change(&entry.member, &fixture) {
            self.console.error(error);
            return Some(entry);
        }
        self.console.note(format!(
            "{} restarts, changed: {}",
            fixture.name,
            changes.join(", ")
        ));
        Some(Entry { fixture, ..entry })
    }
}

fn parse(files: &Files) -> Result<Vec<Mock>> {
    let mut errors = String::new();
    let mut named = Vec::new();
    for (path, bytes) in files {
        match fixture::read_bytes(&path.display().to_string(), bytes) {
            Ok(fixture) => named.push((path.display().to_string(), fixture)),
            // Writing into a string never fails.
            Err(error) => drop(writeln!(errors, "{error}")),
        }
    }
    if !errors.is_empty() {
        return Err(CliError::usage(errors.trim_end()));
    }
    fixture::distinct(&named)?;
    Ok(files
        .iter()
        .map(|(path, _)| Some(path.clone()))
        .zip(named.into_iter().map(|(_, fixture)| fixture))
        .collect())
}

/// Names what is not the same in two fixtures.
fn changes(old: &Fixture, new: &Fixture) -> Vec<&'static str> {
    let same = [
        ("kind", old.kind == new.kind),
        ("name", old.name == new.name),
        ("users", old.state.directory == new.state.directory),
        ("policy", old.state.policy == new.state.policy),
        ("lock-out", old.state.lockout == new.state.lockout),
        (
            "readings",
            format!("{:?}", old.readings) == format!("{:?}", new.readings),
        ),
        // A mode shows all of itself, and no password stands in one.
        (
            "failures",
            format!("{:?}", old.failures) == format!("{:?}", new.failures),
        ),
        ("seed", old.seed == new.seed),
    ];
    same.into_iter()
        .filter_map(|(what, same)| (!same).then_some(what))
        .collect()
}
