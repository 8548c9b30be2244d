//! The appliances of one process, by name: made from fixtures, changed while they run, stopped.
//!
//! ```text
//! fixture ─ bind ─▶ BoundPort ─ serve ─▶ RunningAppliance ─ delete ─▶ port and connections are closed
//! ```
//!
//! They share one identity and one limit of connections. What is bound and not yet served can still
//! be dropped, so that several start together or not at all.

mod error;
mod strict;

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard},
};

pub use error::{BindError, RegistryError};
use strict::StrictFindings;

use crate::{
    failure::FailureMode,
    fixture::Fixture,
    journal::lock,
    server::{
        Limits, MockAppliance, RunningAppliance,
        ports::{BoundPort, Ports},
        tls::Identity,
    },
};

/// The appliances of one process. Clones are the same registry.
#[derive(Clone, Debug)]
pub struct Registry(Arc<Shared>);

/// What all appliances of a process have in common.
#[derive(Debug)]
pub struct RegistrySettings {
    /// As whom they speak TLS; none over plain HTTP.
    pub identity: Option<Identity>,
    /// The limits of each; their limit of connections is that of all.
    pub limits: Arc<Limits>,
    /// Where those listen whose fixture names no port.
    pub ports: Ports,
    /// The address on which those listen whose fixture names none.
    pub ip: IpAddr,
    /// The host in their URLs, in place of the address.
    pub advertise: Option<String>,
    /// The path below which they serve every operation, `/10.0.0.5`; by default none.
    pub path_prefix: String,
    /// The seed of everything random, whatever a fixture says.
    pub seed: Option<u64>,
    /// The seed of a fixture that names none.
    pub default_seed: u64,
}

#[derive(Debug)]
struct Shared {
    settings: RegistrySettings,
    entries: Mutex<RegistryEntries>,
}

#[derive(Debug, Default)]
struct RegistryEntries {
    appliances: HashMap<Arc<str>, Arc<RunningAppliance>>,
    /// How many there have ever been: the order in which they are listed.
    count: u64,
    /// No appliance is added any more.
    is_ending: bool,
    findings: StrictFindings,
}

impl Registry {
    /// Returns a registry without appliances.
    pub fn new(settings: RegistrySettings) -> Registry {
        Registry(Arc::new(Shared {
            settings,
            entries: Mutex::default(),
        }))
    }

    /// Returns what all have in common.
    pub fn settings(&self) -> &RegistrySettings {
        &self.0.settings
    }

    /// Returns the seed of a fixture's failure modes: the process's, else the fixture's, else the default.
    pub fn seed_of(&self, fixture: &Fixture) -> u64 {
        let settings = self.settings();
        let seed = settings.seed.or(fixture.seed);
        fixture.own_seed(seed.unwrap_or(settings.default_seed))
    }

    /// Binds a port and serves an appliance on it. Must be called inside a runtime.
    ///
    /// # Errors
    /// Those of [`Registry::bind`] and [`Registry::serve`]; nothing was started then.
    pub fn create(&self, fixture: &Fixture) -> Result<Arc<RunningAppliance>, RegistryError> {
        // Before the port is bound, so that a taken name is reported rather than a taken port.
        self.entries().check_name(&fixture.name)?;
        self.serve(fixture, self.bind(fixture, None)?)
    }

    /// Checks that a fixture's failure modes can happen here.
    ///
    /// # Errors
    /// [`RegistryError::Transport`] and [`RegistryError::Certificate`].
    pub fn check_fixture(&self, fixture: &Fixture) -> Result<(), RegistryError> {
        let mut failures = fixture.failures.iter();
        failures.try_for_each(|failure| self.check_failure(&fixture.name, failure))
    }

    /// Checks that a failure mode can happen here.
    ///
    /// # Errors
    /// [`RegistryError::Transport`] and [`RegistryError::Certificate`].
    pub fn check_failure(&self, name: &str, failure: &FailureMode) -> Result<(), RegistryError> {
        let identity = self.settings().identity.as_ref();
        let possible = failure.check_transport(identity.is_some());
        possible.map_err(|missing| RegistryError::Transport(name.to_owned(), missing))?;
        let tls = failure.action.tls.as_ref();
        let needs_issuer = tls.is_some_and(|tls| tls.certificate.is_some());
        if needs_issuer && identity.is_some_and(|identity| !identity.can_misbehave()) {
            return Err(RegistryError::Certificate {
                name: name.to_owned(),
                mode: failure.name.clone(),
            });
        }
        Ok(())
    }

    /// Binds a port: the fixture's, else `address`, else one of the settings.
    ///
    /// # Errors
    /// A mode that cannot happen here, an address that cannot be bound, too many appliances.
    pub fn bind(
        &self,
        fixture: &Fixture,
        address: Option<SocketAddr>,
    ) -> Result<BoundPort, RegistryError> {
        self.check_fixture(fixture)?;
        let settings = self.settings();
        let permit = settings.limits.connections.listening();
        if permit.is_none() {
            return Err(RegistryError::TooMany(fixture.name.clone()));
        }
        let address = fixture.listen.or(address);
        let address = address.unwrap_or(SocketAddr::new(settings.ip, 0));
        let bound = settings.ports.bind(address);
        bound
            .and_then(|(listener, lease)| BoundPort::new(listener, (lease, permit)))
            .map_err(|reason| self.bind_error(fixture, address, reason))
    }

    /// Serves an appliance on a port that was bound for it. Must be called inside a runtime.
    ///
    /// # Errors
    /// A name that is taken, the end of the process.
    pub fn serve(
        &self,
        fixture: &Fixture,
        port: BoundPort,
    ) -> Result<Arc<RunningAppliance>, RegistryError> {
        let settings = self.settings();
        let appliance = MockAppliance::from_fixture(fixture, self.seed_of(fixture))
            .with_path_prefix(&settings.path_prefix);
        // Under the lock, so that of two appliances with one name only one ever answers.
        let mut entries = self.entries();
        entries.check_name(&fixture.name)?;
        entries.count += 1;
        let (identity, limits) = (settings.identity.as_ref(), Arc::clone(&settings.limits));
        let mut running = RunningAppliance::serve_port(port, appliance, identity, limits);
        running.number = entries.count;
        running.host = settings.advertise.clone();
        let running = Arc::new(running);
        let name = running.appliance().name();
        entries.appliances.insert(name, Arc::clone(&running));
        Ok(running)
    }

    /// Loads another fixture into an appliance between two requests, on the same port.
    ///
    /// # Errors
    /// A name that is taken, a mode that cannot happen here; the appliance is as before then.
    pub fn change(
        &self,
        running: &Arc<RunningAppliance>,
        fixture: &Fixture,
    ) -> Result<(), RegistryError> {
        self.check_fixture(fixture)?;
        let mut entries = self.entries();
        let appliance = running.appliance();
        let name = appliance.name();
        if *name != *fixture.name {
            entries.check_name(&fixture.name)?;
        }
        entries.findings.add_unmatched(appliance);
        appliance.load(fixture, self.seed_of(fixture));
        if let Some(running) = entries.appliances.remove(&name) {
            entries.appliances.insert(appliance.name(), running);
        }
        Ok(())
    }

    /// Returns the appliance of a name.
    pub fn find(&self, name: &str) -> Option<Arc<RunningAppliance>> {
        self.entries().appliances.get(name).cloned()
    }

    /// Returns whether no appliance is added any more.
    pub fn is_ending(&self) -> bool {
        self.entries().is_ending
    }

    /// Returns how many appliances there are.
    pub fn count(&self) -> usize {
        self.entries().appliances.len()
    }

    /// Returns all appliances, the first made first.
    pub fn appliances(&self) -> Vec<Arc<RunningAppliance>> {
        let mut all: Vec<_> = self.entries().appliances.values().cloned().collect();
        all.sort_by_key(|running| running.number);
        all
    }

    /// Stops an appliance at once, and frees its name. What is returned completes when its port is
    /// closed and its connections are gone; none where there is no such appliance.
    #[expect(
        clippy::disallowed_methods,
        reason = "the end of an appliance is a task of the runtime it runs in"
    )]
    pub fn delete(&self, name: &str) -> Option<impl Future<Output = ()> + Send + use<>> {
        let running = self.entries().appliances.remove(name)?;
        let registry = self.clone();
        let stopped = running.stop();
        // A task: the port is given back even if the caller does not wait.
        let closed = tokio::spawn(async move {
            if stopped.await {
                let findings = &mut registry.entries().findings;
                findings.add_unmatched(running.appliance());
                findings.add_idle(running.appliance());
            }
        });
        // A runtime that shuts down cancels it, which is an end as well.
        Some(async move { drop(closed.await) })
    }

    /// Stops all appliances; none is added any more. Returns what a strict user wants to know:
    /// requests that hit no operation, armed modes that never fired.
    pub async fn end(&self) -> Vec<String> {
        self.entries().is_ending = true;
        let all = self.appliances();
        // All are stopped before the first is waited for.
        let stopped: Vec<_> = all.iter().map(|running| running.stop()).collect();
        for stopped in stopped {
            stopped.await;
        }
        let mut entries = self.entries();
        entries.appliances.clear();
        let mut findings = std::mem::take(&mut entries.findings);
        for running in &all {
            findings.add_unmatched(running.appliance());
        }
        for running in &all {
            findings.add_idle(running.appliance());
        }
        findings.into_lines()
    }

    /// Must not be called under the lock of the entries.
    fn bind_error(
        &self,
        fixture: &Fixture,
        address: SocketAddr,
        reason: io::Error,
    ) -> RegistryError {
        let port = address.port();
        let mut others = self.appliances().into_iter();
        let neighbour = others.find(|running| port != 0 && running.address().port() == port);
        RegistryError::Bind(BindError {
            name: fixture.name.clone(),
            address,
            ports: self.settings().ports.to_string(),
            asked: fixture.listen.is_some(),
            neighbour: neighbour.map(|running| running.appliance().name().to_string()),
            reason,
        })
    }

    fn entries(&self) -> MutexGuard<'_, RegistryEntries> {
        lock(&self.0.entries)
    }
}

impl RegistryEntries {
    fn check_name(&self, name: &str) -> Result<(), RegistryError> {
        if self.is_ending {
            Err(RegistryError::Ending)
        } else if self.appliances.contains_key(name) {
            Err(RegistryError::NameTaken(name.to_owned()))
        } else {
            Ok(())
        }
    }
}
