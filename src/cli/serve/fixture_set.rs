//! The appliances that the command line names: started together, and changed as their files change.

use std::{collections::BTreeMap, mem, path::PathBuf, sync::Arc};

use crate::{
    cli::{
        console::Console,
        error::{CliError, Result},
        mocks::Mock,
        serve::{ServeArgs, bind::Addresses, prepare::prepare},
    },
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
    pub(super) path: Option<PathBuf>,
    pub(super) fixture: Fixture,
    pub(super) appliance: Arc<RunningAppliance>,
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
        let bind = |(_, fixture): &Mock| addresses.bind(&registry, fixture);
        let ports: Vec<BoundPort> = mocks.iter().map(bind).collect::<Result<_>>()?;
        let mut set = FixtureSet {
            options,
            console,
            registry,
            addresses,
            entries: Vec::new(),
        };
        for ((path, fixture), port) in mocks.into_iter().zip(ports) {
            set.entries.push(set.join(path, fixture, port)?);
        }
        Ok(set)
    }

    /// Returns the seed of every fixture that names none; none where each does.
    pub(super) fn seed(&self) -> Option<u64> {
        let settings = self.registry.settings();
        let names_one = |entry: &Entry| entry.fixture.seed.is_some();
        let is_used = self.entries.is_empty() || !self.entries.iter().all(names_one);
        settings.seed.or(is_used.then_some(settings.default_seed))
    }

    /// Serves changed fixtures: validated and bound first, then changed. Returns the names of appliances on a new port.
    ///
    /// An appliance whose fixture is the same keeps its state; one whose fixture changed restarts, and keeps its port and its
    /// connections unless it asks for another address. One that the control API has deleted comes back.
    pub(super) fn reload(&mut self, mocks: Vec<Mock>) -> Result<Vec<String>> {
        let mocks = prepare(mocks, self.options, &self.registry)?;
        let addresses = self.addresses.clone();
        let port = |(path, fixture): &Mock| self.port(path.as_ref(), fixture);
        let ports = mocks.iter().map(port).collect::<Result<Vec<_>>>();
        let ports = ports.inspect_err(|_| self.addresses = addresses)?;
        let old = mem::take(&mut self.entries).into_iter();
        let old = old.map(|entry| ((entry.path.clone(), entry.fixture.replica), entry));
        let mut old: BTreeMap<_, Entry> = old.collect();
        let kept = mocks.iter();
        let kept = kept.map(|(path, fixture)| old.remove(&(path.clone(), fixture.replica)));
        let kept: Vec<Option<Entry>> = kept.collect();
        for entry in old.into_values() {
            self.console.note(format!("removed {}", entry.fixture.name));
            self.leave(&entry);
        }
        let mut started = Vec::new();
        for (((path, fixture), port), before) in mocks.into_iter().zip(ports).zip(kept) {
            let Some(port) = port else {
                let changed = before.map(|entry| self.change(entry, fixture));
                self.entries.extend(changed);
                continue;
            };
            match &before {
                Some(entry) => {
                    let note = format!("{} moves to another address", entry.fixture.name);
                    self.console.note(note);
                    self.leave(entry);
                }
                None => self.console.note(format!("added {fixture}")),
            }
            match self.join(path, fixture, port) {
                Ok(entry) => {
                    started.push(entry.fixture.name.clone());
                    self.entries.push(entry);
                }
                Err(error) => self.console.error(error),
            }
        }
        Ok(started)
    }

    /// Binds a port for a fixture that has none yet.
    fn port(&mut self, path: Option<&PathBuf>, fixture: &Fixture) -> Result<Option<BoundPort>> {
        let name = &fixture.name;
        let is_ours = |entry: &Entry| *entry.appliance.appliance().name() == **name;
        if self.registry.find(name).is_some() && !self.entries.iter().any(is_ours) {
            let message = format!("the control API created an appliance named `{name}`");
            return Err(CliError::usage(message).hint("delete it, or give this one another `name`"));
        }
        let stays = |entry: &Entry| {
            entry.path.as_ref() == path
                && entry.fixture.replica == fixture.replica
                && entry.fixture.listen == fixture.listen
                && self.serves(entry)
        };
        if self.entries.iter().any(stays) {
            return Ok(None);
        }
        self.addresses.bind(&self.registry, fixture).map(Some)
    }

    fn serves(&self, entry: &Entry) -> bool {
        let found = self.registry.find(&entry.appliance.appliance().name());
        found.is_some_and(|found| Arc::ptr_eq(&found, &entry.appliance))
    }

    fn join(&self, path: Option<PathBuf>, fixture: Fixture, port: BoundPort) -> Result<Entry> {
        let appliance = self.registry.serve(&fixture, port)?;
        Ok(Entry {
            path,
            fixture,
            appliance,
        })
    }

    /// The name is free from then on. What is being answered may still be, for a second at most.
    fn leave(&self, entry: &Entry) {
        if self.serves(entry) {
            drop(self.registry.delete(&entry.appliance.appliance().name()));
        }
    }

    fn change(&self, entry: Entry, fixture: Fixture) -> Entry {
        let (name, changes) = (&fixture.name, entry.fixture.changes(&fixture));
        if changes.is_empty() {
            return entry;
        }
        if let Err(error) = self.registry.change(&entry.appliance, &fixture) {
            self.console.error(error);
            return entry;
        }
        let changes = changes.join(", ");
        self.console
            .note(format!("{name} restarts, changed: {changes}"));
        Entry { fixture, ..entry }
    }
}
